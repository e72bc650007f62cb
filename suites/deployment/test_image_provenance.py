import pytest

from fixtures.identity import CREATED_LABEL, REVISION_LABEL, VERSION_LABEL, mutable
from fixtures.stack import ComposeStack
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target


@check(
    "deployment.image-provenance",
    title="Each image of the API and the workers is named immutably and says version, revision and time of its making",
    why="Nobody can tell what runs, or get it back, when its name means something else every week.",
    fix="Tag images with the release, never `latest`; set the OCI labels version, revision and created when building.",
    needs=("api", "worker", "releases.previous"),
    minimum=2,
    standards=("OCI image-spec annotations",),
    broken_by=(
        Sabotage(
            id="image-named-latest",
            title="Workers whose image is named latest",
            says="latest",
            compose={"services": {"{worker}": {"image": "@latest"}}},
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_image_provenance(stack: ComposeStack, target: Target, evidence: Evidence) -> None:
    containers = [c for role in ("api", "worker") for c in stack.containers(role)]
    evidence.observed(len(containers), "containers")
    labels = {c.name: stack.engine.image_labels(c.image_id) for c in containers}
    evidence.value(
        "image by container",
        {c.name: {"image": c.image, "id": c.image_id, "labels": labels[c.name]} for c in containers},
    )
    moving = [f"{c.service} runs {c.image}" for c in containers if mutable(c.image)]
    assert not moving, "named so that it can mean another image tomorrow: " + "; ".join(moving)
    lacking = [
        f"{c.service} says no {label}"
        for c in containers
        for label in (VERSION_LABEL, REVISION_LABEL, CREATED_LABEL)
        if not labels[c.name].get(label)
    ]
    assert not lacking, "images that do not say where they come from: " + "; ".join(lacking)
    asked = target.releases[stack.release]
    wrong = [f"{c.service}: {version}" for c in containers if (version := labels[c.name][VERSION_LABEL]) != asked]
    assert not wrong, f"of another release than {asked}, which is to be running: {'; '.join(wrong)}"
