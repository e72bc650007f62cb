"""The environment file `.env`: the committed defaults, what set-up found out here, and whatever the user changed."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

from procedures import environment
from procedures.setup_step import SetupFailed, Step

_REFERENCE = Path("reference/env/production.env")
_BUNDLES = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pki/tls/certs/ca-bundle.crt"))


def ensure(root: Path, step: Step) -> None:
    """Write the file or add what it lacks; a value that is already there stays."""
    path = root / ".env"
    reference = _read(root / _REFERENCE)
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    after = merged(reference, before or "", _found_here())
    if after != before:
        environment.write_atomically(path, after)
    added = len(environment.assignments(after)) - len(environment.assignments(before or ""))
    step.found = ".env written" if before is None else f"{added} values added to .env" if added else "unchanged"


def merged(reference: str, present: str, machine: Mapping[str, str]) -> str:
    """The text with every assignment that `reference` and `machine` have and `present` lacks; nothing else changes."""
    if not present.strip():
        present = reference if reference.endswith("\n") else reference + "\n"
    has = {each.key for each in environment.assignments(present)}
    defaults = {each.key: each.value for each in environment.assignments(reference)}
    lacking = {key: value for key, value in {**defaults, **machine}.items() if key not in has}
    if not lacking:
        return present
    lines = [f"{key}={_quoted(value)}" for key, value in lacking.items()]
    return present.rstrip("\n") + "\n" + "\n".join(lines) + "\n"


def remember(root: Path, key: str, value: str) -> None:
    """Set one value that set-up found out, in place."""
    path = root / ".env"
    if environment.read(path).get(key) != value:
        environment.rewrite(path, {key: value})


def remembered(root: Path, key: str) -> str:
    """One value of the file; empty when it or the file is missing."""
    path = root / ".env"
    return environment.read(path).get(key, "") if path.is_file() else ""


def given(root: Path, key: str) -> str:
    """The value as compose takes it: the operator's environment before the file."""
    return os.environ.get(key, remembered(root, key))


def ca_bundle() -> str:
    """The file of certificate authorities that this machine trusts; empty when there is none."""
    named = [os.environ.get("SSL_CERT_FILE", ""), os.environ.get("PIP_CERT", ""), *map(str, _BUNDLES)]
    default = ssl.get_default_verify_paths().cafile
    return next((path for path in (*named, default or "") if path and Path(path).is_file()), "")


def _found_here() -> dict[str, str]:
    bundle = ca_bundle()
    return {"DOCJOBS_CA_BUNDLE": bundle} if bundle else {}


def _quoted(value: str) -> str:
    return f"'{value}'" if any(sign in value for sign in ' #$"') else value


def _read(path: Path) -> str:
    if not path.is_file():
        raise SetupFailed(f"The file {_REFERENCE} is missing from this checkout.", f"git checkout -- {_REFERENCE}")
    return path.read_text(encoding="utf-8")
