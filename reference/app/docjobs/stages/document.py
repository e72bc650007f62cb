"""From bytes to text: a document is checked, then its text is taken out."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from html.parser import HTMLParser

MEDIA_TYPES = ("text/plain", "text/markdown", "text/html", "application/pdf")
_BINARY_TYPES = ("application/pdf",)
_MOST_PAGES = 2_000


class DocumentRefused(Exception):
    """The document itself is at fault: trying again cannot help. `code` is stable, the text names no content."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of the text and its vector (empty until embedded)."""

    content: str
    embedding: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """A document on its way through the stages."""

    content: bytes
    media_type: str
    text: str = ""
    chunks: tuple[Chunk, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


def validate(work: Work) -> Work:
    """Refuse what cannot be a document of its media type."""
    if work.media_type not in MEDIA_TYPES:
        raise DocumentRefused("media-type-unknown", "this media type is not supported")
    if not work.content.strip():
        raise DocumentRefused("document-empty", "the document is empty")
    if work.media_type == "application/pdf" and not work.content.lstrip().startswith(b"%PDF-"):
        raise DocumentRefused("document-unreadable", "the document is not a PDF file")
    if work.media_type not in _BINARY_TYPES:
        _decode(work.content)
    return work


def extract(work: Work) -> Work:
    """Take the text out, with one space between words and without control characters."""
    if work.media_type == "application/pdf":
        raw = _pdf_text(work.content)
    elif work.media_type == "text/html":
        raw = _html_text(_decode(work.content))
    else:
        raw = _decode(work.content)
    text = " ".join("".join(c if c.isprintable() else " " for c in raw).split())
    if not text:
        raise DocumentRefused("document-without-text", "no text could be found in the document")
    return replace(work, text=text)


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise DocumentRefused("document-unreadable", "the document is not valid UTF-8") from None


class _Text(HTMLParser):
    """Collects what a reader of the page would see."""

    _HIDDEN = frozenset({"script", "style", "template"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in self._HIDDEN

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in self._HIDDEN and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def _html_text(markup: str) -> str:
    parser = _Text()
    parser.feed(markup)
    parser.close()
    return " ".join(parser.parts)


def _pdf_text(content: bytes) -> str:
    # Imported here: it costs a quarter of a second, and most documents are not PDF.
    from pypdf import PdfReader  # noqa: PLC0415
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    try:
        pages = PdfReader(io.BytesIO(content)).pages
        if len(pages) > _MOST_PAGES:
            raise DocumentRefused("document-too-long", f"the document has more than {_MOST_PAGES} pages")
        return " ".join(page.extract_text() for page in pages)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise DocumentRefused("document-unreadable", f"the PDF cannot be read ({type(error).__name__})") from None
