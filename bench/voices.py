"""Elders who speak and listen, each with audio of her own on a UDP port, to measure holes in it to the millisecond.

Each says a tone without end. A seat's phone sends back what it hears, so what comes back to her has gone both ways
through the room: a hole in it is one that the two who talk would hear. Arrivals are timed by the kernel (SO_TIMESTAMPNS
of socket(7)), so that a busy benchmark does not see holes that are its own.
"""

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Self

PACKET_SECONDS, PACKET = 0.02, 160
_TIMESTAMP = 35
"""SO_TIMESTAMPNS of asm-generic/socket.h; Python has no name for it."""
_ALAW = 8
_INVERTED = 0x55
"""What G.711 A-law inverts of each byte."""
_TONE = bytes(((0x80 if sample % 20 < 10 else 0) | 0x3F) ^ _INVERTED for sample in range(PACKET))
"""20 ms of 400 Hz."""
_FAINT = bytes(code for code in range(256) if (code ^ _INVERTED) & 0x7F < 0x10)
"""A-law bytes below a hundredth of full scale."""


@dataclass
class Voice:
    """One elder's audio. ``heard``: when (seconds of the machine's clock) a packet came, and whether it was loud."""

    line: socket.socket
    heard: list[tuple[float, bool]] = field(default_factory=list)
    _far_end: tuple[str, int] | None = None
    _sent: int = 0

    @classmethod
    def open(cls) -> Self:
        """On a free port."""
        line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        line.setsockopt(socket.SOL_SOCKET, _TIMESTAMP, 1)
        line.setblocking(False)
        line.bind(("127.0.0.1", 0))
        return cls(line)

    @property
    def port(self) -> int:
        return int(self.line.getsockname()[1])

    def turn(self) -> None:
        """Take what has come, and say 20 ms to whoever sent it."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                packet, notes, _, self._far_end = self.line.recvmsg(2048, 64)
                seconds, nanoseconds = struct.unpack("qq", notes[0][2])
                loud = len(packet[12:].translate(None, _FAINT)) > PACKET // 4
                self.heard.append((seconds + nanoseconds / 1e9, loud))
        if self._far_end is not None:
            self._sent += 1
            header = struct.pack("!BBHII", 0x80, _ALAW, self._sent & 0xFFFF, self._sent * PACKET, id(self) & 0xFFFFFFFF)
            with contextlib.suppress(BlockingIOError, ConnectionError):
                self.line.sendto(header + _TONE, self._far_end)

    def hole_ms(self, since: float, until: float, *, loud: bool) -> float:
        """The longest time in that window without a packet, or without a ``loud`` one."""
        return longest_hole([at for at, was_loud in self.heard if was_loud or not loud], since, until) * 1000

    def hears(self, since: float) -> bool:
        """Whether sound comes to her."""
        return any(loud and at >= since for at, loud in self.heard[-25:])


def longest_hole(times: list[float], since: float, until: float) -> float:
    """The longest time between two of these moments, the window's ends counting as such."""
    inside = [since, *(at for at in times if since <= at <= until), until]
    return max(later - earlier for earlier, later in pairwise(inside))


class Voices(threading.Thread):
    """Some elders who speak at the same time; use as a context manager."""

    def __init__(self, count: int) -> None:
        super().__init__(name="voices", daemon=True)
        self.each = [Voice.open() for _ in range(count)]
        self._over = threading.Event()

    def run(self) -> None:
        due = time.monotonic()
        while not self._over.is_set():
            due += PACKET_SECONDS
            time.sleep(max(0.0, due - time.monotonic()))
            for voice in self.each:
                voice.turn()

    def holes_ms(self, since: float, until: float, *, loud: bool) -> list[float]:
        """Each one's longest hole."""
        return [voice.hole_ms(since, until, loud=loud) for voice in self.each]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()
        for voice in self.each:
            voice.line.close()
