"""The checks that a run must report: a committed manifest, so that one removed from disk is missed and not forgotten.

`python -m gate.catalogue` writes gate/catalogue.json and docs/CHECKS.md anew from the suites' own metadata.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from gate.areas import AREAS
from gate.model import Check

TREE = Path(__file__).resolve().parent.parent
MANIFEST = Path(__file__).with_name("catalogue.json")
DOCUMENT = TREE / "docs" / "CHECKS.md"
_BLIND = " (unverified then, not red: it is the gate's own)"
_CHECKS = TypeAdapter(tuple[Check, ...])


@cache
def checks(profile: str | None = None) -> tuple[Check, ...]:
    """Every check in the order of the suites; of a profile: those that a whole run of this length must report."""
    found = _CHECKS.validate_json(MANIFEST.read_text())
    return tuple(check for check in found if profile is None or profile in (check.profiles or (profile,)))


@contextmanager
def _nothing_from_outside() -> Iterator[None]:
    """As a lane's environment: no foreign options or plugins, which could hide a check or import gevent."""
    names = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    before = {name: os.environ.pop(name, None) for name in names}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        os.environ.pop("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
        os.environ.update({name: value for name, value in before.items() if value is not None})


class _Collector:
    def __init__(self) -> None:
        self.checks: dict[str, Check] = {}
        self.twice: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            mark = item.get_closest_marker("check")
            if mark:
                source = item.nodeid.partition("::")[0]
                check: Check = mark.args[0]
                place = self.checks.get(check.id)
                if place and place.source != f"suites/{source.removeprefix('suites/')}":
                    self.twice.append(f"{check.id} is claimed by {place.source} and by {source}")
                self.checks[check.id] = replace(check, source=f"suites/{source.removeprefix('suites/')}")


def collect(suites: Path = TREE / "suites") -> tuple[Check, ...]:
    """The checks that the suites hold now, by collecting them. Raises RuntimeError when one cannot be imported
    or two claim the same id."""
    collector = _Collector()
    arguments = ["--collect-only", "-q", "-q", "-c", str(TREE / "suites" / "lane.ini"), "--rootdir", str(suites)]
    with _nothing_from_outside():
        status = pytest.main([*arguments, str(suites)], plugins=[collector])
    if status not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        raise RuntimeError(f"the suites in {suites} cannot be collected: run `pytest --collect-only {suites}`")
    if collector.twice:
        raise RuntimeError("; ".join(collector.twice))
    order = {area: place for place, area in enumerate(AREAS)}
    return tuple(sorted(collector.checks.values(), key=lambda c: (order[c.area], c.source, c.id)))


def manifest(found: tuple[Check, ...]) -> str:
    """The text of gate/catalogue.json."""
    return json.dumps([asdict(check) for check in found], indent=1, ensure_ascii=False) + "\n"


def document(found: tuple[Check, ...]) -> str:
    """The text of docs/CHECKS.md."""
    lines = [
        "# The checks",
        "",
        "Written by `make docs` from the suites' own metadata; do not edit it by hand.",
        f"{len(found)} checks. `readygate prove` shows each red under its sabotages and green on the healthy system.",
    ]
    for area in AREAS:
        of_area = [check for check in found if check.area == area]
        lines += ["", f"## {area}", ""] if of_area else []
        for check in of_area:
            lines += [
                f"### {check.id}",
                "",
                f"{check.title}.",
                "",
                f"- **Why**: {check.why}",
                f"- **Mend**: {check.fix}",
                f"- **Needs**: {', '.join(f'`{need}`' for need in check.needs) or 'nothing'}",
                f"- **Looks at** at least {check.minimum}; below that it is unverified.",
                *([f"- **Only in** runs of profile {', '.join(check.profiles)}."] if check.profiles else []),
                *([f"- **Standards**: {', '.join(check.standards)}"] if check.standards else []),
                "- **Turned red by**:",
                *(
                    f"  - `{sabotage.id}`: {sabotage.title}{_BLIND if sabotage.generator else ''}"
                    for sabotage in check.broken_by
                ),
                f"- **Source**: `{check.source}`",
                "",
            ]
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Write both files anew."""
    found = collect()
    MANIFEST.write_text(manifest(found))
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document(found))
    sys.stderr.write(f"{len(found)} checks written to {MANIFEST.name} and {DOCUMENT.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
