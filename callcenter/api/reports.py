"""Reports over REST: one incident as a PDF to be signed (A6, A7), and the codes of outcomes and causes."""

import asyncio
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.areas import check
from callcenter.api.deps import Services, ServicesDep, require, transaction
from callcenter.api.problems import responses
from callcenter.api.secrecy import secret, tells_of_monitors
from callcenter.api.types import Id
from callcenter.audit.trail import note
from callcenter.calls.model import Role
from callcenter.errors import NotFound, Unavailable
from callcenter.reports.codes import load_codes
from callcenter.reports.document import digest
from callcenter.reports.drawing import Drawing
from callcenter.reports.incident import Record, document, gather

incidents = idempotency.router("/emergencies", "emergencies")
codes = idempotency.router("/codes", "codes")
ROUTERS: tuple[APIRouter, ...] = (incidents, codes)

WRITTEN_SECONDS = 3.0
"""How long a report waits for what has just happened, e.g. the close, to be in the database."""
LOOK_SECONDS = 0.05

Reader = Annotated[Principal, Depends(require("emergencies:read"))]

_PDF: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
        "description": "The report. The digest of its content is the header X-Content-Digest, and on every page.",
    }
}


@incidents.get("/{incident_id}/report.pdf", response_class=Response, responses={**responses(404), **_PDF})
async def incident_report(request: Request, services: ServicesDep, who: Reader, incident_id: Id) -> Response:
    """Who, where, when; both answer times; plan, attempts, checklist, messages, recordings, result and timeline.

    As the database has it, which is given a moment to take in what has just happened. Every report that is made is in
    the audit trail, with the digest of its content.
    """
    settings = services.settings
    await _written(services)
    async with transaction(request, services) as session:
        record = await _record(session, services, incident_id)
        check(who, services, record.incident.elder_id, "emergency")
        record = _told(record, services, who)
        made = document(record, settings.center_name, settings.human_answer_seconds, services.clock.now(), who.user)
        content = made.encoded()
        note(session, "report", "emergencies", incident_id, sha256=digest(content))
    drawing: Drawing = request.app.state.drawing
    headers = {
        "Content-Disposition": f'inline; filename="emergency-{incident_id}.pdf"',
        "X-Content-Digest": f"sha256={digest(content)}",
        "Cache-Control": "no-store",
    }
    return Response(await drawing.pdf(content), media_type="application/pdf", headers=headers)


async def _written(services: Services) -> None:
    """Wait until the database has everything; a report is not held up for long by one that is slow or away."""
    deadline = services.clock.monotonic() + WRITTEN_SECONDS
    while (relay := services.record) is not None and relay.lag_facts and relay.problem is None:
        if services.clock.monotonic() >= deadline:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _record(session: AsyncSession, services: Services, incident_id: str) -> Record:
    try:
        return await gather(session, incident_id)
    except NotFound:
        if services.controller is not None and services.controller.emergencies.find(incident_id) is not None:
            raise Unavailable("this emergency is not in the database yet; try again in a moment") from None
        raise


def _told(record: Record, services: Services, who: Principal) -> Record:
    """The record without supervisors who listened, for whoever is not told of them."""
    if tells_of_monitors(who, services):
        return record
    return msgspec.structs.replace(
        record,
        legs=[leg for leg in record.legs if leg.role != Role.MONITOR],
        facts=[fact for fact in record.facts if not secret(who, services, fact)],
    )


class CodeView(BaseModel):
    """A code with its names."""

    code: str
    zh: str
    en: str


class EmergencyCodes(BaseModel):
    """Outcomes and causes that are counted; the text of an outcome stays free."""

    version: int
    outcomes: list[CodeView]
    causes: list[CodeView]


@codes.get("/emergencies", dependencies=[Depends(require("emergencies:read"))], responses=responses())
async def emergency_codes() -> EmergencyCodes:
    """The codes for closing an emergency: how it ended, and what caused it."""
    return EmergencyCodes.model_validate(load_codes(), from_attributes=True)
