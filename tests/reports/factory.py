"""Synthetic runs for the tests of verdict, results and reports: realistic words, fixed numbers, no clock."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import date
from functools import cache
from typing import Any

from gate.compare import since_past
from gate.finding import Finding
from gate.model import (
    Attachment,
    CheckResult,
    Control,
    Earlier,
    Lane,
    Measurement,
    Moment,
    Outcome,
    Reference,
    Run,
    Series,
    Standard,
    Verdict,
    Waiver,
)
from gate.verdict import decide

TODAY = date(2026, 11, 23)
STARTED = "2026-11-23T11:43:07Z"

# id, title, measurement (name, value, unit, limit, direction) or None
CATALOGUE: tuple[tuple[str, str, tuple[str, float, str, float, str] | None], ...] = (
    (
        "deployment.cold-start",
        "The whole system starts from nothing and does a job",
        ("cold start", 312.4, "s", 1800.0, "max"),
    ),
    ("deployment.dry-run", "A dry run prints the plan and changes nothing", None),
    ("deployment.identity", "What runs is what was deployed", None),
    ("deployment.unhealthy-release", "A release that never gets ready leaves the old one serving", None),
    (
        "deployment.self-healing",
        "Each role comes back by itself after its process is killed",
        ("worst recovery", 12.6, "s", 30.0, "max"),
    ),
    (
        "rollback.time",
        "Rolling back under traffic is quick and loses nothing",
        ("worst rollback", 38.2, "s", 600.0, "max"),
    ),
    ("rollback.effect", "After a rollback every role runs the old release", None),
    ("configuration.validation", "Every broken configuration is refused by name before anything starts", None),
    ("security.container-user", "No process runs as root", None),
    ("security.published-ports", "Only the gateway can be reached from outside", None),
    ("security.secrets-at-rest", "No secret shows in an image, an environment or an inspection", None),
    (
        "recovery.worker-crash",
        "A job survives the death of its worker and is done once",
        ("takeover", 11.3, "s", 60.0, "max"),
    ),
    ("load.five-jobs", "Five concurrent jobs are sustained", ("mean processing", 24.1, "s", 25.0, "max")),
)


FINDINGS = (
    Finding("bandit/B608", "warning", "SQL made of a text and a value", "app/store/jobs.py", 41),
    Finding(
        "bandit/B608", "warning", "SQL made of a text and a value", "app/store/jobs.py", 88, suppressed="a constant"
    ),
    Finding("secrets/private-key", "error", "A private key", "deploy/old key.pem"),
    Finding("secrets/private-key", "error", "A private key", "/srv/key.pem", image="api-blue"),
)
LOG = "\n".join(f"2026-11-23T11:44:{second:02}Z worker exited with 137, restarting" for second in range(8, 31))
STANDARDS = (
    Standard("ASVS 5.0.0", "OWASP Application Security Verification Standard", 345),
    Standard("CIS Docker 1.6", "CIS Docker Benchmark"),
)


def control(id_: str, title: str, family: str, references: dict[str, tuple[str, ...]], *checks: str) -> Control:
    """Return a control that these checks verify."""
    asked = tuple(Reference(standard, number) for standard, numbers in references.items() for number in numbers)
    return Control(id_, title, family, asked, checks)


CONTROLS = (
    control(
        "C01", "No process runs as root", "Container runtime", {"CIS Docker 1.6": ("4.1",)}, "security.container-user"
    ),
    control(
        "C20", "A process that died is started again", "Container runtime", {}, "deployment.self-healing",
        "recovery.worker-crash",
    ),
    control(
        "C21", "Only declared ports are published", "Network", {"CIS Docker 1.6": ("5.8", "5.9")},
        "security.published-ports",
    ),
    control(
        "C30", "No secret is in an image", "Secrets and configuration",
        {"ASVS 5.0.0": ("13.3.1",), "CIS Docker 1.6": ("4.10",)}, "security.secrets-at-rest",
    ),
    control("C34", "Missing configuration stops the start", "Secrets and configuration", {}, "configuration.validation"),
)  # fmt: skip
UNMET = (
    control("C43", "No known vulnerability", "Supply chain", {"ASVS 5.0.0": ("15.2.1",)}, "security.advisories"),
    control("C49", "Every operation needs authentication", "API access control", {"ASVS 5.0.0": ("8.2.1",)}),
    control("C39", "Images are the released ones", "Secrets and configuration", {}, "rollback.effect"),
)


def passed(id_: str, title: str, measured: tuple[str, float, str, float, str] | None = None) -> CheckResult:
    """Return a check that passed with three observations and, where given, one measurement inside its limit."""
    measurements: tuple[Measurement, ...] = ()
    if measured:
        name, value, unit, limit, direction = measured
        measurements = (
            Measurement(
                name,
                value,
                unit,
                limit,
                "max" if direction == "max" else "min",
                "the seed asks for it",
                n=5,
                median=value * 0.8,
                p95=value * 0.97,
                p99=value,
                worst=value,
            ),
        )
    return CheckResult(
        id=id_,
        title=title,
        why="A release once went out without it and the night shift paid for it.",
        fix="See the runbook section of the same name.",
        required=True,
        outcome=Outcome.PASSED,
        reason="",
        standards=("CIS Docker 5.4",) if id_.startswith("security") else (),
        minimum=1,
        observations=3,
        started=STARTED,
        seconds=4.2,
        values={"images": {"api": "sha256:5e1f"}, "seen": 3},
        measurements=measurements,
        timeline=(Moment(61.0, "fault", "worker-blue killed"), Moment(72.3, "recovered", "job taken over by worker 2")),
        attachments=(Attachment("log", f"evidence/{id_}/log.txt", "ab" * 32, 2048),),
        reproduce=f"readygate run --check {id_}",
    )


def go() -> Run:
    """Return a run in which every check passed."""
    checks = tuple(
        replace(passed(*row), started=f"2026-11-23T11:4{3 + at // 4}:{at % 4 * 15:02}+00:00")
        for at, row in enumerate(CATALOGUE)
    )
    ids = tuple(check.id for check in checks)
    return Run(
        id="20261123-114307-7f3a",
        started=STARTED,
        gate_version="0.1.0",
        profile="quick",
        target={
            "name": "docjobs",
            "title": "Document jobs",
            "config_sha256": "9f" * 32,
            "readiness_sha256": "1c" * 32,
            "waivers_sha256": "e3" * 32,
            "images": {"api-blue": "sha256:" + "5e" * 32, "worker-blue": "sha256:" + "a1" * 32},
            "release": {"candidate": "1.1.0", "previous": "1.0.0", "revision": "4be19c2"},
        },
        host={"cores": 2, "memory_mib": 24576, "kernel": "6.1.0", "engine": "20.10.24", "compose": "2.40.3"},
        expected=ids,
        checks=checks,
        finished="2026-11-23T11:46:51Z",
        seconds=224.0,
        sealed=True,
        lanes=(
            Lane(
                "blue",
                ("deployment", "rollback"),
                STARTED,
                "2026-11-23T11:46:51Z",
                221.0,
                sealed=True,
                critical=True,
                phases=(("stack", 17.5), ("checks", 190.0), ("clean-up", 13.5)),
            ),
            Lane("green", ("load", "recovery", "security", "configuration"), STARTED, None, 160.0, sealed=True),
        ),
        events=(
            Moment(17.5, "stack", "stack ready"),
            Moment(61.0, "fault", "worker-blue killed"),
            Moment(130.0, "deploy", "deploy 1.1.0 started"),
            Moment(168.2, "rollback", "rollback done"),
        ),
        standards=STANDARDS,
        controls=CONTROLS,
    )


def with_check(run: Run, id_: str, **changes: object) -> Run:
    """Return the run with one check changed."""
    checks = tuple(replace(check, **changes) if check.id == id_ else check for check in run.checks)  # type: ignore[arg-type]
    return replace(run, checks=checks)


def incomplete() -> Run:
    """Return a run in which two required checks could not find out, one is waived and one does not apply."""
    run = with_check(
        go(),
        "recovery.worker-crash",
        outcome=Outcome.UNVERIFIED,
        reason="the fault had no witness: the worker's process was still there 5 s after SIGKILL",
        observations=0,
        measurements=(),
    )
    run = with_check(run, "security.secrets-at-rest", outcome=Outcome.UNVERIFIED, reason="1 of 4 images examined")
    run = with_check(
        run, "rollback.effect", outcome=Outcome.NOT_APPLICABLE, reason="J. Bell: one release only", observations=0
    )
    run = replace(run, controls=(*run.controls, *UNMET))
    run = with_check(run, "security.secrets-at-rest", findings=FINDINGS)
    return with_check(
        run,
        "configuration.validation",
        outcome=Outcome.FAILED,
        reason="an unknown key is accepted",
        waiver=Waiver(
            "configuration.validation", "failed", "the schema is replaced in 1.2", "A. Ng", "C. Ruiz", "2026-12-01"
        ),
    )


def part(*areas: str, run: Run | None = None) -> Run:
    """Return a run (of all that passed, where none is given) narrowed to these areas, as `--only` narrows it."""
    whole = replace(go(), controls=(*CONTROLS, *UNMET)) if run is None else run
    checks = tuple(check for check in whole.checks if check.area in areas)
    ids = tuple(check.id for check in checks)
    narrowed = f"{len(checks)} of {len(whole.checks)} checks selected ({', '.join(areas)})"
    left_out = tuple(check.id for check in whole.checks if check not in checks)
    return replace(whole, checks=checks, expected=ids, narrowed=narrowed, left_out=left_out)


def no_go() -> Run:
    """Return a run with a broken limit, failed checks (one advisory), a dead waiver and unverified checks."""
    run = incomplete()
    slow = Measurement("worst recovery", 94.0, "s", 30.0, "max", "a pager rings after 30 s", 5, 88.0, 90.0, 94.0, 94.0)
    run = with_check(
        run,
        "deployment.self-healing",
        outcome=Outcome.FAILED,
        reason="worst recovery 94 s, limit 30 s: the worker came back only after its third restart",
        fix='Give the worker `restart: "unless-stopped"` and a start period shorter than the limit.',
        measurements=(slow,),
        attachments=(Attachment("log", "evidence/deployment.self-healing/worker.log", "cd" * 32, 90_112, LOG),),
        series=(
            Series("workers up", "1", tuple((float(t), 0.0 if 61 <= t <= 155 else 2.0) for t in range(0, 224, 2))),
        ),
    )
    run = with_check(
        run,
        "deployment.dry-run",
        outcome=Outcome.FAILED,
        reason="the dry run created volume docjobs_scratch",
        fix="Let the dry run plan only: compose config and compose images start nothing.",
    )
    run = with_check(
        run,
        "security.published-ports",
        outcome=Outcome.FAILED,
        reason="database:5432 answers on 0.0.0.0",
        fix="Remove `ports` from the service database.",
        waiver=Waiver("security.published-ports", "failed", "migration by a vendor", "B. Ode", "C. Ruiz", "2026-11-20"),
    )
    run = with_check(run, "load.five-jobs", required=False, outcome=Outcome.FAILED, reason="p95 drifts by 3 %")
    run = replace(run, past=past())
    return replace(
        since(run), unused_waivers=(Waiver("access.roles", "failed", "old", "A. Ng", "C. Ruiz", "2026-12-20"),)
    )


def since(run: Run) -> Run:
    """Return the run with what moved since those before it."""
    return replace(run, regressions=since_past(run))


@cache
def many(count: int) -> Run:
    """Return a run of `count` checks: 3 in 100 failed, 1 in 100 unverified, one series per failed check."""
    kinds = [passed(f"{row[0]}-", *row[1:]) for row in CATALOGUE]
    shared = (Series("p95", "ms", tuple((float(second), float(second % 50)) for second in range(900))),)
    checks = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        check = replace(kind, id=f"{kind.id}{number:04}", reproduce=f"{kind.reproduce}{number:04}")
        if number % 33 == 7:
            check = replace(check, outcome=Outcome.FAILED, reason="it broke " * 10, series=shared)
        elif number % 100 == 9:
            check = replace(check, outcome=Outcome.UNVERIFIED, reason="no witness", observations=0)
        checks.append(check)
    return replace(go(), checks=tuple(checks), expected=tuple(check.id for check in checks))


def past(count: int = 6) -> tuple[Earlier, ...]:
    """Return earlier runs, a day apart, in which self-healing was quick and load ever nearer to its limit."""
    return tuple(
        Earlier(
            id=f"202611{day}-090000-00{day}",
            started=f"2026-11-{day}T09:00:00Z",
            decision="GO" if day != 19 else "NO-GO",
            release="1.0.0",
            numbers={
                "deployment.self-healing worst recovery (s)": 21.0 + (day % 3) / 2,
                "load.five-jobs mean processing (s)": 17.0 + (day - 15) / 3,
                "rollback.time worst rollback (s)": 30.0 + day % 4,
            },
            limits={
                "deployment.self-healing worst recovery (s)": 30.0 if day > 17 else 60.0,
                "load.five-jobs mean processing (s)": 25.0,
                "rollback.time worst rollback (s)": 600.0,
            },
            not_passed=("deployment.dry-run",) if day in (19, 22) else (),
        )
        for day in range(23 - count, 23)
    )


def judge(run: Run) -> tuple[Run, Verdict]:
    """Return the run and its verdict on the day of the run."""
    return run, decide(run, TODAY)


@cache
def hostile(text: str) -> Run:
    """Return the NO-GO run with every free text, name and key replaced by, or made to contain, the given text."""
    changed: Run = _poisoned(no_go(), text)
    return replace(
        changed, expected=(*changed.expected, f"gone.{text}"), target={text: text, "title": text, "release": text}
    )


def _poisoned(value: Any, text: str) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        kept = ("direction", "outcome", "gate_version", "level", "certain")
        return replace(
            value, **{f.name: _poisoned(getattr(value, f.name), text) for f in fields(value) if f.name not in kept}
        )
    if isinstance(value, str):
        return f"{value}{text}"
    if isinstance(value, tuple | list):
        return tuple(_poisoned(item, text) for item in value)
    return {f"{key}{text}": _poisoned(item, text) for key, item in value.items()} if isinstance(value, dict) else value
