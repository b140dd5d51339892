"""Whether the pages that are seats' phones are there (B7): ``{"seat": "<its name>"}`` on the live socket, then pings.

A seat whose page is frozen, or behind a network that is cut, must not be rung for half a minute until Asterisk notices.
"""

import asyncio
import contextlib
from collections import defaultdict, deque
from typing import Any
from weakref import WeakSet

from fastapi import WebSocketDisconnect

from callcenter.accounts.permissions import Permission
from callcenter.api.live_peer import HANDLERS, Peer
from callcenter.controller import Controller

SILENT_SECONDS = 4.0
"""A page pings every two seconds; one that has not for so long is gone."""
LONGEST_NAME, REMEMBERED = 64, 8


class Pages:
    """The pages that are seats' phones, by seat. A page that comes again has two sockets for a while.

    Each names itself by a word of its own. A seat has one phone in a browser, so that of two pages on two machines the
    one that came last is it, and the other is told ``{"kind": "seat_taken"}``; both would take the registration from
    each other for ever.
    """

    def __init__(self, controller: Controller | None) -> None:
        self._controller = controller
        self._present: dict[str, dict[Peer, asyncio.TimerHandle]] = defaultdict(dict)
        self._names: dict[Peer, str] = {}
        self._known: WeakSet[Peer] = WeakSet()
        self._beaten: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=REMEMBERED))
        """Seat → pages that another took the place of: one that only comes back after a break does not take it."""

    async def claim(self, peer: Peer, name: str) -> None:
        """A page is a seat's phone from now on."""
        user = peer.who.user
        beaten = self._beaten[user]
        if not peer.who.may(Permission.SEATS_OWN) or name in beaten:
            self.leave(peer)
            await peer.send(kind="seat_taken")
            return
        if peer not in self._known:
            self._known.add(peer)
            peer.on_gone.append(lambda: self.leave(peer))
        self._names[peer] = name
        self.alive(peer)
        for other in [one for one in self._present[user] if self._names[one] != name]:
            beaten.append(self._names[other])
            self.leave(other)
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await other.send(kind="seat_taken")

    def leave(self, peer: Peer) -> None:
        """A page is a seat's phone no longer."""
        if self._names.pop(peer, None) is not None:
            self._silent(peer)

    def alive(self, peer: Peer) -> None:
        """A page lets itself be heard."""
        if peer not in self._names:
            return
        user = peer.who.user
        there = self._present[user]
        if peer in there:
            there[peer].cancel()
        there[peer] = asyncio.get_running_loop().call_later(SILENT_SECONDS, self._silent, peer)
        self._tell(user, True)

    def _silent(self, peer: Peer) -> None:
        user = peer.who.user
        timer = self._present[user].pop(peer, None)
        if timer is not None:
            timer.cancel()
        if not self._present[user]:
            del self._present[user]
            self._tell(user, False)

    def _tell(self, user: str, present: bool) -> None:
        if self._controller is not None:
            self._controller.routing.page(user, present)


def _pages(peer: Peer) -> Pages:
    pages: Pages = peer.socket.app.state.pages
    return pages


async def _seat(peer: Peer, name: object) -> None:
    if isinstance(name, str) and 0 < len(name) <= LONGEST_NAME:
        await _pages(peer).claim(peer, name)
    else:
        _pages(peer).leave(peer)


async def _ping(peer: Peer, number: Any) -> None:
    _pages(peer).alive(peer)
    if isinstance(number, int):
        await peer.send(kind="pong", n=number)


HANDLERS.update(seat=_seat, ping=_ping)
