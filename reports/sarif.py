"""The findings that have a place in a file of the system, as SARIF 2.1.0 for code scanning. It shows and judges nothing."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import quote

from gate.finding import Finding
from gate.model import CheckResult, Json, Run, Verdict
from gate.text import flat

LARGEST = 5_000  # results; readers keep no more of one run, so the least severe are left out here and counted
LEVELS = ("error", "warning", "note")
ROOT = "%SRCROOT%"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")


def render(run: Run, verdict: Verdict) -> str:
    """Return one SARIF run; findings inside images have no file of the system and are only counted."""
    blocked = {blocker.check for blocker in verdict.blockers}
    found = [(check, finding) for check in run.checks for finding in check.findings]
    placed = [(check, finding) for check, finding in found if _path(finding)]
    placed.sort(key=lambda pair: LEVELS.index(pair[1].level))
    kept = placed[:LARGEST]
    rules: dict[str, CheckResult] = {}
    for check, finding in kept:
        rules.setdefault(finding.rule, check)
    place = {rule: index for index, rule in enumerate(rules)}
    seen: Counter[str] = Counter()
    document = {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "readygate",
                        "version": flat(run.gate_version),
                        "rules": [_rule(rule, check) for rule, check in rules.items()],
                    }
                },
                "automationDetails": {"id": f"readygate/{quote(str(run.target.get('name', '')), safe='')}/"},
                "columnKind": "utf16CodeUnits",
                "originalUriBaseIds": {ROOT: {"description": {"text": "The folder of the system's readiness.toml"}}},
                "invocations": [_invocation(run)],
                "results": [_result(check, finding, place, seen, blocked) for check, finding in kept],
                "properties": {"withoutFile": len(found) - len(placed), "leftOut": len(placed) - len(kept)},
            }
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _rule(rule: str, check: CheckResult) -> dict[str, Json]:
    said = {
        "id": flat(rule),
        "shortDescription": {"text": text(check.title or rule)},
        "help": {"text": text(check.fix)},
    }
    return said | {"properties": {"tags": ["security", *map(flat, check.standards)]}}


def _result(
    check: CheckResult, finding: Finding, place: dict[str, int], seen: Counter[str], blocked: set[str]
) -> dict[str, Json]:
    path = _path(finding)
    location: dict[str, Json] = {"artifactLocation": {"uri": quote(path, safe="/"), "uriBaseId": ROOT}}
    if finding.line > 0:
        location["region"] = {"startLine": finding.line}
    same = f"{finding.rule}\0{path}\0{finding.message}"
    seen[same] += 1
    print_of = hashlib.sha256(f"{same}\0{seen[same]}".encode("utf-8", "surrogatepass")).hexdigest()
    result: dict[str, Json] = {
        "ruleId": flat(finding.rule),
        "ruleIndex": place[finding.rule],
        "level": finding.level,
        "message": {"text": text(finding.message)},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"readygate/v1": print_of},
        "properties": {"check": flat(check.id)},
    }
    if suppressions := list(_suppressions(check, finding, blocked)):
        result["suppressions"] = suppressions
    return result


def _suppressions(check: CheckResult, finding: Finding, blocked: set[str]) -> Iterator[dict[str, Json]]:
    if finding.suppressed:
        yield {"kind": "inSource", "justification": text(finding.suppressed)}
    if check.waiver and check.id not in blocked:
        waiver = check.waiver
        words = f"{waiver.reason} ({waiver.owner}, approved by {waiver.approver}, until {waiver.expires})"
        yield {"kind": "external", "justification": text(words)}


def _invocation(run: Run) -> dict[str, Json]:
    moments = {"startTimeUtc": run.started, "endTimeUtc": run.finished or ""}
    known = {name: moment.replace("+00:00", "Z") for name, moment in moments.items() if _MOMENT.fullmatch(moment)}
    return {"executionSuccessful": run.sealed, **known}


def _path(finding: Finding) -> str:
    """The file relative to the system's folder; empty where it is none of that folder's."""
    path = PurePosixPath(finding.file)
    outside = finding.image or path.is_absolute() or ".." in path.parts or not path.parts
    return "" if outside else flat(str(path))


def text(value: str) -> str:
    """Return any text on one line in which a viewer finds no link; SARIF allows no empty one."""
    return flat(value).replace("](", "] (") or "–"
