"""What is measured: the product as it is, and a bare Asterisk on the same configuration with another dialplan."""

import asyncio
import contextlib
import http.client
import json
import os
import random
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from callcenter import migrations
from callcenter.accounts.model import SeatAccount
from callcenter.accounts.passwords import Passwords, sip_ha1
from callcenter.accounts.permissions import Role
from callcenter.accounts.service import create_account, seat_accounts
from callcenter.asterisk_config import REPO, ami_secret, layout, render
from callcenter.asterisk_process import AsteriskProcess
from callcenter.asterisk_runtime import AsteriskRuntime
from callcenter.clock import SystemClock
from callcenter.db import Database
from callcenter.errors import Unavailable
from callcenter.people.schemas import ElderInput
from callcenter.people.service import create_elder
from callcenter.ports import free_ports, is_taken
from callcenter.processes import ProcessRef
from callcenter.settings import Settings

HERE = Path(__file__).resolve().parent
OPERATOR = "bench-operator"
RTP_PORTS = 4000
"""Two ports a leg."""
START_SECONDS = 60.0


def seat_users(count: int) -> list[str]:
    """Names of the seats."""
    return [f"bench{number}" for number in range(1, count + 1)]


def caller_number(index: int) -> str:
    """The phone of the elder of that index: a mainland mobile number."""
    return f"139{index:08d}"


@dataclass
class Rig:
    """One running instance: Asterisk, and for ``product`` our process too."""

    settings: Settings
    asterisk: AsteriskProcess
    seats: dict[str, str] = field(default_factory=dict)
    """SIP passwords by seat."""
    ami_secret: str = ""
    process: subprocess.Popen[bytes] | None = None
    token: str = ""

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        found = {}
        if self.asterisk.process is not None:
            found["asterisk"] = self.asterisk.process.pid
        if self.process is not None:
            found["callcenter"] = self.process.pid
        return found

    @property
    def trunk_port(self) -> int:
        """Where the trunk's far end listens."""
        return int(self.settings.trunk_uri.rpartition(":")[2])

    def complaints(self) -> list[str]:
        """Warnings and errors of Asterisk since its start."""
        path = layout(self.settings).logs / "messages"
        return path.read_text("utf-8", "replace").splitlines() if path.exists() else []

    def log(self) -> str:
        """What our process logged."""
        path = self.settings.data / "serve.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def api(self) -> "Api":
        """A new connection of the operator, who signed in when the instance was ready."""
        return Api(self.settings, self.token)


