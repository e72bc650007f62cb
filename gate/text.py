"""Makes text of unknown origin inert: no terminal escapes, no hidden or reordering characters, no commands to the build
server whose log it ends in, no endless lines."""

from __future__ import annotations

import re

LINE = 400  # characters kept of one line
BLOCK = 4096  # characters kept of one text
LINES = 25

# C0 (but tab and line feed), DEL, C1, zero-width and bidirectional controls, separators, surrogates, non-characters.
_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff\U000e0000-\U000fffff]"
)
# What GitHub, Azure and TeamCity obey when a line of a log says it: `::name …::`, `##[name]`, `##vso[name]`.
_COMMAND = re.compile(r":(?=:[A-Za-z][\w-]*(?:[ \t][^\n]*)?::)|#(?=#\w*\[)")


def visible(text: str) -> str:
    """Return the whole text with every control character but tab and line feed made visible, and no command in it."""
    return _COMMAND.sub(r"\g<0> ", _HOSTILE.sub(_visible, text))


def inert(text: str) -> str:
    """Return the text with every control character made visible and long lines and texts cut, saying by how much."""
    lines = text[:BLOCK].split("\n")
    kept = [_line(line) for line in lines[:LINES]]
    rest = len(text) - sum(map(len, lines[:LINES])) - len(kept) + 1
    if rest > 0:
        kept[-1] += f" … ({rest:,} more characters)"
    return visible("\n".join(kept))


def flat(text: str) -> str:
    """Return the inert text on one line."""
    return " ".join(inert(text).split())


def _line(line: str) -> str:
    return line if len(line) <= LINE else f"{line[:LINE]} … ({len(line) - LINE:,} more characters)"


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
