"""Any run that the gate could have found, as hypothesis strategies."""

from __future__ import annotations

from hypothesis import strategies as st

from gate.areas import AREAS
from gate.model import CheckResult, Lane, Measurement, Outcome, Run, Waiver

measurements = st.builds(
    Measurement,
    st.just("m"),
    st.floats(allow_nan=True),
    st.just("s"),
    st.none() | st.floats(0, 10),
    st.sampled_from(["max", "min"]),
)
waivers = st.none() | st.builds(
    Waiver,
    st.just("a.b"),
    st.sampled_from(["failed", "unverified"]),
    st.just("r"),
    st.just("o"),
    st.just("p"),
    st.sampled_from(["2026-11-22", "2026-11-23", "2027-01-01", "soon", ""]),
)
checks = st.builds(
    CheckResult,
    id=st.sampled_from([f"{area}.check" for area in AREAS[:6]]),
    title=st.just("t"),
    why=st.just("w"),
    fix=st.just("f"),
    required=st.booleans(),
    outcome=st.sampled_from(Outcome),
    reason=st.text(max_size=5),
    minimum=st.integers(-1, 4),
    observations=st.integers(0, 4),
    measurements=st.lists(measurements, max_size=2).map(tuple),
    waiver=waivers,
)
runs = st.builds(
    Run,
    id=st.just("r"),
    started=st.just(""),
    gate_version=st.just("0"),
    profile=st.just("quick"),
    target=st.just({}),
    host=st.just({}),
    expected=st.lists(st.sampled_from([f"{area}.check" for area in AREAS[:6]]), max_size=4, unique=True).map(tuple),
    checks=st.lists(checks, max_size=5, unique_by=lambda check: check.id).map(tuple),
    sealed=st.booleans(),
    narrowed=st.none() | st.just("-k"),
    lanes=st.lists(st.builds(Lane, st.just("l"), st.just(()), sealed=st.booleans()), max_size=2).map(tuple),
)