class Api:
    """An operator's HTTP client on one kept connection; blocks, so use one a thread."""

    def __init__(self, settings: Settings, token: str = "") -> None:
        self._connection = http.client.HTTPConnection(settings.bind, settings.http_port, timeout=10)
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}

    def sign_in(self, password: str) -> str:
        """The operator's token."""
        form = f"username={OPERATOR}&password={password}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return str(self._send("POST", "/api/v1/auth/token", form, headers)["access_token"])

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What a POST answers."""
        return self._send("POST", path, json.dumps(body), self._headers)

    def put(self, path: str, body: dict[str, Any]) -> Any:
        """What a PUT answers."""
        return self._send("PUT", path, json.dumps(body), self._headers)

    def _send(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Any:
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        except (ConnectionError, http.client.HTTPException):
            # The server does not keep an idle connection for long.
            self._connection.close()
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise Unavailable(f"{method} {path} answered {answer.status}: {text[:300]!r}")
        return json.loads(text)


def _settings(data: Path) -> Settings:
    http_port, sip, ami, agi, ws, trunk = free_ports(6)
    rtp = _free_rtp_range()
    return Settings(
        data=data,
        http_port=http_port,
        sip_port=sip,
        ami_port=ami,
        agi_port=agi,
        ws_port=ws,
        rtp_start=rtp,
        rtp_end=rtp + RTP_PORTS - 1,
        trunk_uri=f"sip:127.0.0.1:{trunk}",
        token_minutes=600,
        wrap_up_seconds=0,
        demo=False,
        synthetic_minutes=0,
        _env_file=None,
    )


def _free_rtp_range() -> int:
    """The first of a row of free ports below those the kernel gives out itself."""
    for _ in range(200):
        start = random.randrange(10_000, 32_000 - RTP_PORTS, 2)  # noqa: S311  no secret
        if not any(is_taken("127.0.0.1", port, udp=True) for port in range(start, start + RTP_PORTS)):
            return start
    raise Unavailable(f"no {RTP_PORTS} free UDP ports in a row between 10000 and 32000: end what holds them")


def _add_ami_user(etc: Path) -> str:
    """Managers, the same on both sides: one hears only who enters a bridge, the other also who calls, and hangs up.

    Returns their password.
    """
    secret = secrets.token_hex(16)
    with (etc / "manager.conf").open("a", encoding="utf-8") as manager:
        manager.write(
            f"\n[bench]\nsecret = {secret}\nwritetimeout = 5000\nread = call\nwrite = system\n"
            "eventfilter(action(include),name(BridgeEnter)) =\n"
            f"\n[bench-callers]\nsecret = {secret}\nwritetimeout = 5000\nread = call\nwrite = call\n"
            "eventfilter(action(include),name(BridgeEnter)) =\neventfilter(action(include),name(Newchannel)) =\n"
        )
    return secret


@contextlib.asynccontextmanager
async def bare(data: Path, runtime: AsteriskRuntime, seat_count: int) -> AsyncIterator[Rig]:
    """Asterisk alone: our modules and pjsip, the dialplan of `bench/bare.conf`, ``app_queue`` besides."""
    settings = _settings(data)
    passwords = {user: secrets.token_hex(12) for user in seat_users(seat_count)}
    seats = [SeatAccount(user, "operator", sip_ha1(user, password)) for user, password in passwords.items()]
    etc = render(
        settings,
        seats,
        runtime,
        rehearse=False,
        extra_modules=["app_queue", "func_math"],
        dialplan=[HERE / "bare.conf"],
    )
    members = "".join(f"member => PJSIP/{user}\n" for user in passwords)
    queues = (HERE / "queues.conf").read_text("utf-8").replace(";MEMBERS\n", members)
    (etc / "queues.conf").write_text(queues, "utf-8")
    asterisk = AsteriskProcess(runtime, etc, layout(settings).logs / "asterisk.out")
    rig = Rig(settings, asterisk, passwords, _add_ami_user(etc))
    try:
        await asyncio.to_thread(_start, asterisk)
        yield rig
    finally:
        await asyncio.to_thread(asterisk.stop)


@contextlib.asynccontextmanager
async def product(data: Path, runtime: AsteriskRuntime, seat_count: int, elders: int) -> AsyncIterator[Rig]:
    """The product with that many seats and elders, on a database of its own."""
    settings = _settings(data)
    passwords = {user: secrets.token_hex(12) for user in seat_users(seat_count)}
    operator = secrets.token_urlsafe(16)
    seats = await _fill(settings, passwords, operator, elders)
    etc = render(settings, seats, runtime, rehearse=False)
    asterisk = AsteriskProcess(runtime, etc, layout(settings).logs / "asterisk.out")
    rig = Rig(settings, asterisk, passwords, _add_ami_user(etc))
    try:
        await asyncio.to_thread(_start, asterisk)
        rig.process = _command(settings, "serve")
        await _until_ready(rig, elders)
        rig.token = await asyncio.to_thread(Api(settings).sign_in, operator)
        yield rig
    finally:
        await asyncio.to_thread(_end, rig.process)
        await asyncio.to_thread(asterisk.stop)


class Supervised(Rig):
    """The product as an administrator runs it: ``callcenter up`` watches over Asterisk and our process."""

    def part(self, name: str) -> ProcessRef | None:
        """``serve`` or ``asterisk``, if it lives just now."""
        return ProcessRef.load(layout(self.settings).run / f"{name}.process")

    def noted_at(self, name: str) -> float:
        """When the process that plays that part took it, in seconds of the machine's clock."""
        return (layout(self.settings).run / f"{name}.process").stat().st_mtime

    @property
    def pids(self) -> dict[str, int]:
        found = {"asterisk": self.part("asterisk"), "callcenter": self.part("serve")}
        return {name: process.pid for name, process in found.items() if process is not None}

    def log(self) -> str:
        path = layout(self.settings).logs / "callcenter.log"
        return super().log() + (path.read_text("utf-8", "replace") if path.exists() else "")

    def said(self, event: str) -> list[float]:
        """When our process logged an event, in seconds of the machine's clock."""
        found = [json.loads(line) for line in self.log().splitlines() if f'"event": "{event}"' in line]
        return [datetime.fromisoformat(line["timestamp"]).timestamp() for line in found]


