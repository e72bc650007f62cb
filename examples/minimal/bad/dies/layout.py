"""What a runner does with its first letter in a release whose runners die of it."""

import os


def lay_out(letter: str) -> None:
    """End the whole process, as a crash in a library would."""
    os._exit(9)
