"""Scanners on a real image and a container that runs of it: what was put into a layer, removed, installed and left behind."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path

import docker
import pytest

from fixtures.clients.docker import Engine, container
from fixtures.compose import read_env
from fixtures.scanners import cache
from fixtures.scanners.audit import audit
from fixtures.scanners.feed import opened
from fixtures.scanners.images import Image, look
from fixtures.scanners.inside import insides
from fixtures.scanners.inventory import components, seen, strays
from fixtures.scanners.leftovers import leftovers
from fixtures.scanners.locks import held_against_record
from fixtures.scanners.packages import ecosystems, python_packages
from tests.advisories import lab_feed

pytestmark = pytest.mark.docker
ROOT = Path(__file__).resolve().parents[2]
VALUE = "7sJ2-correct-horse-battery"
SITE = "/usr/local/lib/python3/dist-packages"
BUILD = f"""
FROM {{base}}
ARG PASSWORD
RUN echo {VALUE} > /srv/value && printf -- '-----BEGIN RSA PRIVATE KEY-----\\nMIIEowIBAAKCAQEA7\\n' > /srv/key.txt
RUN rm /srv/value /srv/key.txt
RUN mkdir -p {SITE}/requests-2.19.0.dist-info {SITE}/stowaway /srv/.git && touch {SITE}/stowaway/__init__.py /srv/.git/HEAD \\
 && printf 'Name: requests\\nVersion: 2.19.0\\n' > {SITE}/requests-2.19.0.dist-info/METADATA \\
 && printf '%s\\n' '' 'Package: libssl1.1' 'Status: install ok installed' 'Source: openssl' 'Version: 1.1.1d-0+deb10u1' \\
    >> /var/lib/dpkg/status
"""


@pytest.fixture(scope="module")
def running():
    """A container of such an image, removed with it in the end."""
    tag = f"readygate-scanned:{uuid.uuid4().hex[:8]}"
    base = read_env((ROOT / ".env").read_text())["BASE_IMAGE"]
    argv = ["docker", "build", "-q", "-t", tag, "--build-arg", "PASSWORD=hunter22", "-"]
    subprocess.run(argv, input=BUILD.format(base=base), text=True, check=True, capture_output=True)
    client = docker.from_env()
    made = client.containers.run(tag, ["sleep", "300"], detach=True, read_only=True, user="10001")
    try:
        yield container(Engine().inspect(made.id), "")
    finally:
        made.remove(force=True)
        client.images.remove(tag, force=True)


def test_what_is_in_its_layers_and_its_history(running, tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    engine = Engine()
    said = engine.image(running.image_id)
    image = Image(
        running.image_id, ("api",), tuple(said["RootFS"]["Layers"]), said["Config"], tuple(engine.history(said["Id"]))
    )
    cold = look([image], {"db": VALUE})
    places = {(f.rule, f.file) for f in cold.findings}
    assert places >= {
        ("secrets/value", "/srv/value"),
        ("detect-secrets/Private-Key", "/srv/key.txt"),
        ("secrets/image", ""),
    }
    assert cold.files["shipped"] > cold.files["files"] / 2 > 500
    assert cold.layers == len(image.layers)
    assert cold.kept == 0
    warm = look([image], {"db": VALUE})
    assert (warm.kept, warm.findings) == (warm.layers, cold.findings)
    other = look([image], {"db": "another-value-of-it"})
    assert other.kept == 0, "another secret is another question"
    assert ("secrets/value", "/srv/value") not in {(f.rule, f.file) for f in other.findings}


def test_what_is_installed_and_was_left_behind(running, tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    (inside,) = insides((running,))
    assert ecosystems([inside]) == [f"Debian:{inside.debian}", "PyPI"]
    assert python_packages([inside]) == {"": {("requests", "2.19.0")}}
    assert strays(inside) == [f"{SITE}/stowaway"]
    assert {(c.kind, c.name) for c in components(inside)} ^ seen(inside) == {("deb", "libssl1.1")}
    assert [(f.rule, f.file) for f in leftovers(inside)] == [("leftovers/version-control", "/srv/.git")]
    (distribution,) = inside.distributions
    assert "has no record" in held_against_record(inside, distribution).changed[0]
    records = lab_feed.write(tmp_path / "feed", floor=10)
    with opened(str(records), records) as feed:
        found = audit({("requests", "2.19.0")}, feed)
        assert [v.id for v in found.vulnerabilities] == ["PYSEC-2018-28"]
        ecosystem = f"Debian:{inside.debian}"
        wanted = {(p.source, p.source_version) for p in inside.packages}
        assert {pair for pair, of in feed.of(ecosystem, wanted).items() if of} == {("openssl", "1.1.1d-0+deb10u1")}
