"""The sentences of a text that say most of it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from docjobs.stages.document import Work

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_WORD = re.compile(r"\w{4,}")
_SENTENCES = 3
_MOST_CHARACTERS = 600


def summarise(work: Work) -> Work:
    """Note the three sentences with the most frequent words, in the order of the text."""
    sentences = _SENTENCE.split(work.text)
    frequency = Counter(word.lower() for word in _WORD.findall(work.text))

    def weight(sentence: str) -> float:
        words = _WORD.findall(sentence)
        return sum(frequency[word.lower()] for word in words) / (len(words) + 1)

    best = sorted(range(len(sentences)), key=lambda at: weight(sentences[at]), reverse=True)[:_SENTENCES]
    summary = " ".join(sentences[at] for at in sorted(best))[:_MOST_CHARACTERS]
    return replace(work, facts=(*work.facts, ("summary", summary)))
