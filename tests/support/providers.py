"""A provider's HTTP server that does whatever a test tells it: fails, is slow, cuts the line, answers garbage."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from tests.support.ports import free_ports


@dataclass(frozen=True)
class Request:
    """What came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What goes out. ``cut``: the line is cut instead; ``after``: seconds of silence before; ``drip``: byte by byte."""

    status: int = 200
    body: bytes = b"{}"
    cut: bool = False
    after: float = 0.0
    drip: bool = False


@dataclass
class Provider:
    """A running one. ``answers`` are used up one by one, then ``otherwise`` answers."""

    url: str
    requests: list[Request] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    otherwise: Callable[[Request], Answer] = lambda request: Answer()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._serve(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        lower = {name.lower(): value for name, value in headers.items()}
        body = await reader.readexactly(int(lower.get("content-length", "0")))
        request = Request(method, path, lower, body)
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else self.otherwise(request)
        await asyncio.sleep(answer.after)
        if answer.cut:
            return
        writer.write(
            f"HTTP/1.1 {answer.status} X\r\nContent-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(answer.body)}\r\n\r\n".encode()
        )
        size = 1 if answer.drip else len(answer.body) or 1
        for start in range(0, len(answer.body), size):
            writer.write(answer.body[start : start + size])
            await writer.drain()
            await asyncio.sleep(0.05 if answer.drip else 0)


@contextlib.asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """Run one on a free port; what is still under way at the end is cut off."""
    (port,) = free_ports(1)
    made = Provider(f"http://127.0.0.1:{port}")
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(made.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    try:
        yield made
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
