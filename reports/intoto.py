"""The verdict as an in-toto statement (test-result v0.1), for whoever signs it and lets nothing else through. Unsigned.

GO is PASSED and everything else FAILED: a policy that lets warnings pass must not let an INCOMPLETE through.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping

from gate import results
from gate.model import Decision, Json, Run, Verdict
from gate.text import flat
from reports import view

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


def render(run: Run, verdict: Verdict) -> str:
    """Return the statement: the images that were judged, the configuration that held, and each check by what became of it."""
    rows = view.rows(run, verdict)
    passed = [row for row in rows if row.state is view.State.PASSED and not row.blockers]
    against = [row for row in rows if row.blockers]
    # Waived, advisory and declared absent: they stand in the way of nothing, and a reader should know of them.
    warned = [row for row in rows if row not in passed and row not in against]
    predicate = {
        "result": "PASSED" if verdict.decision is Decision.GO else "FAILED",
        "configuration": list(_configuration(run)),
        "passedTests": _ids(passed),
        "warnedTests": _ids(warned),
        "failedTests": sorted({*_ids(against), *_of_the_run(verdict)}),
        "readygate": {
            "decision": verdict.decision.value,
            "run": flat(run.id),
            "version": flat(run.gate_version),
            "finished": flat(run.finished or ""),
        },
    }
    statement = {
        "_type": STATEMENT,
        "subject": _subjects(run, verdict),
        "predicateType": PREDICATE,
        "predicate": predicate,
    }
    return json.dumps(statement, indent=1, ensure_ascii=False) + "\n"


def _subjects(run: Run, verdict: Verdict) -> list[dict[str, Json]]:
    """The images by digest; where none was seen, the system's description, or else the results themselves: a statement is
    about something."""
    images = run.target.get("images")
    found = list(_described(images)) if isinstance(images, Mapping) else []
    if found := found or list(_configuration(run)):
        return found
    return [_resource("results.json", hashlib.sha256(results.text(run, verdict).encode()).hexdigest())]


def _configuration(run: Run) -> Iterator[dict[str, Json]]:
    keys = {"readiness.toml": "readiness_sha256", "compose": "config_sha256", "waivers.toml": "waivers_sha256"}
    yield from _described({name: run.target.get(key) for name, key in keys.items()})


def _described(digests: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    for name, digest in digests.items():
        if found := _SHA256.fullmatch(str(digest)):
            yield _resource(flat(str(name)), found[1])


def _resource(name: str, sha256: str) -> dict[str, Json]:
    return {"name": name, "digest": {"sha256": sha256}}


def _ids(rows: list[view.Row]) -> list[str]:
    return sorted({flat(row.check.id) for row in rows})


def _of_the_run(verdict: Verdict) -> Iterator[str]:
    for blocker in verdict.blockers:
        if not blocker.check:
            yield f"run: {blocker.kind}"
        elif blocker.kind == "waiver":
            yield f"waiver: {flat(blocker.check)}"
