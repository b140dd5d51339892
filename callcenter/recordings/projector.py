"""Writes what the controller says of recordings into their table; the verifier goes on from there (B6)."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.facts import Fact
from callcenter.recordings.facts import RecordingStarted, RecordingStopped
from callcenter.recordings.model import RecordingRow, Status


class RecordingProjector:
    """A row when a file begins, its end when it ends."""

    async def apply(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        """Fold new facts, in order, into the rows. Raises `KeyError` for the end of a file that never began."""
        rows: dict[str, RecordingRow] = {}
        ended = [fact.body.recording_id for fact in facts if isinstance(fact.body, RecordingStopped)]
        if ended:
            for row in await session.scalars(select(RecordingRow).where(RecordingRow.id.in_(ended))):
                rows[row.id] = row
        for fact in facts:
            match fact.body:
                case RecordingStarted() as body if fact.call_id is not None:
                    row = rows[body.recording_id] = RecordingRow(
                        id=body.recording_id,
                        call_id=fact.call_id,
                        incident_id=fact.incident_id,
                        leg_id=body.leg_id,
                        kind=body.kind,
                        composed=False,
                        path=body.path,
                        format=body.format,
                        started_at=body.began_at or fact.at,
                        status=Status.PENDING.value,
                        problem="",
                    )
                    session.add(row)
                case RecordingStopped() as body:
                    row = rows[body.recording_id]
                    row.ended_at, row.expected_seconds = body.ended_at or fact.at, body.expected_seconds
                case _:
                    pass
