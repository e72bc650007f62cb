"""The documents of a run, by the words of `readygate report --format`."""

from __future__ import annotations

FORMATS = ("html", "md", "junit", "sarif", "intoto", "handoff")
