"""The worker as a process of its own, seen from ours: starts it, hears what it publishes and how far the record is.

What follows from the facts (rows, checked audio, webhooks) is work that may take its time; in the event loop of the
calls every millisecond of it would be one in which nobody is answered (A1). It talks to us over its standard output,
one JSON line a message, and ends when its standard input does, so it never outlives us.
"""

import asyncio
import base64
import contextlib
import sys
from datetime import datetime

import msgspec
import structlog

from callcenter.bus import Bus
from callcenter.clock import Clock
from callcenter.journal import START, Position
from callcenter.journal_reader import JournalReader

log = structlog.get_logger(__name__)

TYPICAL_LINE = 350
"""Bytes of a fact in the journal, for telling how many wait."""
LONGEST_LINE = 1 << 20
END_SECONDS = 6.0


class Progress(msgspec.Struct, frozen=True):
    """How far the record is: the relay's place in the journal, what it waits for, what the database complains of."""

    segment: int = START.segment
    offset: int = START.offset
    oldest_waiting: datetime | None = None
    problem: str | None = None


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line from the worker: something it published, or its progress."""

    topic: str = ""
    message: str = ""
    progress: Progress | None = None


def published(topic: str, message: bytes) -> Told:
    """A line that tells of something published."""
    return Told(topic=topic, message=base64.b64encode(message).decode())


class WorkerLink:
    """Runs the worker and knows how it is."""

    def __init__(self, reader: JournalReader, bus: Bus, clock: Clock) -> None:
        self._reader = reader
        self._bus = bus
        self._clock = clock
        self._progress = Progress()
        self._running = False

    @property
    def problem(self) -> str | None:
        """What the database last complained of, or that nobody writes the record; None while all is well."""
        return self._progress.problem if self._running else "the worker is not running; it is started again"

    @property
    def lag_seconds(self) -> float:
        """Age of the oldest fact that is not in the database, as far as it was looked at; 0 when none waits."""
        oldest = self._progress.oldest_waiting
        return max(0.0, (self._clock.now() - oldest).total_seconds()) if oldest is not None else 0.0

    @property
    def lag_facts(self) -> int:
        """About how many facts wait, reckoned from the journal's bytes; 0 exactly when none does."""
        place = Position(self._progress.segment, self._progress.offset)
        return -(-self._reader.behind(place) // TYPICAL_LINE)

    async def run(self) -> None:
        """Run a worker until it ends; cancelled, it ends the worker in order."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "callcenter.cli", "work"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
        )
        try:
            await self._listen(process)
        finally:
            self._running = False
            await self._end(process)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - asked for above
        decoder = msgspec.json.Decoder(Told)
        async for line in process.stdout:
            told = decoder.decode(line)
            if told.progress is not None:
                self._running, self._progress = True, told.progress
            else:
                self._bus.publish(told.topic, base64.b64decode(told.message))

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
        except TimeoutError:
            log.error("worker_killed", pid=process.pid)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
