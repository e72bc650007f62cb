import uuid
from concurrent.futures import ThreadPoolExecutor

from fixtures.mutations import keys, mutations
from fixtures.stack import ComposeStack, write_private
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.shell import Completed
from gate.target import Target

_AT_ONCE = 3


@check(
    "configuration.validation",
    title="The production configuration is accepted, and every way of spoiling it is refused by the key's name",
    why="A missing or mistyped setting that is only noticed at run time is noticed by customers.",
    fix="Let `commands.validate_configuration` check the mutated key, name it in its message and exit non-zero.",
    needs=("configuration", "commands.validate_configuration"),
    minimum=10,
    broken_by=(
        Sabotage(
            id="validation-accepts-everything",
            title="A validation that exits 0 whatever the file says",
            command=({"name": "validate_configuration", "argv": ["true"]},),
        ),
        Sabotage(
            id="validation-refuses-everything",
            title="A validation that exits 1 whatever the file says",
            command=({"name": "validate_configuration", "argv": ["false"]},),
        ),
    ),
)
def test_validation(stack: ComposeStack, target: Target, limits: dict[str, Limit], evidence: Evidence) -> None:
    configuration = target.configuration
    assert configuration is not None
    original = (stack.folder / configuration.file).read_text()
    as_it_is = stack.command("validate_configuration", file=str(stack.folder / configuration.file))
    assert as_it_is.status == 0, f"the production configuration itself is refused: {as_it_is.tail}"
    absent = [key for key in (*configuration.required, *configuration.numbers) if key not in keys(original)]
    if absent:
        raise Unverified(f"{configuration.file} has no line of {', '.join(absent)}, so it could not be spoilt")
    # Otherwise a file may be refused for where it lies, and not for what is in it.
    copied = _validated(stack, original)
    if copied.status != 0:
        raise Unverified(f"an unspoilt copy of {configuration.file} in another folder is refused: {copied.tail}")
    spoilt = mutations(
        original, configuration.required, configuration.numbers, at_most=int(limits["configuration.mutations"].value)
    )
    if not spoilt:
        raise Unverified(f"{configuration.file} has no KEY=value line that could be spoilt")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = dict(zip(spoilt, pool.map(lambda mutation: _validated(stack, mutation.text), spoilt), strict=True))
    evidence.observed(len(answers), "spoilt configurations")
    evidence.value("answers", {m.sentence: f"exit {done.status}" for m, done in answers.items()})
    accepted = [m.sentence for m, done in answers.items() if done.status == 0]
    nameless = [m.sentence for m, done in answers.items() if done.status and m.key not in done.stdout + done.stderr]
    traces = [m.sentence for m, done in answers.items() if "Traceback" in done.stderr]
    assert not accepted, "accepted although spoilt: " + "; ".join(accepted)
    assert not nameless, "refused without naming the key: " + "; ".join(nameless)
    assert not traces, "refused with a traceback: " + "; ".join(traces)


def _validated(stack: ComposeStack, text: str) -> Completed:
    path = stack.state / f"spoilt-{uuid.uuid4()}.env"
    write_private(path, text)
    try:
        return stack.command("validate_configuration", file=str(path))
    finally:
        path.unlink()
