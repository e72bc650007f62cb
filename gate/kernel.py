"""What this machine's kernel can do, for checks whose subject a kernel may lack. No word in readiness.toml decides that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROFILES = "kernel.profiles"
NEEDS = frozenset({PROFILES})


@dataclass(frozen=True, slots=True)
class Profiles:
    """The mandatory access control that a container can be put under: `module` is apparmor, selinux or nothing.

    `seen`: what the kernel said, by where it said it.
    """

    module: str
    seen: dict[str, str]

    def __str__(self) -> str:
        return "; ".join(f"{where}: {said}" for where, said in self.seen.items())


def profiles(root: Path = Path("/")) -> Profiles:
    """Ask the kernel in every way it has; one that says yes is enough, because most of them may be hidden."""
    seen = {
        "/sys/kernel/security/lsm": _said(root / "sys/kernel/security/lsm"),
        "/sys/module/apparmor/parameters/enabled": _said(root / "sys/module/apparmor/parameters/enabled"),
        "/proc/self/attr/current": _said(root / "proc/self/attr/current"),
        "selinuxfs in /proc/filesystems": "yes"
        if "selinuxfs" in _said(root / "proc/filesystems").split()
        else "not there",
    }
    modules = seen["/sys/kernel/security/lsm"].split(",")
    label = seen["/proc/self/attr/current"]
    apparmor = "apparmor" in modules or seen["/sys/module/apparmor/parameters/enabled"] == "Y"
    selinux = "selinux" in modules or seen["selinuxfs in /proc/filesystems"] == "yes"
    # Whoever has a label has a module that gave it; SELinux's has colons.
    labelled = label not in _NOTHING
    if apparmor or (labelled and not selinux and ":" not in label):
        return Profiles("apparmor", seen)
    return Profiles("selinux" if selinux or labelled else "", seen)


def capabilities() -> frozenset[str]:
    """Those of NEEDS that this kernel has."""
    return NEEDS if profiles().module else frozenset()


_ABSENT, _SILENT = "not there", "no answer"
_NOTHING = {_ABSENT, _SILENT, ""}


def _said(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except FileNotFoundError:
        return _ABSENT
    except OSError:
        return _SILENT  # EINVAL: no module answers for /proc/self/attr/current
