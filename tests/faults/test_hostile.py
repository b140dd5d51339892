"""Rubbish at every door at once: SIP, AGI, AMI and HTTP; slow clients; and elders press as before (R22)."""

import asyncio
import contextlib
import os
import random
import socket
import statistics
import time

import httpx
import pytest

from tests.faults.center import Center
from tests.faults.table import Tally

SEED = 22
BODY = 10 * 1024 * 1024


@pytest.mark.fault("R22")
async def test_rubbish_at_every_door_then_good_calls_are_answered_as_before(
    center: Center, tally: Tally, full: bool
) -> None:
    """A10, R22: refused, logged, nothing else slows."""
    (op1,) = await center.seats("op1")
    await center.trunk()
    rounds = 10 if full else 3

    async def figures() -> list[float]:
        taken = []
        for round_ in range(rounds):
            begun = time.monotonic()
            press = await center.press(tally, round_ % 5, 440)
            await press.answered(3)
            taken.append(time.monotonic() - begun)
            desk = await center.talk(tally, press, op1, 440)
            (incident,) = await center.emergencies("open")
            await (await center.api()).post(f"/emergencies/{incident['id']}/close", {"outcome": "exercise"})
            await desk.until("ended", 15)
        return taken

    before = await figures()
    settings = center.settings
    doors = [
        asyncio.create_task(_packets(settings.sip_port)),
        asyncio.create_task(_lines(settings.agi_port)),
        asyncio.create_task(_lines(settings.ami_port)),
        asyncio.create_task(_lines(settings.http_port)),
        asyncio.create_task(_lines(settings.ws_port)),
        *(asyncio.create_task(_slow(settings.http_port)) for _ in range(50)),
        *(asyncio.create_task(_slow(settings.agi_port)) for _ in range(50)),
    ]
    try:
        during = await figures()
        # Refused before it is read to the end: an answer, or the connection is gone while we still send.
        with contextlib.suppress(httpx.TransportError):
            assert (await center.client.post("/api/v1/emergencies", content=bytes(BODY))).status_code in (401, 413)
    finally:
        for door in doors:
            door.cancel()
        await asyncio.gather(*doors, return_exceptions=True)
    quiet, loud = (1000 * statistics.median(taken) for taken in (before, during))
    tally.note(f"the machine's answer: median {quiet:.0f} ms before, {loud:.0f} ms in the rubbish")
    assert loud < 3 * quiet + 500
    api = await center.api()
    hostile = {"name": "陈\r\nAction: Originate\r\n", "phones": ["13800001999"], "address": "x"}
    refused = await center.client.post("/api/v1/elders", json=hostile, headers={"Authorization": f"Bearer {api.token}"})
    assert refused.status_code in (403, 422)
    assert await center.ready()
    await center.audit(tally)


def _rubbish(chance: random.Random) -> bytes:
    """Bytes that are nothing, or nearly something."""
    return chance.choice(
        [
            os.urandom(chance.randrange(1, 1400)),
            b"INVITE sip:95120@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP " + b"x" * chance.randrange(900) + b"\r\n\r\n",
            b"INVITE sip:95120@127.0.0.1 SIP/2.0\r\nContent-Length: -5\r\nCSeq: 99999999999999 INVITE\r\n\r\n",
            b"REGISTER sip:x SIP/2.0\r\n" + b"From: <sip:\xff\xfe>\r\n" * 20 + b"\r\n",
            b"agi_network: yes\n" * 50 + b"agi_request: agi://x/../../etc\n\n",
            b"Action: Login\r\nUsername: callcenter\r\nSecret: " + b"\x00" * 300 + b"\r\n\r\n",
            b"GET /" + b"%ff" * 300 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /api/v1/alarms HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nffffffff\r\n",
        ]
    )


async def _packets(port: int) -> None:
    chance = random.Random(SEED)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        while True:
            with contextlib.suppress(OSError):
                out.sendto(_rubbish(chance), ("127.0.0.1", port))
            await asyncio.sleep(0.005)


async def _lines(port: int) -> None:
    chance = random.Random(SEED)
    while True:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(2):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    for _ in range(chance.randrange(1, 5)):
                        writer.write(_rubbish(chance))
                        await writer.drain()
                finally:
                    writer.transport.abort()
        await asyncio.sleep(0.02)


async def _slow(port: int) -> None:
    """A client that opens a connection and says a byte now and then."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                for byte in b"GET / HTTP/1.1\r\nX-Slow: " + b"a" * 1000:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0.5)
            finally:
                writer.transport.abort()
        await asyncio.sleep(0.1)
