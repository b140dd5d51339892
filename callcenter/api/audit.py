"""The audit trail over REST: who wrote what, before and after, and whether the trail is whole (C10)."""

from typing import Annotated, Any

import msgspec
from fastapi import Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import select

from callcenter.accounts.permissions import Permission, Principal
from callcenter.api import idempotency
from callcenter.api.deps import SessionDep, require
from callcenter.api.elders import masked
from callcenter.api.paging import NumberedPageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Moment, Page
from callcenter.audit import trail
from callcenter.audit.model import AuditRow
from callcenter.shapes import Instant, Line

router = idempotency.router("/audit", "audit")

Reader = Annotated[Principal, Depends(require("audit:read"))]


class Entry(BaseModel):
    """One change of one thing. ``changes``: field to [before, after]; secrets show as ***."""

    seq: int
    at: Moment
    actor: str
    address: str
    request_id: str
    action: str = Field(examples=["update"])
    subject: str = Field(examples=["elders"])
    subject_id: str
    changes: dict[str, list[Any]]
    digest: str


class Verification(BaseModel):
    """Whether the chain of digests is whole. ``rows``: how many rows from the start are right."""

    intact: bool
    rows: int
    problem: str | None
    seq: int | None


def _shown(row: AuditRow, who: Principal) -> Entry:
    changes = msgspec.json.decode(row.changes, type=dict[str, list[Any]])
    if "id_number" in changes and not who.may(Permission.ELDERS_IDENTITY):
        changes["id_number"] = [masked(value) for value in changes["id_number"]]
    return Entry(
        changes=changes,
        **{
            name: getattr(row, name)
            for name in ("seq", "at", "actor", "address", "request_id", "action", "subject", "subject_id", "digest")
        },
    )


@router.get("", responses=responses())
async def list_entries(
    who: Reader,
    session: SessionDep,
    part: NumberedPageDep,
    actor: Annotated[Line | None, Query()] = None,
    subject: Annotated[Line | None, Query(description="Table, e.g. elders.")] = None,
    subject_id: Annotated[Line | None, Query()] = None,
    since: Annotated[Instant | None, Query()] = None,
    until: Annotated[Instant | None, Query()] = None,
) -> Page[Entry]:
    """The trail, newest first."""
    query = select(AuditRow)
    for column, value in ((AuditRow.actor, actor), (AuditRow.subject, subject), (AuditRow.subject_id, subject_id)):
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(AuditRow.at >= since)
    if until is not None:
        query = query.where(AuditRow.at < until)
    rows, following = await fetch_page(session, query, AuditRow.seq, part, newest_first=True)
    return Page(items=[_shown(row, who) for row in rows], next=following)


@router.get("/verification", dependencies=[Depends(require("audit:read"))], responses=responses())
async def verification(session: SessionDep) -> Verification:
    """Check the whole chain now."""
    found = await trail.verify(session)
    return Verification(intact=found.problem is None, rows=found.rows, problem=found.problem, seq=found.seq)
