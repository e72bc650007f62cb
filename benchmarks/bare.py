"""What the reference system's numbers are held against: queue, web framework and load generator with nothing of ours.

The bare worker and the bare API run inside the reference system's own containers: same processors, same libraries, same
database, same server settings.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from fixtures.clients.docker import Container
from fixtures.histogram import Times
from fixtures.stack import ComposeStack
from fixtures.wait import Unreachable, until
from gate import shell
from gate.errors import CouldNotRunError, UsageError
from gate.percentiles import needed

ROOT = Path(__file__).resolve().parents[1]
PORT = 8999
SLOW_S = 0.02  # what /slow takes, of which generators are to say the same
READY_S = 30
NEVER_WAITS = {"DOCJOBS_STAGE_WAIT_MS": "0", "DOCJOBS_RATE_LIMIT_10S": "1000000"}
LOOK = "look"

_WORKER = """
import asyncio, json, sys, time
from procrastinate import App, PsycopgConnector
from docjobs import database
from docjobs.settings import WorkerSettings
async def main(jobs):
    settings = WorkerSettings.load()
    pool = database.pool(settings, "bare")
    await pool.open()
    app = App(connector=PsycopgConnector())
    await app.open_async(pool=pool)
    @app.task(name="bare", queue="bare")
    async def bare(): pass
    await bare.batch_defer_async(*[{}] * jobs)
    began = time.monotonic()
    await app.run_worker_async(queues=["bare"], concurrency=settings.worker_concurrency, wait=False, listen_notify=False,
                               delete_jobs="always", install_signal_handlers=False)
    print(json.dumps(time.monotonic() - began))
    await pool.close()
asyncio.run(main(int(sys.argv[1])))
"""
_API = f"""
import asyncio, uvicorn
from fastapi import FastAPI
app = FastAPI(docs_url=None, redoc_url=None)
@app.get("/bare")
async def bare(): return {{"state": "running"}}
@app.get("/slow")
async def slow():
    await asyncio.sleep({SLOW_S})
    return {{"state": "running"}}
uvicorn.run(app, host="0.0.0.0", port={PORT}, log_config=None, access_log=False, server_header=False, proxy_headers=False)
"""


@dataclass(frozen=True, slots=True)
class Speed:
    """What a generator reached and saw: requests a second, seconds of half and of all but one in a hundred, and how many
    requests were not answered well. None: too few requests for a p99, or cores that it does not tell."""

    per_s: float
    p50_s: float
    p99_s: float | None
    failed: int
    cores: float | None = None

    def json(self) -> dict[str, float | int | None]:
        """For the figures."""
        return asdict(self)


def worker(stack: ComposeStack, jobs: int) -> float:
    """Jobs a second of a procrastinate worker whose jobs do nothing, as many at a time as ours does. Raises CommandFailed."""
    done = stack.exec(stack.containers("worker")[0], ["python", "-c", _WORKER, str(jobs)], timeout_s=300)
    return jobs / float(json.loads(done.check("running a bare worker").stdout.splitlines()[-1]))


@contextmanager
def api(stack: ComposeStack) -> Iterator[str]:
    """The URL of an API without any of our code, beside ours in its container, until that is removed. Raises NotReached."""
    found = stack.containers("api")[0]
    stack.exec(found, ["python", "-c", _API], detach=True)
    url = f"http://{address(found)}:{PORT}"
    until(lambda: _answers(f"{url}/bare"), READY_S, "the bare API answers", every=0.2)
    yield url


def address(found: Container) -> str:
    """Where this machine reaches a container, past the gateway."""
    return next(str(n["IPAddress"]) for n in found.inspect["NetworkSettings"]["Networks"].values() if n["IPAddress"])


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError as error:
        raise Unreachable(f"{url}: {error}") from error


def demand_wrk() -> None:
    """Raise UsageError unless wrk is here."""
    if shutil.which("wrk") is None:
        raise UsageError("wrk is not installed: it is what APIs and generators are compared by", "apt-get install wrk")


def wrk(url: str, *, connections: int, seconds: int, headers: Mapping[str, str] | None = None) -> Speed:
    """What wrk reaches and sees on one core."""
    said = [part for name, value in (headers or {}).items() for part in ("-H", f"{name}: {value}")]
    done = shell.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *said, url], timeout_s=seconds + 30
    )
    return of_wrk(done.check("running wrk").stdout)


def of_wrk(text: str) -> Speed:
    """What wrk printed. Raises CouldNotRunError for what is no result of it."""
    rate = re.search(r"^Requests/sec:\s+([\d.]+)$", text, re.MULTILINE)
    shares = {
        share: _seconds(time) for share, time in re.findall(r"^\s+(\d+)%\s+([\d.]+(?:us|ms|s|m))$", text, re.MULTILINE)
    }
    if rate is None or not {"50", "99"} <= shares.keys():
        raise CouldNotRunError(f"wrk said nothing that is a result:\n{text[-500:]}")
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    failed = sum(int(number) for found in (bad, errors) if found for number in found.groups())
    return Speed(float(rate[1]), shares["50"], shares["99"], failed)


def _seconds(text: str) -> float:
    number = text.rstrip("mus")
    return float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}[text.removeprefix(number)]


def generator(folder: Path, url: str, path: str, *, users: int, seconds: int) -> Speed:
    """What our own generator (loadtests/client.py) reaches and sees with so many users who never pause, in one process."""
    folder.mkdir(parents=True, exist_ok=True)
    order, result = folder / "ceiling.order.json", folder / "ceiling.json"
    order.write_text(json.dumps({"result": str(result), "status_path": path, "tenants": [""]}))
    shell.run(
        [
            *(sys.executable, "-m", "locust", "--locustfile", str(ROOT / "loadtests" / "ceiling.py"), "--headless"),
            *("--users", str(users), "--spawn-rate", str(users), "--run-time", f"{seconds}s", "--host", url),
            *("--only-summary", "--exit-code-on-error", "0"),
        ],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "READYGATE_LOAD": str(order)},
        timeout_s=seconds + 60,
    ).check("running the load generator")
    return of_generator(result.read_text())


def of_generator(text: str) -> Speed:
    """What our generator wrote down, of its full seconds."""
    body = json.loads(text)
    full = body["seconds"][1:-1]
    if not full:
        raise CouldNotRunError("the load generator did not run for three seconds")
    times = Times.decoded(LOOK, body["histograms"][f"GET {LOOK}"])
    return Speed(
        per_s=sum(second["requests"] for second in full) / len(full),
        p50_s=times.percentile(50),
        p99_s=times.percentile(99) if times.count >= needed(99) else None,
        failed=body["failures"],
        cores=sum(second["cpu"] for second in full) / len(full),
    )
