"""Webhook subscriptions over REST, and what became of every delivery (H3)."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import select

from callcenter.api import idempotency
from callcenter.api.deps import ServicesDep, SessionDep, require
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.api.versions import IfMatch, check_match, tag
from callcenter.webhooks import service
from callcenter.webhooks.model import DeliveryRow, DeliveryState, SubscriptionRow
from callcenter.webhooks.service import SubscriptionInput, SubscriptionPatch

router = idempotency.router("/webhooks", "webhooks")

READER = [Depends(require("webhooks:read"))]
WRITER = [Depends(require("webhooks:write"))]


class Webhook(BaseModel):
    """A subscription, without its secret."""

    id: str
    url: str
    kinds: list[str]
    active: bool
    version: int
    created_at: Moment
    updated_at: Moment


class WebhookWithSecret(Webhook):
    """A subscription and, this once, the secret its deliveries are signed with (Standard Webhooks)."""

    secret: str


class Delivery(BaseModel):
    """One fact for one subscription. ``last_status``: the receiver's HTTP status at the last attempt."""

    id: str
    fact_id: str
    kind: str
    state: DeliveryState
    attempts: int
    created_at: Moment
    next_at: Moment | None
    last_status: int | None
    last_error: str | None
    delivered_at: Moment | None


def shown(row: SubscriptionRow) -> Webhook:
    """The subscription as the API shows it."""
    return Webhook(
        id=row.id,
        url=row.url,
        kinds=row.kinds,
        active=row.active,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


@router.get("", dependencies=READER, responses=responses())
async def list_webhooks(session: SessionDep, part: PageDep) -> Page[Webhook]:
    """All subscriptions, oldest first."""
    query = select(SubscriptionRow).where(SubscriptionRow.deleted_at.is_(None))
    rows, following = await fetch_page(session, query, SubscriptionRow.id, part)
    return Page(items=[shown(row) for row in rows], next=following)


@router.post("", status_code=201, dependencies=WRITER, responses=responses())
async def create_webhook(
    body: SubscriptionInput, session: SessionDep, services: ServicesDep, request: Request, response: Response
) -> WebhookWithSecret:
    """Subscribe to facts; the answer holds the signing secret, this once."""
    row, secret = await service.create_subscription(session, services.clock, body)
    await session.flush()
    request.state.answer_is_secret = True
    tag(response, row.version)
    return WebhookWithSecret(**shown(row).model_dump(), secret=secret)


@router.get("/{id}", dependencies=READER, responses=responses(404))
async def get_webhook(id: Id, session: SessionDep, response: Response) -> Webhook:
    """One subscription."""
    row = await service.get_subscription(session, id)
    tag(response, row.version)
    return shown(row)


@router.patch("/{id}", dependencies=WRITER, responses=responses(404, 409, 412))
async def change_webhook(
    id: Id,
    body: SubscriptionPatch,
    session: SessionDep,
    services: ServicesDep,
    response: Response,
    if_match: IfMatch = None,
) -> Webhook:
    """Change what is given."""
    row = await service.get_subscription(session, id)
    check_match(row.version, if_match)
    service.change_subscription(services.clock, row, body)
    await session.flush()
    tag(response, row.version)
    return shown(row)


@router.delete("/{id}", status_code=204, dependencies=WRITER, responses=responses(404, 409, 412))
async def delete_webhook(id: Id, session: SessionDep, services: ServicesDep, if_match: IfMatch = None) -> None:
    """End a subscription."""
    row = await service.get_subscription(session, id)
    check_match(row.version, if_match)
    service.delete_subscription(services.clock, row)


@router.get("/{id}/deliveries", dependencies=READER, responses=responses(404))
async def list_deliveries(
    id: Id, session: SessionDep, part: PageDep, state: Annotated[DeliveryState | None, Query()] = None
) -> Page[Delivery]:
    """What became of the facts for this subscription, newest first."""
    await service.get_subscription(session, id)
    query = select(DeliveryRow).where(DeliveryRow.subscription_id == id)
    if state is not None:
        query = query.where(DeliveryRow.state == state)
    rows, following = await fetch_page(session, query, DeliveryRow.id, part, newest_first=True)
    items = [
        Delivery(
            id=row.id,
            fact_id=row.fact_id,
            kind=row.kind,
            state=DeliveryState(row.state),
            attempts=row.attempts,
            created_at=row.created_at,
            next_at=row.next_at if row.state == DeliveryState.PENDING else None,
            last_status=row.last_status,
            last_error=row.last_error,
            delivered_at=row.delivered_at,
        )
        for row in rows
    ]
    return Page(items=items, next=following)
