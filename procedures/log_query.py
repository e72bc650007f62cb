"""Answers a question about an instance's stored log lines: the queries of reference/logs/queries, by DuckDB."""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from procedures import environment, shell
from procedures.commands import Compose
from procedures.refusal import Refused
from procedures.settings import Settings
from procedures.shell import CommandFailed
from procedures.system import Run, System
from procedures.visible import visible

QUERIES = Path("reference/logs/queries")
_MOST_MINUTES = 7 * 24 * 60
_READ_TIMEOUT_S = 300
_WIDEST = 60  # characters of a column that people read
# The store's times are all UTC, so the text without its zone is the time.
_LINE = """
CREATE TABLE line AS SELECT
    TRY_CAST(substr(json->>'$.timestamp', 1, 23) AS TIMESTAMP) AS moment,
    lower(json->>'$.level') AS level, json->>'$.service' AS service, json->>'$.release' AS release,
    json->>'$.message' AS message, json->>'$.request_id' AS request_id, json->>'$.job_id' AS job_id,
    json->>'$.exception' AS exception, json->>'$.outcome' AS outcome, json->>'$.method' AS method,
    json->>'$.route' AS route, json->>'$.path' AS path, json->>'$.tenant' AS tenant, json->>'$.subject' AS subject,
    TRY_CAST(json->>'$.status' AS INTEGER) AS status, TRY_CAST(json->>'$.seconds' AS DOUBLE) AS seconds,
    TRY_CAST(json->>'$.seconds_total_ms' AS DOUBLE) AS total_ms, TRY_CAST(json->>'$.queue_ms' AS DOUBLE) AS queue_ms,
    TRY_CAST(json->>'$.retries' AS INTEGER) AS retries, strlen(CAST(json AS VARCHAR)) AS bytes, json
FROM read_json_objects($files, format = 'newline_delimited', ignore_errors = true)
WHERE json IS NOT NULL
"""

Row = dict[str, Any]


def known() -> dict[str, str]:
    """What each query answers, by its name: the first line of its file."""
    return {file.stem: file.read_text().partition("\n")[0].lstrip("- ") for file in sorted(QUERIES.glob("*.sql"))}


def answer(name: str, files: Sequence[Path], values: dict[str, str]) -> list[Row]:
    """The rows of a query over files of stored lines. Refused when it is unknown, needs what was not given, or is no SQL."""
    if name not in known():
        raise Refused(f"there is no query {name}: {', '.join(known())}", "scripts/logs.sh, which lists them")
    try:
        import duckdb  # noqa: PLC0415  (only this procedure needs it)
    except ImportError:
        raise Refused("the queries need DuckDB, which this Python has not", "make setup") from None
    sql = (QUERIES / f"{name}.sql").read_text()
    needed = set(re.findall(r"\$([a-z]+)", sql))
    if missing := sorted(needed - values.keys()):
        raise Refused(
            f"the query {name} needs {', '.join(f'--{key}' for key in missing)}",
            f"scripts/logs.sh {name} --{missing[0]} ID",
        )
    with duckdb.connect(":memory:") as connection:
        connection.execute(_LINE, {"files": [str(file) for file in files]})
        try:
            found = connection.execute(sql, {key: values[key] for key in needed})
            columns = [column[0] for column in found.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
        except duckdb.Error as error:
            raise Refused(f"{QUERIES / name}.sql is no query that can be answered: {error}") from error


def stored(system: System, minutes: float, services: Sequence[str]) -> str:
    """The lines that the instance's store received in the last minutes. Raises CommandFailed."""
    now = datetime.now(UTC)
    moments = [
        f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (now - timedelta(minutes=minutes), now + timedelta(seconds=1))
    ]
    argv = system.compose.inside("logs", "log-lines", *moments, *services)
    return system.do(
        argv, "the log store does not answer", mend="docker compose logs --tail 50 logs", timeout_s=_READ_TIMEOUT_S
    ).stdout


def table(rows: Sequence[Row]) -> str:
    """The rows for people, columns under each other; long texts are cut."""
    columns = list(rows[0])
    cells = [columns, *([_shown(row[column]) for column in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def main(arguments: Sequence[str], run: Run = shell.run) -> int:
    """Exit status 0 with an answer, which may be none; 1 when the store does not answer, 2 when the question is wrong."""
    parser = argparse.ArgumentParser(prog="scripts/logs.sh", description=__doc__, epilog=main.__doc__)
    parser.add_argument("query", nargs="?", help="without it: which there are")
    parser.add_argument("--minutes", type=float, default=15, help="how far to look back (default: %(default)s)")
    parser.add_argument(
        "--service", action="append", default=[], metavar="NAME", help="only this service; may be repeated"
    )
    parser.add_argument("--job", metavar="ID")
    parser.add_argument("--request", metavar="ID")
    parser.add_argument("--from", dest="files", metavar="FOLDER", type=Path, help="a copy of the store")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    asked = parser.parse_args(arguments)
    if not 0 < asked.minutes <= _MOST_MINUTES:
        parser.error(f"--minutes {asked.minutes:g}: not more than 0 and at most {_MOST_MINUTES}")
    if asked.query is None:
        sys.stdout.write("".join(f"{name:13} {what}\n" for name, what in known().items()))
        return 0
    values = {key: getattr(asked, key) for key in ("job", "request") if getattr(asked, key)}
    try:
        rows = _rows(asked, values, run)
    except Refused as error:
        sys.stderr.write(f"logs.sh: {error}\n")
        return 2
    except CommandFailed as error:
        sys.stderr.write(f"logs.sh: {error}\n")
        return 1
    if asked.json:
        sys.stdout.write("".join(json.dumps(row, default=str) + "\n" for row in rows))
    else:
        sys.stdout.write(f"{table(rows)}\n" if rows else "nothing found\n")
    return 0


def _rows(asked: argparse.Namespace, values: dict[str, str], run: Run) -> list[Row]:
    if asked.files:
        files = sorted(asked.files.rglob("*.jsonl"))
        if not files:
            raise Refused(f"there is no *.jsonl file in {asked.files}")
        return answer(asked.query, files, values)
    if asked.query not in known():
        return answer(asked.query, (), values)
    lines = stored(System(run, Compose.of(), environment.locate(), Settings.of()), asked.minutes, asked.service)
    if not lines:
        return []
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write(lines)
        file.flush()
        return answer(asked.query, [Path(file.name)], values)


def _shown(value: object) -> str:
    text = "" if value is None else visible(str(value).replace("\n", " ").replace("\t", " "))
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
