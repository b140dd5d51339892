"""The live socket: every fact the caller's role may see, as it happens.

A page that comes back says which fact it saw last (``?after=``) and gets what it missed first. ``gap`` tells it
that something may be missing all the same and that it should read the lists again.
"""

import asyncio
import contextlib
from typing import Any

import msgspec
import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from callcenter.accounts.permissions import Permission, Principal
from callcenter.api.areas import sees
from callcenter.api.deps import Services
from callcenter.api.live_peer import FORBIDDEN, TRY_AGAIN, UNAUTHENTICATED, Peer, sign_in
from callcenter.api.secrecy import secret
from callcenter.api.views import FactView
from callcenter.calls.facts import SYNTHETIC
from callcenter.errors import NotAuthenticated
from callcenter.facts import Fact
from callcenter.feed import Entry, Feed
from callcenter.timeline.model import FactRow

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/api/v1", tags=["live"])

CATCH_UP = 3000
"""More facts than this are not told again: reading the lists is quicker."""

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
    "callback": Permission.CALLS_READ,
    "voicemail": Permission.CALLS_READ,
    "recording": Permission.RECORDINGS_READ,
    "work_order": Permission.WORK_ORDERS_READ,
    "follow_up": Permission.FOLLOW_UPS_READ,
    "complaint": Permission.COMPLAINTS_READ,
    "intake": Permission.INTAKE_READ,
    "knowledge": Permission.KNOWLEDGE_READ,
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
    if secret(who, services, fact):
        return False
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
    calls = [call, *(services.controller.emergencies.calls_of(incident) if incident is not None else ())]
    return sees(who, services, (call and call.elder_id) or (incident and incident.elder_id) or None, calls)


@router.websocket("/live")
async def live(
    socket: WebSocket,
    token: str | None = None,
    after: str | None = None,
    seq: int | None = None,
    server: str | None = None,
) -> None:
    """Facts as JSON text messages.

    Sign in with the header ``Authorization: Bearer …``, the query ``?token=…``, or the first message
    ``{"token": "…"}`` within 5 s; the socket is closed with 4401 when the token runs out, unless another came before in
    ``{"token": "…"}``. The first answer is ``{"kind": "hello", "server", "seq", …}``.

    Come back with ``after``, the id of the last fact, and ``server`` and ``seq``, the latter of the last message
    (``hello`` sets both anew; null: leave it out). What was missed follows, then ``{"kind": "caught_up"}``. From the
    same process it comes exactly once; from another one, by id, the last half minute before ``after`` comes again.
    ``{"kind": "gap"}``: something may be missing, read the lists.
    ``{"kind": "behind", "seconds"}``: the record is so far behind the calls; 0 when it no longer is.
    """
    services: Services = socket.app.state.services
    await socket.accept()
    try:
        peer = await sign_in(socket, services, token)
    except (NotAuthenticated, TimeoutError, WebSocketDisconnect, ValueError, RuntimeError):
        with contextlib.suppress(RuntimeError):
            await socket.close(UNAUTHENTICATED, 'a valid token is needed: ?token=…, or first message {"token": "…"}')
        return
    if services.feed is None or not peer.who.may(Permission.LIVE_READ):
        await peer.close(FORBIDDEN, "this role may not read the live socket")
        return
    try:
        await _first_of(peer.listen(), peer.until_expired(), _tell(peer, services.feed, after, seq, server))
    finally:
        peer.gone()


async def _first_of(*works: Any) -> None:
    """Do all until one is done; a socket that breaks is done, too."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for end in await asyncio.gather(*tasks, return_exceptions=True):
            # RuntimeError is Starlette's word for sending on a socket that is closed.
            if isinstance(end, Exception) and not isinstance(end, WebSocketDisconnect | RuntimeError):
                log.error("live_failed", problem=type(end).__name__, exc_info=end)


async def _tell(peer: Peer, feed: Feed, after: str | None, seq: int | None, server: str | None) -> None:
    """Send what was missed, then what happens, until the page is too slow."""
    head, back = feed.seq, bool(after) or seq is not None
    place = feed.place_of(after, seq, server) if back else head
    await peer.send(kind="hello", user=peer.who.user, role=peer.who.role, seq=place, server=feed.server)
    if feed.behind_seconds:
        await peer.send(kind="behind", seconds=feed.behind_seconds, seq=place)
    known: set[str] = set()
    if place is None:
        place, known = await _tell_stored(peer, feed, after or "")
    if back:
        place = await _read_on(peer, feed, place, known, until=head)
        await peer.send(kind="caught_up", seq=place)
    await _read_on(peer, feed, place, known, until=None)


async def _tell_stored(peer: Peer, feed: Feed, after: str) -> tuple[int, set[str]]:
    """Tell what came behind a fact that another process told.

    Where in the feed to read on, and the ids, for they may come once more by the feed. These messages have no place
    in the feed (``seq`` null): whoever is cut off among them comes back by the id alone.
    """
    found = await feed.stored(after, CATCH_UP)
    for entry in found.facts:
        if _is_told(peer, entry):
            await peer.socket.send_text(_text_of(entry))
    if not found.whole:
        await peer.send(kind="gap", seq=None)
    return found.place, {entry.what.id for entry in found.facts if entry.what is not None}


async def _read_on(peer: Peer, feed: Feed, place: int, known: set[str], until: int | None) -> int:
    """Send what lies behind a place of the feed, up to an entry or for ever; the place where it ended."""
    while until is None or place < until:
        await feed.beyond(place)
        entries = feed.following(place)
        if entries is None:
            await peer.send(kind="gap", seq=feed.seq)
            await peer.close(TRY_AGAIN, "too slow to be told everything; connect again")
            return place
        for entry in entries:
            place = entry.seq
            if entry.what is None or (_is_told(peer, entry) and entry.what.id not in known):
                await peer.socket.send_text(_text_of(entry))
    return place


def _is_told(peer: Peer, entry: Entry) -> bool:
    """As `tells`, asked once of each fact for all pages of one role; an account of an area is told of its own calls."""
    kind = (peer.who.role, peer.who.area and peer.who.user)
    told = entry.told.get(kind)
    if told is None and entry.what is not None:
        told = entry.told[kind] = tells(peer.who, peer.services, entry.what)
    return bool(told)


def _text_of(entry: Entry) -> str:
    """The message, made once for everybody."""
    if entry.text is None and entry.what is not None:
        view: dict[str, Any] = FactView.of(entry.what).model_dump(mode="json")
        entry.text = msgspec.json.encode(view | {"seq": entry.seq or None}).decode()
    return entry.text or ""
