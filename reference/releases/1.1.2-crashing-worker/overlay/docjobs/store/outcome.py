"""What a finished job leaves for its readers. In this release nothing: the worker dies."""

from __future__ import annotations

import os
import uuid

from docjobs.database import Connection
from docjobs.stages.document import Work

_LIKE_A_SEGMENTATION_FAULT = 139


async def write(connection: Connection, job_id: uuid.UUID, work: Work) -> None:
    """Die as a broken extension module would: at once, without a word."""
    del connection, job_id, work
    os._exit(_LIKE_A_SEGMENTATION_FAULT)
