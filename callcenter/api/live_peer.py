"""One page on the live socket: who it is and until when, what it says, and that it is let go in time (I1, I3)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from fastapi import WebSocket, WebSocketDisconnect

from callcenter.accounts.permissions import Principal
from callcenter.api.deps import Services
from callcenter.errors import NotAuthenticated

log = structlog.get_logger(__name__)

UNAUTHENTICATED, FORBIDDEN, TRY_AGAIN = 4401, 4403, 1013
"""Close codes: 44xx are ours, after HTTP's; 1013 is "try again later" (RFC 6455, IANA's registry)."""

SIGN_IN_SECONDS = 5.0
EXPIRY_LOOK_SECONDS = 1.0


class Peer:
    """A signed-in page. ``who`` and ``expires`` (Unix seconds) change when it brings a new token."""

    def __init__(self, socket: WebSocket, services: Services, who: Principal, expires: float) -> None:
        self.socket = socket
        self.services = services
        self.who = who
        self.expires = expires
        self.on_gone: list[Callable[[], None]] = []
        """Called once when the socket is closed, by whomever."""

    async def send(self, **message: Any) -> None:
        """Send one message."""
        await self.socket.send_json(message)

    async def listen(self) -> None:
        """Take in what the page says until it is gone or says something that it may not."""
        while True:
            event = await self.socket.receive()
            if event["type"] == "websocket.disconnect":
                return
            message = _read(event.get("text"))
            for word in message.keys() & HANDLERS.keys():
                await HANDLERS[word](self, message[word])

    async def until_expired(self) -> None:
        """Wait until the token runs out, or the sign-in is ended; tells the page so and closes."""
        while not self.services.tokens.ended(self.who.session):
            left = self.expires - self.services.clock.now().timestamp()
            if left <= 0:
                break
            await asyncio.sleep(min(left, EXPIRY_LOOK_SECONDS))
        await self.close(UNAUTHENTICATED, 'the token has expired; send {"token": "…"} before it does')

    async def close(self, code: int, reason: str) -> None:
        """Close, whatever state the socket is in."""
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await self.socket.close(code, reason)

    def gone(self) -> None:
        """The socket is closed."""
        for act in self.on_gone:
            try:
                act()
            except Exception:
                log.exception("peer_not_let_go")


async def sign_in(socket: WebSocket, services: Services, token: str | None) -> Peer:
    """Who it is, by header, query or first message; raises `NotAuthenticated`, `TimeoutError`, `ValueError`."""
    header = socket.headers.get("Authorization", "")
    if header.lower().startswith("bearer "):
        token = header[7:]
    if token is None:
        async with asyncio.timeout(SIGN_IN_SECONDS):
            token = _read((await socket.receive()).get("text")).get("token")
    who, expires = services.tokens.lasting(token if isinstance(token, str) else "")
    return Peer(socket, services, who, expires)


def _read(text: str | None) -> dict[str, Any]:
    """A message as an object; anything else says nothing."""
    try:
        message = msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


async def _renew(peer: Peer, token: object) -> None:
    """The page brings a new token, of the same user."""
    try:
        who, expires = peer.services.tokens.lasting(token if isinstance(token, str) else "")
    except NotAuthenticated as error:
        await peer.close(UNAUTHENTICATED, error.message)
        return
    if who.user != peer.who.user:
        await peer.close(UNAUTHENTICATED, "the new token is of somebody else; connect again")
        return
    peer.who, peer.expires = who, expires
    await peer.send(kind="renewed")


HANDLERS: dict[str, Callable[[Peer, Any], Awaitable[None]]] = {"token": _renew}
"""What a page may say, by the message's key; each handler gets the key's value, of whatever type."""
