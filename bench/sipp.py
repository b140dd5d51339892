"""The load: SIPp as callers, as seats' phones and as the trunk's far end; the same on both sides."""

import asyncio
import contextlib
import itertools
import re
import string
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.machine import cpu_seconds
from bench.rig import Rig
from callcenter.errors import Unavailable
from callcenter.ports import free_ports, is_bound

SCENARIOS = Path(__file__).resolve().parent / "scenarios"
_numbers = itertools.count(1)
LISTEN_SECONDS = 10.0
THINK_SECONDS = 0.7
_ORDINARY = re.compile(r"jumping to label|Dead call .* \(successful\), received 'SIP/2.0 200 OK", re.DOTALL)
"""What SIPp reports though nothing is wrong: the time to hang up has come; an answer to BYE came twice."""


class Sipp:
    """One SIPp in a folder of its own."""

    def __init__(self, folder: Path, scenario: str, port: int, **values: object) -> None:
        self.folder = folder / f"{next(_numbers):03}-{scenario}"
        self.folder.mkdir(parents=True)
        text = string.Template((SCENARIOS / f"{scenario}.xml").read_text("utf-8")).substitute(values)
        (self.folder / "scenario.xml").write_text(text, "utf-8")
        self.port = port
        self.process: asyncio.subprocess.Process | None = None
        self.cpu = 0.0
        """Processor seconds it has used, as last looked at."""

    async def start(self, *arguments: str) -> None:
        """Start it."""
        self.process = await asyncio.create_subprocess_exec(
            *("sipp", *arguments, "-sf", "scenario.xml", "-i", "127.0.0.1", "-p", str(self.port), "-nostdin"),
            *("-trace_logs", "-log_file", "events.log", "-trace_err", "-error_file", "errors.log"),
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )

    def look(self) -> None:
        """Note what it has used so far."""
        if self.process is not None:
            self.cpu = max(self.cpu, cpu_seconds(self.process.pid))

    async def finished(self, seconds: float) -> int:
        """Wait for its end; its exit status, 0 when every call went as written. Ended by us when the time is up."""
        if self.process is None:
            raise Unavailable("SIPp was not started")
        deadline = asyncio.get_running_loop().time() + seconds
        while self.process.returncode is None and asyncio.get_running_loop().time() < deadline:
            self.look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self.process.wait()), 0.1)
        await self.end()
        return self.process.returncode if self.process.returncode is not None else -1

    async def end(self) -> None:
        """End it now."""
        if self.process is not None and self.process.returncode is None:
            self.look()
            self.process.kill()
            await self.process.wait()

    def events(self) -> list[list[str]]:
        """The whole lines of its log, split at spaces."""
        path = self.folder / "events.log"
        return [line.split() for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def complaint(self) -> str:
        """The first thing it found wrong."""
        for path in sorted(self.folder.glob("errors*.log")):
            # Every message begins with the time; that the caller's time to hang up has come is none.
            text = path.read_text("utf-8", "replace").partition("\n")[2]
            messages = re.split(r"\d{4}-\d\d-\d\d\t[\d:.]+\t[\d.]+: ", text)
            wrong = [message.strip() for message in messages if message.strip() and not _ORDINARY.search(message)]
            if wrong:
                return f"{len(wrong)} complaints, the first: {' '.join(wrong[0].split())[:500]}"
        return ""


@dataclass
class Calls:
    """What became of a load's calls; times are seconds of the machine's clock, by caller number."""

    asked: int
    invited: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    dropped: int = 0
    """Calls that the other side ended before the caller did."""
    complaint: str = ""

    @property
    def lost(self) -> int:
        """Calls that were not answered, or not ended in order."""
        return self.asked - len(self.answered.keys() & self.ended.keys())

    @property
    def answer_ms(self) -> list[float]:
        """INVITE → 200 of every answered call."""
        return [(at - self.invited[number]) * 1000 for number, at in self.answered.items()]

    @property
    def rate(self) -> float:
        """Calls a second as they were really made."""
        times = sorted(self.invited.values())
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 0.0


async def call(
    folder: Path,
    rig: Rig,
    did: str,
    callers: Sequence[str],
    *,
    rate: float,
    hold_seconds: float,
    key: bool = False,
    echo: bool = False,
    ears: Sequence[int] = (),
    offsets: Sequence[float] = (),
) -> tuple[Calls, float]:
    """Make one call for every caller, ``rate`` a second; the calls, and the processor seconds that SIPp used.

    ``key``: press 1 once answered. ``echo``: send back the audio that comes (needs some to begin with). ``ears``: a
    port of somebody else for each caller's audio. ``offsets``: when each calls, in seconds from the start, whatever the
    rate; she presses her key `THINK_SECONDS` after she was answered.
    """
    keys = (SCENARIOS / "key.xml").read_text("utf-8") if key else ""
    begin = (SCENARIOS / "offset.xml").read_text("utf-8") if offsets else ""
    if offsets:
        rate, hold_seconds = 500.0, hold_seconds + offsets[-1]
        keys = f'<pause milliseconds="{THINK_SECONDS * 1000:.0f}"/>{keys}'
    port, media = free_ports(2)
    sipp = Sipp(
        folder, "caller", port,
        keys=keys.replace("$$", "$"), begin=begin, hold=int(hold_seconds * 1000),
        media="[field1]" if ears else "[media_port]",
    )  # fmt: skip
    fields = ears or [round(offset * 1000) for offset in offsets]
    lines = [f"{number};{field}" for number, field in zip(callers, fields, strict=True)] if fields else callers
    (sipp.folder / "callers.csv").write_text("\n".join(["SEQUENTIAL", *lines, ""]), "utf-8")
    # The rate in calls a period that is long enough to be a whole number of both.
    await sipp.start(
        f"127.0.0.1:{rig.settings.sip_port}", "-s", did, "-inf", "callers.csv", "-m", str(len(callers)),
        "-r", str(round(rate * 10)), "-rp", "10000", "-l", "5000", "-mp", str(media), "-mi", "127.0.0.1",
        *(["-rtp_echo"] if echo else []),
    )  # fmt: skip
    try:
        await sipp.finished(len(callers) / rate + hold_seconds + 15)
    finally:
        await sipp.end()
    calls = Calls(len(callers), complaint=sipp.complaint())
    for what, number, seconds, micros in sipp.events():
        if what == "dropped":
            calls.dropped += 1
            continue
        {"invited": calls.invited, "answered": calls.answered, "ended": calls.ended}[what][number] = (
            float(seconds) + float(micros) / 1e6
        )
    return calls, sipp.cpu


@contextlib.asynccontextmanager
async def listening(folder: Path, scenario: str, port: int | None = None, *, echo: bool = False) -> AsyncIterator[Sipp]:
    """The called side: ``seat`` or ``refuse``."""
    signalling, media = free_ports(2)
    sipp = Sipp(folder, scenario, port or signalling)
    await sipp.start("-mp", str(media), "-mi", "127.0.0.1", *(["-rtp_echo"] if echo else []))
    try:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LISTEN_SECONDS
        while not is_bound(sipp.port):
            if loop.time() > deadline:
                raise Unavailable(f"SIPp does not listen on port {sipp.port}: {sipp.complaint()}")
            await asyncio.sleep(0.02)
        yield sipp
    finally:
        await sipp.end()


async def register(folder: Path, rig: Rig, phone: Sipp) -> None:
    """Register every seat of the rig at that phone."""
    (port,) = free_ports(1)
    sipp = Sipp(folder, "register", port, contact_port=phone.port)
    lines = "".join(
        f"{user};[authentication username={user} password={password}]\n" for user, password in rig.seats.items()
    )
    (sipp.folder / "seats.csv").write_text(f"SEQUENTIAL\n{lines}", "utf-8")
    await sipp.start(
        f"127.0.0.1:{rig.settings.sip_port}", "-inf", "seats.csv", "-m", str(len(rig.seats)), "-r", "50", "-s", "x",
    )  # fmt: skip
    if await sipp.finished(20) != 0:
        raise Unavailable(f"the seats could not register: {sipp.complaint()}")
