from fixtures.compose import read_env
from fixtures.stack import ComposeStack, write_private
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.shell import Completed
from gate.target import Target

_NOBODY = "NOBODY_KNOWS_THIS"


@check(
    "configuration.environments",
    title="Every environment's file is valid and has the same keys; what differs between them is meant to",
    why="What was tried out in staging ran with another setting in production, and nobody knew that there were two.",
    fix="Give every file the same keys; put a difference that is meant under [configuration.differences] with its reason.",
    needs=("configuration.environments", "commands.validate_configuration"),
    standards=("C34",),
    minimum=4,
    broken_by=(
        Sabotage(
            id="key-only-in-production",
            title="A key that only production has",
            replace=({"file": "{configuration.file}", "pattern": r"\A", "with": "ONLY_IN_PRODUCTION=1\n"},),
            says="ONLY_IN_PRODUCTION",
        ),
        Sabotage(
            id="environments-never-refused",
            title="A validation that accepts whatever an environment's file says",
            command=(
                {"name": "validate_environment", "argv": ["true"]},
                {"name": "validate_configuration", "argv": ["true"]},
            ),
            says="accepted although",
        ),
    ),
)
def test_environments(stack: ComposeStack, target: Target, evidence: Evidence) -> None:
    table = target.configuration
    assert table is not None
    texts = {name: (stack.folder / file).read_text() for name, file in table.environments.items()}
    values = {name: read_env(text) for name, text in texts.items()}
    if empty := [name for name, pairs in values.items() if not pairs]:
        raise Unverified(f"no KEY=value line in the file of {', '.join(empty)}")
    every = sorted({key for pairs in values.values() for key in pairs})
    evidence.observed(sum(map(len, values.values())), "settings in the files of all environments")
    differing = {
        key: {name: pairs.get(key) for name, pairs in values.items()}
        for key in every
        if len({pairs.get(key) for pairs in values.values()}) > 1
    }
    evidence.value("differences", differing)
    evidence.value("declared differences that are none", sorted(set(table.differences) - set(differing)))
    lacking = [f"{key} is missing in {name}" for name, pairs in values.items() for key in every if key not in pairs]
    unmeant = [key for key in differing if key not in table.differences and all(key in p for p in values.values())]
    answers = {name: _validated(stack, name, text) for name, text in texts.items()}
    refused = [f"{name}: {done.tail}" for name, done in answers.items() if done.status != 0]
    spoilt = {name: _validated(stack, name, f"{text.rstrip()}\n{_NOBODY}=1\n") for name, text in texts.items()}
    credulous = [name for name, done in spoilt.items() if done.status == 0]
    evidence.observed(len(answers) + len(spoilt), "files judged by the target's own validation")
    assert not lacking, "; ".join(lacking)
    assert not unmeant, f"differ, and nobody says why: {', '.join(unmeant)}"
    assert not refused, "refused: " + "; ".join(refused)
    assert not credulous, f"accepted although {_NOBODY} is in it: {', '.join(credulous)}"


def _validated(stack: ComposeStack, environment: str, text: str) -> Completed:
    path = stack.state / f"{environment}.env"
    write_private(path, text)
    try:
        if "validate_environment" in stack.target.commands:
            return stack.command("validate_environment", environment=environment, file=str(path))
        return stack.command("validate_configuration", file=str(path))
    finally:
        path.unlink()
