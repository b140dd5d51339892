"""2026-03-09, 14:20: the worker dies, then our whole process, under an open page. It misses nothing (A7, A10, B6)."""

import asyncio
import contextlib
import json
import os
import signal
from typing import Any
from urllib.parse import urlencode

import websockets
from sqlalchemy import select

from callcenter.api.live import NEEDS
from callcenter.db import Database
from callcenter.ids import new_id
from callcenter.timeline.model import FactRow
from tests.stories.test_worker_killed import worker
from tests.support.instance import Instance
from tests.support.sipp import until


class Page:
    """What the console does: it comes back with its place, and drops what it knows."""

    def __init__(self, center: Instance, token: str) -> None:
        self._url = f"ws://127.0.0.1:{center.settings.http_port}/api/v1/live?"
        self._place: dict[str, Any] = {"token": token}
        self.facts: dict[str, str] = {}
        self.servers: list[str] = []
        self.kinds: list[str] = []
        self.again: list[str] = []
        """Facts told twice by one and the same process."""
        self._of_this_server: set[str] = set()
        self.open = asyncio.Event()

    async def stay(self) -> None:
        while True:
            with contextlib.suppress(OSError, websockets.WebSocketException, TimeoutError):
                async with websockets.connect(
                    self._url + urlencode({k: v for k, v in self._place.items() if v is not None}), max_queue=None
                ) as live:
                    async for text in live:
                        self._hear(json.loads(text))
            await asyncio.sleep(0.1)

    def _hear(self, message: dict[str, Any]) -> None:
        self.kinds.append(message["kind"])
        if message["kind"] == "hello" and message["server"] not in self.servers:
            self.servers.append(message["server"])
            self._of_this_server.clear()
            self.open.set()
        self._place |= {key: message[key] for key in ("server", "seq") if key in message}
        if "id" in message:
            if message["id"] in self._of_this_server:
                self.again.append(message["kind"])
            self._of_this_server.add(message["id"])
            self.facts[message["id"]] = message["kind"]
            self._place["after"] = message["id"]


async def visible(center: Instance) -> dict[str, str]:
    """What is on record and for these eyes."""
    database = Database(center.settings.database)
    try:
        async with database.transaction() as session:
            rows = (await session.execute(select(FactRow.id, FactRow.kind))).all()
            return {fact: kind for fact, kind in rows if kind.partition(".")[0] in NEEDS}
    finally:
        await database.close()


async def test_given_an_open_page_when_worker_and_process_are_killed_then_it_has_heard_all_that_is_on_record(
    center: Instance,
) -> None:
    op1 = await center.seat("op1")
    api = await center.sign_in("op1")
    page = Page(center, api.token)
    staying = asyncio.create_task(page.stay())
    await asyncio.wait_for(page.open.wait(), 10)
    opened = new_id()

    async def press_and_close(elder: dict[str, Any]) -> None:
        caller = await center.dial("95120", elder["pendant"], seconds=60)
        await caller.answered(5)
        await (await op1.call(seconds=20)).answer()
        incident = await center.until(answered, 20, "a human with her")
        await api.post(f"/emergencies/{incident}/close", {"outcome": "at_home", "summary": "已通话"})
        await caller.ended()
        await caller.close()

    async def answered() -> str:
        items = (await api.get("/emergencies?state=open"))["items"]
        return items[0]["id"] if items and items[0]["human_answer_ms"] is not None else ""

    missed: list[str] = []

    async def whole() -> bool:
        missed[:] = [kind for fact, kind in (await visible(center)).items() if fact > opened and fact not in page.facts]
        return not missed and "work_order.created" in page.facts.values()

    async def keeps_up() -> None:
        try:
            await center.until(whole, 40)
        except AssertionError as error:
            raise AssertionError(f"the page has not heard of {missed}") from error

    try:
        os.kill(worker(center), signal.SIGKILL)
        await press_and_close(center.elders[0])
        await keeps_up()
        center.kill()
        await center.serve()
        await until(lambda: len(page.servers) == 2, 10, "the page to be back")
        await press_and_close(center.elders[1])
        await keeps_up()
    finally:
        staying.cancel()
        await asyncio.gather(staying, return_exceptions=True)
    assert page.again == []
    assert "caught_up" in page.kinds
