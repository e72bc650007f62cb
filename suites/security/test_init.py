from fixtures.hardening import init
from fixtures.hardening.sight import Sight, Sights
from fixtures.wait import NotReached, until
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage

REAPED_WITHIN_S = 8


@check(
    "security.init",
    title="The first process of every container hears that it is to stop, and takes its dead children away",
    why="A shell as first process swallows the signal: every stop waits for its end by force, and work in hand is lost.",
    fix="Start the program itself (`exec` in scripts, a list as `command`), let it handle the signal, or set `init: true`.",
    needs=("api", "worker", "database"),
    standards=("C18",),
    minimum=3,
    broken_by=(
        Sabotage(
            id="stop-signal-unheard",
            title="An API that is asked to stop by a signal that it does not know",
            says="hear",
            compose={"services": {"{api}": {"stop_signal": "SIGURG"}}},
        ),
    ),
)
def test_init(sights: Sights, sight: Sight, evidence: Evidence) -> None:
    evidence.observed(len(sight.seen), "containers, by the signals that their first process handles")
    evidence.value("first process and signal", {s.name: [s.main.name, init.stop_signal(s)] for s in sight.seen})
    wrong = [w for seen in sight.seen for w in init.deaf(seen)]
    left = {seen.name: init.dead(seen) for seen in sight.seen}
    try:
        until(lambda: not _still(sights, left), REAPED_WITHIN_S, "whoever ended is gone", every=1)
    except NotReached:
        wrong += [f"{name}: nobody takes away {sorted(dead)[0][1]}, which ended" for name, dead in _still(sights, left)]
    assert not wrong, "; ".join(wrong)


def _still(sights: Sights, left: dict[str, frozenset[tuple[int, str]]]) -> list[tuple[str, frozenset[tuple[int, str]]]]:
    """Those of the dead that are still there, by container."""
    if not any(left.values()):
        return []
    now = {seen.name: init.dead(seen) for seen in sights.anew().seen}
    return [(name, both) for name, dead in left.items() if (both := dead & now.get(name, frozenset()))]
