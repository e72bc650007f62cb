"""Removal of what a stack leaves on a real engine, whatever still holds on to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import docker
import pytest

from fixtures.clients.docker import Engine
from fixtures.compose import read_env
from fixtures.reap import Leftovers, remove

pytestmark = pytest.mark.docker
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def network() -> Iterator[str]:
    client, name = docker.from_env(), f"test-{uuid4().hex[:8]}"
    made = client.networks.create(name)
    yield name
    if client.networks.list(names=[name]):
        made.remove()


def test_a_network_goes_although_somebody_is_still_in_it(network: str) -> None:
    client = docker.from_env()
    image = read_env((ROOT / ".env").read_text())["BASE_IMAGE"]
    stranger = client.containers.run(image, ["sleep", "60"], detach=True, network=network)
    try:
        assert remove(Engine(), Leftovers(networks=(network,))) == Leftovers(networks=(network,))
        assert not client.networks.list(names=[network])
        stranger.reload()
        assert stranger.status == "running"
    finally:
        stranger.remove(force=True)


def test_what_is_gone_already_counts_as_removed() -> None:
    gone = Leftovers(containers=("0" * 64,), networks=("test-never-was",), volumes=("test-never-was",))
    assert remove(Engine(), gone) == gone


def test_starts_are_seen_by_image_also_of_what_is_gone_again() -> None:
    client, label = docker.from_env(), f"test.{uuid4().hex[:8]}"
    image = read_env((ROOT / ".env").read_text())["BASE_IMAGE"]
    with Engine().starts(f"{label}=1") as seen:
        client.containers.run(image, ["true"], labels={label: "1"}, remove=True)
        client.containers.run(image, ["true"], labels={label: "2"}, remove=True)
    assert seen == [image]
