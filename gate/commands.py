"""What each command of `readygate` does; gate.cli parses and turns errors into statuses."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from gate import (
    build_server,
    catalogue,
    compare_command,
    controls,
    history_command,
    longest,
    prove,
    results,
    run_names,
    runner,
    sabotage,
    schema,
)
from gate import compliance as compliances
from gate import target as targets
from gate.console import Out, write
from gate.errors import Stopped, UsageError
from gate.formats import FORMATS
from gate.model import Check
from gate.progress import Progress
from gate.proof import Catch, Proofs
from gate.redact import Redactor
from gate.runner import RUNS, Ended, Request
from gate.selection import demand_known, looked_at, selected
from gate.status import ExitStatus
from gate.target import Target
from gate.text import flat, visible
from gate.tools import Tools
from gate.verdict import part_passed

Machine = Callable[[], Tools]


def run(options: argparse.Namespace, machine: Machine) -> ExitStatus:
    """Judge the system and say the verdict."""
    tools, ended = _ended(options, machine, *looked_at(options))
    console = _stderr() if options.json else Out()
    console.print(tools.summary(ended.run, ended.verdict))
    _say_way(console, ended, quiet=options.quiet)
    _say_report(console, ended)
    if problem := build_server.tell(ended.run, ended.verdict, ended.folder, tools):
        _stderr().print(problem, highlight=False, markup=False)
    if options.json:
        # The same JSON, with nothing in it that a build server would take for a command.
        write((ended.folder / "results.json").read_text().replace("##", "#\\u0023").replace("::", ":\\u003a"))
    if ended.stopped:
        return ExitStatus.by_signal(ended.stopped)
    if options.part and part_passed(ended.verdict):
        console.print("All that was asked for passed. A part is never a GO; exit 0 only because of --part.")
        return ExitStatus.GO
    return ExitStatus.of(ended.verdict.decision)


def compliance(options: argparse.Namespace, machine: Machine) -> ExitStatus:
    """Judge the security controls, in a run of their own or as an earlier run found them."""
    if options.results:
        tools, (state, verdict) = machine(), results.read(run_names.find(options.results))
        if not state.controls:
            raise UsageError(f"{options.results}: holds no security controls", "scripts/compliance-check.sh")
        Out().print(tools.matrix(state, verdict))
        return ExitStatus.of(compliances.compliance(state, verdict).decision)
    checks = catalogue.checks(options.profile)
    chosen = controls.verifying(checks)
    narrowed = f"{len(chosen)} of {len(checks)} checks selected (those that verify a security control)"
    tools, ended = _ended(options, machine, chosen, narrowed)
    console = Out()
    console.print(tools.matrix(ended.run, ended.verdict))
    _say_report(console, ended)
    if ended.stopped:
        return ExitStatus.by_signal(ended.stopped)
    return ExitStatus.of(compliances.compliance(ended.run, ended.verdict).decision)


def prove_(options: argparse.Namespace, machine: Machine) -> ExitStatus:
    """Sabotage the system and say what was caught."""
    target = _target(options)
    checks, _ = selected(options)
    advisories = _advisories(options)
    defects = prove.of_checks(checks) + (sabotage.load_catalogue(options.catalogue) if options.catalogue else ())
    if options.defect:
        known = {defect.id: defect for defect in defects}
        demand_known("defect", options.defect, known, "readygate list --json shows `broken_by` of every check")
        defects = tuple(known[wanted] for wanted in options.defect)
        expected = {check for defect in defects for check in defect.expects}
        checks = tuple(check for check in checks if check.id in expected)
    tools = machine()
    _reap(tools)
    folder = target.folder / ".readygate" / "proofs" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    request = prove.ProofRequest(
        target, options.profile, checks, defects, folder, advisories=advisories, baseline=_baseline(options, target)
    )
    try:
        proofs = prove.prove(request, tools, Progress(_stderr(), quiet=options.quiet))
    except Stopped as stop:
        _stderr().print(f"{stop}: what was proven until then is in {folder}; the next command removes what is left")
        return ExitStatus.by_signal(stop.number)
    _say_proofs(proofs, folder)
    if proofs.complete:
        return ExitStatus.GO
    return ExitStatus.NO_GO if any(p.catch is Catch.MISSED for p in proofs.proofs) else ExitStatus.INCOMPLETE


def report(options: argparse.Namespace, machine: Machine) -> ExitStatus:
    """Write a run's documents anew."""
    path = run_names.find(options.run)
    formats = tuple(options.format.split(","))
    demand_known("format", formats, dict.fromkeys(FORMATS), "readygate report --help")
    state, verdict = results.read(path)
    for document in machine().render(state, verdict, path.parent, formats):
        write(f"{document}\n")
    return ExitStatus.GO


def list_(options: argparse.Namespace, machine: Machine) -> ExitStatus:  # noqa: ARG001
    """The checks."""
    if options.json:
        write(json.dumps([asdict(check) for check in catalogue.checks()], indent=1) + "\n")
        return ExitStatus.GO
    for check in catalogue.checks():
        needs = ", ".join(check.needs) or "nothing"
        write(f"{check.id:<34} {check.title}  [needs {needs}]\n")
    return ExitStatus.GO


def explain(options: argparse.Namespace, machine: Machine) -> ExitStatus:  # noqa: ARG001
    """One check at length."""
    known = {check.id: check for check in catalogue.checks()}
    demand_known("check", [options.check], known)
    write(catalogue.document((known[options.check],)).partition("\n## ")[2].partition("\n")[2].lstrip())
    return ExitStatus.GO


