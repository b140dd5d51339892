"""HTTP connections with an end: a request comes whole within its time, and only so many connections are held (R22).

The emergency line accepts its AGI connections in this same process: whoever opens connections and says nothing must
never use up the file descriptors that it needs.
"""

import asyncio
from typing import Any, cast

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

log = structlog.get_logger(__name__)

REQUEST_SECONDS = 20.0
"""From the first moment of a connection, or the first byte of its next request, to the end of the request."""

CONNECTIONS = 1000
"""Live sockets included. More are refused at once; the emergency line has descriptors of its own."""

_UNFINISHED = (h11.IDLE, h11.SEND_BODY)
_QUIET_SECONDS = 10.0


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 by h11 (whose heads are at most 64 KiB), with a deadline and a limit."""

    request_seconds = REQUEST_SECONDS
    most = CONNECTIONS
    _told = float("-inf")
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast(Any, transport))
        if len(self.connections) > self.most:
            self._refuse(cast(asyncio.Transport, transport))
        else:
            self._deadline = self.loop.call_later(self.request_seconds, self._late)

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and self.conn.their_state in _UNFINISHED:
            self._deadline = self.loop.call_later(self.request_seconds, self._late)
        super().data_received(data)
        if self.conn.their_state not in _UNFINISHED:
            self._done()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        super().handle_websocket_upgrade(event)
        # The request is whole: a live socket has no end of its own, and h11 is told nothing more of it.
        self._done()

    def connection_lost(self, exc: Exception | None) -> None:
        self._done()
        super().connection_lost(exc)

    def _done(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        log.warning("http.request_timed_out", seconds=self.request_seconds)
        # Not close(): a peer that does not read would keep a polite end waiting.
        self.transport.abort()

    def _refuse(self, transport: asyncio.Transport) -> None:
        now = self.loop.time()
        if now - PatientProtocol._told > _QUIET_SECONDS:
            PatientProtocol._told = now
            log.warning("http.too_many_connections", limit=self.most)
        transport.abort()
