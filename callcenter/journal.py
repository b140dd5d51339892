"""The append-only local journal: what the call path writes instead of a database (A10, R9, R28).

``<folder>/00000001.jsonl``, ``00000002.jsonl``, …: one fact a line, ``crc32-hex SPACE json LF``. A text
file cut at any byte loses only its last, unacknowledged line; a cut database file loses everything.

One thread writes. Whatever waits when it comes round is written and fsynced as one group, so a burst of
appends costs one disk flush. A full segment is followed by one that begins with a copy of the facts
of everything still open: a restart reads only the newest segment. Copies keep their fact id, by which
all readers are idempotent.
"""

import asyncio
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple
from zlib import crc32

import msgspec
import structlog

from callcenter.clock import Clock
from callcenter.errors import Conflict, Unavailable
from callcenter.facts import Fact, decode, encode

log = structlog.get_logger(__name__)

SEGMENT_BYTES = 16 * 1024 * 1024
GROUP_BYTES = 1024 * 1024
MAX_PENDING = 1_000_000
# A disk that has not answered for this long counts as failing although it has reported nothing yet.
STALLED_SECONDS = 2.0
RETRY_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0)


class JournalInUse(Conflict):
    """Another controller writes this journal."""

    code = "journal_in_use"


class JournalUnavailable(Unavailable):
    """The journal's folder cannot be opened."""

    code = "journal_unavailable"


class Position(NamedTuple):
    """A place between two lines: segment number (from 1) and byte offset in it."""

    segment: int
    offset: int


