"""The audit trail (C10): whatever an attributed session writes is recorded with it, in the same transaction.

`attribute` is called where the api opens its transactions, the one place. From then on the session
itself records every row it adds, changes or deletes: no service can forget to.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any

import msgspec
import structlog
from sqlalchemy import event, insert, inspect, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session, UOWTransaction
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE

from callcenter.audit.model import GENESIS, AuditHeadRow, AuditRow
from callcenter.clock import Clock
from callcenter.db import Base

log = structlog.get_logger(__name__)

_NOISE = frozenset({"version", "created_at", "updated_at", "sounds"})
_HIDDEN = "***"
_encoder = msgspec.json.Encoder(order="sorted", enc_hook=str)


class Origin(msgspec.Struct, frozen=True):
    """Who writes, from where, for which request."""

    actor: str
    address: str
    request_id: str


class Entry(msgspec.Struct, frozen=True):
    """A change that waits for the commit. ``changes``: field to (before, after)."""

    action: str
    subject: str
    subject_id: str
    changes: dict[str, tuple[Any, Any]]


def attribute(session: AsyncSession, clock: Clock, origin: Callable[[], Origin]) -> None:
    """From now on, record what this session writes. ``origin`` is asked at the commit, when the user is known."""
    sync = session.sync_session
    entries: list[Entry] = []
    sync.info["audit_entries"] = entries

    def after_flush(flushed: Session, _: UOWTransaction) -> None:
        entries.extend(_entries(flushed))

    def before_commit(committing: Session) -> None:
        committing.flush()
        if entries:
            _append(committing, clock, origin(), entries)
            entries.clear()

    event.listen(sync, "after_flush", after_flush)
    event.listen(sync, "before_commit", before_commit)
    event.listen(sync, "do_orm_execute", _refuse_bulk)


def note(session: AsyncSession, action: str, subject: str, subject_id: str, **details: object) -> None:
    """Record something that changes no row: a sign-in, an export, listening to a recording."""
    changes = {name: (None, value) for name, value in details.items()}
    session.sync_session.info["audit_entries"].append(Entry(action, subject, subject_id, changes))


def _audited(table: type) -> bool:
    return getattr(table, "__audited__", True)


def _refuse_bulk(state: ORMExecuteState) -> None:
    if not (state.is_insert or state.is_update or state.is_delete):
        return
    # By name: the ORM hands on an annotated copy of the table. All three kinds of statement have one.
    written = state.statement.table.name  # type: ignore[attr-defined]
    if any(m.class_.__tablename__ == written and _audited(m.class_) for m in Base.registry.mappers):
        raise RuntimeError(f"a bulk statement on {written} would escape the audit trail; change the objects instead")


def _entries(session: Session) -> Iterator[Entry]:
    for action, rows in (("create", session.new), ("update", session.dirty), ("delete", session.deleted)):
        for row in rows:
            if _audited(type(row)) and (changes := _changes(action, row)):
                state = inspect(row)
                key = state.mapper.primary_key_from_instance(row)
                yield Entry(action, state.mapper.local_table.name, "/".join(map(str, key)), changes)


def _changes(action: str, row: object) -> dict[str, tuple[Any, Any]]:
    changes: dict[str, tuple[Any, Any]] = {}
    state: Any = inspect(row)
    for column in state.mapper.column_attrs:
        if column.key in _NOISE:
            continue
        history = state.attrs[column.key].load_history() if action == "update" else None
        if history is not None:
            if not history.has_changes():
                continue
            before, after = (history.deleted or [None])[0], (history.added or [None])[0]
        else:
            value = state.attrs[column.key].loaded_value if action == "create" else getattr(row, column.key, None)
            if value is None or value is PASSIVE_NO_INITIALIZE:
                continue
            before, after = (None, value) if action == "create" else (value, None)
        if column.columns[0].info.get("secret"):
            before, after = before and _HIDDEN, after and _HIDDEN
        changes[column.key] = (before, after)
    return changes


def _append(session: Session, clock: Clock, origin: Origin, entries: list[Entry]) -> None:
    connection = session.connection()
    # The update comes first: it takes the lock on both databases, so that chains never fork.
    connection.execute(update(AuditHeadRow).where(AuditHeadRow.id == 1).values(seq=AuditHeadRow.seq + len(entries)))
    last, digest = connection.execute(select(AuditHeadRow.seq, AuditHeadRow.digest)).one()
    rows = []
    for seq, entry in enumerate(entries, start=last - len(entries) + 1):
        row = {
            "seq": seq,
            "at": clock.now().astimezone(UTC),
            "actor": origin.actor[:64],
            "address": origin.address[:64],
            "request_id": origin.request_id[:64],
            "action": entry.action,
            "subject": entry.subject,
            "subject_id": entry.subject_id[:120],
            "changes": _encoder.encode(entry.changes).decode(),
            "previous": digest,
        }
        digest = digest_of(row)
        rows.append({**row, "digest": digest})
    connection.execute(insert(AuditRow), rows)
    connection.execute(update(AuditHeadRow).where(AuditHeadRow.id == 1).values(digest=digest))


_HASHED = ("previous", "seq", "at", "actor", "address", "request_id", "action", "subject", "subject_id", "changes")


def digest_of(row: dict[str, Any]) -> str:
    """The digest a row must have: SHA-256 over the JSON array of its previous digest and content."""
    return hashlib.sha256(_encoder.encode([row[name] for name in _HASHED])).hexdigest()


class Verification(msgspec.Struct, frozen=True):
    """The outcome of checking the chain. ``rows``: how many were right; ``problem``: None when all were."""

    rows: int
    problem: str | None = None
    seq: int | None = None


async def verify(session: AsyncSession) -> Verification:
    """Walk the whole chain; the first row that was altered, taken out or put in is named."""
    head = (await session.execute(select(AuditHeadRow.seq, AuditHeadRow.digest))).one_or_none()
    head_seq, head_digest = head or (0, GENESIS)
    digest, count = GENESIS, 0
    rows = await session.stream(select(AuditRow.__table__).order_by(AuditRow.seq))
    async for stored in rows.mappings():
        row = dict(stored)
        if row["seq"] != count + 1:
            return Verification(count, "rows are missing before this one", row["seq"])
        if row["previous"] != digest or row["digest"] != digest_of(row):
            return Verification(count, "this row, or the one before it, was altered", row["seq"])
        digest, count = row["digest"], row["seq"]
        if count == head_seq and digest != head_digest:
            return Verification(count - 1, "the head of the chain does not fit this row", count)
    if count < head_seq:
        return Verification(count, "rows are missing at the end", count + 1)
    return Verification(count)
