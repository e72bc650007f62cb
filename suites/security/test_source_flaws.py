from fixtures.scanners.flaws import flaws
from fixtures.scanners.sources import sources
from fixtures.stack import ComposeStack
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.source import SourceTable


@check(
    "security.source-flaws",
    title="No injection, no unsafe deserialisation and no shell in the system's Python source",
    why="A query that is put together from what a client sent hands the database to whoever sends the right text.",
    fix="Pass values as parameters; where it is harmless, say why on the line: # nosec B608: the reason in words.",
    needs=("source.paths",),
    standards=("C47", "ASVS 5.0 1.2.4", "ASVS 5.0 1.2.5", "ASVS 5.0 1.5.2", "CWE-78", "CWE-89", "CWE-502"),
    minimum=1,
    broken_by=(
        Sabotage(
            id="query-by-concatenation",
            title="A query that is put together from what was asked",
            replace=(
                {
                    "file": "{source.python}",
                    "pattern": r"\Z",
                    "with": (
                        "\n\n\ndef looked_up(cursor, name):  # type: ignore\n"
                        '    return cursor.execute("SELECT id FROM job WHERE name = \'" + name + "\'")\n'
                    ),
                },
            ),
            says="B608",
        ),
        Sabotage(
            id="suppression-without-reason",
            title="A flaw that is hidden by a comment without a reason",
            replace=(
                {
                    "file": "{source.python}",
                    "pattern": r"\Z",
                    "with": "\n\n\ndef revived(data):\n    import pickle\n\n    return pickle.loads(data)  # nosec\n",
                },
            ),
            says="nosec",
        ),
    ),
)
def test_source_flaws(stack: ComposeStack, source: SourceTable, evidence: Evidence) -> None:
    found = flaws(sources(stack.folder, source).python)
    evidence.observed(found.examined, "Python files, each read by bandit")
    evidence.value("from an earlier run on the same files", found.kept)
    evidence.value("suppressions", [f"{s.file}:{s.line} {', '.join(s.rules)}: {s.reason}" for s in found.suppressions])
    findings = [evidence.finding(finding) for finding in source.judged(found.findings)]
    bare = [f"{s.file}:{s.line}: # nosec without its rule and a reason" for s in found.suppressions if not s.justified]
    counting = [str(finding) for finding in findings if finding.level == "error" and not finding.suppressed]
    assert not bare + counting, "flaws: " + "; ".join(bare + counting)
    unused = source.unused("bandit", found.findings)
    assert not unused, f"accepted in readiness.toml and not found any more: {', '.join(unused)}"
