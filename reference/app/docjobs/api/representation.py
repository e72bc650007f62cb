"""What clients send and receive."""

from __future__ import annotations

import base64
import binascii
import uuid
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from docjobs.api.job_view import Job, Links, State
from docjobs.job_types import JOB_TYPES
from docjobs.stages.document import MEDIA_TYPES

TypeName = Literal[tuple(JOB_TYPES)]  # type: ignore[valid-type]
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class Asked(BaseModel):
    """A job to be done: a text, or a document in base64 with its media type."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Title
    type: TypeName = "index"
    text: Annotated[str, Field(min_length=1)] | None = None
    document: Annotated[str, Field(min_length=1)] | None = Field(default=None, json_schema_extra={"format": "byte"})
    media_type: Literal[MEDIA_TYPES] | None = None  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.text is None) == (self.document is None):
            raise ValueError("exactly one of text and document is required")
        if self.document is not None and self.media_type is None:
            raise ValueError("a document needs its media_type")
        if self.media_type == "application/pdf" and self.text is not None:
            raise ValueError("a PDF is a document, not a text")
        return self

    def content(self) -> bytes:
        """The document's bytes; raises ValueError where the base64 is wrong or the text has lone surrogates."""
        if self.text is not None:
            return self.text.encode()
        assert self.document is not None  # noqa: S101  (the validator above)
        try:
            return base64.b64decode(self.document, validate=True)
        except binascii.Error:
            raise ValueError("document is not valid base64") from None


class AcceptedJob(BaseModel):
    """The job is in the database and will be done."""

    id: uuid.UUID
    state: State
    links: Links


class Jobs(BaseModel):
    """A page of jobs, newest first; `next_cursor` is null on the last."""

    items: list[Job]
    next_cursor: str | None


class Stage(BaseModel):
    """A stage the job has passed."""

    name: str
    attempt: int
    seconds: float
    at: datetime


class Passage(BaseModel):
    """A part of the document's text; `rank` only where the result was searched."""

    position: int
    content: str
    embedding: list[float]
    rank: float | None


class Result(BaseModel):
    """What came of a job."""

    id: uuid.UUID
    summary: dict[str, Any]
    stages: list[Stage]
    passages: list[Passage]
