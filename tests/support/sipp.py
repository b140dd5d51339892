"""Phones and trunks made of SIPp: SIP is SIPp's, the audio is `RtpPeer`'s, and the test gives the orders.

A `Caller` is one call from the trunk. An `Answerer` is the called side, a seat's phone or the trunk's far end; each
call it receives is an `AnsweredCall`. Orders reach SIPp as SIP packets with the call's Call-ID and a made-up method,
events come back through its log file.
"""

import asyncio
import contextlib
import itertools
import os
import socket
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from callcenter.ports import is_bound
from callcenter.settings import Settings
from tests.support.ports import free_port
from tests.support.rtp import RtpPeer

A_WORD = 75
"""Packets of sound: a second and a half."""
SCENARIOS = Path(__file__).parent / "sipp"
_numbers = itertools.count(1)


PATIENCE = float(os.environ.get("PATIENCE", "3"))
"""By how much a busy machine may be slower than the seconds written in a test; times are measured in scripts/bench."""


async def until(
    condition: Callable[[], object], seconds: float = 5.0, what: str | Callable[[], str] = "the condition"
) -> None:
    """Return as soon as the condition holds; fail the test when the time (with `PATIENCE`) is up."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds * PATIENCE
    while not condition():
        if loop.time() > deadline:
            raise AssertionError(f"{what if isinstance(what, str) else what()} did not come true within {seconds:g} s")
        await asyncio.sleep(0.01)


class SippProcess:
    """One SIPp with its scenario, port and log; ended by `kill`, or by itself when its calls are done."""

    def __init__(self, folder: Path, scenario: str, values: dict[str, object]) -> None:
        self.port = free_port()
        self.folder = folder / f"sipp-{next(_numbers)}-{scenario}"
        self.folder.mkdir(parents=True)
        text = string.Template((SCENARIOS / f"{scenario}.xml").read_text("utf-8")).substitute(values)
        (self.folder / "scenario.xml").write_text(text, "utf-8")
        self.process: asyncio.subprocess.Process | None = None
        self._read = 0

    async def start(self, *arguments: str) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *("sipp", *arguments, "-sf", "scenario.xml", "-i", "127.0.0.1", "-p", str(self.port), "-nostdin"),
            *("-trace_logs", "-log_file", "events.log", "-trace_err", "-error_file", "errors.log"),
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def wait(self, seconds: float = 10.0) -> int:
        """Its exit status: 0 when all calls went as written, 1 when one did not."""
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), seconds)

    async def kill(self) -> None:
        """End it now, as a phone whose battery is taken out."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    def events(self) -> list[list[str]]:
        """New lines of its log, split at spaces."""
        path = self.folder / "events.log"
        data = path.read_bytes()[self._read :] if path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        return [line.split(" ") for line in whole.decode("utf-8", "replace").splitlines() if line]

    def errors(self) -> str:
        """What it did not expect; empty when all went well."""
        path = self.folder / "errors.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def order(self, call_id: str, method: str, subject: object = "") -> None:
        """Send a made-up request that moves the scenario on."""
        packet = (
            f"{method} sip:test SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK{uuid.uuid4().hex}\r\n"
            f"From: <sip:test>;tag=t\r\nTo: <sip:test>\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n"
            f"Subject: {subject}\r\nContent-Length: 0\r\n\r\n"
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(packet.encode(), ("127.0.0.1", self.port))


class Caller:
    """One call from the trunk. ``events`` are ``ringing``, ``progress``, ``answered``, ``refused``, ``ended …``."""

    def __init__(self, sipp: SippProcess, media: RtpPeer, call_id: str) -> None:
        self.sipp = sipp
        self.media = media
        self.call_id = call_id
        self.events: list[str] = []
        self._watcher: asyncio.Task[None] | None = None

    @classmethod
    async def dial(
        cls,
        folder: Path,
        settings: Settings,
        did: str,
        from_user: str = "13800000001",
        *,
        seconds: float = 30.0,
        from_header: str | None = None,
        extra_headers: str = "",
    ) -> Self:
        """Place a call to ``did``; it hangs up by itself after ``seconds``.

        ``from_header``: a whole From value in place of ``<sip:from_user@127.0.0.1>``. ``extra_headers``: lines that
        each end in a line feed.
        """
        media = await RtpPeer.open()
        values = {
            "media_port": media.port,
            "seconds_ms": int(seconds * 1000),
            "from_header": from_header or f"<sip:{from_user}@127.0.0.1>",
            "extra_headers": extra_headers,
        }
        sipp = SippProcess(folder, "caller", values)
        call_id = f"{uuid.uuid4().hex}@127.0.0.1"
        caller = cls(sipp, media, call_id)
        await sipp.start(
            f"127.0.0.1:{settings.sip_port}", "-s", did, "-m", "1", "-cid_str", call_id, "-timeout", f"{seconds + 30:g}"
        )
        caller._watcher = asyncio.create_task(caller._watch())
        return caller

    async def until(self, event: str, seconds: float = 5.0) -> None:
        """Wait for an event, e.g. ``answered``."""
        await until(lambda: event in self.events, seconds, lambda: f"{event} of the call (so far: {self.events})")

    async def answered(self, seconds: float = 5.0) -> Self:
        """Wait until Asterisk has answered."""
        await self.until("answered", seconds)
        return self

    def hangup(self) -> None:
        """Hang up, or cancel while it is not answered yet; `ended` waits for it."""
        self.sipp.order(self.call_id, "HANGUP")

    async def ended(self, seconds: float = 10.0) -> int:
        """Wait for the end; SIPp's exit status, 0 when the call went as a call should."""
        status = await self.sipp.wait(seconds)
        await self.close()
        return status

    async def close(self) -> None:
        """End whatever is left of it, without a word to the other side."""
        await self.sipp.kill()
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
            self._watcher = None
            self._take()
        await self.media.close()

    async def _watch(self) -> None:
        while True:
            self._take()
            await asyncio.sleep(0.01)

    def _take(self) -> None:
        for _call_id, event, *rest in self.sipp.events():
            if event == "answered":
                self.media.aim(int(rest[0]))
            self.events.append(" ".join([event, *rest]) if event == "ended" else event)


@dataclass
class AnsweredCall:
    """A call an `Answerer` received. ``number``: what was dialled; ``events``: ``answered``, ``cancelled``, ``ended``.

    ``headers``: the INVITE's From and Call-Info. ``cancel_reason``: the CANCEL's Reason header.
    """

    sipp: SippProcess
    call_id: str
    number: str
    headers: str
    rtp_port: int
    media: RtpPeer | None = None
    events: list[str] = field(default_factory=list)
    cancel_reason: str = ""

    async def answer(self, seconds: float = 5.0) -> Self:
        """Pick up; returns when Asterisk has acknowledged."""
        await self.pick_up()
        await self.until("answered", seconds)
        return self

    async def pick_up(self) -> None:
        """Pick up, whatever comes of it: the call may be cancelled in the same moment."""
        self.media = await RtpPeer.open()
        self.media.aim(self.rtp_port)
        self.sipp.order(self.call_id, "ANSWER", self.media.port)

    async def accept(self, seconds: float = 5.0) -> Self:
        """Pick up and press 1, as somebody does who is asked whether they accept."""
        await self.answer(seconds)
        self.key("1")
        return self

    def hears(self, *frequencies: float, seconds: float = 0.4) -> set[float]:
        """Which of the tones it hears just now; none before it is answered."""
        return self.media.hears(*frequencies, seconds=seconds) if self.media is not None else set()

    def play(self, *frequencies: float) -> None:
        """Say these tones from now on; only once answered."""
        assert self.media is not None, "answer first"
        self.media.play(*frequencies)

    def key(self, digits: str) -> None:
        """Press keys (RFC 4733); only once answered."""
        assert self.media is not None, "answer first"
        self.media.key(digits)

    def busy(self) -> None:
        """486."""
        self.sipp.order(self.call_id, "BUSY")

    def decline(self) -> None:
        """603."""
        self.sipp.order(self.call_id, "DECLINE")

    def unavailable(self) -> None:
        """503."""
        self.sipp.order(self.call_id, "UNAVAILABLE")

    def moved(self, there: str = "sip:13900000302@127.0.0.1") -> None:
        """302: to be called elsewhere."""
        self.sipp.order(self.call_id, "MOVED", there)

    def hangup(self) -> None:
        """BYE, once it is up."""
        self.sipp.order(self.call_id, "HANGUP")

    async def goodbye(self) -> None:
        """BYE after a word: whoever drops a hotline caller within a second has not served her."""
        await until(lambda: self.media is not None and self.media.packets > A_WORD, 10, "somebody to talk to")
        self.hangup()

    async def until(self, event: str, seconds: float = 5.0) -> None:
        """Wait for an event."""
        await until(
            lambda: event in self.events, seconds, lambda: f"{event} of the call to {self.number} ({self.events})"
        )


class Answerer:
    """The called side: every call rings until the test says what becomes of it.

    ``auto``: what becomes of a call by itself, by number or for all (``"*"``): one of the orders of `AnsweredCall`,
    e.g. ``{"120": "answer", "*": "busy"}``.
    """

    def __init__(self, sipp: SippProcess, auto: dict[str, str]) -> None:
        self.sipp = sipp
        self.calls: list[AnsweredCall] = []
        self.auto = auto
        self._watcher: asyncio.Task[None] | None = None
        self._acts: set[asyncio.Task[object]] = set()

    @property
    def port(self) -> int:
        return self.sipp.port

    @classmethod
    async def listen(cls, folder: Path, port: int | None = None, auto: dict[str, str] | None = None) -> Self:
        """Listen on a port, a free one if none is given (the trunk's is in ``settings.trunk_uri``)."""
        sipp = SippProcess(folder, "answerer", {})
        sipp.port = port or sipp.port
        answerer = cls(sipp, auto or {})
        await sipp.start()
        await until(lambda: is_bound(sipp.port), what="SIPp's port")
        answerer._watcher = asyncio.create_task(answerer._watch())
        return answerer

    @classmethod
    async def seat(cls, folder: Path, settings: Settings, user: str, password: str, auto: str | None = None) -> Self:
        """A registered seat's phone; ``auto="answer"`` picks up by itself."""
        answerer = await cls.listen(folder, auto={"*": auto} if auto else {})
        status = await register(folder, settings, user, password, answerer.port)
        assert status == 0, f"{user} could not register"
        return answerer

    async def call(self, number: str | None = None, seconds: float = 5.0) -> AnsweredCall:
        """The newest call (to that number), as soon as there is one that has not ended."""

        def found() -> list[AnsweredCall]:
            gone = {"ended", "cancelled"}
            return [c for c in self.calls if (number is None or c.number == number) and not gone & set(c.events)]

        await until(found, seconds, f"a call to {number or 'this phone'} (so far: {[c.number for c in self.calls]})")
        return found()[-1]

    def hangup(self) -> None:
        """Hang up all calls that are up."""
        for call in self.calls:
            if "answered" in call.events and "ended" not in call.events:
                call.hangup()

    async def close(self) -> None:
        """End the phone and all its audio, without a word to the other side."""
        await self.sipp.kill()
        for task in [*self._acts, *([self._watcher] if self._watcher else [])]:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._take()
        for call in self.calls:
            if call.media is not None:
                await call.media.close()

    async def _watch(self) -> None:
        while True:
            self._take()
            await asyncio.sleep(0.01)

    def _take(self) -> None:
        for call_id, event, *rest in self.sipp.events():
            if event == "invited":
                rtp_port, number, *headers = rest
                call = AnsweredCall(self.sipp, call_id, number, " ".join(headers), int(rtp_port))
                self.calls.append(call)
                self._act(call)
                continue
            for call in self.calls:
                if call.call_id == call_id:
                    call.events.append(event)
                    call.cancel_reason = " ".join(rest).strip() if event == "cancelled" else call.cancel_reason

    def _act(self, call: AnsweredCall) -> None:
        order = self.auto.get(call.number) or self.auto.get("*")
        if order in ("answer", "accept"):
            task: asyncio.Task[object] = asyncio.create_task(call.accept() if order == "accept" else call.answer())
            self._acts.add(task)
            task.add_done_callback(self._acts.discard)
        elif order:
            getattr(call, order)()


async def register(
    folder: Path, settings: Settings, user: str, password: str, contact_port: int, expires: int = 3600
) -> int:
    """Register a phone with digest, for an hour, since nobody does it again; SIPp's exit status.

    ``expires=0`` unregisters.
    """
    values = {"user": user, "password": password, "contact_port": contact_port, "expires": expires}
    sipp = SippProcess(folder, "register", values)
    await sipp.start(f"127.0.0.1:{settings.sip_port}", "-s", user, "-m", "1", "-timeout", "5", "-timeout_error")
    return await sipp.wait()
