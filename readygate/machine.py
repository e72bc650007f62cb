"""The composition root: hands the gate's command what lives in folders that gate/ may not import."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from fixtures import neighbours, reap, stack, sweep
from fixtures.clients.docker import Engine
from fixtures.compose import ComposeError
from fixtures.reap import Leftovers
from gate import files
from gate.errors import CouldNotRunError, UsageError
from gate.model import Json, Run, Verdict
from gate.shell import CommandFailed
from gate.target import Target
from gate.tools import Tools
from reports import comparison, handoff, html, intoto, junit, markdown, matrix, overview, sarif, terminal, workflow

_WRITERS = {
    "html": ("report.html", html.render),
    "md": ("summary.md", markdown.render),
    "junit": ("junit.xml", junit.render),
    "sarif": ("readiness.sarif", sarif.render),
    "intoto": ("statement.json", intoto.render),
    "handoff": ("handoff.md", handoff.render),
}


def tools() -> Tools:
    """Everything for the machine that this process runs on; `report` needs no engine, so each asks for it itself."""
    return Tools(
        reap=_reap,
        sweep=lambda run: _said(sweep.sweep(run)),
        kept=lambda: _said(sweep.kept()),
        ghosts=lambda: list(reap.ghosts()),
        prepare=_prepare,
        forget=sweep.forget_images,
        host=_host,
        render=_render,
        summary=terminal.render,
        matrix=matrix.render,
        annotations=workflow.github,
        compared=comparison.render,
        overview=overview.write,
    )


def _reap() -> list[str]:
    Engine().ping()
    return [*sweep.end_orphans(), *_said(reap.reap())]


def _said(removed: Leftovers) -> list[str]:
    return [str(removed)] if removed else []


def _prepare(target: Target, image_prefix: str | None) -> None:
    _demand_own_images(target, image_prefix)
    try:
        stack.prepare(target, image_prefix=image_prefix)
    except CommandFailed as error:
        raise CouldNotRunError(str(error)) from error
    # Read once before any lane reads it: what is wrong in the user's own files is no result of a check.
    with TemporaryDirectory() as folder:
        files = " ".join(f"-f {target.folder / name}" for name in target.stack.compose)
        for release in ("previous", "candidate") if target.stack.names_release else ("previous",):
            try:
                unstarted = stack.ComposeStack(
                    target, "read-only", Path(folder), "read-only", image_prefix=image_prefix, release=release
                )
            except (CommandFailed, ComposeError) as error:
                raise UsageError(str(error), f"docker compose {files} config --quiet") from error
            _have_images(target, unstarted, release, files)


def _demand_own_images(target: Target, image_prefix: str | None) -> None:
    """Refuse to build what another folder's run is judging by the same names. Two runs of one folder judge the same files."""
    for run, folder in neighbours.neighbours(Engine(), target, image_prefix).items():
        variable = target.stack.image_prefix_variable
        apart = f", or {variable}=NAME/ before the command" if variable else ""
        raise CouldNotRunError(
            f"the run {run} of {folder} judges images of the same names on this engine: what one of them builds takes the"
            " other's place",
            f"wait until it has ended{apart}",
        )


def _have_images(target: Target, unstarted: stack.ComposeStack, release: str, files: str) -> None:
    """Build and pull what the stacks of a release start from: a registry that does not answer is no result of a check, and
    pulling is no part of a start's time. What the target's own command builds comes later."""
    try:
        if target.stack.build:
            unstarted.build()
    except CommandFailed as error:
        raise CouldNotRunError(f"an image does not build: {error}", f"docker compose {files} build") from error
    if release == "candidate" and "build" in target.commands:
        return
    try:
        unstarted.pull_missing()
    except CommandFailed as error:
        raise CouldNotRunError(f"an image cannot be pulled: {error}", f"docker compose {files} pull") from error


def _host() -> dict[str, Json]:
    names = os.uname()
    return {
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "kernel": names.release,
        "machine": names.machine,
        "engine": Engine().version(),
    }


def _render(run: Run, verdict: Verdict, folder: Path, formats: tuple[str, ...]) -> list[Path]:
    return [files.replace(folder / _WRITERS[name][0], _WRITERS[name][1](run, verdict)) for name in formats]
