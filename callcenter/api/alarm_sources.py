"""Who may send alarms, over REST: made, given new secrets, disabled; each secret is shown once (A5, I3)."""

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from callcenter.alarms import source_service as service
from callcenter.alarms.model import AlarmSourceRow
from callcenter.alarms.source_service import CHANGED, RotateInput, SourceInput, SourcePatch
from callcenter.alarms.sources import Auth
from callcenter.api import idempotency
from callcenter.api.deps import ServicesDep, SessionDep, hint, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.api.versions import IfMatch, check_match, tag

router = idempotency.router("/alarm-sources", "alarm sources")

MANAGER = [Depends(require("alarm_sources:manage"))]


class AlarmSource(BaseModel):
    """A source, without its secret. ``previous_until``: until when the secret before is good as well."""

    id: str
    name: str
    auth: Auth
    area: str | None
    enabled: bool
    previous_until: Moment | None
    version: int
    created_at: Moment
    updated_at: Moment


class AlarmSourceWithSecret(AlarmSource):
    """A source and, this once, its token or the key of its signatures."""

    secret: str


def shown(row: AlarmSourceRow) -> AlarmSource:
    """The source as the API shows it."""
    return AlarmSource(**{name: getattr(row, name) for name in AlarmSource.model_fields})


@router.get("", dependencies=MANAGER, responses=responses())
async def list_alarm_sources(session: SessionDep, part: PageDep) -> Page[AlarmSource]:
    """All sources, oldest first."""
    rows, following = await fetch_page(session, service.sources_query(), AlarmSourceRow.id, part)
    return Page(items=[shown(row) for row in rows], next=following)


@router.post("", status_code=201, dependencies=MANAGER, responses=responses(409))
async def create_alarm_source(
    body: SourceInput, session: SessionDep, services: ServicesDep, request: Request, response: Response
) -> AlarmSourceWithSecret:
    """Make a source; the answer holds its secret, this once."""
    row, secret = await service.create_source(session, services.clock, body)
    return await _with_secret(row, secret, session, request, response)


async def _with_secret(
    row: AlarmSourceRow, secret: str, session: SessionDep, request: Request, response: Response
) -> AlarmSourceWithSecret:
    await session.flush()
    hint(session, CHANGED)
    request.state.answer_is_secret = True
    tag(response, row.version)
    return AlarmSourceWithSecret(**shown(row).model_dump(), secret=secret)


@router.get("/{id}", dependencies=MANAGER, responses=responses(404))
async def get_alarm_source(id: Id, session: SessionDep, response: Response) -> AlarmSource:
    """One source."""
    row = await service.get_source(session, id)
    tag(response, row.version)
    return shown(row)


@router.patch("/{id}", dependencies=MANAGER, responses=responses(404, 409, 412))
async def change_alarm_source(
    id: Id,
    body: SourcePatch,
    session: SessionDep,
    services: ServicesDep,
    response: Response,
    if_match: IfMatch = None,
) -> AlarmSource:
    """Change its area, disable it or enable it again. It is never deleted: its alarms are on record with its name."""
    row = await service.get_source(session, id)
    check_match(row.version, if_match)
    service.change_source(services.clock, row, body)
    await session.flush()
    hint(session, CHANGED)
    tag(response, row.version)
    return shown(row)


@router.post("/{id}/rotation", status_code=201, dependencies=MANAGER, responses=responses(404))
async def rotate_alarm_source(
    id: Id, body: RotateInput, session: SessionDep, services: ServicesDep, request: Request, response: Response
) -> AlarmSourceWithSecret:
    """Give it a new secret, shown this once; the old one stays good for ``keep_old_hours``."""
    row = await service.get_source(session, id)
    secret = service.rotate_source(services.clock, row, body.keep_old_hours)
    return await _with_secret(row, secret, session, request, response)
