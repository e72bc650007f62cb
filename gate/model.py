"""The words of the gate as frozen values. Refuses to do anything: no I/O, no pytest, no Docker, no judgement."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from gate.finding import Finding

Direction = Literal["max", "min"]
Json = Any  # what json.dumps takes; evidence is data, never markup


class Outcome(StrEnum):
    """What one check established."""

    PASSED = "passed"
    FAILED = "failed"
    UNVERIFIED = "unverified"
    NOT_APPLICABLE = "not_applicable"


class Decision(StrEnum):
    """What the whole run established. INCOMPLETE blocks a release as NO-GO does; it has another owner."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCOMPLETE = "INCOMPLETE"


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that a measurement must keep, with its unit and the reason it was set."""

    name: str
    value: float
    unit: str
    reason: str
    direction: Direction = "max"


@dataclass(frozen=True, slots=True)
class Sabotage:
    """A defect put into the system on purpose, which one of `expects` must catch, with `says` in the reason it gives.
    See docs/how-to/sabotage.md. A step of `exec` without a role is done on this machine.

    An edit in `replace` has `find`, which must be there exactly once, or `pattern`, a regular expression whose every match
    is replaced, in the files that a key of readiness.toml names: `{"file": "{metrics.rules}", ...}`. In `compose`, service
    keys and values may name a role in braces, `{worker}`: it becomes every service of that role. `advisories` spoils those
    that the gate was given: `old` dates them back by years, `few` leaves ten of them. `generator` spoils the gate's own load:
    `starved` leaves it hardly a processor. That is no fault of the system, so it is caught by *unverified*, never by *failed*.
    """

    id: str
    title: str
    expects: tuple[str, ...] = ()
    system: str | None = None
    replace: tuple[dict[str, str], ...] = ()
    compose: dict[str, Json] = field(default_factory=dict)
    exec: tuple[dict[str, Json], ...] = ()
    fault: tuple[dict[str, Json], ...] = ()
    command: tuple[dict[str, Json], ...] = ()
    profile: str | None = None
    says: str = ""
    advisories: Literal["", "old", "few"] = ""
    generator: Literal["", "starved"] = ""

    @property
    def due(self) -> Outcome:
        """What its checks must come to."""
        return Outcome.UNVERIFIED if self.generator else Outcome.FAILED


@dataclass(frozen=True, slots=True)
class Check:
    """A property of the system that the gate must establish, and what is said when it does not hold. `profiles`: the lengths
    of run that it is part of, all when empty."""

    id: str
    title: str
    why: str
    fix: str
    needs: tuple[str, ...]
    standards: tuple[str, ...]
    minimum: int
    broken_by: tuple[Sabotage, ...]
    required: bool = True
    source: str = ""
    profiles: tuple[str, ...] = ()

    @property
    def area(self) -> str:
        return self.id.split(".", 1)[0]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number observed n times, its spread, and the limit it must keep (None: informative).

    `limit_name` is the limit's name in readiness.toml; `samples` are the numbers themselves, sorted, at most 50 of them.
    """

    name: str
    value: float
    unit: str
    limit: float | None = None
    direction: Direction = "max"
    reason: str = ""
    n: int = 1
    median: float | None = None
    p95: float | None = None
    p99: float | None = None
    worst: float | None = None
    limit_name: str = ""
    samples: tuple[float, ...] = ()

    @property
    def typical(self) -> float:
        """What two runs are compared by: the median, which one bad moment does not move."""
        return self.value if self.median is None else self.median

    @property
    def kept(self) -> bool:
        if self.limit is None:
            return True
        return self.value <= self.limit if self.direction == "max" else self.value >= self.limit


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened, `t` seconds after the run began."""

    t: float
    kind: str
    label: str


@dataclass(frozen=True, slots=True)
class Series:
    """Points (t, value), t in seconds after the run began."""

    name: str
    unit: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of evidence beside results.json; `path` is relative to the run's folder, `excerpt` the end of a text that
    belongs to a check that did not pass."""

    name: str
    path: str
    sha256: str
    bytes: int
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Waiver:
    """An accepted risk: somebody's, for a reason, until a day (UTC)."""

    check: str
    outcome: Literal["failed", "unverified"]
    reason: str
    owner: str
    approver: str
    expires: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check, what became of it, and the evidence."""

    id: str
    title: str
    why: str
    fix: str
    required: bool
    outcome: Outcome
    reason: str
    standards: tuple[str, ...] = ()
    minimum: int = 1
    observations: int = 0
    started: str | None = None
    seconds: float = 0.0
    values: dict[str, Json] = field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()
    timeline: tuple[Moment, ...] = ()
    series: tuple[Series, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    findings: tuple[Finding, ...] = ()
    waiver: Waiver | None = None
    reproduce: str = ""

    @classmethod
    def of(cls, check: Check, outcome: Outcome, reason: str) -> CheckResult:
        """The result of a check of which nothing more is known yet."""
        return cls(
            id=check.id,
            title=check.title,
            why=check.why,
            fix=check.fix,
            required=check.required,
            outcome=outcome,
            reason=reason,
            standards=check.standards,
            minimum=check.minimum,
            reproduce=f"readygate run --check {check.id}",
        )

    @property
    def area(self) -> str:
        return self.id.split(".", 1)[0]


@dataclass(frozen=True, slots=True)
class Blocker:
    """One reason why the decision is not GO."""

    check: str
    kind: Literal["failed", "unverified", "missing", "waiver", "narrowed", "lane"]
    summary: str
    fix: str
    measured: float | None = None
    limit: float | None = None
    unit: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """Suites that ran one after the other on one stack. `sealed`: it reached its own end; `checks` are the ids of those that
    it had to run, none in results before schema 1.3."""

    name: str
    areas: tuple[str, ...]
    started: str | None = None
    finished: str | None = None
    seconds: float = 0.0
    sealed: bool = False
    critical: bool = False
    phases: tuple[tuple[str, float], ...] = ()
    problems: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standard:
    """A public standard by its short name; `total` is how many requirements it has, None where it does not count them."""

    name: str
    title: str
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A requirement of a standard, by the standard's short name and the requirement's number."""

    standard: str
    number: str


