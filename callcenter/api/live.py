"""The live socket: every fact the caller's role may see, as it happens.

A page that comes back says which fact it saw last (``?after=``) and gets what it missed first. ``gap`` tells it
that something may be missing all the same and that it should read the lists again.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from sqlalchemy import select

from callcenter.accounts.permissions import Permission, Principal
from callcenter.api.areas import sees
from callcenter.api.deps import Services
from callcenter.api.problems import database_error
from callcenter.api.views import FactView
from callcenter.bus import FACTS, Gap, Message
from callcenter.calls.facts import SYNTHETIC
from callcenter.errors import NotAuthenticated
from callcenter.facts import Fact
from callcenter.timeline.model import FactRow

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/api/v1", tags=["live"])

SIGN_IN_SECONDS = 5.0
CATCH_UP = 1000

NEEDS: dict[str, Permission] = {
    "call": Permission.CALLS_READ,
    "leg": Permission.CALLS_READ,
    "hotline": Permission.CALLS_READ,
    "emergency": Permission.EMERGENCIES_READ,
    "alarm": Permission.EMERGENCIES_READ,
    "fence": Permission.EMERGENCIES_READ,
    "device": Permission.DEVICES_READ,
    "message": Permission.EMERGENCIES_READ,
    "seat": Permission.SEATS_READ,
    "recording": Permission.RECORDINGS_READ,
    "work_order": Permission.WORK_ORDERS_READ,
    "follow_up": Permission.FOLLOW_UPS_READ,
    "watchdog": Permission.EMERGENCIES_READ,
}
"""What one must be allowed to read to be told of a kind of fact; kinds not named here are told to nobody."""


def may_see(who: Principal, fact_kind: str) -> bool:
    """Whether a role is told of facts of a kind (``call.opened`` is of the family ``call``)."""
    needed = NEEDS.get(fact_kind.partition(".")[0])
    return needed is not None and who.may(needed)


def tells(who: Principal, services: Services, fact: Fact | FactRow) -> bool:
    """Whether an account is told of a fact."""
    about = fact.call_id, fact.incident_id
    return may_see(who, fact.kind) and in_earnest(services, *about) and in_area(who, services, *about)


def in_earnest(services: Services, call_id: str | None, incident_id: str | None) -> bool:
    """Whether a fact is of a person, as far as known: a press of the watchdog's own comes up on no page."""
    if services.controller is None:
        return True
    call = services.controller.calls.find(call_id or "")
    incident = services.controller.emergencies.find(incident_id or "")
    return (call is None or call.via != SYNTHETIC) and (incident is None or incident.origin != SYNTHETIC)


def in_area(who: Principal, services: Services, call_id: str | None, incident_id: str | None) -> bool:
    """Whether a fact is of the account's area: that of the elder whose call or incident it is, as far as known."""
    if who.area is None:
        return True
    if services.controller is None:
        return False
    call = services.controller.calls.find(call_id or "")
    incident = services.controller.emergencies.find(incident_id or "")
    return sees(who, services, (call and call.elder_id) or (incident and incident.elder_id) or None)


@router.websocket("/live")
async def live(socket: WebSocket, token: str | None = None, after: str | None = None) -> None:
    """Facts as JSON text messages.

    Sign in with the header ``Authorization: Bearer …``, the query ``?token=…``, or the first message
    ``{"token": "…"}`` within 5 s. The first answer is ``{"kind": "hello"}``.
    """
    services: Services = socket.app.state.services
    await socket.accept()
    try:
        who = await _sign_in(socket, services, token)
    except (NotAuthenticated, TimeoutError, WebSocketDisconnect, ValueError):
        with contextlib.suppress(RuntimeError):
            await socket.close(4401, 'a valid token is needed: ?token=…, or first message {"token": "…"}')
        return
    if services.bus is None or not who.may(Permission.LIVE_READ):
        await socket.close(4403, "this role may not read the live socket")
        return
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        async with services.bus.subscribe([FACTS]) as messages:
            await socket.send_json({"kind": "hello", "user": who.user, "role": who.role})
            if after:
                await _catch_up(socket, services, who, after)
            await _stream(socket, services, who, messages)


async def _sign_in(socket: WebSocket, services: Services, token: str | None) -> Principal:
    header = socket.headers.get("Authorization", "")
    if header.lower().startswith("bearer "):
        token = header[7:]
    if token is None:
        async with asyncio.timeout(SIGN_IN_SECONDS):
            first = await socket.receive_json()
        token = first.get("token") if isinstance(first, dict) else None
    return services.tokens.read(token or "")


async def _catch_up(socket: WebSocket, services: Services, who: Principal, after: str) -> None:
    try:
        async with services.database.transaction() as session:
            rows = await session.scalars(
                select(FactRow).where(FactRow.id > after).order_by(FactRow.id).limit(CATCH_UP + 1)
            )
            missed = list(rows)
    except Exception as error:
        if database_error(error) is None:
            raise
        await socket.send_json({"kind": "gap"})
        return
    for row in missed[:CATCH_UP]:
        if tells(who, services, row):
            await socket.send_text(FactView.of(row).model_dump_json())
    if len(missed) > CATCH_UP:
        await socket.send_json({"kind": "gap"})


async def _stream(
    socket: WebSocket, services: Services, who: Principal, messages: AsyncIterator[Message | Gap]
) -> None:
    """Send until the peer goes; what it sends meanwhile is read and ignored."""
    listener = asyncio.ensure_future(_until_gone(socket))
    sender = asyncio.ensure_future(_send(socket, services, who, messages))
    try:
        await asyncio.wait({listener, sender}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (listener, sender):
            task.cancel()
        await asyncio.gather(listener, sender, return_exceptions=True)


async def _until_gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _send(socket: WebSocket, services: Services, who: Principal, messages: AsyncIterator[Message | Gap]) -> None:
    async for message in messages:
        if isinstance(message, Gap):
            await socket.send_json({"kind": "gap"})
            continue
        try:
            fact = message.fact()
        except msgspec.DecodeError:
            continue
        if tells(who, services, fact):
            await socket.send_text(_text(fact))


def _text(fact: Fact) -> str:
    view: dict[str, Any] = FactView.of(fact).model_dump(mode="json")
    return msgspec.json.encode(view).decode()
