"""What the gate's command needs from the folders that it may not import; readygate.command hands it in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import RenderableType

from gate.compare import Comparison
from gate.history import History
from gate.model import Json, Run, Verdict
from gate.target import Target


@dataclass(frozen=True, slots=True)
class Tools:
    """`reap` removes what dead runs left behind, `sweep` what a run's id labels, `kept` what --keep left; each says what.
    `ghosts` names what was to be removed and the engine keeps.

    `prepare` runs the target's own preparation (with the prefix for its images), `forget` removes the images of a prefix.
    `host` tells about the machine; `render` writes documents of these formats into a folder; `summary` is the end block,
    `matrix` the standing of the security controls, `annotations` the reasons against GO in the words of a build server,
    `compared` how two runs differ; `overview` writes the page over all runs into a folder.
    """

    reap: Callable[[], list[str]]
    sweep: Callable[[str], list[str]]
    kept: Callable[[], list[str]]
    ghosts: Callable[[], list[str]]
    prepare: Callable[[Target, str | None], None]
    forget: Callable[[str], None]
    host: Callable[[], dict[str, Json]]
    render: Callable[[Run, Verdict, Path, tuple[str, ...]], list[Path]]
    summary: Callable[[Run, Verdict], RenderableType]
    matrix: Callable[[Run, Verdict], RenderableType]
    annotations: Callable[[Run, Verdict], Iterator[str]]
    compared: Callable[[Run, Run, Comparison], RenderableType]
    overview: Callable[[History, Path], Path]
