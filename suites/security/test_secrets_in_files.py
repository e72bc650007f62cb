import pytest

from fixtures.scanners import leaks
from fixtures.scanners.cache import cached, digest, fingerprint
from fixtures.scanners.images import look
from fixtures.scanners.leaks import Needles
from fixtures.scanners.running import images
from fixtures.scanners.sources import sources
from fixtures.scanners.tool import version
from fixtures.secrets import secret_values
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.finding import Finding
from gate.model import Sabotage
from gate.source import SourceTable

_PLANTED = "RUN printf 'AWS_SECRET_ACCESS_KEY=\"%s\"\\\\n' wJalrXUtnFEMI7MDENGbPxRfiCYzQ0kPlanted0 > /srv/planted.env\n"


@check(
    "security.secrets-in-files",
    title="No secret in the source, in any layer of an image, in its settings, or in the commands that built it",
    why="Whoever may pull an image has every file that a layer ever held, also those that a later one removed.",
    fix="Take it out and change the secret: it is known. Mount it at run time; for builds use --mount=type=secret.",
    needs=("source.paths",),
    standards=("C30", "C31", "ASVS 5.0 13.3.1", "CIS Docker 4.10", "NIST SP 800-190 4.1.4", "CWE-798"),
    minimum=2,
    broken_by=(
        Sabotage(
            id="secret-in-layer",
            title="A secret that one layer brings and the next one removes",
            replace=(
                {
                    "file": "{source.dockerfiles}",
                    "pattern": r"(?m)^USER ",
                    "with": f"{_PLANTED}RUN rm /srv/planted.env\nUSER ",
                },
            ),
            says="in the image of",
        ),
        Sabotage(
            id="secret-in-source",
            title="A password in the source",
            replace=(
                {
                    "file": "{source.python}",
                    "pattern": r"\Z",
                    "with": '\n\nFALLBACK_PASSWORD = "wq8ZLm-39xT!vRk2"  # noqa: S105\n',
                },
            ),
            says="Secret Keyword",
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_secrets_in_files(stack: ComposeStack, source: SourceTable, evidence: Evidence) -> None:
    values = secret_values(stack)
    evidence.value("secret files whose values were searched for", sorted(values))
    made_from = sources(stack.folder, source)
    found, _ = cached(
        "secrets",
        {
            "detect-secrets": version("detect-secrets"),
            "files": digest(made_from.files),
            "values": fingerprint(text.encode() for text in values.values()),
        },
        lambda: [_row(finding) for finding in leaks.everything(Needles.of(values), made_from.files)],
    )
    evidence.observed(len(made_from.files), "files of the source")
    in_source = tuple(Finding(**row) for row in found)
    try:
        seen = look(images(stack), values)
    except Unverified:  # what is in the source is in the source, whatever cannot be seen of images
        told = [str(finding) for finding in source.judged(in_source) if not finding.suppressed]
        assert not told, "found in files: " + "; ".join(told)
        raise
    evidence.observed(seen.layers, "layers of images")
    evidence.value("layers known from an earlier run", seen.kept)
    evidence.value("files in the layers", dict(seen.files))
    all_found = (*in_source, *seen.findings)
    findings = [evidence.finding(finding) for finding in source.judged(all_found)]
    counting = [str(finding) for finding in findings if not finding.suppressed]
    assert not counting, "found in files: " + "; ".join(counting)
    unused = [key for scanner in ("detect-secrets", "secrets") for key in source.unused(scanner, all_found)]
    assert not unused, f"accepted in readiness.toml and not found any more: {', '.join(unused)}"


def _row(finding: Finding) -> dict[str, str | int]:
    return {name: getattr(finding, name) for name in ("rule", "level", "message", "file", "line")}
