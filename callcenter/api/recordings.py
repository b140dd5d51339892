"""Recordings over REST: what there is, what is missing, the audio itself, proof on demand (B6, E3)."""

import functools
import os
import re
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import Services, ServicesDep, SessionDep, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import problem, responses
from callcenter.api.secrecy import tells_of_monitors
from callcenter.api.types import Id, Moment, Page
from callcenter.audit.trail import note
from callcenter.calls.tables import CallRow
from callcenter.errors import CallCenterError, NotFound
from callcenter.people.model import ElderRow
from callcenter.recordings.model import RecordingKind, RecordingRow, Status
from callcenter.recordings.retention import load_policy
from callcenter.recordings.verifier import Verifier, locate
from callcenter.shapes import Instant, Reference

router = idempotency.router("/recordings", "recordings")

Reader = Annotated[Principal, Depends(require("recordings:read"))]
Listener = Annotated[Principal, Depends(require("recordings:listen"))]

_policy = functools.cache(load_policy)


class RecordingGone(CallCenterError):
    """The audio was there once."""

    code = "recording_gone"
    status = 410


class Recording(BaseModel):
    """One audio file of a call, or the gap where it should be."""

    id: str
    call_id: str
    incident_id: str | None
    leg_id: str | None
    kind: RecordingKind
    composed: bool = Field(description="Put together afterwards from the legs' files.")
    status: Status
    problem: str = Field(description="What is missing and why; empty when nothing is.")
    format: str
    started_at: Moment
    ended_at: Moment | None
    expected_seconds: float | None
    seconds: float | None
    bytes: int | None
    sha256: str | None
    verified_at: Moment | None
    retention_until: Moment | None
    audio: str = Field(description="Where to listen.")

    @classmethod
    def of(cls, row: RecordingRow) -> "Recording":
        values: dict[str, Any] = {name: getattr(row, name) for name in cls.model_fields.keys() - {"audio"}}
        return cls(**values, audio=f"{router.prefix}/{row.id}/audio")


def _visible(who: Principal, services: Services) -> Select[RecordingRow]:
    query = select(RecordingRow)
    if not tells_of_monitors(who, services):
        query = query.where(RecordingRow.kind != RecordingKind.WHISPER)
    if who.area is not None:
        elders = select(ElderRow.id).where(ElderRow.area == who.area)
        query = query.where(RecordingRow.call_id.in_(select(CallRow.id).where(CallRow.elder_id.in_(elders))))
    return query


async def _find(session: AsyncSession, id: str, who: Principal, services: Services) -> RecordingRow:
    row = await session.scalar(_visible(who, services).where(RecordingRow.id == id))
    if row is None:
        raise NotFound("no recording has this id")
    return row


@router.get("", responses=responses())
async def list_recordings(
    who: Reader,
    session: SessionDep,
    services: ServicesDep,
    part: PageDep,
    call_id: Annotated[Reference | None, Query()] = None,
    incident_id: Annotated[Reference | None, Query()] = None,
    status: Annotated[Status | None, Query()] = None,
    kind: Annotated[RecordingKind | None, Query()] = None,
    since: Annotated[Instant | None, Query(description="Begun at or after.")] = None,
    until: Annotated[Instant | None, Query(description="Begun before.")] = None,
) -> Page[Recording]:
    """Recordings, newest first; ``status=gap`` lists what is missing."""
    wanted = {"call_id": call_id, "incident_id": incident_id, "status": status, "kind": kind}
    query = _visible(who, services).where(
        *(getattr(RecordingRow, name) == value for name, value in wanted.items() if value is not None)
    )
    if since is not None:
        query = query.where(RecordingRow.started_at >= since)
    if until is not None:
        query = query.where(RecordingRow.started_at < until)
    rows, following = await fetch_page(session, query, RecordingRow.id, part, newest_first=True)
    return Page(items=[Recording.of(row) for row in rows], next=following)


@router.get("/{id}", responses=responses(404))
async def get_recording(id: Id, who: Reader, session: SessionDep, services: ServicesDep) -> Recording:
    """One recording."""
    return Recording.of(await _find(session, id, who, services))


_AUDIO: dict[int | str, dict[str, Any]] = {
    200: {"content": {"audio/wav": {}}, "description": "The whole file."},
    206: {"content": {"audio/wav": {}}, "description": "The part asked for with Range (RFC 9110 §14)."},
}


@router.get("/{id}/audio", response_class=FileResponse, responses={**responses(404, 410, 416), **_AUDIO})
async def listen(id: Id, request: Request, who: Listener, session: SessionDep, services: ServicesDep) -> Response:
    """The audio, whole or in part. The ETag is the SHA-256 on record. Each listening is in the audit trail."""
    row = await _find(session, id, who, services)
    path = locate(services.settings.recordings_dir, row.path)
    try:
        found = os.stat(path) if path is not None else None  # noqa: PTH116 - one look at local metadata
    except OSError:
        found = None
    if path is None or found is None or not path.is_file():
        if row.sha256 is not None:
            raise RecordingGone("the audio is no longer there; it was verified once, so look for it in the backup")
        raise NotFound(f"there is no audio: {row.problem or 'nothing has been written yet'}")
    headers = {"X-Recording-Status": row.status}
    if row.sha256 is not None and row.bytes == found.st_size and row.status != Status.ALTERED:
        headers["ETag"] = f'"{row.sha256}"'
    if not _range_fits(request, found.st_size):
        refusal = f"the recording has {found.st_size} bytes; ask for a part of them"
        return problem(
            request.state.request_id,
            416,
            "range_not_satisfiable",
            refusal,
            {"Content-Range": f"bytes */{found.st_size}"},
        )
    if request.method == "GET":
        note(session, "listen", "recordings", row.id, call_id=row.call_id, range=request.headers.get("Range"))
    return FileResponse(
        path,
        headers=headers,
        media_type="audio/wav",
        filename=f"{row.id}.wav",
        stat_result=found,
        content_disposition_type="inline",
    )


router.add_api_route("/{id}/audio", listen, methods=["HEAD"], include_in_schema=False)


def _range_fits(request: Request, size: int) -> bool:
    """False when a Range lies outside the file. One that is no single range of bytes is ignored, as RFC 9110 allows."""
    given = request.headers.get("Range")
    if given is None:
        return True
    single = re.fullmatch(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", given.strip())
    first, last, suffix = single.groups() if single else (None, None, None)
    if single is None or (first is not None and last and int(last) < int(first)):
        request.scope["headers"] = [(name, value) for name, value in request.scope["headers"] if name != b"range"]
        return True
    return int(first) < size if first is not None else int(suffix or 0) > 0


@router.post("/{id}/verify", responses=responses(404, 409))
async def verify(id: Id, who: Listener, session: SessionDep, services: ServicesDep) -> Recording:
    """Look at the file again: is it there, whole, and the one that was verified? Changes nothing of the audio."""
    row = await _find(session, id, who, services)
    verifier = Verifier(services.database, services.settings.recordings_dir, services.clock, _policy(), services.bus)
    await verifier.look_again(session, row)
    note(session, "verify", "recordings", row.id, status=row.status)
    return Recording.of(row)
