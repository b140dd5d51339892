"""The whole product for a story: a real Asterisk, our process as a child to be killed, demo data, an API client."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from callcenter import migrations
from callcenter.accounts.model import SeatAccount
from callcenter.accounts.service import seat_accounts
from callcenter.asterisk_config import REPO
from callcenter.clock import SystemClock
from callcenter.db import Database
from callcenter.demo import credentials, elders, load_demo
from callcenter.settings import Settings
from tests.support.asterisk import AsteriskServer, test_settings
from tests.support.loaded import Loaded
from tests.support.sipp import PATIENCE, Answerer, Caller, until

_SERVE = "from callcenter.app import run; from callcenter.settings import load_settings; run(load_settings())"
Process = subprocess.Popen[bytes] | Loaded
"""Our process, or the supervisor's in the fault suite."""


class Api:
    """A signed-in user of the API; every answer must be of the 2xx kind unless ``status`` says otherwise."""

    def __init__(self, client: httpx.AsyncClient, token: str) -> None:
        self._client = client
        self.token = token

    async def call(self, method: str, path: str, status: int | None = None, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        answer = await self._client.request(method, f"/api/v1{path}", headers=headers, **options)
        expected = answer.is_success if status is None else answer.status_code == status
        assert expected, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def get(self, path: str, **options: Any) -> Any:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return await self.call("POST", path, json=body or {}, **options)

    async def raw(self, path: str, **headers: str) -> httpx.Response:
        return await self._client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {self.token}", **headers})


class Instance:
    """One running product in its own folder, on free ports.

    ``served``: what our process is told in place of the settings, e.g. a proxy's port where Asterisk's is.
    """

    def __init__(self, folder: Path, *, served: Mapping[str, object] | None = None, **overrides: object) -> None:
        self.folder = folder
        self.settings: Settings = test_settings(folder / "data", **overrides)
        self.served = self.settings.model_copy(update=dict(served or {}))
        self.environ: dict[str, str] = {}
        """More environment for our process; what it works on may be loaded in it, e.g. another clock."""
        self.credentials: dict[str, Any] = {}
        self.elders: list[dict[str, Any]] = []
        self.asterisk: AsteriskServer | None = None
        self.process: Process | None = None
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.settings.http_port}", timeout=10)
        self._phones: list[Answerer | Caller] = []

    async def __aenter__(self) -> Self:
        seats = await self._prepare()
        self.asterisk = AsteriskServer(self.settings, seats)
        try:
            await asyncio.to_thread(self.asterisk.start)
            await self.serve()
            # As after any day of work: who is known is known, and on disk for the next start.
            await self.until(self._directory_loaded, 30, "the directory")
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for phone in self._phones:
            await phone.close()
        await self.client.aclose()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(self.process.wait, 20)
        if self.asterisk is not None:
            await asyncio.to_thread(self.asterisk.stop)

    async def _prepare(self) -> list[SeatAccount]:
        if self.settings.database_url:
            await _make_demo(self.settings)
        else:
            # Hashing the demo's passwords takes seconds: it is done once for all instances of a test run.
            shutil.copytree(await _demo_data(), self.settings.data, dirs_exist_ok=True)
        self.credentials = credentials(self.settings)
        database = Database(self.settings.database)
        self.elders = (await elders(database))["elders"]
        async with database.transaction() as session:
            seats = await seat_accounts(session)
        await database.close()
        return list(seats)

    async def serve(self) -> None:
        """Start our process and wait until it is ready."""
        self.process = self._start()
        await self.until(self.ready, 30, "readiness")

    def _start(self) -> Process:
        environ = {**os.environ, "PYTHONPATH": str(REPO), **environment(self.served), **self.environ}
        path = self.folder / "serve.log"
        if not self.environ:
            return Loaded("callcenter.app", self.folder, environ, path)
        with path.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-c", _SERVE],
                cwd=self.folder,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def ready(self) -> bool:
        try:
            return (await self.client.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    async def _directory_loaded(self) -> bool:
        parts = (await self.client.get("/readyz")).json()["parts"]
        return bool(parts["directory"]["elders"] and (self.settings.data / "directory.json").exists())

    def kill(self) -> None:
        """kill -9 of our process, in the middle of whatever it does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def log(self) -> str:
        return (self.folder / "serve.log").read_text("utf-8", "replace")

    async def until(self, condition: Callable[[], Any], seconds: float = 10.0, what: str = "the condition") -> Any:
        """Wait until an async condition is true and return what it gave."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds * PATIENCE
        while not (value := await condition()):
            assert loop.time() < deadline, f"{what} did not come true within {seconds:g} s; log:\n{self.log()[-3000:]}"
            await asyncio.sleep(0.02)
        return value

    async def sign_in(self, user: str) -> Api:
        """The API as a demo user."""
        everyone = [*self.credentials["seats"], *self.credentials["accounts"]]
        password = next(one["web_password"] for one in everyone if one["user"] == user)
        answer = await self.client.post("/api/v1/auth/token", data={"username": user, "password": password})
        assert answer.status_code == 200, answer.text
        return Api(self.client, answer.json()["access_token"])

    async def seat(self, user: str, auto: str | None = None) -> Answerer:
        """A seat's registered phone, known to the controller."""
        password = next(seat["sip_password"] for seat in self.credentials["seats"] if seat["user"] == user)
        phone = await Answerer.seat(self.folder, self.settings, user, password, auto)
        self._phones.append(phone)
        return phone

    async def trunk(self, auto: dict[str, str] | None = None) -> Answerer:
        """The far end of the trunk: everybody we call outside."""
        port = int(self.settings.trunk_uri.rpartition(":")[2])
        phone = await Answerer.listen(self.folder, port, auto)
        self._phones.append(phone)
        return phone

    async def dial(self, did: str, from_user: str, **options: Any) -> Caller:
        """A call from the trunk."""
        caller = await Caller.dial(self.folder, self.settings, did, from_user, **options)
        self._phones.append(caller)
        return caller


async def _make_demo(settings: Settings) -> None:
    await migrations.upgrade_async(settings.database)
    database = Database(settings.database)
    await load_demo(database, settings, SystemClock())
    await database.close()


_demo: list[tempfile.TemporaryDirectory[str]] = []


async def _demo_data() -> Path:
    """A data folder with a migrated SQLite database and the demo data; removed when the tests end."""
    if not _demo:
        folder = tempfile.TemporaryDirectory(prefix="callcenter-demo-")
        await _make_demo(test_settings(Path(folder.name)))
        _demo.append(folder)
    return Path(_demo[0].name)


def environment(settings: Settings) -> dict[str, str]:
    """The CALLCENTER_* variables that yield these settings."""
    found = {}
    for name, value in settings.model_dump().items():
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        found[f"CALLCENTER_{name.upper()}"] = text
    return found


__all__ = ["Api", "Instance", "environment", "until"]
