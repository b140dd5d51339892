"""The live socket's figure: hundreds of pages, and how long a fact takes from being recorded to each of them.

Run as a program it is the pages: so many sockets in a process of its own, which understand just enough of RFC 6455
to cost little. The facts are those of seats that are set ready and paused by the API.
"""

import asyncio
import contextlib
import json
import resource
import secrets
import sys
import threading
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from bench.figures import Extent, Result
from bench.machine import Meter
from bench.rig import Api, Rig, product, seat_users
from bench.statistics import Summary, Verdict
from callcenter.accounts.permissions import Principal, Role
from callcenter.accounts.secrets import signing_key
from callcenter.accounts.tokens import Tokens
from callcenter.asterisk_runtime import AsteriskRuntime
from callcenter.clock import SystemClock
from callcenter.errors import Unavailable

DELIVERY_MS = 100
SEATS = 50
POSTERS = 4
PROCESSES = 2
SETTLE_SECONDS = 2.0


async def console(folder: Path, runtime: AsteriskRuntime, extent: Extent) -> Result:
    """Fact recorded → received, at every page, over the loopback."""
    result = Result(f"a fact to each of {extent.pages} pages, {extent.fact_rate:g} facts/s")
    async with product(folder / "console", runtime, SEATS, 0) as rig:
        token = Tokens(signing_key(rig.settings), SystemClock(), 600).issue(Principal("bench", Role.SUPERVISOR))
        async with _pages(rig, token, extent.pages) as pages:
            await _set_seats(rig, token, extent.fact_rate, 2.0)  # everything warm, as it is in life
            await asyncio.sleep(SETTLE_SECONDS)
            before = [await _ask(page, "mark") for page in pages]
            meter = Meter.start(rig.pids)
            facts = await _set_seats(rig, token, extent.fact_rate, extent.fact_seconds)
            await asyncio.sleep(SETTLE_SECONDS)
            after = [await _ask(page, "tell") for page in pages]
            clients = sum(one["cpu"] - other["cpu"] for one, other in zip(after, before, strict=True))
            cores = meter.read({"pages": clients})
    times = [ms for one in after for ms in one["ms"]]
    counts = [count for one in after for count in one["facts"]]
    result.ours = {
        "rate": extent.fact_rate,
        "calls": facts,
        "lost": facts * extent.pages - sum(counts),
        "delivery_ms": asdict(Summary.of(times)),
        "gaps": sum(one["gaps"] for one in after),
        "cores": cores,
    }
    result.verdicts = [
        Verdict("p99 ms", result.ours["delivery_ms"]["p99"], DELIVERY_MS),
        Verdict("facts that a page was not told", sum(abs(facts - count) for count in counts), 0),
        Verdict("gaps", result.ours["gaps"], 0),
    ]
    result.notes.append(
        f"From the fact's own time to its bytes at the page, all of one clock; {extent.pages} pages in"
        f" {PROCESSES} processes on the same cores. Each fact is a request to the API, which is in our cores."
    )
    return result


async def _set_seats(rig: Rig, token: str, rate: float, seconds: float) -> int:
    """Set seats paused and ready at an even rate; how many facts that made."""
    own = threading.local()
    loop = asyncio.get_running_loop()

    def put(number: int) -> None:
        if not hasattr(own, "api"):
            own.api = Api(rig.settings, token)
        state = "paused" if number // SEATS % 2 == 0 else "ready"
        own.api.put(f"/api/v1/seats/{users[number % SEATS]}/state", {"state": state, "reason": "午餐"})

    users, count = seat_users(SEATS), int(rate * seconds)
    with ThreadPoolExecutor(POSTERS) as pool:
        begun, asked = time.monotonic(), []
        for number in range(count):
            await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
            asked.append(loop.run_in_executor(pool, put, number))
        await asyncio.gather(*asked)
    return count


@contextlib.asynccontextmanager
async def _pages(rig: Rig, token: str, count: int) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Open the pages and wait until each has heard hello."""
    address = (rig.settings.bind, str(rig.settings.http_port), token, str(count // PROCESSES))
    pages = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.console", *address),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 28,
        )
        for _ in range(PROCESSES)
    ]
    try:
        for page in pages:
            await _ask(page, "open")
        yield pages
    finally:
        for page in pages:
            if page.stdin is not None:
                page.stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(page.wait(), 5)
            if page.returncode is None:
                page.kill()
                await page.wait()


async def _ask(page: asyncio.subprocess.Process, word: str) -> Any:
    """One line to a process of pages, one back."""
    stdin, stdout = page.stdin, page.stdout
    assert stdin is not None  # noqa: S101 - asked for above
    assert stdout is not None  # noqa: S101
    stdin.write(f"{word}\n".encode())
    line = await asyncio.wait_for(stdout.readline(), 60)
    if not line:
        raise Unavailable(f"the pages ended before they could {word}; see what they said above")
    return json.loads(line)


# --- the other side: pages ------------------------------------------------------------------------------------


class _Page(asyncio.Protocol):
    """One socket: keeps when each fact came and what time it bears."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._rest = b""
        self._upgraded = False
        self.hello: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.came: list[tuple[float, bytes]] = []
        self.gaps = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        data = self._rest + data
        if not self._upgraded:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._rest = head
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                self.hello.set_exception(Unavailable(f"the live socket answered {head[:80]!r}"))
                return
            self._upgraded = True
        start = 0
        while len(data) - start >= 2:
            size, body = data[start + 1], start + 2
            if size == 126:
                size, body = int.from_bytes(data[start + 2 : start + 4]), start + 4
            if size >= 127 and body == start + 2:
                raise Unavailable("a message of more than 64 KiB")
            if len(data) < body + size:
                break
            self._take(data[start] & 0x0F, data[body : body + size], now)
            start = body + size
        self._rest = data[start:]

    def _take(self, opcode: int, text: bytes, now: float) -> None:
        if opcode == 9:
            self._transport.write(bytes((0x8A, 0x80 | len(text))) + b"\0\0\0\0" + text)
        elif b'"kind":"seat.declared"' in text:
            begin = text.index(b'"at":"') + 6
            self.came.append((now, text[begin : text.index(b'"', begin)]))
        elif not self.hello.done() and b"hello" in text:
            self.hello.set_result(None)
        elif b'"kind":"gap"' in text:
            self.gaps += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self.gaps += 1  # a page that lost its socket was not told something
        if not self.hello.done():
            self.hello.set_exception(Unavailable("the live socket was closed at once"))


async def _be_pages(host: str, port: int, token: str, count: int) -> None:
    loop = asyncio.get_running_loop()
    key = b64encode(secrets.token_bytes(16)).decode()
    request = (
        f"GET /api/v1/live?token={token} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
    pages: list[_Page] = []
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while word := (await lines.readline()).strip():
        if word == b"open":
            for _ in range(count):
                pages.append((await loop.create_connection(lambda: _Page(request), host, port))[1])
                await pages[-1].hello
        usage = resource.getrusage(resource.RUSAGE_SELF)
        told: dict[str, Any] = {"cpu": usage.ru_utime + usage.ru_stime}
        if word == b"tell":
            told["gaps"] = sum(page.gaps for page in pages)
            told["facts"] = [len(page.came) for page in pages]
            told["ms"] = [
                round((now - datetime.fromisoformat(at.decode()).timestamp()) * 1000, 2)
                for page in pages
                for now, at in page.came
            ]
        if word == b"mark":
            for page in pages:
                page.came.clear()
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_be_pages(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
