"""The product as an administrator runs it, `callcenter up` with its supervisor, to be hurt by the fault suite."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx

from callcenter.accounts.model import SeatAccount
from callcenter.asterisk_config import REPO, layout
from callcenter.asterisk_process import AsteriskProcess
from callcenter.asterisk_runtime import find_asterisk
from callcenter.processes import ProcessRef
from tests.faults.table import Tally
from tests.faults.witness import Witness
from tests.support.asterisk import AsteriskServer
from tests.support.instance import Api, Instance, Process, environment
from tests.support.sipp import PATIENCE, AnsweredCall, Answerer, Caller, register, until

TONE = 440.0
ANSWER_SECONDS, CLOSE_SECONDS = 10.0, 20.0


class Center(Instance):
    """One running product, its phones, and the witness of what it told.

    ``under``: a command in front of `callcenter up`, e.g. ``unshare``; ``environ``: more environment for all of it.
    """

    def __init__(
        self, folder: Path, *, under: Sequence[str] = (), environ: dict[str, str] | None = None, **overrides: Any
    ) -> None:
        super().__init__(folder, **{"wrap_up_seconds": 1, "token_minutes": 1000, "synthetic_minutes": 0} | overrides)
        self.client.timeout = ANSWER_SECONDS * PATIENCE
        self.under = tuple(under)
        self.environ = environ or {}
        self.witness = Witness(self)
        self.trunks: list[Answerer] = []
        self._api: Api | None = None
        self._seats: dict[str, Answerer] = {}
        self._accounts: list[SeatAccount] = []

    async def __aenter__(self) -> Self:
        self._accounts = await self._prepare()
        try:
            await self.up()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.witness.close()
        for phone in self._phones:
            await phone.close()
        await self.client.aclose()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(self.process.wait, 30)
        self.end_all()

    # --- processes ---------------------------------------------------------------------------------------

    async def up(self) -> None:
        """`callcenter up`, until it watches over what it started."""
        log = self.folder / "up.log"
        start = log.stat().st_size if log.exists() else 0
        self.process = process = self._start()
        await until(lambda: b"ready after" in log.read_bytes()[start:] or process.poll() is not None, 40, "a start")
        assert process.poll() is None, f"it did not start: {self.log()[-3000:]}"

    def _start(self) -> Process:
        with (self.folder / "up.log").open("ab") as output:
            return subprocess.Popen(
                [*self.under, sys.executable, "-m", "callcenter.cli", "up", "--background"],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(REPO), **environment(self.served), **self.environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def log(self) -> str:
        """What the supervisor said, and our process."""
        paths = (self.folder / "up.log", layout(self.settings).logs / "callcenter.log")
        return "".join(path.read_text("utf-8", "replace") for path in paths if path.exists())

    def said(self) -> str:
        """What the supervisor said."""
        return (self.folder / "up.log").read_text("utf-8", "replace")

    def living(self, name: str) -> ProcessRef:
        """``serve`` or ``asterisk``."""
        process = ProcessRef.load(layout(self.settings).run / f"{name}.process")
        assert process is not None, f"no {name} runs; {self.said()[-1000:]}"
        return process

    def send(self, name: str, sign: signal.Signals) -> ProcessRef:
        """Signal one of the two; the process it was."""
        process = self.living(name)
        process.send(sign)
        if (name, sign) == ("serve", signal.SIGKILL):
            self.witness.killed()
        return process

    async def revived(self, name: str, before: ProcessRef, seconds: float = 30) -> float:
        """Wait until another one runs and the product is ready; the seconds from now to then."""
        begun = time.monotonic()
        path = layout(self.settings).run / f"{name}.process"
        await until(lambda: ProcessRef.load(path) not in (None, before), seconds, f"another {name}")
        await self.until(self.ready, seconds, "readiness")
        return time.monotonic() - begun

    def cli(self, command: str) -> str:
        """What Asterisk's console answers."""
        where = layout(self.settings)
        return AsteriskProcess(find_asterisk(), where.etc, where.logs / "cli.out").cli(command)

    def end_all(self) -> None:
        """kill -9 of everything, as a power cut."""
        children = self._workers()
        self.witness.killed()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        paths = (layout(self.settings).run / f"{name}.process" for name in ("supervisor", "serve", "asterisk"))
        for process in [*map(ProcessRef.load, paths), *children]:
            if process is not None:
                process.send(signal.SIGKILL)
                while process.alive():
                    time.sleep(0.01)

    def _workers(self) -> list[ProcessRef | None]:
        """The processes that ours has started."""
        serve = ProcessRef.load(layout(self.settings).run / "serve.process")
        path = Path(f"/proc/{serve.pid}/task/{serve.pid}/children") if serve else None
        return [ProcessRef.of(int(pid)) for pid in path.read_text("ascii").split()] if path and path.exists() else []

    def inside(self, path: Path) -> Path:
        """A path as the product sees it, which may have disks of its own."""
        if not self.under or self.process is None or self.process.poll() is not None:
            return path
        return Path(f"/proc/{self.process.pid}/root{path}")

    # --- people ------------------------------------------------------------------------------------------

    async def seats(self, *users: str, auto: str | None = None) -> list[Answerer]:
        """Registered phones of seats, known to the controller."""
        phones = [await self.seat(user, auto) for user in users]
        self._seats.update(zip(users, phones, strict=True))
        await self.until(lambda: self.registered(len(self._seats)), what="registered seats")
        return phones

    async def on_again(self) -> None:
        """Every seat's phone registers again."""
        for user, phone in self._seats.items():
            await register(self.folder, self.settings, user, self.sip_password(user), phone.port)

    async def unregister(self, user: str) -> None:
        """A seat's phone goes off."""
        port = self._seats[user].port if user in self._seats else 9
        await register(self.folder, self.settings, user, self.sip_password(user), port, expires=0)

    def sip_password(self, user: str) -> str:
        """Of a seat of the demo."""
        return str(next(seat["sip_password"] for seat in self.credentials["seats"] if seat["user"] == user))

    async def registered(self, count: int) -> bool:
        """Whether the controller sees so many registered phones."""
        parts = (await self.client.get("/readyz")).json()["parts"]
        return bool(parts["seats"]["registered"] == count)

    async def trunk(self, auto: dict[str, str] | None = None, uri: str = "") -> Answerer:
        """The far end of the trunk (or of the one at ``uri``): everybody we call outside; its calls are audited."""
        port = int((uri or self.settings.trunk_uri).rpartition(":")[2])
        trunk = await Answerer.listen(self.folder, port, auto)
        self._phones.append(trunk)
        self.trunks.append(trunk)
        return trunk

    async def press(self, tally: Tally, who: int | str, tone: float = TONE, **options: Any) -> Caller:
        """An elder presses her pendant (``who``: her place in the demo, or a number) and says a tone."""
        number = who if isinstance(who, str) else self.elders[who]["pendant"]
        caller = await self.dial("95120", number, **{"seconds": 300, **options})
        caller.media.play(tone)
        tally.tried += 1
        return caller

    async def talk(
        self, tally: Tally, caller: Caller, phone: Answerer, tone: float = TONE, seconds: float = 10
    ) -> AnsweredCall:
        """A human picks up the newest call and hears the elder: only that counts as answered."""
        call = await (await phone.call(seconds=seconds)).answer(seconds)
        await until(partial(call.hears, tone), seconds, f"{tone:g} Hz to be heard by a human")
        tally.answered += 1
        return call

    async def whoever(self, tally: Tally, seats: Sequence[Answerer], tone: float, seconds: float = 10) -> AnsweredCall:
        """Seats pick up whatever rings, until a human among them hears this tone."""

        async def heard() -> AnsweredCall | None:
            for call in (call for seat in seats for call in seat.calls):
                if call.media is None and not call.events:
                    await call.pick_up()
                if call.hears(tone):
                    return call
            return None

        call: AnsweredCall = await self.until(heard, seconds, f"{tone:g} Hz to be heard by a human")
        tally.answered += 1
        return call

    async def api(self) -> Api:
        """The API as the supervisor; signed in once."""
        if self._api is None:
            self._api = await self.sign_in("sup1")
        return self._api

    async def source(self, name: str) -> str:
        """The token of a new source of alarms, which is known by now."""
        admin = await self.sign_in("admin")
        token = str((await admin.post("/alarm-sources", {"name": name, "auth": "token"}))["secret"])
        test = {"reference": f"{name}-test", "kind": "test", "device": self.elders[4]["pendant"]}

        async def known() -> bool:
            return (await self.alarm(token, test)).is_success

        await self.until(known, what="the new source to be known")
        return token

    async def alarm(self, token: str, alarm: dict[str, Any], path: str = "alarms") -> httpx.Response:
        """Send an alarm, or something else that a source may send."""
        headers = {"Authorization": f"Bearer {token}"}
        return await self.client.post(f"/api/v1/{path}", json=alarm, headers=headers)

    async def emergencies(self, state: str | None = None) -> list[dict[str, Any]]:
        """Incidents, newest first."""
        path = "/emergencies?limit=200" + (f"&state={state}" if state else "")
        found: list[dict[str, Any]] = (await (await self.api()).get(path))["items"]
        return found

    async def of(self, who: int) -> dict[str, Any]:
        """The newest incident of an elder of the demo."""
        elder = self.elders[who]["id"]
        found = [item for item in await self.emergencies() if item["elder_id"] == elder]
        assert found, f"no emergency of elder {who}"
        return found[0]

    # --- what is counted ---------------------------------------------------------------------------------

    async def metric(self, name: str) -> float:
        """A metric without labels."""
        for line in (await self.client.get("/metrics")).text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        raise AssertionError(f"no metric {name}")

    async def findings(self) -> set[str]:
        """What the watchdog finds wrong just now: names of its checks."""
        return {finding["check"] for finding in (await (await self.api()).get("/watchdog"))["findings"]}

    async def part(self, name: str) -> dict[str, Any]:
        """What /readyz says of a part."""
        found: dict[str, Any] = (await self.client.get("/readyz")).json()["parts"][name]
        return found

    async def clear(self) -> None:
        """Between two tests: every incident closed, every call over, no phone on."""
        api = await self.api()
        for incident in await self.emergencies("open"):
            await api.post(f"/emergencies/{incident['id']}/close", {"outcome": "exercise"})
        for phone in self._phones:
            phone.hangup()
        await self.until(self._quiet, CLOSE_SECONDS, "all calls to be over")
        await self.forget_phones()

    async def forget_phones(self, *keep: Answerer) -> None:
        """Every phone but these is gone and off; what its calls were to Asterisk, Asterisk has to find out."""
        for phone in self._phones:
            if phone not in keep:
                await phone.close()
        for user in self._seats:
            await self.unregister(user)
        self._phones = list(keep)
        self._seats.clear()
        if not await self.registered(0):
            # An Asterisk that was killed comes up with the registrations it had a second before.
            for seat in self.credentials["seats"]:
                user = seat["user"]
                await register(self.folder, self.settings, user, self.sip_password(user), 9)  # in the old one's place
                await self.unregister(user)
        await self.until(lambda: self.registered(0), what="all phones to be off")

    async def _quiet(self) -> bool:
        return not await self.metric("callcenter_open_calls")

    async def audit(self, tally: Tally) -> None:
        """Count what was lost and what repeated, and fail if anything was."""
        await self.witness.audit(tally)


class Unwatched(Center):
    """The same without a supervisor: our process may then be told another AMI port than Asterisk's own."""

    async def up(self) -> None:
        self.asterisk = AsteriskServer(self.settings, self._accounts)
        await asyncio.to_thread(self.asterisk.start)
        await self.serve()

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        if self.asterisk is not None:
            await asyncio.to_thread(self.asterisk.stop)

    def _start(self) -> Process:
        return Instance._start(self)

    def log(self) -> str:
        return Instance.log(self)
