"""The base of every image: `debian:trixie-slim`, or where no registry answers the same system built here."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from procedures import apt, env_file
from procedures.setup_step import SetupFailed, Step
from procedures.shell import run

PUBLIC = "debian:trixie-slim"
BUILT_HERE = "readygate-base:trixie"
SUITE = "trixie"
PULL_TIMEOUT_S = 120
BUILD_TIMEOUT_S = 900
_BY_HAND = f"docker pull {PUBLIC}, or load it from a file with: docker load -i FILE"
# The same files that the public slim image leaves out.
_SLIM = (
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/lintian/*",
)


def ensure(root: Path, step: Step) -> None:
    """Leave with a base image on this machine and its name in `.env` as BASE_IMAGE, or raise SetupFailed."""
    wanted = env_file.remembered(root, "BASE_IMAGE") or PUBLIC
    if wanted in {PUBLIC, BUILT_HERE}:
        image = next(filter(present, (wanted, PUBLIC, BUILT_HERE)), "") or _made(step)
    else:
        image = _chosen_by_user(wanted, step)
    env_file.remember(root, "BASE_IMAGE", image)
    step.found = f"{image} is here"


def present(image: str) -> bool:
    """Whether the engine has the image."""
    return run(["docker", "image", "inspect", "--format", "{{.Id}}", image], timeout_s=30).ok


def _chosen_by_user(image: str, step: Step) -> str:
    """An image that somebody wrote into `.env` is used or missed, never replaced."""
    if present(image):
        return image
    step.say(f"pulling {image}")
    pulled = run(["docker", "pull", "--quiet", image], timeout_s=PULL_TIMEOUT_S)
    if not pulled.ok:
        raise SetupFailed(
            f"BASE_IMAGE={image} in .env is not on this machine and cannot be pulled: {' '.join(pulled.last_lines(1))}",
            f"docker pull {image}, or take the line BASE_IMAGE out of .env",
        )
    return image


def _made(step: Step) -> str:
    step.say(f"pulling {PUBLIC}")
    if run(["docker", "pull", "--quiet", PUBLIC], timeout_s=PULL_TIMEOUT_S).ok:
        return PUBLIC
    step.say(f"no registry gives {PUBLIC}; building {BUILT_HERE} with mmdebstrap, which takes about a minute")
    build(BUILT_HERE)
    return BUILT_HERE


def build(image: str) -> None:
    """Build Debian's minimal system from packages and import it under the name `image`. Raises SetupFailed."""
    if shutil.which("mmdebstrap") is None:
        if not apt.usable():
            raise SetupFailed(
                f"The image {PUBLIC} is neither here nor in a registry; only root on Debian or Ubuntu can build it.",
                _BY_HAND,
            )
        keyring = [] if apt.os_release().get("ID") == "debian" else ["debian-archive-keyring"]
        apt.install("mmdebstrap", *keyring)
    with tempfile.TemporaryDirectory(prefix="readygate-base-") as folder:
        tree = Path(folder, "base.tar")
        run(recipe(tree, apt.mirrors()), timeout_s=BUILD_TIMEOUT_S).check(
            f"mmdebstrap could not build {image} from the mirrors in this machine's apt configuration",
            f"apt-get update; or {_BY_HAND}",
        )
        run(["docker", "import", "--change", 'CMD ["bash"]', str(tree), image], timeout_s=300).check(
            f"the engine could not import {image}", "docker info, and df -h for a full disk"
        )


def recipe(tree: Path, mirrors: apt.Mirrors) -> list[str]:
    """The argv of mmdebstrap; without a mirror it uses the one it knows."""
    argv = [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        *(f"--dpkgopt={option}" for option in _SLIM),
        SUITE,
        str(tree),
    ]
    if mirrors.debian:
        argv.append(f"deb {mirrors.debian} {SUITE} main")
        argv.append(f"deb {mirrors.debian} {SUITE}-updates main")
        if mirrors.security:
            argv.append(f"deb {mirrors.security} {SUITE}-security main")
    return argv
