"""[hardening] of readiness.toml: what a container may have that others may not, each with its owner's sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gate.model import Json
from gate.toml_error import Document, Problem, unknown


@dataclass(frozen=True, slots=True)
class HardeningTable:
    """Exceptions by `service:what`, and the sentence that the owner stands by.

    `capabilities`: names without CAP_; `devices`, `host_mounts`, `scratch`, `writable_code`: paths inside the container;
    `host_namespaces`: pid, net, ipc or uts; `setuid_files`: paths inside the image.
    """

    capabilities: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    host_mounts: Mapping[str, str] = field(default_factory=dict)
    host_namespaces: Mapping[str, str] = field(default_factory=dict)
    scratch: Mapping[str, str] = field(default_factory=dict)
    setuid_files: Mapping[str, str] = field(default_factory=dict)
    writable_code: Mapping[str, str] = field(default_factory=dict)


NAMES = tuple(HardeningTable.__dataclass_fields__)


def table(data: Mapping[str, Json]) -> HardeningTable:
    """The checked table as a value; nothing is excepted without it."""
    return HardeningTable(**{name: dict(data.get(name) or {}) for name in NAMES})


def hardening_problems(document: Document) -> Iterator[Problem]:
    """An exception names a service that there is, and says why."""
    data = document.data.get("hardening")
    if not isinstance(data, dict):
        return
    owner = {service for services in (document.data.get("roles") or {}).values() for service in services}
    for name in NAMES:
        for key, sentence in (data.get(name) or {}).items():
            path = ("hardening", name, key)
            service, colon, what = key.partition(":")
            if not colon or not service or not what:
                yield document.problem(path, f'must be service:what, for example "worker:/tmp", is "{key}"')
            elif owner and service not in owner:
                yield document.problem(path, f'"{service}" has no role: {unknown("service", service, owner)}')
            if not sentence.strip():
                yield document.problem(path, "must be the owner's sentence")
