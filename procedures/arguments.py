"""The command lines of changes: a mistake in one is a refusal, with a last line like any other."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from procedures.outcome import Action, Outcome


class Parser(argparse.ArgumentParser):
    """Prints the outcome on stdout as well when the arguments are wrong."""

    def __init__(self, action: Action, *, prog: str, description: str | None) -> None:
        super().__init__(prog=prog, description=description)
        self._action = action

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, on stderr for people and on stdout as JSON; exit status 2."""
        sys.stdout.write(
            Outcome(self._action, "", "refused", reason=f"{message}. See {self.prog} --help").line() + "\n"
        )
        super().error(message)
