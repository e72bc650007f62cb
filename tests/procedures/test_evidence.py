"""A bake needs evidence: from Prometheus or from reads of our own. With neither, the deployment goes back."""

from __future__ import annotations

import time
from typing import Any

import pytest

from procedures import bake, change, deploy, traffic
from procedures.procedure import carry_out
from procedures.settings import Settings
from procedures.traffic import Read, Reads
from procedures.window import Counters
from tests.procedures.recording import COMPOSE, Recorded, rehearsed


@pytest.fixture
def system(system: Recorded, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """As everywhere, with a bake of a twentieth of a second."""
    monkeypatch.setattr(bake, "EXTENSION_S", 0.3)
    monkeypatch.setattr(bake, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setenv("DEPLOY_BAKE_S", "0.05")
    return system


def test_a_release_that_nobody_saw_at_work_is_not_kept(system: Recorded) -> None:
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.status, outcome.details["failed_phase"]) == ("rolled-back", 1, "bake")
    assert "no evidence that 1.1.0 is good" in outcome.reason
    assert "Prometheus: not enough traffic to judge: 0 requests of 30" in outcome.reason
    assert "DEPLOY_BAKE_S=0 does without a bake" in outcome.reason
    assert system.active == "blue"


def test_why_there_were_no_reads_of_our_own_is_said(system: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    system.fails = lambda argv: argv == COMPOSE.published()
    assert "the gateway publishes no port" in carry_out(deploy.request("1.1.0"), system).reason
    monkeypatch.setenv("DEPLOY_BAKE_READS_PER_S", "0")
    assert "none: DEPLOY_BAKE_READS_PER_S is 0" in carry_out(deploy.request("1.1.0"), system).reason


def test_what_prometheus_counted_is_evidence(system: Recorded) -> None:
    system.counted = answers(40)
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert (outcome.result, outcome.details["bake"]["requests"]) == ("deployed", 40)


def test_reads_of_our_own_are_evidence_where_prometheus_is_silent(
    system: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.fails = lambda argv: "promtool" in argv
    reading(monkeypatch, lambda: [Read(time.monotonic(), 0.02, failed=False)] * 30)
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert outcome.result == "deployed"
    assert "0 of 30 reads of our own failed" in outcome.details["bake"]["reason"]


def test_either_witness_may_condemn(system: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    system.counted = answers(40)
    reading(monkeypatch, lambda: [Read(time.monotonic(), 0.02, failed=True)] * 30)
    assert "30 of 30 reads of our own failed" in carry_out(deploy.request("1.1.0"), system).reason
    system.counted = answers(40, status="500")
    reading(monkeypatch, lambda: [Read(time.monotonic(), 0.02, failed=False)] * 30)
    assert "40 of 40 requests failed" in carry_out(deploy.request("1.1.0"), system).reason


def test_a_bake_waits_for_its_evidence_on_a_busy_machine(system: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()

    def come() -> list[Read]:  # thirty after a quarter of a second, five times the bake time
        return [Read(time.monotonic(), 0.02, failed=False)] * int((time.monotonic() - began) / 0.25 * 30)

    reading(monkeypatch, come)
    assert carry_out(deploy.request("1.1.0"), system).result == "deployed"


def test_the_rehearsal_is_no_traffic_after_the_switch(system: Recorded) -> None:
    system.counted = answers(155)
    labels = 'method="GET",route="/v1/jobs"'
    system.rehearsal = rehearsed() | {
        "counted": [
            f'docjobs_http_requests_total{{{labels},status="200"}} 155.0',
            f'docjobs_http_request_duration_seconds_bucket{{le="+Inf",{labels}}} 155.0',
        ]
    }
    outcome = carry_out(deploy.request("1.1.0"), system)
    assert "not enough traffic to judge: 0 requests of 30" in outcome.reason
    system.rehearsal |= {"counted": None}
    assert "green did not say what it had counted" in carry_out(deploy.request("1.1.0"), system).reason


def test_the_extension_lets_thirty_reads_end_even_if_each_takes_as_long_as_it_may() -> None:
    slowest_per_s = traffic.CLIENTS / traffic._TIMEOUT_S
    assert Settings().minimum_requests / slowest_per_s <= bake.EXTENSION_S


def test_counters_that_began_anew_are_not_taken_for_less_than_nothing() -> None:
    assert Counters(5, 1, ((0.1, 5.0),)).since(Counters(150, 0, ((0.1, 150.0),))) == Counters(0, 1, ((0.1, 0.0),))


def answers(count: int, *, status: str = "200") -> list[dict[str, Any]]:
    """What Prometheus says of the new colour."""

    def sample(**labels: str) -> dict[str, Any]:
        return {"metric": {"colour": "green", **labels}, "value": [0, str(count)]}

    return [sample(status=status), sample(le="0.1"), sample(le="+Inf")]


def reading(monkeypatch: pytest.MonkeyPatch, come: Any) -> None:
    """Let reads of our own come as told; how they are made is tested in test_traffic.py and on a real stack."""

    class Told(Reads):
        def __init__(self) -> None: ...

        @property
        def done(self) -> list[Read]:  # type: ignore[override]
            return list(come())

        def end(self) -> None: ...

    monkeypatch.setattr(change.traffic, "begin", lambda _system: (Told(), ""))
