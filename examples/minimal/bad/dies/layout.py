"""What a runner does with its first letter in a release whose runners die of it."""

import os
import sys


def lay_out(letter: str) -> None:
    """End the whole process, as a crash in a library would."""
    sys.stderr.write(f"a letter of {len(letter)} characters is too much, on purpose\n")
    os._exit(9)
