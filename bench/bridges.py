"""Who is in which bridge, as Asterisk's own BridgeEnter events tell: the one measure that is the same on both sides.

A ConfBridge room and the bridge that Queue makes both tell of everybody who enters. The moment an elder's bridge
first holds her and a seat is the moment the two can speak.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from bench.rig import Rig
from callcenter.errors import Unavailable


class Bridges:
    """``together``: by caller number, when (seconds of the machine's clock) she and a seat were first in one bridge."""

    def __init__(self) -> None:
        self.together: dict[str, float] = {}
        self._callers: dict[str, tuple[str, float]] = {}
        self._seats: dict[str, float] = {}

    def take(self, event: dict[str, str]) -> None:
        """Take in one BridgeEnter."""
        bridge, at = event["BridgeUniqueid"], float(event["Timestamp"])
        if event["Channel"].startswith("PJSIP/trunk-"):
            self._callers.setdefault(bridge, (event["CallerIDNum"], at))
        else:
            self._seats.setdefault(bridge, at)
        if bridge in self._callers and bridge in self._seats:
            number, joined = self._callers[bridge]
            self.together.setdefault(number, max(joined, self._seats[bridge]))


@contextlib.asynccontextmanager
async def watching(rig: Rig) -> AsyncIterator[Bridges]:
    """Listen as the manager ``bench``."""
    reader, writer = await asyncio.open_connection(rig.settings.control_bind, rig.settings.ami_port)
    writer.write(f"Action: Login\r\nUsername: bench\r\nSecret: {rig.ami_secret}\r\n\r\n".encode())
    bridges = Bridges()
    await reader.readline()
    if b"Success" not in await reader.readuntil(b"\r\n\r\n"):
        raise Unavailable("Asterisk did not let the benchmark listen")
    task = asyncio.create_task(_listen(reader, bridges))
    try:
        yield bridges
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        writer.close()


async def _listen(reader: asyncio.StreamReader, bridges: Bridges) -> None:
    while True:
        block = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace")
        event = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if event.get("Event") == "BridgeEnter":
            bridges.take(event)
