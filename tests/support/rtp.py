"""The audio side of a test's phone: plays a tone, keys digits, remembers what it heard (RFC 3550, RFC 4733)."""

import array
import asyncio
import contextlib
import random
import struct
import time
from typing import Self, cast

from tests.support.audio import RATE, from_alaw, to_alaw, tone, tones_in

PACKET = 160
"""Samples in 20 ms."""
ALAW, EVENT = 8, 101
DIGITS = "0123456789*#ABCD"
LISTEN_SECONDS = 3.0
"""So long a key waits for a first sound from the far end."""


class RtpPeer(asyncio.DatagramProtocol):
    """One UDP port of 127.0.0.1 that speaks A-law.

    It sends where the first packet came from, or where `aim` says. ``digits_heard``: keys the far end sent us.
    """

    def __init__(self) -> None:
        self.digits_heard = ""
        self.packets = 0
        self._heard: list[tuple[float, bytes]] = []
        self._last_event = -1
        self._remote: tuple[str, int] | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._player: asyncio.Task[None] | None = None
        self._sequence, self._timestamp = random.randrange(60_000), random.randrange(1 << 30)
        self._source = random.randrange(1 << 32)
        self._queue: list[bytes] = []
        self._listen_until = 0.0
        self._loop_of_sound: list[bytes] = []

    @classmethod
    async def open(cls, port: int = 0) -> Self:
        """Listen on a port, a free one if none is given; send silence as soon as the far end is known."""
        _, peer = await asyncio.get_running_loop().create_datagram_endpoint(cls, local_addr=("127.0.0.1", port))
        peer.play()
        peer._player = asyncio.create_task(peer._send_for_ever())
        return peer

    @property
    def port(self) -> int:
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def aim(self, port: int) -> None:
        """Send to this port of 127.0.0.1."""
        self._remote = ("127.0.0.1", port)

    def play(self, *frequencies: float, level: int = 6000) -> None:
        """Send these tones at once, for ever; none: silence. Whole hundreds of Hz loop without a click.

        ``level``: each one's amplitude, of 32767.
        """
        mixed = array.array("h", bytes(2 * 10 * PACKET))
        for frequency in frequencies:
            mixed = array.array("h", (a + b for a, b in zip(mixed, tone(frequency, 0.2, level), strict=True)))
        sound = to_alaw(mixed)
        self._loop_of_sound = [sound[n : n + PACKET] for n in range(0, len(sound), PACKET)]

    def key(self, digits: str) -> None:
        """Send keys as telephone events, 100 ms each with a gap of 60 ms.

        Like anybody who is asked for a key, after hearing something: before its first sound Asterisk listens to nobody.
        """
        self._listen_until = time.monotonic() + LISTEN_SECONDS
        for digit in digits:
            event = DIGITS.index(digit)
            for step in range(1, 6):
                self._queue.append(struct.pack("!BBH", event, 10, step * PACKET))
            self._queue += [struct.pack("!BBH", event, 0x80 | 10, 5 * PACKET)] * 3
            self._queue += [b""] * 3

    @property
    def keying(self) -> bool:
        """Whether keys are still being sent."""
        return bool(self._queue)

    def hears(self, *frequencies: float, seconds: float = 0.4) -> set[float]:
        """Which of the frequencies are in the last moments of what arrived."""
        sound = self._lately(seconds)
        return tones_in(sound, frequencies) if len(sound) >= RATE * seconds / 2 else set()

    def loudness(self, seconds: float = 0.4) -> float:
        """The mean amplitude of the last moments of what arrived; 8 is the quietest that A-law can say."""
        sound = self._lately(seconds)
        return sum(map(abs, sound)) / len(sound) if sound else 0.0

    def _lately(self, seconds: float) -> "array.array[int]":
        since = time.monotonic() - seconds
        return from_alaw(b"".join(data for at, data in self._heard if at >= since))

    @property
    def last_heard_at(self) -> float:
        """Monotonic seconds of the last packet of sound; 0 before the first."""
        return self._heard[-1][0] if self._heard else 0.0

    def longest_gap(self, since: float) -> float:
        """The longest time in seconds without a packet since then (monotonic): how big a hole in the sound was."""
        times = [at for at, _ in self._heard if at >= since]
        return max((later - earlier for earlier, later in zip([since, *times], times, strict=False)), default=0.0)

    async def close(self) -> None:
        """Stop sending and listening."""
        if self._player is not None:
            self._player.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._player
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        kind = data[1] & 0x7F
        if self._remote is None:
            self._remote = addr
        if kind == ALAW:
            self.packets += 1
            self._heard.append((time.monotonic(), data[12:]))
        elif kind == EVENT:
            (timestamp,) = struct.unpack_from("!I", data, 4)
            if timestamp != self._last_event:
                self._last_event = timestamp
                self.digits_heard += DIGITS[data[12]]

    async def _send_for_ever(self) -> None:
        due, number, event_start = time.monotonic(), 0, 0
        while True:
            due += 0.02
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._timestamp = (self._timestamp + PACKET) & 0xFFFFFFFF
            if self._remote is None or self._transport is None:
                continue
            if self._queue and (self.packets or due >= self._listen_until):
                event = self._queue.pop(0)
                if not event:
                    event_start = 0
                    continue
                event_start = event_start or self._timestamp
                self._send(EVENT, event_start, event)
            else:
                number = (number + 1) % len(self._loop_of_sound)
                self._send(ALAW, self._timestamp, self._loop_of_sound[number])

    def _send(self, kind: int, timestamp: int, payload: bytes) -> None:
        assert self._transport is not None
        self._sequence = (self._sequence + 1) & 0xFFFF
        header = struct.pack("!BBHII", 0x80, kind, self._sequence, timestamp, self._source)
        self._transport.sendto(header + payload, self._remote)
