"""Proves recordings: each file is looked at once its call is over, and what is missing is made visible (B6, R8).

Runs in the worker. The audio is never changed; the verdict goes onto the row, the timeline and the live socket.
"""

import asyncio
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from callcenter.bus import Bus
from callcenter.calls.tables import CallRow
from callcenter.clock import Clock
from callcenter.db import Database, to_the_end
from callcenter.errors import Conflict
from callcenter.facts import Body, record
from callcenter.ids import derived_id
from callcenter.processes import die_with_parent
from callcenter.recordings.audio import SILENCE_PEAK, Examined, Piece, compose, examine, read_header
from callcenter.recordings.facts import RecordingGap, RecordingVerified
from callcenter.recordings.model import RecordingKind, RecordingRow, Status
from callcenter.recordings.retention import RetentionPolicy
from callcenter.timeline.service import tell

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 600.0
LOOK_BACK = timedelta(days=3)
SETTLED = timedelta(minutes=2)
_SHORTEST_SILENCE = 2.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at a file says. ``examined``: None when there was nothing to examine."""

    status: Status
    problem: str
    examined: Examined | None = None


def locate(folder: Path, path: str) -> Path | None:
    """The file of a row, None when the row has none or its path leads out of the recordings folder."""
    if not path:
        return None
    root = folder.resolve()
    found = (root / path).resolve()
    return found if found.is_relative_to(root) and found != root else None


def tolerance(expected_seconds: float) -> float:
    """How much shorter than the call a recording may be: a second, or 2 %."""
    return max(1.0, 0.02 * expected_seconds)


def judge(path: Path | None, expected: float | None, kind: str, *, last_look: bool) -> Verdict | None:
    """Look at a file; None: not finished yet, look again. Blocks on the disk; raises `OSError`.

    ``expected``: seconds; None when nobody heard its end: then whatever Asterisk finished is whole.
    """
    if path is None:
        return Verdict(Status.GAP, "there is no file within the recordings folder")
    try:
        header = read_header(path)
    except FileNotFoundError:
        return Verdict(Status.GAP, "the file was never written, or has gone") if last_look else None
    if header is None:
        return Verdict(Status.GAP, "the file is empty or no WAV file") if last_look else None
    data = path.stat().st_size - header.data_at
    if data - header.data_bytes not in (0, 1) and not last_look:
        return None
    found = examine(path)
    if found is None or data <= 0:
        if expected is not None and expected < tolerance(0):
            return Verdict(Status.VERIFIED, "", found)  # the line was up for less than a second
        return Verdict(Status.GAP, "the file holds no audio") if last_look else None
    if not found.finished:
        return Verdict(Status.DEGRADED, f"the file was never finished; {found.seconds:.1f} s of audio are in it", found)
    if expected is not None and found.seconds < expected - tolerance(expected):
        return Verdict(Status.DEGRADED, f"{found.seconds:.1f} s of {expected:.1f} s", found)
    silent = found.peak is not None and found.peak < SILENCE_PEAK
    if kind == RecordingKind.MIX and silent and found.seconds >= _SHORTEST_SILENCE:
        return Verdict(Status.DEGRADED, "silent from beginning to end", found)
    return Verdict(Status.VERIFIED, "", found)


class Verifier:
    """Looks at every finished recording. ``deadline_seconds``: how long a file may take to be finished."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        clock: Clock,
        policy: RetentionPolicy,
        bus: Bus | None = None,
        *,
        deadline_seconds: float = 30,
        poll_seconds: float = 1,
    ) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock
        self._policy = policy
        self._bus = bus
        self._deadline = timedelta(seconds=deadline_seconds)
        self._poll = poll_seconds
        self._pool: ProcessPoolExecutor | None = None

    async def run(self) -> None:
        """Verify until cancelled; while the database is away it tries again."""
        next_sweep = 0.0
        try:
            while True:
                try:
                    await to_the_end(self.step())
                    if self._clock.monotonic() >= next_sweep:
                        await to_the_end(self.sweep())
                        next_sweep = self._clock.monotonic() + SWEEP_SECONDS
                except Exception as error:
                    log.error("recordings cannot be verified now", problem=type(error).__name__)
                await asyncio.sleep(self._poll)
        finally:
            self.close()

    def close(self) -> None:
        """End the process that composes."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    async def step(self) -> int:
        """Look at what is finished; returns how many verdicts were given."""
        async with self._database.transaction() as session:
            waiting = select(RecordingRow).where(
                RecordingRow.status == Status.PENDING, RecordingRow.ended_at.is_not(None)
            )
            rows = list(await session.scalars(waiting.order_by(RecordingRow.ended_at).limit(200)))
        given = 0
        for row in rows:
            late = row.ended_at is not None and self._clock.now() - row.ended_at >= self._deadline
            verdict = await self._look(row, last_look=late)
            if verdict is not None:
                await self._give(row.id, verdict)
                given += 1
        await self._compose_what_outlived()
        return given

    async def look_again(self, session: AsyncSession, row: RecordingRow) -> None:
        """Verify on demand: is the file still the one that was verified? Raises `Conflict` while it is recorded."""
        if row.ended_at is None:
            raise Conflict("this is still being recorded; verify it after the call")
        verdict = await self._look(row, last_look=True)
        if verdict is None:
            raise Conflict("the file is being changed; verify it again")
        found = verdict.examined
        if found is not None and row.sha256 is not None and found.sha256 != row.sha256:
            verdict = Verdict(Status.ALTERED, "the file is not the one that was verified: its SHA-256 differs", found)
        await self._settle(session, row, verdict)

    async def sweep(self) -> None:
        """Find what nobody told of: calls that left no recording, and files whose end was never told."""
        now = self._clock.now()
        async with self._database.transaction() as session:
            over = (CallRow.started_at > now - LOOK_BACK, CallRow.ended_at < now - SETTLED)
            untold = (
                select(RecordingRow, CallRow.ended_at)
                .join(CallRow, CallRow.id == RecordingRow.call_id)
                .where(RecordingRow.status == Status.PENDING, RecordingRow.ended_at.is_(None), *over)
            )
            for row, ended_at in (await session.execute(untold)).all():
                row.ended_at = ended_at or now
                row.expected_seconds = max(0.0, (row.ended_at - row.started_at).total_seconds())
            unrecorded = select(CallRow).where(
                CallRow.answered_at.is_not(None), *over, ~exists().where(RecordingRow.call_id == CallRow.id)
            )
            for call in (await session.scalars(unrecorded)).all():
                row = self._new_row(call.id, call.incident_id, "", call.started_at, call.ended_at or now)
                session.add(row)
                await self._settle(session, row, Verdict(Status.GAP, "the call left no recording at all"))

    async def _look(self, row: RecordingRow, *, last_look: bool) -> Verdict | None:
        path = locate(self._folder, row.path)
        try:
            return await asyncio.to_thread(judge, path, row.expected_seconds, row.kind, last_look=last_look)
        except OSError as error:
            return Verdict(Status.GAP, f"the file cannot be read: {error.strerror}") if last_look else None

    async def _give(self, id: str, verdict: Verdict) -> None:
        async with self._database.transaction() as session:
            row = await session.get(RecordingRow, id)
            if row is not None and row.status == Status.PENDING:
                await self._settle(session, row, verdict)

    async def _settle(self, session: AsyncSession, row: RecordingRow, verdict: Verdict) -> None:
        """Write a verdict onto its row; when it is news, tell of it."""
        before = row.status
        row.become(verdict.status, verdict.problem)
        found = verdict.examined
        row.verified_at = self._clock.now()
        if found is not None and verdict.status is not Status.ALTERED:
            row.seconds, row.bytes, row.sha256 = round(found.seconds, 3), found.bytes, row.sha256 or found.sha256
        if row.retention_until is None:
            call = await session.get(CallRow, row.call_id)
            row.retention_until = self._policy.until(call.line if call is not None else None, row.started_at)
        if row.status == before:
            return
        body: Body = RecordingGap(recording_id=row.id, status=row.status, problem=row.problem)
        if verdict.status is Status.VERIFIED:
            body = RecordingVerified(
                recording_id=row.id, kind=row.kind, seconds=row.seconds or 0.0, sha256=row.sha256 or ""
            )
        else:
            log.warning("recording incomplete", recording_id=row.id, call_id=row.call_id, status=row.status)
        fact = record(body, self._clock.now(), "system", call_id=row.call_id, incident_id=row.incident_id)
        await tell(session, self._bus, fact)

    # -- rooms that outlived their mix -------------------------------------------------------------

    async def _compose_what_outlived(self) -> None:
        """The mix hangs on the elder's line: when others talked on, put their voices behind it."""
        other = aliased(RecordingRow)
        async with self._database.transaction() as session:
            ready = (
                select(RecordingRow)
                .join(CallRow, CallRow.id == RecordingRow.call_id)
                .where(
                    RecordingRow.kind == RecordingKind.MIX,
                    RecordingRow.composed.is_(False),
                    RecordingRow.outlived.is_(None),
                    RecordingRow.status != Status.PENDING,
                    RecordingRow.path != "",
                    CallRow.ended_at.is_not(None),
                    ~exists().where(other.call_id == RecordingRow.call_id, other.status == Status.PENDING),
                )
                .limit(20)
            )
            mixes = list(await session.scalars(ready))
            legs = {
                mix.id: list(
                    await session.scalars(
                        select(RecordingRow).where(
                            RecordingRow.call_id == mix.call_id, RecordingRow.kind == RecordingKind.LEG
                        )
                    )
                )
                for mix in mixes
            }
        for mix in mixes:
            await self._compose(mix, legs[mix.id])

    async def _compose(self, mix: RecordingRow, legs: Sequence[RecordingRow]) -> None:
        usable = mix.status in (Status.VERIFIED, Status.DEGRADED) and mix.seconds is not None
        ends = {leg.id: _end(leg) for leg in legs if leg.status in (Status.VERIFIED, Status.DEGRADED)}
        mix_end = _end(mix) if usable else mix.started_at
        later = [leg for leg in legs if leg.id in ends and ends[leg.id] > mix_end + timedelta(seconds=1)]
        row: RecordingRow | None = None
        failure: str | None = None
        if later:
            path = f"{mix.path.removesuffix('.wav')}-full.wav"
            row = self._new_row(
                mix.call_id, mix.incident_id, path, mix.started_at, max(ends[leg.id] for leg in later), composed=True
            )
            failure = await self._write_composed(mix if usable else None, mix.started_at, later, path)
        async with self._database.transaction() as session:
            stored = await session.get(RecordingRow, mix.id)
            if stored is not None:
                stored.outlived = row is not None
            if row is not None and await session.get(RecordingRow, row.id) is None:
                session.add(row)
                if failure is not None:
                    await self._settle(session, row, Verdict(Status.GAP, failure))

    async def _write_composed(
        self, mix: RecordingRow | None, started_at: datetime, legs: Sequence[RecordingRow], path: str
    ) -> str | None:
        """Compose in the other process; returns what went wrong."""
        target = locate(self._folder, path)
        base = locate(self._folder, mix.path) if mix is not None else None
        pieces = [Piece(found, leg.started_at) for leg in legs if (found := locate(self._folder, leg.path)) is not None]
        if target is None:
            return "its path would lead out of the recordings folder"
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1, mp_context=multiprocessing.get_context("spawn"), initializer=die_with_parent
            )
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._pool, compose, started_at, base, pieces, target)
        except Exception as error:
            log.error("recording cannot be composed", path_of=mix.id if mix else None, problem=type(error).__name__)
            self.close()
            return f"the voices of the legs could not be put together: {type(error).__name__}"
        return None

    def _new_row(
        self,
        call_id: str,
        incident_id: str | None,
        path: str,
        started_at: datetime,
        ended_at: datetime,
        *,
        composed: bool = False,
    ) -> RecordingRow:
        """A row of our own making; its id is the same whenever it is made of the same."""
        return RecordingRow(
            id=derived_id(started_at, "recording", call_id, path),
            call_id=call_id,
            incident_id=incident_id,
            kind=RecordingKind.MIX.value,
            composed=composed,
            path=path,
            format="wav",
            started_at=started_at,
            ended_at=ended_at,
            expected_seconds=max(0.0, (ended_at - started_at).total_seconds()),
            status=Status.PENDING.value,
            problem="",
        )


def _end(row: RecordingRow) -> datetime:
    return row.started_at + timedelta(seconds=row.seconds or 0.0)
