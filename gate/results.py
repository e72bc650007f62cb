"""results.json, schema 1: the one source of every document. Refuses what it cannot read in full."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from gate import files
from gate.compliance import compliance
from gate.criteria import criteria
from gate.errors import CouldNotRunError, UsageError
from gate.model import Json, Run, Verdict
from gate.status import ExitStatus

if TYPE_CHECKING:
    from jsonschema import ValidationError

VERSION = "1.4"
SCHEMA = Path(__file__).with_name("results.schema.json")
AGAIN = "make a new one with: readygate run"


class ResultsError(UsageError):
    """A results file that cannot be read; its text names the file and what mends it."""


class NotWritten(CouldNotRunError):
    """The disk refuses a results file; its text names the file, its hint shows the disk."""


def document(run: Run, verdict: Verdict) -> dict[str, Json]:
    """Return the run and its verdict as results.json holds them: plain values, nothing that JSON cannot say."""
    facts = asdict(run)
    regressions = facts.pop("regressions")
    checks = [{"id": check["id"], "area": check["id"].split(".", 1)[0]} | check for check in facts.pop("checks")]
    status = ExitStatus.of(verdict.decision)
    whole = {
        "schema": VERSION,
        "run": facts,
        "verdict": asdict(verdict) | {"exit_status": int(status), "sentence": status.sentence},
        "criteria": [asdict(criterion) for criterion in criteria(run, verdict)],
        **({"compliance": compliance(run, verdict).document()} if run.controls else {}),
        "checks": checks,
        "regressions": regressions,
    }
    plain: dict[str, Json] = _plain(whole)
    return plain


def text(run: Run, verdict: Verdict) -> str:
    """Return results.json, byte for byte as `write` writes it."""
    return json.dumps(document(run, verdict), allow_nan=False, separators=(",", ":")) + "\n"


def write(run: Run, verdict: Verdict, path: Path) -> None:
    """Replace the file at once or not at all; NotWritten when the disk refuses."""
    try:
        files.replace(path, text(run, verdict))
    except OSError as error:
        raise NotWritten(
            f"{path}: cannot be written ({error.strerror}); what was there before is whole", f"df -h {path.parent}"
        ) from error


def read(path: Path) -> tuple[Run, Verdict]:
    """Return what `write` wrote; ResultsError for anything that is not a whole results file of schema 1."""
    data = _parse(path)
    version = data.get("schema") if isinstance(data, dict) else None
    if not isinstance(version, str):
        raise ResultsError(f'{path}: not a results file (it has no "schema"); {AGAIN}')
    if version.split(".", 1)[0] != VERSION.split(".", 1)[0]:
        raise ResultsError(
            f"{path}: results schema {version!r}, this gate reads {VERSION.split('.', 1)[0]}.x; "
            "read it with the gate version that wrote it"
        )
    if (flaw := _flaw(data)) is not None:
        raise ResultsError(f"{path}: not valid at {flaw.json_path}: {flaw.message[:200]}; {AGAIN}")
    run, verdict = _adapters()
    whole = data["run"] | {"checks": data["checks"], "regressions": data.get("regressions", [])}
    return run.validate_python(whole), verdict.validate_python(data["verdict"])


def _parse(path: Path) -> Json:
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror}); {AGAIN}") from error
    except UnicodeDecodeError as error:
        raise ResultsError(f"{path}: not a results file (not UTF-8 text); {AGAIN}") from error
    try:
        return json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        cut = content.lstrip().startswith("{") and not content.rstrip().endswith("}")
        what = "cut off before its end" if cut else f"not JSON ({error})"
        raise ResultsError(f"{path}: {what}; {AGAIN}") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _plain(value: Json) -> Json:
    """Say numbers that JSON has no word for as strings ("NaN", "Infinity"), which `read` turns back."""
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _flaw(data: Json) -> ValidationError | None:
    """What is wrong with the data, first of all. jsonschema is loaded here: most commands read no results."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415  (a tenth of a second, for most commands for nothing)
    from jsonschema.exceptions import best_match  # noqa: PLC0415

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    flaw: ValidationError | None = best_match(Draft202012Validator(schema).iter_errors(data))
    return flaw


@cache
def _adapters() -> tuple[TypeAdapter[Run], TypeAdapter[Verdict]]:
    return TypeAdapter(Run), TypeAdapter(Verdict)
