"""Reads a controller's journal in order, for the relay: what is on disk, each fact with its place (A10, R28)."""

import os
from contextlib import suppress
from pathlib import Path

import structlog

from callcenter.clock import Clock
from callcenter.facts import Fact
from callcenter.journal import GROUP_BYTES, START, Position, segment_path, segments, unframe

log = structlog.get_logger(__name__)


class JournalReader:
    """Reads a journal in order while it is being written, from this process or another.

    ``keep_days``: segments are deleted once relayed and older than this.
    """

    def __init__(self, folder: Path, clock: Clock, *, keep_days: float = 30) -> None:
        self.folder = folder
        self._clock = clock
        self._keep_seconds = keep_days * 86400

    def read(self, position: Position = START, limit: int = 500) -> tuple[list[tuple[Fact, Position]], Position]:
        """Up to ``limit`` facts after a position, each with the position behind it, and where to go on.

        Empty when nothing new is there. Only what is on disk is given out, so that a position once
        stored is never ahead of what a power cut leaves (R28). Blocks on the disk: call it in a
        thread. Raises `OSError` when the disk fails.
        """
        found: list[tuple[Fact, Position]] = []
        existing = segments(self.folder)  # before reading: a segment that has a successor is complete
        for number in existing:
            if number < position.segment:
                continue
            offset = position.offset if number == position.segment else 0
            last = number == existing[-1]
            offset = self._read_segment(number, offset, limit - len(found), last, found)
            position = Position(number, offset)
            if len(found) >= limit:
                break
        return found, position

    def _read_segment(
        self, number: int, offset: int, limit: int, last: bool, found: list[tuple[Fact, Position]]
    ) -> int:
        with segment_path(self.folder, number).open("rb") as file:
            file.seek(offset)
            safe = offset
            taken = skipped = 0
            while taken < limit:
                line = file.readline()
                if not line.endswith(b"\n"):
                    break
                offset += len(line)
                fact = unframe(line[:-1])
                if fact is None:
                    skipped += 1
                    continue
                if skipped:
                    log.error("journal reader skipped damaged lines", segment=number, lines=skipped)
                    skipped = 0
                found.append((fact, Position(number, offset)))
                taken += 1
                safe = offset
            if taken:
                os.fdatasync(file.fileno())
            if skipped and not last and taken < limit:
                log.error("journal reader skipped damaged lines", segment=number, lines=skipped)
        # A bad line at the very end of the newest segment may still be mended; it is looked at again.
        return safe

    def has(self, segment: int) -> bool:
        """Whether a segment is there."""
        return segment_path(self.folder, segment).exists()

    def before(self, position: Position) -> Fact | None:
        """The fact whose line ends at a position; None when no whole line ends there."""
        with suppress(FileNotFoundError), segment_path(self.folder, position.segment).open("rb") as file:
            start = max(0, position.offset - GROUP_BYTES)
            file.seek(start)
            content = file.read(position.offset - start)
            if start + len(content) == position.offset and content.endswith(b"\n"):
                return unframe(content[content.rfind(b"\n", 0, -1) + 1 : -1])
        return None

    def behind(self, position: Position) -> int:
        """Bytes after a position: 0 when everything has been read."""
        total = 0
        for number in segments(self.folder):
            if number >= position.segment:
                with suppress(FileNotFoundError):
                    total += segment_path(self.folder, number).stat().st_size
                if number == position.segment:
                    total -= position.offset
        return total

    def relayed(self, position: Position) -> list[int]:
        """Delete the segments wholly before a position that are older than ``keep_days``; tells which."""
        deleted = []
        now = self._clock.now().timestamp()
        for number in segments(self.folder)[:-1]:
            path = segment_path(self.folder, number)
            if number >= position.segment or now - path.stat().st_mtime < self._keep_seconds:
                break
            path.unlink()
            deleted.append(number)
        return deleted
