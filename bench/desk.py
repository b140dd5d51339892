"""The operators: what they do after a call, through the API, as soon as the journal says that it is time.

The journal is read as it lies on disk, so that watching costs the product nothing.
"""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor

from bench.rig import Rig
from callcenter.calls import facts as cf
from callcenter.calls.model import Role
from callcenter.clock import SystemClock
from callcenter.emergency import facts as ef
from callcenter.facts import Fact
from callcenter.journal import START
from callcenter.journal_reader import JournalReader

OPERATORS = 4
LOOK_SECONDS = 0.05


class Desk:
    """Watches one instance's journal. Ids are of incidents for emergencies, of calls for the hotline."""

    def __init__(self, rig: Rig, talk_seconds: float) -> None:
        self._rig = rig
        self._talk = talk_seconds
        self._reader = JournalReader(rig.settings.journal_dir / rig.settings.node, SystemClock())
        self._position = START
        self._pool = ThreadPoolExecutor(OPERATORS)
        self._own = threading.local()
        self.human_ms: list[float] = []
        """``human_answer_ms`` of every incident that a human answered."""
        self.with_human = 0
        """Hotline calls in which a seat was in the room."""
        self._acts: list[asyncio.Future[None]] = []

    async def follow(self) -> None:
        """Read on, for ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Read what is new."""
        while True:
            found, self._position = self._reader.read(self._position, 500)
            for fact, _ in found:
                self._take(fact)
            if not found:
                return

    def _take(self, fact: Fact) -> None:
        match fact.body:
            case ef.EmergencyAnswered(milliseconds=milliseconds):
                self.human_ms.append(milliseconds)
                body = {"outcome": "at_home", "summary": "已通话，老人平安"}
                asyncio.get_running_loop().call_later(
                    self._talk, self._act, f"/api/v1/emergencies/{fact.incident_id}/close", body
                )
            case cf.LegJoined(role=Role.SEAT) if fact.incident_id is None:
                self.with_human += 1
            case cf.CallEnded(answered=True) if fact.incident_id is None:
                body = {"disposition": "work_order", "summary": "要求明天上午打扫卫生", "kind": "service"}
                self._act(f"/api/v1/calls/{fact.call_id}/disposition", body)
            case _:
                pass

    def _act(self, path: str, body: dict[str, str]) -> None:
        loop = asyncio.get_running_loop()
        self._acts.append(loop.run_in_executor(self._pool, self._post, path, body))

    def _post(self, path: str, body: dict[str, str]) -> None:
        if not hasattr(self._own, "api"):
            self._own.api = self._rig.api()
        self._own.api.post(path, body)

    async def done(self) -> int:
        """Wait for all acts since the last time; how many failed."""
        acts, self._acts = self._acts, []
        results = await asyncio.gather(*acts, return_exceptions=True)
        return sum(isinstance(result, BaseException) for result in results)

    def close(self) -> None:
        """End the operators."""
        self._pool.shutdown(cancel_futures=True)


@contextlib.asynccontextmanager
async def desk(rig: Rig, talk_seconds: float = 0.0) -> AsyncIterator[Desk]:
    """Operators at work; each incident is closed ``talk_seconds`` after a human answered."""
    watch = Desk(rig, talk_seconds)
    task = asyncio.create_task(watch.follow())
    try:
        yield watch
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        watch.close()


async def until(condition: Callable[[], bool], seconds: float) -> float | None:
    """Wait for a condition; the seconds it took, None when it did not come true in time."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > seconds:
            return None
        await asyncio.sleep(0.05)
    return time.monotonic() - begun


def rows(rig: Rig, table: str) -> int:
    """How many rows a table of the instance's database holds."""
    path = (rig.settings.data / "callcenter.db").resolve()
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608  our own word
