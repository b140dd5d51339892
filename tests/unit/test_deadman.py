"""The dead-man ping against a real HTTP server: it comes while all is well, and stops with the ladder (R27)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from callcenter.watchdog.dead_man import DeadMan, fail_url
from tests.support.ports import free_port
from tests.support.sipp import until


class Outside:
    """The watch outside: notes what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.status = 200
        self.news = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.splitlines()[0].split(" ")
        length = next((int(line[15:]) for line in head.lower().splitlines() if line.startswith("content-length:")), 0)
        body = (await reader.readexactly(length)).decode()
        self.heard.append(f"{method} {path} {body}".strip())
        self.news.set()
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def outside() -> AsyncIterator[tuple[Outside, str]]:
    it = Outside()
    server = await asyncio.start_server(it.answer, "127.0.0.1", 0)
    async with server:
        yield it, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ping/7f3a"


class Heart:
    """A pulse that can be stopped."""

    def __init__(self) -> None:
        self.beats = 0
        self.task = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(0.005)
            self.beats += 1


def man(
    url: str,
    seconds: float,
    beats: Callable[[], int],
    trouble: Callable[[], str] = lambda: "",
    well: Callable[[], bool] = lambda: True,
) -> DeadMan:
    return DeadMan(url, seconds, beats=beats, trouble=trouble, well=well)


async def test_given_something_that_may_yet_pass_then_nothing_is_said() -> None:
    async with outside() as (there, url), httpx.AsyncClient(trust_env=False) as client:
        beats, well = iter(range(10)), [False]
        it = man(url, 1, lambda: next(beats), well=lambda: well[0])
        await it.ping(client)
        assert there.heard == []
        well[0] = True
        await it.ping(client)
        assert there.heard == ["GET /ping/7f3a"]


async def test_given_a_beating_heart_then_it_pings_and_when_the_beat_stops_it_says_so() -> None:
    async with outside() as (there, url):
        heart = Heart()
        it = man(url, 0.05, lambda: heart.beats)
        running = asyncio.create_task(it.run())
        await until(lambda: len(there.heard) >= 3)
        assert set(there.heard) == {"GET /ping/7f3a"}
        heart.task.cancel()
        await asyncio.gather(heart.task, return_exceptions=True)
        await until(lambda: there.heard[-1] == "POST /ping/7f3a/fail the ladder stands still")
        there.heard.clear()
        await until(lambda: len(there.heard) >= 3)
        assert set(there.heard) == {"POST /ping/7f3a/fail the ladder stands still"}
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_given_trouble_then_it_says_which_and_pings_again_when_it_is_over() -> None:
    async with outside() as (there, url):
        heart, trouble = Heart(), ["journal"]
        it = man(url, 0.05, lambda: heart.beats, lambda: trouble[0])
        running = asyncio.create_task(it.run())
        await until(lambda: there.heard)
        assert there.heard == ["POST /ping/7f3a/fail journal"]
        trouble[0] = ""
        await until(lambda: there.heard[-1] == "GET /ping/7f3a")
        for task in (running, heart.task):
            task.cancel()
        await asyncio.gather(running, heart.task, return_exceptions=True)


@pytest.mark.parametrize("status", [404, 500])
async def test_given_an_outside_that_refuses_then_that_is_a_problem_until_it_hears_again(status: int) -> None:
    async with outside() as (there, url), httpx.AsyncClient(trust_env=False) as client:
        beats = iter(range(10))
        it = man(url, 1, lambda: next(beats))
        there.status = status
        await it.ping(client)
        assert it.problem == "HTTPStatusError"
        there.status = 200
        await it.ping(client)
        assert it.problem == ""


async def test_given_nobody_there_then_it_goes_on() -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        it = man(f"http://127.0.0.1:{free_port()}/x", 1, lambda: 1)
        await it.ping(client)
        assert it.problem == "ConnectError"


async def test_given_an_answer_that_never_ends_then_it_is_given_up_and_the_next_ping_comes() -> None:
    gone = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b".")
            await asyncio.sleep(0.01)
        writer.close()
        gone.set()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server, httpx.AsyncClient(trust_env=False) as client:
        it = man(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x", 1, lambda: 1)
        it.patience = 0.2
        await it.ping(client)
        assert it.problem == "TimeoutError"
        async with asyncio.timeout(5):
            await gone.wait()


async def test_given_no_url_then_there_is_nothing_to_do() -> None:
    async with asyncio.timeout(5):
        await man("", 1, lambda: 1).run()


@pytest.mark.parametrize(
    ("url", "fails"),
    [
        ("https://hc.example/ab-1", "https://hc.example/ab-1/fail"),
        ("https://hc.example/ab-1/", "https://hc.example/ab-1/fail"),
        ("https://kuma.example/push/x?token=1", "https://kuma.example/push/x/fail?token=1"),
    ],
)
def test_where_the_failure_is_told(url: str, fails: str) -> None:
    assert fail_url(url) == fails
