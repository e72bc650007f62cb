import time
from collections import Counter

from fixtures.clients.api import Api, Refused
from fixtures.clock import Clock, movable
from fixtures.crash import LATE_S, followed
from fixtures.ledger import Ledger
from fixtures.pressure import pressure
from fixtures.recovery_defects import HANGS_WHEN_CLOCK_JUMPS
from fixtures.stack import ComposeStack
from fixtures.steady import SteadyState, seconds_of_a_job
from fixtures.wait import pause_until, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit

JOBS = 2
PACE = 0.5  # of a job's time between two of them, so that there is always one in a worker's hands
ASK_S = 0.25


@check(
    "recovery.clock-skew",
    title="With the clock of workers, then of the API, an hour off, no job is lost, done twice, or taken from who lives",
    why="Who lost its time server decides by its own clock that everybody else is dead, or answers 500 to every token.",
    fix="Decide what is due, and who is silent, by the database's clock; wait by the monotonic one; answer 401, not 500.",
    needs=("api", "worker", "job", "job.running", "database.effects_sql", "faults"),
    minimum=4,
    broken_by=(HANGS_WHEN_CLOCK_JUMPS,),
)
def test_clock_skew(
    stack: ComposeStack,
    api: Api,
    ledger: Ledger,
    crowd: Ledger,
    steady_state: SteadyState,  # noqa: ARG001  (demanded beforehand)
    limits: dict[str, Limit],
    evidence: Evidence,
) -> None:
    far, holds = limits["recovery.clock_jump_s"].value, limits["recovery.clock_holds_s"].value
    within = limits["recovery.clock_right_s"]
    pace_s = PACE * seconds_of_a_job(ledger)
    with movable(stack, ("worker", "api")) as clocks, pressure(crowd, users=1, pace_s=pace_s) as load:
        evidence.event("ready", "workers and API made anew, with clocks that move")
        load.demand_flow(1)
        jobs = crowd.submit_at_once(JOBS)
        until(lambda: _held(api, crowd), api.job_timeout_s, "a worker takes a job", every=0.05)
        held = []
        for offset in (far, -far):
            held.append(_held(api, crowd))
            at = _jump(clocks["worker"], offset, evidence)
            crowd.submit()  # who begins a job says so, and at what time
            pause_until(at + holds)
        _jump(clocks["worker"], 0, evidence)
        statuses = [
            status
            for offset in (far, -far)
            for status in _asked(api, jobs[0], end=_jump(clocks["api"], offset, evidence) + holds)
        ]
        healed = _jump(clocks["api"], 0, evidence)
        until(lambda: _accepted(crowd), within.value + LATE_S, "a job is accepted when the clock is right again")
        accepted_s = time.monotonic() - healed
        load.stop()
        account = followed(crowd, api, evidence, limits["recovery.worker_takeover_s"].value)
        evidence.value("answers while the API's clock was wrong", dict(Counter(map(str, statuses))))
        evidence.value("jobs in workers' hands when their clock jumped", held)
        _demand_hands_off(api, crowd, evidence)
        account.demand_whole()
        _demand_clean(statuses + [answer.status for answer in load.answers])
        evidence.measure("clock right again until a job was accepted", accepted_s, "s", within)
        until(lambda: not stack.unready(), api.job_timeout_s, "everything is ready when the clock is right again")
        if not any(held):
            raise Unverified("no job was in a worker's hands when its clock jumped: make jobs longer in [profiles] env")
        for clock in clocks.values():
            evidence.value(f"lines of the {clock.role} with that time", clock.demand_heard())
    until(lambda: not stack.unready() and api.ready(), api.job_timeout_s, "everything is as it was")


def _jump(clock: Clock, offset_s: float, evidence: Evidence) -> float:
    """Move it, and return when (CLOCK_MONOTONIC)."""
    jump = clock.jump(offset_s)
    evidence.event("fault" if offset_s else "healed", jump.said)
    return jump.at


def _held(api: Api, ledger: Ledger) -> int:
    """How many of the promised jobs are in the hands of workers."""
    ledger.poll()
    return sum(api.state(job) in api.running_states for job in ledger.open)


def _accepted(ledger: Ledger) -> bool:
    """Whether a job is accepted now."""
    try:
        ledger.submit()
    except Refused:
        return False
    return True


def _asked(api: Api, job: str, end: float) -> list[int]:
    """What a user who asks about a job is answered, until a moment: statuses, 0 where no answer came."""
    statuses = []
    while (began := time.monotonic()) < end:
        statuses.append(api.asked(job))
        pause_until(began + ASK_S)
    return statuses


def _demand_clean(statuses: list[int]) -> None:
    """Raise AssertionError unless each was an answer for which the server does not blame itself."""
    unclean = sorted({status for status in statuses if not 0 < status < 500})
    assert not unclean, (
        f"with a wrong clock the API answered {unclean} (0: not at all), where 2xx or 401 says what is wrong"
    )


def _demand_hands_off(api: Api, ledger: Ledger, evidence: Evidence) -> None:
    """No worker that lived lost a job to another: each was begun once. Nothing is asked of a system that does not count."""
    if api.counts_attempts:
        begun = {str(entry.job_id): api.attempt(str(entry.job_id))[1] for entry in ledger.entries if entry.job_id}
        again = {job: times for job, times in begun.items() if times > 1}
        evidence.value("jobs begun more than once", len(again))
        assert not again, (
            f"{len(again)} of {len(begun)} jobs were begun more than once, although their workers lived: {again}"
        )
