"""Whether the pages that are seats' phones are there (B7): a page says so on the live socket, and then by pings.

A seat whose page is frozen, or behind a network that is cut, must not be rung for half a minute until Asterisk notices.
"""

import asyncio
from collections import defaultdict
from typing import Any
from weakref import WeakSet

from callcenter.accounts.permissions import Permission
from callcenter.api.live_peer import HANDLERS, Peer
from callcenter.controller import Controller

SILENT_SECONDS = 4.0
"""A page pings every two seconds; one that has not for so long is gone."""


class Pages:
    """The pages that are seats' phones, by seat. A page that comes again has two sockets for a while."""

    def __init__(self, controller: Controller | None) -> None:
        self._controller = controller
        self._present: dict[str, dict[Peer, asyncio.TimerHandle]] = defaultdict(dict)
        self._seats: set[Peer] = set()
        self._known: WeakSet[Peer] = WeakSet()

    def says(self, peer: Peer, is_seat: bool) -> None:
        """A page is a seat's phone from now on, or no longer."""
        if is_seat and peer.who.may(Permission.SEATS_OWN):
            self._seats.add(peer)
            if peer not in self._known:
                self._known.add(peer)
                peer.on_gone.append(lambda: self._closed(peer))
            self.alive(peer)
        else:
            self._closed(peer)

    def alive(self, peer: Peer) -> None:
        """A page lets itself be heard."""
        if peer not in self._seats:
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

    def _closed(self, peer: Peer) -> None:
        if peer in self._seats:
            self._seats.remove(peer)
            self._silent(peer)

    def _tell(self, user: str, present: bool) -> None:
        if self._controller is not None:
            self._controller.routing.page(user, present)


def _pages(peer: Peer) -> Pages:
    pages: Pages = peer.socket.app.state.pages
    return pages


async def _seat(peer: Peer, is_seat: object) -> None:
    _pages(peer).says(peer, is_seat is True)


async def _ping(peer: Peer, number: Any) -> None:
    _pages(peer).alive(peer)
    if isinstance(number, int):
        await peer.send(kind="pong", n=number)


HANDLERS.update(seat=_seat, ping=_ping)
