"""Webhook subscriptions, and the outbox: a delivery is written in the transaction that writes the fact (H3)."""

import base64
import hashlib
import hmac
import secrets
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.clock import Clock
from callcenter.errors import InvalidInput, NotFound
from callcenter.facts import Fact, encode
from callcenter.ids import new_id
from callcenter.notifications.facts import MessageRequested
from callcenter.people.service import later, same_version
from callcenter.shapes import Flag, Version
from callcenter.webhooks.model import DeliveryRow, DeliveryState, SubscriptionRow

_SECRET_PREFIX = "whsec_"  # noqa: S105 - a public prefix

Kind = Annotated[str, Field(pattern=r"^(\*|[a-z_]{1,30}(\.[a-z_]{1,30}){0,3}(\.\*)?)$", examples=["emergency.*"])]
_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?"
_PORT = r"[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
Url = Annotated[
    str,
    Field(
        max_length=500,
        pattern=rf"^https?://{_HOST}(:({_PORT}))?(/[A-Za-z0-9._~/-]*)?(\?[A-Za-z0-9._~&=-]*)?$",
        examples=["https://example.org/hooks/callcenter"],
    ),
]


class SubscriptionInput(BaseModel):
    """Where to send which facts. ``kinds``: exact kinds, ``call.*`` for a family, ``*`` for all."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    kinds: list[Kind] = Field(min_length=1, max_length=50)
    active: Flag = True


class SubscriptionPatch(SubscriptionInput):
    """A change: only what is given."""

    url: Url = ""
    kinds: list[Kind] = Field([], min_length=1, max_length=50)
    version: Version | None = None


async def create_subscription(
    session: AsyncSession, clock: Clock, data: SubscriptionInput
) -> tuple[SubscriptionRow, str]:
    """Subscribe; returns the row and its signing secret, which is shown this once."""
    check_url(data.url)
    secret = _SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    now = clock.now()
    row = SubscriptionRow(
        id=new_id(),
        url=data.url,
        kinds=sorted(set(data.kinds)),
        active=data.active,
        secret=secret,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    return row, secret


async def get_subscription(session: AsyncSession, id: str) -> SubscriptionRow:
    """The subscription of that id, or `NotFound`."""
    row = await session.get(SubscriptionRow, id)
    if row is None or row.deleted_at is not None:
        raise NotFound("no webhook has this id")
    return row


def change_subscription(clock: Clock, row: SubscriptionRow, patch: SubscriptionPatch) -> None:
    """Change what the patch sets."""
    same_version(row.version, patch.version)
    if "url" in patch.model_fields_set:
        check_url(patch.url)
        row.url = patch.url
    if "kinds" in patch.model_fields_set:
        row.kinds = sorted(set(patch.kinds))
    if "active" in patch.model_fields_set:
        row.active = patch.active
    row.updated_at = later(clock.now(), row.updated_at)


def delete_subscription(clock: Clock, row: SubscriptionRow) -> None:
    """End a subscription; its deliveries stay in the record, those still waiting are not sent."""
    row.active = False
    row.deleted_at = row.updated_at = later(clock.now(), row.updated_at)


def check_url(url: str) -> None:
    """Raises `InvalidInput` for anything but plain http or https to a host."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput(f"the url cannot be read: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise InvalidInput("a webhook's url must begin with http:// or https:// and name a host")
    if parts.username or parts.password or parts.fragment:
        raise InvalidInput("a webhook's url must carry no user, password or fragment; requests are signed instead")


async def enqueue(session: AsyncSession, fact: Fact) -> None:
    """Write a delivery for every subscription that wants this fact, in the caller's transaction.

    Doing it again for the same fact changes nothing, so a relay may repeat itself.
    """
    subscribed = (await session.scalars(select(SubscriptionRow).where(SubscriptionRow.active))).all()
    wanting = [row for row in subscribed if any(wants(kind, fact.kind) for kind in row.kinds)]
    if not wanting:
        return
    query = select(DeliveryRow.subscription_id).where(DeliveryRow.fact_id == fact.id)
    have = set((await session.scalars(query)).all())
    body = encode(_told(fact)).decode()
    for row in wanting:
        if row.id not in have:
            session.add(
                DeliveryRow(
                    id=new_id(),
                    subscription_id=row.id,
                    fact_id=fact.id,
                    kind=fact.kind[:60],
                    body=body,
                    state=DeliveryState.PENDING,
                    attempts=0,
                    created_at=fact.at,
                    next_at=fact.at,
                )
            )


def _told(fact: Fact) -> Fact:
    """The fact without what a message said: a door code or medical notes are for whom they were sent to (I1)."""
    if not isinstance(fact.body, MessageRequested):
        return fact
    return msgspec.structs.replace(fact, body=msgspec.structs.replace(fact.body, text="", params={}))


def wants(pattern: str, kind: str) -> bool:
    """Whether a subscription to ``pattern`` gets facts of ``kind``."""
    return pattern in ("*", kind) or (pattern.endswith(".*") and kind.startswith(pattern[:-1]))


def sign(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``: ``v1,`` and base64 of HMAC-SHA256 over ``id.timestamp.body``
    (the Standard Webhooks specification, 1.0). ``timestamp``: seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX))
    mac = hmac.new(key, f"{id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()
