"""A TCP proxy that does to a connection what networks do: cut it, hold it, slow it down, mix up what is said."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from tests.support.ports import free_ports

UP, DOWN = "up", "down"
"""From the client to the server, and back."""
Mangle = Callable[[bytes], list[tuple[float, bytes]]]
"""What becomes of bytes: pieces, each with the seconds after which it is passed on."""


class Proxy:
    """``async with Proxy(target_port) as proxy: … proxy.port``.

    ``delay``: seconds by direction that each piece is held up. ``held``: directions in which nothing is passed on (the
    connections look alive). ``closed``: new connections are refused. ``mangle``: what becomes of the server's words.
    """

    def __init__(self, target_port: int) -> None:
        (self.port,) = free_ports(1)
        self.target_port = target_port
        self.delay = {UP: 0.0, DOWN: 0.0}
        self.held: set[str] = set()
        self.closed = False
        self.mangle: Mangle | None = None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def connections(self) -> int:
        """How many are up."""
        return len(self._writers) // 2

    def hold(self, *directions: str) -> None:
        """Pass nothing on, both ways or in one: what comes meanwhile waits."""
        self.held = set(directions or (UP, DOWN))

    def cut(self) -> None:
        """Reset every connection; what was held is gone."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def heal(self) -> None:
        """Be an ordinary network again."""
        self.held, self.closed, self.mangle = set(), False, None
        self.delay = {UP: 0.0, DOWN: 0.0}

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.closed:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        for direction, source, sink in ((UP, reader, far_writer), (DOWN, far_reader, writer)):
            task = asyncio.create_task(self._pump(direction, source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, direction: str, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        queue: asyncio.PriorityQueue[tuple[float, int, bytes]] = asyncio.PriorityQueue()
        sender = asyncio.create_task(self._send(direction, queue, sink))
        count = 0
        try:
            with suppress(OSError):
                while data := await source.read(65_536):
                    pieces = self.mangle(data) if self.mangle and direction == DOWN else [(0.0, data)]
                    for late, piece in pieces:
                        count += 1
                        queue.put_nowait((loop.time() + self.delay[direction] + late, count, piece))
            # The end of the stream is the last to be passed on.
            queue.put_nowait((loop.time() + self.delay[direction] + 3600, count + 1, b""))
            while queue.qsize() > 1 and not sender.done():  # noqa: ASYNC110  a queue tells of no such moment
                await asyncio.sleep(0.01)
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            self._writers.discard(sink)
            sink.transport.abort()

    async def _send(
        self, direction: str, queue: "asyncio.PriorityQueue[tuple[float, int, bytes]]", sink: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            while True:
                due, count, piece = await queue.get()
                if direction in self.held or due > loop.time():
                    queue.put_nowait((due, count, piece))
                    await asyncio.sleep(0.005)
                    continue
                sink.write(piece)
                await sink.drain()


class Confusion:
    """Events of the manager interface told twice and out of order; what answers an action stays as it was."""

    def __init__(self, seed: int, *, twice: float = 0.5, late: float = 0.3) -> None:
        self._random = random.Random(seed)
        self._twice = twice
        self._late = late
        self._rest = b""
        self.repeated = 0

    def __call__(self, data: bytes) -> list[tuple[float, bytes]]:
        *messages, self._rest = (self._rest + data).split(b"\r\n\r\n")
        pieces: list[tuple[float, bytes]] = []
        for message in messages:
            whole = message + b"\r\n\r\n"
            # List items belong to an answer; their order is the protocol's, not the network's.
            if not message.startswith(b"Event: ") or b"\r\nActionID: " in message or b"FullyBooted" in message:
                pieces.append((0.0, whole))
                continue
            pieces.append((self._random.uniform(0, self._late), whole))
            if self._random.random() < self._twice:
                self.repeated += 1
                pieces.append((self._random.uniform(0, self._late), whole))
        return pieces
