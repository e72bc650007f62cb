"""What a build server is told beside files and exit status: GitHub's summary of the step, and its annotations."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from gate.model import Run, Verdict
from gate.tools import Tools

SUMMARY = "GITHUB_STEP_SUMMARY"


def tell(run: Run, verdict: Verdict, folder: Path, tools: Tools, environ: Mapping[str, str] = os.environ) -> str:
    """Append summary.md where GitHub says and print annotations on stderr, which leaves stdout to results. Elsewhere nothing.

    Returns a sentence when the summary cannot be written: that must not cost a run its verdict.
    """
    if environ.get("GITHUB_ACTIONS") != "true":
        return ""
    for line in tools.annotations(run, verdict):
        sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
    if not (path := environ.get(SUMMARY)):
        return ""
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write((folder / "summary.md").read_text(encoding="utf-8"))
    except OSError as error:
        return f"{SUMMARY}: {path} cannot be written: {error.strerror}"
    return ""
