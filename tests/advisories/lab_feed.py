"""Advisories made for tests: OSV records dated now, of both ecosystems, enough for the floor, about packages that nobody has;
and the few that tests look for. `python -m tests.advisories.lab_feed FOLDER` writes them."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FLOOR = 1_000
DEBIAN = "Debian:13"
# What defects install: old versions of packages that everybody knows, mended long ago.
REAL = (
    ("PYSEC-2018-28", "PyPI", "requests", "2.20.0"),
    ("PYSEC-2020-96", "PyPI", "PyYAML", "5.4"),
    ("DSA-4855-1", DEBIAN, "openssl", "1.1.1d-0+deb10u5"),
)


def record(identity: str, ecosystem: str, package: str, fixed: str | None, modified: datetime) -> dict[str, Any]:
    """One record: every version before `fixed` is affected, or every version there is."""
    events = [{"introduced": "0"}] + ([{"fixed": fixed}] if fixed else [])
    return {
        "schema_version": "1.6.0",
        "id": identity,
        "modified": modified.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "published": "2018-10-09T17:29:00Z",
        "aliases": [],
        "details": f"Made for tests: {package} before {fixed}.",
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
                "versions": ["0.1"] if ecosystem == "PyPI" else [],
            }
        ],
    }


def records(age: timedelta = timedelta(), floor: int = FLOOR) -> list[dict[str, Any]]:
    """Records as old as `age`: so many of each ecosystem that nobody has, and the real ones."""
    modified = datetime.now(UTC) - age
    made = [record(*real, modified) for real in REAL]
    for ecosystem, prefix in (("PyPI", "LAB-PYPI"), (DEBIAN, "LAB-DEB")):
        made += [
            record(f"{prefix}-{number}", ecosystem, f"made-for-tests-{number}", "1.0", modified)
            for number in range(floor)
        ]
    return made


def write(folder: Path, age: timedelta = timedelta(), floor: int = FLOOR) -> Path:
    """Write the records into a folder, one file each, and return it."""
    for made in records(age, floor):
        path = folder / made["affected"][0]["package"]["ecosystem"].replace(":", "-") / f"{made['id']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(made))
    return folder


if __name__ == "__main__":
    write(Path(sys.argv[1]))