def doctor(options: argparse.Namespace, machine: Machine) -> ExitStatus:  # noqa: ARG001
    """The state of this machine."""
    from gate import doctor as doctors  # noqa: PLC0415

    findings = doctors.diagnose()
    Out().print(doctors.render(findings))
    return ExitStatus.GO if doctors.could_run(findings) else ExitStatus.COULD_NOT_RUN


def init(options: argparse.Namespace, machine: Machine) -> ExitStatus:  # noqa: ARG001
    """A readiness.toml to start from."""
    if options.target.exists():
        raise UsageError(
            f"{options.target} is there already and stays as it is", f"readygate init --target other-{TARGET}"
        )
    try:
        options.target.write_text(schema.EXAMPLE.read_text())
    except OSError as error:
        raise UsageError(
            f"{options.target} cannot be written: {error.strerror}", f"ls -ld {options.target.parent}"
        ) from error
    write(f"{options.target}: fill in your services, then: readygate doctor && readygate run\n")
    return ExitStatus.GO


def clean(options: argparse.Namespace, machine: Machine) -> ExitStatus:  # noqa: ARG001
    """Remove what kept and killed runs left."""
    tools = machine()
    removed = [*tools.reap(), *tools.kept()]
    for what in removed:
        write(f"removed {visible(what)}\n")
    ghosts = tools.ghosts()
    for what in ghosts:
        write(
            f"the engine keeps the network {what}, though nothing is in it, until it is restarted itself; it does no harm\n"
        )
    write("" if removed or ghosts else "nothing to remove\n")
    return ExitStatus.GO


def _ended(
    options: argparse.Namespace, machine: Machine, checks: tuple[Check, ...], narrowed: str | None
) -> tuple[Tools, Ended]:
    """A run of these checks, from its first to its last moment."""
    target = _target(options)
    advisories = _advisories(options)
    tools = machine()
    _reap(tools)
    request = Request(
        target,
        options.profile,
        checks,
        target.folder / RUNS,
        narrowed,
        tuple(check.id for check in catalogue.checks(options.profile) if check not in checks),
        keep=options.keep,
        controls=controls.controls(catalogue.checks()),
        advisories=advisories,
        baseline=_baseline(options, target),
        history=(target.folder / RUNS).parent,
    )
    return tools, runner.run(request, tools, Progress(_stderr(), quiet=options.quiet))


def _say_way(console: Out, ended: Ended, *, quiet: bool) -> None:
    """Where the time went, so that whoever finds a run too long knows what to look at."""
    if not quiet and (way := longest.longest(ended.run)):
        console.print(f"longest way  {way}", highlight=False, markup=False)


def _say_report(console: Out, ended: Ended) -> None:
    console.print(f"report  {ended.folder / 'report.html'}", soft_wrap=True, highlight=False, markup=False)


def completion(options: argparse.Namespace, machine: Machine) -> ExitStatus:  # noqa: ARG001
    """What a shell evaluates to complete words of this command."""
    from gate import cli  # noqa: PLC0415  (nobody else waits for it)
    from gate import completion as completions  # noqa: PLC0415

    write(completions.bash(cli.parser()))
    return ExitStatus.GO


TARGET = "readiness.toml"
BY_NAME: Mapping[str, Callable[[argparse.Namespace, Machine], ExitStatus]] = {
    "run": run,
    "compliance": compliance,
    "prove": prove_,
    "report": report,
    "compare": compare_command.command,
    "history": history_command.command,
    "list": list_,
    "explain": explain,
    "doctor": doctor,
    "init": init,
    "clean": clean,
    "completion": completion,
}


def _target(options: argparse.Namespace) -> Target:
    target = targets.load(options.target.absolute(), profile=options.profile)
    target.demand_files()
    return target


def _advisories(options: argparse.Namespace) -> str | None:
    """Where advisories come from in this run, absolute, None when nothing was said. Raises UsageError when it is not there."""
    said: str | None = options.advisories
    if said is None or said.startswith(("http://", "https://")):
        return said
    path = Path(said).absolute()
    if not path.exists():
        raise UsageError(f"--advisories: there is no file or folder {path}", "readygate run --help")
    return str(path)


def _baseline(options: argparse.Namespace, target: Target) -> tuple[str, ...]:
    """The earlier runs to be held against, absolute, since a sabotaged copy of the system has none of its own. Raises
    UsageError for one that is not there."""
    named = getattr(options, "baseline", None) or target.load.baseline
    return tuple(str(run_names.find(name, target.folder).absolute()) for name in named)


def _reap(tools: Tools) -> None:
    for what in tools.reap():
        sys.stderr.write(f"  removed {visible(what)}, left behind by a run that was killed\n")


def _say_proofs(proofs: Proofs, folder: Path) -> None:
    console = Out()
    for check in proofs.false_alarms:
        console.print(f"[red]✕ not green on the healthy system[/]: {check} ({proofs.healthy[check]})", highlight=False)
    for proof in proofs.proofs:
        style = {Catch.CAUGHT: "green", Catch.MISSED: "red", Catch.ERROR: "yellow"}[proof.catch]
        seen = ", ".join(f"{check} {outcome}" for check, outcome in proof.outcomes.items())
        console.print(f"[{style}]{proof.catch:<7}[/] {proof.sabotage.id:<36} {seen}", highlight=False)
        for why in proof.whys:
            console.print(f"        {flat(Redactor().text(why))}", highlight=False, markup=False)
    for check in proofs.unbroken:
        console.print(f"[yellow]no defect turns red[/]: {check}", highlight=False)
    console.print(f"caught {proofs.score}; matrix: {folder / 'proofs.json'}", highlight=False, markup=False)


def _stderr() -> Out:
    return Out(stderr=True)
