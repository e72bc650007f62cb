"""The stages of a job: pure, so the same document gives the same result however often a worker dies over it."""

from __future__ import annotations

import itertools
import math

import pytest
from docjobs.stages import document, indexing
from docjobs.stages.document import DocumentRefused, Work


def through(work: Work) -> Work:
    return indexing.embed(indexing.chunk(document.extract(document.validate(work))))


def test_the_same_document_gives_the_same_result_in_every_process() -> None:
    work = Work(b"The quick brown fox " * 200, "text/plain")
    assert through(work) == through(work)
    # Not Python's own hash, which differs from process to process.
    assert indexing.vector("quick fox")[:3] == pytest.approx(indexing.vector("QUICK, fox!")[:3])


def test_no_word_is_lost_between_chunks_and_neighbours_overlap() -> None:
    words = [f"w{number}" for number in range(1_003)]
    chunks = indexing.chunk(Work(b"", "text/plain", text=" ".join(words))).chunks
    assert {word for chunk in chunks for word in chunk.content.split()} == set(words)
    for one, two in itertools.pairwise(chunks):
        assert one.content.split()[-20:] == two.content.split()[:20]


@pytest.mark.parametrize("words", [1, 20, 21, 119, 120, 121, 140, 141])
def test_a_short_text_has_no_chunk_inside_another(words: int) -> None:
    text = " ".join(f"w{number}" for number in range(words))
    chunks = indexing.chunk(Work(b"", "text/plain", text=text)).chunks
    assert chunks
    assert not any(one.content in two.content for one in chunks for two in chunks if one is not two)


def test_a_vector_has_length_one_and_tells_texts_apart() -> None:
    near, same, far = (indexing.vector(text) for text in ("red green blue", "red green blue", "one two three"))
    assert math.fsum(value * value for value in near) == pytest.approx(1)
    assert near == same
    assert abs(math.fsum(a * b for a, b in zip(near, far, strict=True))) < 0.9
    assert indexing.vector("!!!") == (0.0,) * indexing.DIMENSIONS


def test_what_a_reader_sees_of_a_page_is_its_text() -> None:
    page = b"<html><style>p{}</style><p>One &amp; two</p><script>alert(1)</script></script><p>three</p></html>"
    assert document.extract(Work(page, "text/html")).text == "One & two three"


def test_control_characters_do_not_reach_the_database() -> None:
    assert document.extract(Work(b"a\x00b\x1b[31m\nc", "text/plain")).text == "a b [31m c"


@pytest.mark.parametrize(
    ("content", "media_type", "code"),
    [
        (b"  \n", "text/plain", "document-empty"),
        (b"\xff\xfe", "text/plain", "document-unreadable"),
        (b"not a pdf", "application/pdf", "document-unreadable"),
        (b"x", "image/png", "media-type-unknown"),
        (b"\x00\x01", "text/plain", "document-without-text"),
        (b"<p></p>", "text/html", "document-without-text"),
    ],
)
def test_a_document_at_fault_is_refused_by_a_stable_code_without_its_content(
    content: bytes, media_type: str, code: str
) -> None:
    with pytest.raises(DocumentRefused) as refused:
        through(Work(content, media_type))
    assert refused.value.code == code
    assert "not a pdf" not in refused.value.detail