@contextlib.asynccontextmanager
async def supervised(data: Path, runtime: AsteriskRuntime, seat_count: int, elders: int) -> AsyncIterator[Supervised]:
    """As `product`, under its supervisor: what dies is started again as it is in life."""
    settings = _settings(data)
    passwords = {user: secrets.token_hex(12) for user in seat_users(seat_count)}
    await _fill(settings, passwords, secrets.token_urlsafe(16), elders)
    etc = layout(settings).etc
    rig = Supervised(settings, AsteriskProcess(runtime, etc, layout(settings).logs / "asterisk.out"), passwords)
    rig.process = _command(settings, "up", "--background")
    try:
        await _until_ready(rig, elders)
        rig.ami_secret = ami_secret(settings)
        yield rig
    finally:
        await asyncio.to_thread(_end, rig.process)
        for name in ("serve", "asterisk"):
            if (left := rig.part(name)) is not None:
                await asyncio.to_thread(left.end)


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is None:
        return
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(20)
    process.kill()
    process.wait()


def _start(asterisk: AsteriskProcess) -> None:
    asterisk.start()
    asterisk.wait_booted()


async def _fill(settings: Settings, passwords: dict[str, str], operator: str, elders: int) -> Sequence[SeatAccount]:
    await migrations.upgrade_async(settings.database)
    database = Database(settings.database)
    clock = SystemClock()
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=64))
    try:
        async with database.transaction() as session:
            for user, password in passwords.items():
                await create_account(
                    session, clock, quick, user=user, name=user, role=Role.OPERATOR,
                    password=secrets.token_urlsafe(16), sip_password=password,
                )  # fmt: skip
            await create_account(
                session, clock, quick, user=OPERATOR, name=OPERATOR, role=Role.OPERATOR, password=operator
            )
            for index in range(elders):
                given = ElderInput(name=f"老人{index}", phones=[caller_number(index)], address=f"平江路 {index} 号")
                await create_elder(session, clock, given)
        async with database.transaction() as session:
            return await seat_accounts(session)
    finally:
        await database.close()


def _command(settings: Settings, *arguments: str) -> subprocess.Popen[bytes]:
    """Run one of the product's own commands on these settings; its log is ``serve.log``."""
    environment = {
        f"CALLCENTER_{name.upper()}": ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in settings.model_dump().items()
    }
    with (settings.data / "serve.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "callcenter.cli", *arguments],
            cwd=settings.data,
            env={**os.environ, "PYTHONPATH": str(REPO), **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


async def _until_ready(rig: Rig, elders: int) -> None:
    """Wait for /readyz, with every elder in the directory."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + START_SECONDS
    while loop.time() < deadline:
        if rig.process is not None and rig.process.poll() is not None:
            break
        with contextlib.suppress(OSError, http.client.HTTPException, KeyError, ValueError):
            parts = (await asyncio.to_thread(_probe, rig.settings))["parts"]
            if parts["asterisk"]["ok"] and parts["directory"].get("elders") == elders:
                return
        await asyncio.sleep(0.1)
    raise Unavailable(f"the product did not become ready; its log ends: {rig.log()[-1500:]}")


def _probe(settings: Settings) -> Any:
    return json.loads(_fetch(settings, "/readyz"))


def _fetch(settings: Settings, path: str) -> bytes:
    connection = http.client.HTTPConnection(settings.bind, settings.http_port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    finally:
        connection.close()


async def registered_seats(rig: Rig) -> int:
    """How many phones our process knows to be registered."""
    return int((await asyncio.to_thread(_probe, rig.settings))["parts"]["seats"]["registered"])


def gauge(rig: Rig, name: str) -> int:
    """A metric without labels, as /metrics shows it; blocks."""
    for line in _fetch(rig.settings, "/metrics").decode().splitlines():
        if line.startswith(f"{name} "):
            return int(float(line.split()[1]))
    raise Unavailable(f"/metrics does not show {name}")
