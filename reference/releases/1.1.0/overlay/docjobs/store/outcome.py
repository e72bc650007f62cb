"""What a finished job leaves for its readers: its language, the passages, their vectors and their full-text index."""

from __future__ import annotations

import uuid

from docjobs.database import Connection
from docjobs.stages.document import Work


async def write(connection: Connection, job_id: uuid.UUID, work: Work) -> None:
    """Write it in the transaction that completes the job, in place of what an earlier completion left."""
    await connection.execute(
        "UPDATE job SET language = %s WHERE id = %s", (dict(work.facts).get("language", "und"), job_id)
    )
    await connection.execute("DELETE FROM chunk WHERE job_id = %s", (job_id,))
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO chunk (job_id, position, content, embedding, search)"
            " VALUES (%s, %s, %s, %s::real[], to_tsvector('simple', %s))",
            [
                (job_id, position, chunk.content, list(chunk.embedding), chunk.content)
                for position, chunk in enumerate(work.chunks)
            ],
        )
