"""GET /metrics on the worker: one small server on the loop, so that an answer proves that the loop turns."""

from __future__ import annotations

import asyncio
from pathlib import Path

from docjobs import exposition

_SECONDS_PER_REQUEST = 5


async def start(port: int, token_file: Path | None) -> asyncio.Server:
    """Listen on every address of the container."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_SECONDS_PER_REQUEST):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                status, body = _respond(head, token_file)
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: {exposition.CONTENT_TYPE}\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                )
                writer.write(body)
                await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return  # a scraper that went away has no one to answer to
        finally:
            writer.close()

    return await asyncio.start_server(answer, host="0.0.0.0", port=port)  # noqa: S104  # nosec B104: only data and scrape reach it


def _respond(head: list[str], token_file: Path | None) -> tuple[str, bytes]:
    if head[0].split(" ")[:2] != ["GET", "/metrics"]:
        return "404 Not Found", b""
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    if not exposition.may_read(token_file, headers.get("authorization", "")):
        return "401 Unauthorized", b""
    return "200 OK", exposition.text()
