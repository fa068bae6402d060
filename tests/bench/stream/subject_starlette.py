"""sse-starlette on uvicorn with uvloop, a queue per client: `python subject_starlette.py PORT CONTROL`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

queues: set[asyncio.Queue[str]] = set()


async def updates(_request: Request) -> EventSourceResponse:
    async def events() -> AsyncIterator[dict[str, str]]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        queues.add(queue)
        try:
            yield {"comment": "ok"}
            while True:
                yield {"event": "CONFIG_CHANGED", "data": await queue.get()}
        finally:
            queues.discard(queue)

    return EventSourceResponse(events())


async def ping(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("pong")


async def take(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    async for line in reader:
        text = line.decode().rstrip()
        for queue in queues:
            queue.put_nowait(text)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    async with await asyncio.start_server(take, "127.0.0.1", int(sys.argv[2])):
        yield


if __name__ == "__main__":
    app = Starlette(routes=[Route("/stream", updates), Route("/ping", ping)], lifespan=lifespan)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", backlog=4096)
