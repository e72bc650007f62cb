from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from fixtures.documents.commands import Command, commands
from fixtures.documents.page import read
from fixtures.documents.surroundings import Surroundings, releasing
from fixtures.documents.verified import Verified, stand_in, verified
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

_AT_ONCE = 4


@check(
    "documentation.commands",
    title="Every command in the documents exists, and those marked as verified do what is written",
    why="The runbook's first command named a script that had been renamed, and the night was lost with searching.",
    fix="Write the command as it is now; the reason names the line. What can be run safely, mark as ```sh verified.",
    needs=("documentation.files",),
    broken_by=(
        Sabotage(
            id="documents-name-a-renamed-script",
            title="A command whose script was renamed",
            says="there is no file scripts/renamed-long-ago.sh",
            replace=(
                {
                    "file": "{documentation.files}",
                    "pattern": r"\A",
                    "with": "```sh\nscripts/renamed-long-ago.sh --now\n```\n\n",
                },
            ),
        ),
        Sabotage(
            id="documents-name-a-renamed-service",
            title="A command about a service that has another name now",
            says="there is no service",
            replace=(
                {
                    "file": "{documentation.files}",
                    "pattern": r"\A",
                    "with": "```sh\ndocker compose restart renamed-service\n```\n\n",
                },
            ),
        ),
        Sabotage(
            id="documents-promise-another-end",
            title="A verified command that fails",
            says="ended with 3",
            replace=(
                {"file": "{documentation.files}", "pattern": r"\A", "with": "```sh verified\nsh -c 'exit 3'\n```\n\n"},
            ),
        ),
    ),
)
def test_commands(stack: ComposeStack, target: Target, limits: dict[str, Limit], evidence: Evidence) -> None:
    table = target.documentation
    assert table is not None
    pages = read(target.folder, table.paths(target.folder))
    surroundings = _surroundings(stack, target, limits["documentation.command_s"].value)
    found = [found for page in pages for found in commands(page)]
    typed = [command for command in found if isinstance(command, Command)]
    wrong = [command for command in found if isinstance(command, str)]
    wrong += [f"{c.place}: {flaw}: `{c.line[:120]}`" for c in typed if (flaw := surroundings.flaw(c))]
    evidence.observed(len(typed) - len(surroundings.unseen), "commands held against what is there")
    evidence.value("commands that nobody here can tell of", surroundings.unseen)
    blocks = [block for page in pages for block in verified(page)]
    wrong += _run(blocks, stack, limits["documentation.command_s"].value, evidence)
    if not typed:
        raise Unverified("the documents hold no command")
    assert not wrong, "; ".join(wrong)


def _surroundings(stack: ComposeStack, target: Target, within: float) -> Surroundings:
    table = target.documentation
    assert table is not None
    running = {container.service: container for container in stack.containers()}

    def said(script: str) -> str:
        done = stack.run_own([script, "--help"], timeout_s=within)
        return done.stdout + done.stderr if done.status == 0 else ""

    def inside(service: str, program: str) -> bool | None:
        if service not in running:
            return None
        asked = stack.exec(running[service], ["sh", "-c", 'command -v "$1"', "sh", program], timeout_s=within)
        return {0: True, 1: False, 127: False}.get(asked.status)

    return Surroundings(
        folder=stack.folder,
        services=stack.declared["services"],
        helps=table.help,
        release_scripts=set(releasing(dict(target.commands))),
        releases={*target.releases.values(), *(r for names in target.bad_releases.values() for r in names)},
        said=said,
        inside=inside,
    )


def _run(blocks: list[Verified], stack: ComposeStack, within: float, evidence: Evidence) -> Iterator[str]:
    """A sentence for each verified block that does otherwise than is written. They only look, so some are run at once."""
    programs = stand_in(stack.state, stack.target.stack.compose)

    def run(block: Verified) -> str:
        argv = ["sh", "-ec", 'PATH="$1:$PATH"; eval "$2"', "sh", str(programs), block.text]
        return block.flaw(stack.run_own(argv, timeout_s=within))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        flaws = list(pool.map(run, blocks))
    evidence.observed(len(blocks), "verified blocks run")
    evidence.value(
        "verified blocks", {block.place: flaw or "as written" for block, flaw in zip(blocks, flaws, strict=True)}
    )
    yield from filter(None, flaws)
