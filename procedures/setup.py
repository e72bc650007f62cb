"""Makes this machine ready: engine, Compose, base image, secrets, certificates, images; safe to repeat."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from procedures import base_image, compose_plugin, engine, env_file, images, secrets
from procedures.private_files import locked
from procedures.setup_step import COULD_NOT_RUN, SetupFailed, Step, step
from procedures.shell import CommandFailed

ROOT = Path(__file__).resolve().parent.parent
Work = tuple[str, Callable[[Step], None]]


def plan(part: str, rotate: Sequence[str]) -> list[Work]:
    """The steps of a part in their order: each needs what those before it left behind."""
    machine: list[Work] = [("engine", engine.ensure), ("compose", compose_plugin.ensure)]
    stack: list[Work] = [
        ("environment", lambda step: env_file.ensure(ROOT, step)),
        ("base image", lambda step: base_image.ensure(ROOT, step)),
        ("secrets", lambda step: secrets.ensure(ROOT, step, rotate=rotate)),
        ("images", lambda step: images.ensure(ROOT, step)),
    ]
    return {"all": machine + stack, "machine": machine, "stack": stack}[part]


def main(argv: Sequence[str] | None = None) -> int:
    """Do the steps; exit 0 when all is ready, 3 when this machine lacks something or a secret is wrong, 1 when an image
    does not build.
    """
    parser = argparse.ArgumentParser(prog="python -m procedures.setup", description=__doc__, epilog=main.__doc__)
    parser.add_argument(
        "part", nargs="?", default="all", choices=["all", "machine", "stack"],
        help="machine: engine and Compose; stack: what the production stack needs on top of them",
    )  # fmt: skip
    parser.add_argument("--rotate", nargs="+", metavar="NAME", default=[], help="make these secrets anew")
    arguments = parser.parse_args(argv)
    unknown = sorted(set(arguments.rotate) - set(secrets.ROTATABLE))
    if unknown:
        parser.error(f"cannot rotate {', '.join(unknown)}; these can be: {', '.join(secrets.ROTATABLE)}")
    signal.signal(signal.SIGTERM, _terminated)
    began = time.monotonic()
    sys.stderr.write("set-up\n")
    try:
        with locked(ROOT / ".readygate" / "setup.lock"):
            for name, work in plan(arguments.part, arguments.rotate):
                with step(name) as running:
                    work(running)
    except SetupFailed as error:
        return _report(error.sentence, error.mend, error.status)
    except CommandFailed as error:
        said = "".join(f"\n    {line}" for line in error.last_lines)
        return _report(f"{error.what} (exit status {error.status}).{said}", error.mend or "make setup", COULD_NOT_RUN)
    except PermissionError as error:
        mend = f"sudo chown -R {os.environ.get('USER', '$USER')} {ROOT}"
        return _report(f"{error.filename}: this user may not write there.", mend, COULD_NOT_RUN)
    except OSError as error:
        return _report(f"{error.filename or 'a file'}: {error.strerror}.", "df -h, then: make setup", COULD_NOT_RUN)
    except KeyboardInterrupt:
        return _report("Set-up was interrupted; what is done stays done.", "make setup", 130)
    sys.stderr.write(f"  Ready after {time.monotonic() - began:.1f} s\n")
    return 0


def _report(sentence: str, mend: str, status: int) -> int:
    sys.stderr.write(f"error: {sentence}\nhint:  {mend}\n")
    return status


def _terminated(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(143)  # as an exception, so that what we started is ended too


if __name__ == "__main__":
    sys.exit(main())