START = Position(0, 0)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What `Journal.open` found.

    ``facts``: those of the newest segment, in order, each once. ``repaired``: a sentence for the log
    and the console when something was cut off or skipped, else None.
    """

    facts: list[Fact]
    repaired: str | None


@dataclass(slots=True)
class _Entry:
    line: bytes
    count: int
    done: "asyncio.Future[bool]"


class _Rotate(NamedTuple):
    carried: list[Fact]


class _Stop(NamedTuple):
    pass


def frame(fact: Fact) -> bytes:
    """A fact as a journal line, newline included."""
    data = encode(fact)
    return b"%08x %b\n" % (crc32(data), data)


def unframe(line: bytes) -> Fact | None:
    """The fact in a line without its newline, or None when the line is damaged."""
    try:
        if line[8:9] != b" " or int(line[:8], 16) != crc32(line[9:]):
            return None
        return decode(line[9:])
    except (ValueError, msgspec.DecodeError):
        return None


def segment_path(folder: Path, number: int) -> Path:
    """Where a segment lies."""
    return folder / f"{number:08d}.jsonl"


def segments(folder: Path) -> list[int]:
    """The numbers of the segments that exist, ascending."""
    return sorted(int(path.stem) for path in folder.glob("*.jsonl") if path.stem.isdecimal())


class Journal:
    """One controller's journal, written by one thread; every method is called on the event loop.

    ``folder``: this node's own, e.g. ``settings.journal_dir / settings.node``.
    ``carry``: gives the facts of all that is still open, oldest first, when a new segment begins.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        carry: Callable[[], Iterable[Fact]] = tuple,
        segment_bytes: int = SEGMENT_BYTES,
        max_pending: int = MAX_PENDING,
    ) -> None:
        self.folder = folder
        self.carry = carry
        self.pending = 0
        """Facts appended and not yet on disk."""
        self.lost = 0
        """Facts refused because ``max_pending`` were waiting already."""
        self.problem: str | None = None
        """What the disk last complained of; None once it writes again."""
        self._clock = clock
        self._segment_bytes = segment_bytes
        self._max_pending = max_pending
        self._queue: SimpleQueue[_Entry | _Rotate | _Stop] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._busy_since: float | None = None
        self._rotating = False
        self._grown = 0
        self._lock = -1
        self._file = -1
        self._segment = 0
        self._size = 0

    # -- opening -------------------------------------------------------------------------------

    def open(self) -> Recovery:
        """Lock the journal, mend its end and read the newest segment.

        Raises `JournalInUse` when another process has it, `JournalUnavailable` when the folder
        cannot be used. Blocks for as long as reading one segment takes (about 0.2 s for 16 MiB).
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for leftover in self.folder.glob("*.new"):
                leftover.unlink()
            recovery = self._recover()
        except BlockingIOError:
            self._release()
            raise JournalInUse(
                f"another controller already writes the journal in {self.folder}: stop it, or give this one "
                "its own CALLCENTER_NODE or CALLCENTER_DATA"
            ) from None
        except OSError as error:
            self._release()
            raise JournalUnavailable(
                f"the journal in {self.folder} cannot be opened ({error}): check the folder's owner and the disk"
            ) from error
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()
        return recovery

    def _recover(self) -> Recovery:
        existing = segments(self.folder)
        self._segment = existing[-1] if existing else 1
        path = segment_path(self.folder, self._segment)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        content = path.read_bytes()
        facts: dict[str, Fact] = {}
        whole = offset = 0
        suspect: list[bytes] = []  # bad lines: damage if a good one follows, else part of the torn end
        damaged: list[bytes] = []
        while (end := content.find(b"\n", offset)) >= 0:
            line = content[offset:end]
            offset = end + 1
            if (fact := unframe(line)) is None:
                suspect.append(line)
                continue
            damaged += suspect
            suspect = []
            facts.setdefault(fact.id, fact)
            whole = offset
        return Recovery(list(facts.values()), self._mend(content, whole, damaged))

    def _mend(self, content: bytes, whole: int, damaged: list[bytes]) -> str | None:
        """Cut what follows the last whole line, keep aside what is damaged, say what was done."""
        said = []
        tail = content[whole:]
        if damaged or tail:
            with (self.folder / "damaged").open("ab") as aside:
                aside.write(b"".join(line + b"\n" for line in [*damaged, tail] if line))
        if damaged:
            said.append(f"{len(damaged)} damaged line(s) in the middle were skipped and copied to 'damaged'")
        if tail:
            os.ftruncate(self._file, whole)
            said.append(f"a torn end of {len(tail)} byte(s) was cut off and copied to 'damaged'")
        os.fsync(self._file)
        _sync_folder(self.folder)
        self._size = self._grown = whole
        if not said:
            return None
        sentence = f"segment {self._segment}: " + "; ".join(said)
        log.error("journal repaired", segment=self._segment, damaged_lines=len(damaged), torn_bytes=len(tail))
        return sentence

    # -- appending -----------------------------------------------------------------------------

    def append(self, *facts: Fact) -> "asyncio.Future[bool]":
        """Queue facts, in order, as one unit; costs microseconds.

        The future becomes True once they are on disk. It becomes False, at once and with the
        loudest alarm, when so many facts wait for a failing disk that these had to be dropped.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bool] = loop.create_future()
        if self.pending + len(facts) > self._max_pending or self._closing.is_set():
            self.lost += len(facts)
            log.critical("journal full, facts lost", lost=self.lost, pending=self.pending, problem=self.problem)
            done.set_result(False)
            return done
        line = b"".join(map(frame, facts))
        self.pending += len(facts)
        self._grown += len(line)
        self._queue.put(_Entry(line, len(facts), done))
        if self._grown >= self._segment_bytes and not self._rotating:
            # Not here and now: the caller may not have applied these facts to its own state yet.
            self._rotating = True
            loop.call_soon(self._ask_rotation)
        return done

    async def durable(self, *facts: Fact, within: float = 0.5) -> bool:
        """Append and wait until on disk, at most ``within`` seconds: before something dangerous to repeat.

        False means: not on disk yet. The facts stay queued, the alarm is raised, and the call goes on
        all the same (R9). While the disk is known to fail this does not wait at all, nor when nothing is pending.
        """
        if not facts and not self.pending and not self.lost:
            return True
        sick = not self.healthy
        done = self.append(*facts)
        await asyncio.wait({done}, timeout=0 if sick else within)
        if done.done() and done.result():
            return True
        log.critical("journal not durable in time, going on", pending=self.pending, problem=self.problem)
        return False

    @property
    def healthy(self) -> bool:
        """False while the disk refuses or does not answer, and once facts had to be dropped."""
        since = self._busy_since
        stalled = since is not None and time.monotonic() - since > STALLED_SECONDS
        return self.problem is None and not stalled and not self.lost

    def _ask_rotation(self) -> None:
        carried = list(self.carry())
        self._grown = 0
        self._queue.put(_Rotate(carried))

    async def close(self, within: float = 5.0) -> None:
        """Write what waits, at most ``within`` seconds, and release the lock."""
        if self._thread is None:
            return
        self._closing.set()
        self._queue.put(_Stop())
        await asyncio.to_thread(self._thread.join, within)
        await asyncio.sleep(0)  # lets the last acknowledgements through
        if self.pending:
            log.critical("journal closed with facts unwritten", pending=self.pending, problem=self.problem)
        if not self._thread.is_alive():
            self._thread = None
            self._release()

    def _release(self) -> None:
        for descriptor in (self._file, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._lock = -1

    # -- the writer thread ---------------------------------------------------------------------

    def _run(self) -> None:
        stopping = False
        while not stopping:
            item = self._queue.get()
            group: list[_Entry] = []
            size = 0
            while isinstance(item, _Entry):
                group.append(item)
                size += len(item.line)
                if size >= GROUP_BYTES:
                    break
                try:
                    item = self._queue.get_nowait()
                except Empty:
                    break
            if group and not self._write(group):
                return
            if isinstance(item, _Rotate):
                self._rotate(item.carried)
            stopping = isinstance(item, _Stop)

    def _write(self, group: list[_Entry]) -> bool:
        """Write and flush a group, for as long as it takes; False when closing while the disk fails.

        After an error everything is written again at the same place: what a failed write or flush
        left behind is overwritten by the same bytes, so no torn line can stay in the middle, and a
        reader that saw a whole line of it saw the truth.
        """
        data = b"".join(entry.line for entry in group)
        attempt = 0
        while True:
            self._busy_since = time.monotonic()
            try:
                _write_all(self._file, data, self._size)
                os.fdatasync(self._file)
                break
            except OSError as error:
                self.problem = f"{error.strerror or error} ({type(error).__name__} {error.errno})"
                log.critical("journal cannot write", problem=self.problem, pending=self.pending, attempt=attempt)
                if self._closing.is_set() and attempt > 2:
                    return False
                self._closing.wait(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])
                attempt += 1
        self._size += len(data)
        self._busy_since = None
        if self.problem is not None:
            self.problem = None
            log.warning("journal writes again", pending=self.pending)
        with suppress(RuntimeError):  # the loop is closed: nobody is waiting any more
            group[0].done.get_loop().call_soon_threadsafe(self._acknowledge, group)
        return True

    def _acknowledge(self, group: list[_Entry]) -> None:
        for entry in group:
            self.pending -= entry.count
            if not entry.done.done():
                entry.done.set_result(True)

    def _rotate(self, carried: list[Fact]) -> None:
        """Begin the next segment; when that fails the present one simply grows on."""
        number = self._segment + 1
        path = segment_path(self.folder, number)
        new = path.with_suffix(".new")
        data = b"".join(map(frame, carried))
        try:
            file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                _write_all(file, data, 0)
                os.fsync(file)
                new.rename(path)
                _sync_folder(self.folder)
            except OSError:
                os.close(file)
                raise
        except OSError as error:
            log.error("journal cannot begin a new segment", segment=number, problem=str(error.strerror))
            with suppress(OSError):
                new.unlink(missing_ok=True)
        else:
            os.close(self._file)
            self._file, self._segment, self._size = file, number, len(data)
            log.info("journal segment begun", segment=number, carried=len(carried))
        self._rotating = False


def _write_all(file: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