@dataclass(frozen=True, slots=True)
class Control:
    """A security control, what asks for it, and the ids of all checks that verify it, whether this run had them or not."""

    id: str
    title: str
    family: str
    references: tuple[Reference, ...]
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Earlier:
    """A run before this one, of the same system, profile and kind of machine.

    `numbers` are typical values by check and measurement ("load.five-jobs average job (s)"), `limits` the limits they had;
    `not_passed` are the checks that failed or were unverified.
    """

    id: str
    started: str
    decision: str
    release: str
    numbers: dict[str, float] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    not_passed: tuple[str, ...] = ()


Certain = Literal["worse", "better", "not worse", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Change:
    """How a measurement moved, and whether that is more than noise.

    `effect` is the move as a share of `before`, None where that is 0; `n_needed` is how many samples (or earlier runs) each
    side would need for an answer, None where there is one or no number of them would help.
    """

    check: str
    measurement: str
    unit: str
    before: float
    now: float
    effect: float | None
    certain: Certain
    n_needed: int | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Everything one run found out, and the identity of what it judged. `narrowed` says how it was narrowed, None for a whole
    run; `left_out` are the ids of the checks that a whole one would have had besides, none in results before schema 1.4."""

    id: str
    started: str
    gate_version: str
    profile: str
    target: dict[str, Json]
    host: dict[str, Json]
    expected: tuple[str, ...]
    checks: tuple[CheckResult, ...]
    finished: str | None = None
    seconds: float = 0.0
    sealed: bool = False
    narrowed: str | None = None
    lanes: tuple[Lane, ...] = ()
    events: tuple[Moment, ...] = ()
    unused_waivers: tuple[Waiver, ...] = ()
    standards: tuple[Standard, ...] = ()
    controls: tuple[Control, ...] = ()
    past: tuple[Earlier, ...] = ()
    regressions: tuple[Change, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision and every reason against GO. Computed once, by gate.verdict."""

    decision: Decision
    blockers: tuple[Blocker, ...]
    counts: dict[str, int]
