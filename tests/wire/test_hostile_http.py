"""Clients that open connections and say little: they are let go, and nobody else waits for them (R22)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket
from uvicorn.server import ServerState

from callcenter.api.patience import PatientProtocol

Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Coroutine[Any, Any, Peer]]


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        return
    body = await Request(scope, receive).body()
    await PlainTextResponse(body or b"nothing")(scope, receive, send)


@asynccontextmanager
async def _served(seconds: float, most: int = 50) -> AsyncIterator[Connect]:
    class Protocol(PatientProtocol):
        request_seconds = seconds

    Protocol.most = most
    config = uvicorn.Config(_echo, http=Protocol, log_config=None, lifespan="off", timeout_keep_alive=1)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: Protocol(config, state, {}), "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    peers: list[Peer] = []

    async def connect() -> Peer:
        peers.append(await asyncio.open_connection(*address))
        return peers[-1]

    try:
        yield connect
    finally:
        for _, writer in peers:
            writer.close()
        server.close()
        await asyncio.gather(*state.tasks, return_exceptions=True)


async def _cut_off(reader: asyncio.StreamReader) -> bool:
    """True once the other side has ended the connection; an answer before that is read over."""
    try:
        async with asyncio.timeout(3):
            await reader.read(-1)
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHo",
    ],
)
async def test_a_request_that_does_not_come_whole_in_time_is_cut_off(begun: bytes) -> None:
    async with _served(seconds=0.1) as connect:
        reader, writer = await connect()
        writer.write(begun)
        assert await _cut_off(reader)


async def test_dripping_bytes_gain_no_time() -> None:
    async with _served(seconds=0.2) as connect:
        reader, writer = await connect()

        async def drip() -> None:
            while True:
                writer.write(b"X")
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        try:
            assert await _cut_off(reader)
        finally:
            dripping.cancel()


async def test_an_endless_head_ends_at_64_kib() -> None:
    async with _served(seconds=30) as connect:
        reader, writer = await connect()
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000)
        assert (await asyncio.wait_for(reader.readline(), 3)).startswith(b"HTTP/1.1 400")


async def test_more_connections_than_allowed_are_refused_and_a_free_place_is_given_again() -> None:
    async with _served(seconds=30, most=2) as connect:
        _, first = await connect()
        await connect()
        refused, _ = await connect()
        assert await _cut_off(refused)
        first.close()
        for _ in range(100):
            reader, writer = await connect()
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            try:
                answer = await asyncio.wait_for(reader.read(-1), 3)
            except ConnectionError:
                continue
            if answer:
                break
        assert answer.startswith(b"HTTP/1.1 200")


async def test_whole_requests_one_after_the_other_are_answered_on_one_connection() -> None:
    async with _served(seconds=0.5) as connect:
        reader, writer = await connect()
        for number in range(3):
            text = f"request {number}".encode()
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
            async with asyncio.timeout(3):
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
                await reader.readuntil(b"\r\n\r\n")
                assert await reader.readexactly(len(text)) == text


async def test_a_live_socket_may_stay_longer_than_a_request() -> None:
    """Its request came whole; only whoever connects and says nothing is cut off."""
    async with _served(seconds=0.1) as connect:
        reader, writer = await connect()
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        silent, _ = await connect()
        assert await _cut_off(silent)
        # One masked text message, "hi", with the mask 0 (RFC 6455, 5.2), and the same back without one.
        writer.write(b"\x81\x82\0\0\0\0hi")
        async with asyncio.timeout(3):
            assert await reader.readexactly(4) == b"\x81\x02hi"
