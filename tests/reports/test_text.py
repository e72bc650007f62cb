"""Text of unknown origin: made visible, cut, never changed into something else."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gate.text import BLOCK, LINE, LINES, flat, inert
from tests.reports import hostile


@given(st.text(st.characters()))
def test_nothing_of_any_text_can_act(text: str) -> None:
    said = inert(text)
    said.encode()
    assert not [
        c for c in said if (ord(c) < 0x20 and c not in "\t\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066\u200b"
    ]
    assert flat(text) == " ".join(flat(text).split())


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=LINE))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assume("##" not in text and "::" not in text)  # these may begin a command to a build server
    assert inert(text) == text


@pytest.mark.parametrize("text", [hostile.LONG, "line\n" * 100_000, "A" * 399 + "\n" + hostile.LONG])
def test_long_texts_are_cut_and_say_by_how_much(text: str) -> None:
    said = inert(text)
    assert len(said) < BLOCK + LINES * 40
    assert "more characters" in said
    assert max(map(len, said.split("\n"))) < LINE + 90


def test_the_cut_counts_right() -> None:
    assert inert("A" * 500) == "A" * LINE + " … (100 more characters)"
    assert inert("\x1b[31m\x7f\x9b") == "␛[31m␡\ufffd"
