"""A page on the live socket, spoken to as a server does (ASGI): every message in order, and how it was closed."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI

SECONDS = 5.0


class Page:
    """One open page. ``slow``: it takes nothing from the wire until this is set."""

    def __init__(self) -> None:
        self.says: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.heard: list[dict[str, Any]] = []
        self.closed: int | None = None
        self.reads = asyncio.Event()
        self.reads.set()
        self._news = asyncio.Condition()

    def say(self, message: object) -> None:
        """Send one message."""
        text = message if isinstance(message, str) else json.dumps(message)
        self.says.put_nowait({"type": "websocket.receive", "text": text})

    async def take(self, event: Any) -> None:
        """What the server sends."""
        if event["type"] == "websocket.send":
            await self.reads.wait()
        async with self._news:
            if event["type"] == "websocket.send":
                self.heard.append(json.loads(event["text"]))
            if event["type"] == "websocket.close":
                self.closed = event["code"]
                self.says.put_nowait({"type": "websocket.disconnect", "code": event["code"]})
            self._news.notify_all()

    async def until(self, condition: Callable[["Page"], object], what: str = "the page to hear it") -> None:
        """Wait until a condition holds; fails with ``what`` and all that was heard."""
        try:
            async with asyncio.timeout(SECONDS), self._news:
                await self._news.wait_for(lambda: condition(self))
        except TimeoutError:
            raise AssertionError(f"waited for {what}; closed: {self.closed}, heard: {self.heard}") from None

    async def hears(self, kind: str) -> dict[str, Any]:
        """The first message of a kind."""
        await self.until(lambda page: kind in page.kinds, kind)
        return next(message for message in self.heard if message["kind"] == kind)

    @property
    def kinds(self) -> list[str]:
        """The kinds of all messages, in order."""
        return [message["kind"] for message in self.heard]

    @property
    def facts(self) -> list[str]:
        """The ids of all facts, in order."""
        return [message["id"] for message in self.heard if "id" in message]


@contextlib.asynccontextmanager
async def opened(app: FastAPI, **query: object) -> AsyncIterator[Page]:
    """Open a page with this query; it is closed on leaving."""
    page = Page()
    page.says.put_nowait({"type": "websocket.connect"})
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "path": "/api/v1/live",
        "raw_path": b"/api/v1/live",
        "root_path": "",
        "scheme": "ws",
        "query_string": urlencode({k: v for k, v in query.items() if v is not None}).encode(),
        "headers": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "subprotocols": [],
    }
    task = asyncio.create_task(app(scope, page.says.get, page.take))
    try:
        yield page
    finally:
        page.reads.set()
        page.says.put_nowait({"type": "websocket.disconnect", "code": 1001})
        await asyncio.wait_for(task, SECONDS)
