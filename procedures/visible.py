"""Makes stored text inert before a terminal shows it: a job's title or a log line is whatever a client sent."""

from __future__ import annotations

import re

# C0 (but tab and line feed), DEL, C1, zero-width and bidirectional controls, separators, non-characters.
_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff\U000e0000-\U000fffff]"
)


def visible(text: str) -> str:
    """The text with every control character in it made visible; nothing is left out."""
    return _HOSTILE.sub(lambda match: chr(0x2400 + ord(match[0])) if match[0] < " " else "\ufffd", text)
