"""The language of a text, by its most frequent small words."""

from __future__ import annotations

import re
from dataclasses import replace

from docjobs.stages import document
from docjobs.stages.document import Work

UNDETERMINED = "und"
_SMALL_WORDS = {
    "de": frozenset("der die das und ist nicht ein eine zu mit auf den von dem für".split()),
    "en": frozenset("the and of to in is that it for on with as was are be".split()),
    "es": frozenset("el la los las y de que en un una es por con para no".split()),
    "fr": frozenset("le la les et des est que une un dans pour pas sur au du".split()),
}
_WORD = re.compile(r"\w+")
_FIRST_WORDS = 2_000


def extract(work: Work) -> Work:
    """Take the text out and note its language."""
    extracted = document.extract(work)
    return replace(extracted, facts=(*extracted.facts, ("language", detect(extracted.text))))


def detect(text: str) -> str:
    """A language code, or `und` where the small words do not tell."""
    words = [word.lower() for word in _WORD.findall(text)[:_FIRST_WORDS]]
    scores = {code: sum(word in small for word in words) for code, small in _SMALL_WORDS.items()}
    best, second = sorted(scores.values(), reverse=True)[:2]
    if best == second:
        return UNDETERMINED
    return max(scores, key=lambda code: scores[code])
