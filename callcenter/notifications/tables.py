"""Messages and their attempts in the database: rows are the fold of a message's facts, written by the relay."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from callcenter.calls.tables import upsert
from callcenter.db import Base, UtcDateTime
from callcenter.facts import Fact
from callcenter.notifications import facts as f
from callcenter.notifications.model import Attempt, AttemptState, Message, evolve


class MessageRow(Base):
    """One message to somebody outside (A3, A5, A7)."""

    __tablename__ = "messages"
    __table_args__ = (Index("ix_messages_requested_at", "requested_at"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    to: Mapped[str] = mapped_column(String(32), index=True)
    text: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(String(32))
    actor: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(32))
    incident_id: Mapped[str | None] = mapped_column(String(36), index=True)
    call_id: Mapped[str | None] = mapped_column(String(36))
    request_id: Mapped[str | None] = mapped_column(String(400))
    voice: Mapped[list[str]] = mapped_column(JSON)
    template: Mapped[str] = mapped_column(String(100))
    params: Mapped[dict[str, str]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16))
    why: Mapped[str] = mapped_column(String(60))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    given_up_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[list["MessageMessageAttemptRow"]] = relationship(
        order_by="MessageMessageAttemptRow.place", lazy="selectin"
    )


class MessageMessageAttemptRow(Base):
    """One request to one channel."""

    __tablename__ = "message_attempts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id"), index=True)
    place: Mapped[int]
    channel: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    provider_id: Mapped[str] = mapped_column(String(100))
    why: Mapped[str] = mapped_column(String(60))
    final: Mapped[bool]
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


_MESSAGE_COLUMNS = ("id", "to", "text", "purpose", "actor", "name", "role", "incident_id", "call_id", "request_id",
                    "template", "why", "requested_at", "given_up_at")  # fmt: skip
_ATTEMPT_COLUMNS = ("id", "channel", "provider_id", "why", "final", "begun_at", "sent_at", "ended_at")


def to_message(row: MessageRow) -> Message:
    """The message that a row and its attempts stand for."""
    attempts = tuple(
        Attempt(state=AttemptState(attempt.state), **{column: getattr(attempt, column) for column in _ATTEMPT_COLUMNS})
        for attempt in row.attempts
    )
    values = {column: getattr(row, column) for column in _MESSAGE_COLUMNS}
    return Message(voice=tuple(row.voice), params=row.params, attempts=attempts, **values)


async def save_messages(session: AsyncSession, messages: Iterable[Message]) -> None:
    """Write messages and their attempts, new or changed, in two statements."""
    messages = list(messages)
    await upsert(
        session,
        MessageRow,
        [
            {column: getattr(message, column) for column in _MESSAGE_COLUMNS}
            | {"state": message.state.value, "voice": list(message.voice), "params": dict(message.params)}
            for message in messages
        ],
    )
    await upsert(
        session,
        MessageMessageAttemptRow,
        [
            {column: getattr(attempt, column) for column in _ATTEMPT_COLUMNS}
            | {"state": attempt.state.value, "message_id": message.id, "place": place}
            for message in messages
            for place, attempt in enumerate(message.attempts)
        ],
    )


class MessageProjector:
    """Keeps the rows of messages: folds a batch of facts in memory, then writes each message once."""

    async def apply(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        """Fold ``facts``, in order, into the rows."""
        ours = [(fact, fact.body.message_id) for fact in facts if isinstance(fact.body, f.KINDS)]
        if not ours:
            return
        rows = await session.scalars(
            select(MessageRow).where(MessageRow.id.in_({message_id for _, message_id in ours}))
        )
        messages = {row.id: to_message(row) for row in rows}
        before = dict(messages)
        for fact, message_id in ours:
            after = evolve(messages.get(message_id), fact)
            if after is not None:
                messages[message_id] = after
        await save_messages(session, [m for m in messages.values() if before.get(m.id) is not m])
