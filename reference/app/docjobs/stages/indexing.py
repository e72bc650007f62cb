"""From text to what a search needs: passages and their feature-hashed vectors."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise

from docjobs.stages.document import Chunk, Work

DIMENSIONS = 128
_WORDS_PER_CHUNK = 120
_OVERLAP = 20
_WORD = re.compile(r"\w+")


def chunk(work: Work) -> Work:
    """Cut the text into passages that overlap, so that no sentence is lost at a border."""
    words = work.text.split()
    step = _WORDS_PER_CHUNK - _OVERLAP
    starts = range(0, max(1, len(words) - _OVERLAP), step)
    return replace(work, chunks=tuple(Chunk(" ".join(words[at : at + _WORDS_PER_CHUNK])) for at in starts))


def embed(work: Work) -> Work:
    """Give each passage its vector."""
    return replace(work, chunks=tuple(replace(c, embedding=vector(c.content)) for c in work.chunks))


def vector(passage: str) -> tuple[float, ...]:
    """Signed feature hashing of words and pairs of words, of length one (all zeros without words)."""
    words = [word.lower() for word in _WORD.findall(passage)]
    features = Counter(words) + Counter(f"{one} {two}" for one, two in pairwise(words))
    sums = [0.0] * DIMENSIONS
    for feature, count in features.items():
        digest = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=4).digest(), "big")
        sums[(digest >> 1) % DIMENSIONS] += math.copysign(1 + math.log(count), -1 if digest & 1 else 1)
    length = math.sqrt(math.fsum(value * value for value in sums))
    return tuple(value / length for value in sums) if length else tuple(sums)
