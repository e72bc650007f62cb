"""A run by what people call it: its folder, its results.json, its id, or `latest`."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from gate.errors import UsageError

RUNS = Path(".readygate") / "runs"


def find(name: str, folder: Path = Path()) -> Path:
    """The results.json of a run. `folder` is the system's. Raises UsageError, naming a run that is there."""
    for path in (Path(name), folder / RUNS / name):
        if path.is_dir():
            return path / "results.json"
        if path.is_file():
            return path
    runs = folder / RUNS
    there = sorted(path.name for path in runs.glob("*") if path.is_dir())
    near = get_close_matches(name, there, n=1, cutoff=0.6) or there[-1:]
    if not there:
        raise UsageError(f"there is no run {name!r}, nor any in {runs}", "readygate run")
    raise UsageError(f"there is no run {name!r} in {runs}; there is {near[0]!r}", "readygate history")
