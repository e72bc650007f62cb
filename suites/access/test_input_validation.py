import pytest

from fixtures.access import fuzzing
from fixtures.access.exhibits import Exhibits
from fixtures.access.operations import Operation
from fixtures.access.surface import Surface
from fixtures.access.witness import Seen, Witness, serving
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

_JOBS = 4  # that may be made of what was made up: fewer than would be an alarm
_CONFLICT = 409


@check(
    "access.input-validation",
    title="Whatever is sent to an operation is answered as the client's mistake or served, never with a failure",
    why="Input that nobody thought of is where the failures are that can be brought about from outside.",
    fix="Declare the bounds of that field in the schema of the operation, and refuse what is outside with 422.",
    needs=("auth", "access.openapi", "access.port", "api", "job"),
    standards=("C56", "ASVS 5.0 2.2.1", "ASVS 5.0 2.2.2", "API8:2023", "CWE-20"),
    minimum=1,
    broken_by=(
        Sabotage(
            id="cursor-not-validated",
            title="An API that fails over a cursor that is not one of its own",
            replace=(
                {
                    "file": "{access.code}",
                    "pattern": r"except \(binascii\.Error, ValueError\):",
                    "with": "except KeyError:",
                },
            ),
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_input_validation(surface: Surface, exhibits: Exhibits, limits: dict[str, Limit], evidence: Evidence) -> None:
    bodies = {one.name: surface.call(one).body for one in surface.documented if one.body is not None}
    document = fuzzing.prepared(surface.document, bodies)
    headers = {"Authorization": f"Bearer {surface.token()}"}
    bounded = dict.fromkeys((one.name for one in surface.documented if not one.reads), _JOBS)
    witness = Witness(surface.replicas()[0], headers, surface.documented, bounded, exhibits.done().id)
    with serving(witness) as url:
        report = fuzzing.run(document, url, int(limits["access.fuzzing_examples"].value))
    seen = witness.seen
    evidence.observed(seen.cases, "made-up requests that came to the API")
    evidence.value("Schemathesis", report.version)
    evidence.value("answers by operation", {name: _shown(counts) for name, counts in seen.statuses.items()})
    assert not seen.failures, f"{len(seen.failures)} failures, such as {'; '.join(seen.failures[:3])}"
    evidence.measure("made-up requests", seen.cases, "requests", limit=limits["access.fuzzing_cases"])
    found = fuzzing.doubts(report, planted=seen.planted, came=seen.came)
    found += [f"no request to {one.name} was served" for one in surface.guarded if not _served(seen, one)]
    if found:
        raise Unverified("; ".join(found))


def _served(seen: Seen, operation: Operation) -> bool:
    """Whether a request came through to what the operation does; a job may be in a state in which it cannot be done."""
    statuses = dict(seen.statuses.get(operation.name, {}))
    return any(200 <= status < 300 or (status == _CONFLICT and not operation.reads) for status in statuses)


def _shown(counts: dict[int, int]) -> str:
    return ", ".join(f"{count} × {status}" for status, count in sorted(counts.items()))
