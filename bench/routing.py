"""The routing's figures: our distribution under a drawn load beside theory, and in real time beside Asterisk's queue.

First a simulation drives `callcenter.routing.distribution.desired` itself; where theory has an exact answer, it must
lie in the simulation's confidence interval. Then SIPp plays one and the same drawn load, call by call, to the product
and to app_queue on bare Asterisk: the same moments of arrival, the same patience, the same times of handling.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.erlang import Theory, erlang_a, erlang_c
from bench.figures import HOTLINE, Extent, Result
from bench.machine import Meter
from bench.rig import Rig, bare, caller_number, product, registered_seats
from bench.simulation import Caller, Fate, Stream, draw, occupancy, operators, outcome, run
from bench.sipp import THINK_SECONDS, Sipp, call, register
from bench.statistics import Verdict
from callcenter.asterisk_runtime import AsteriskRuntime
from callcenter.errors import Unavailable
from callcenter.ports import free_ports, is_bound
from callcenter.routing.model import Seat

ACD_DID = "1005"
SEED = 20
LIVE = Stream(rate=1.5, handling=6, patience=12)
"""Nine Erlang for ten seats; a real centre's times by thirty."""
LIVE_SEATS = 10
LIVE_WITHIN = 2.0
LONGEST_SECONDS = 60.0
"""By then the last caller has been served or has given up."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A centre, its callers, and within what time (seconds) they are to be served."""

    name: str
    streams: Mapping[str, Stream]
    seats: Sequence[Seat]
    within: float = 20.0

    def theory(self) -> Theory | None:
        """What is known exactly; None where no formula is."""
        stream = next(iter(self.streams.values()))
        if len(self.streams) > 1 or stream.spread:
            return None
        if math.isinf(stream.patience):
            return erlang_c(stream.rate, stream.handling, len(self.seats), self.within)
        return erlang_a(stream.rate, stream.handling, stream.patience, len(self.seats), self.within)


def scenarios() -> Iterator[Scenario]:
    """What is simulated. Times are those of a real centre, in seconds."""
    plain = Stream(rate=9 / 180, handling=180, patience=120)
    yield Scenario("50 seats, 48 calls a minute of 1 minute, patience 2", {"all": Stream(0.8, 60, 120)}, operators(50))
    yield Scenario("10 seats, 9 Erlang, patience 2 minutes", {"all": plain}, operators(10))
    yield Scenario("10 seats, 12 Erlang (overload)", {"all": replace(plain, rate=12 / 180)}, operators(10))
    yield Scenario(
        "10 seats, 8 Erlang, endless patience", {"all": replace(plain, rate=8 / 180, patience=math.inf)}, operators(10)
    )
    yield Scenario("10 seats, 9 Erlang, lognormal handling, CV 1.2", {"all": replace(plain, spread=1.2)}, operators(10))
    half = replace(plain, rate=plain.rate / 2)
    care, fees = replace(half, skill="care"), replace(half, skill="fees")
    each = [*operators(3, prefix="care", care=3), *operators(3, prefix="fees", fees=3)]
    both = operators(4, prefix="both", care=1, fees=1)
    yield Scenario("two skills, 3 + 3 seats of one, 4 of both", {"care": care, "fees": fees}, [*each, *both])
    split = [*operators(5, prefix="care", care=3), *operators(5, prefix="fees", fees=3)]
    yield Scenario("two skills, 5 + 5 seats of one", {"care": care, "fees": fees}, split)
    rich, poor = replace(plain, rate=4 / 180, priority=5), replace(plain, rate=8 / 180)
    yield Scenario("12 Erlang, a third of priority 5, no ageing", {"five": rich, "nought": poor}, operators(10))
    aged = {"five": replace(rich, ageing=20), "nought": replace(poor, ageing=20)}
    yield Scenario("the same, a point every 20 s", aged, operators(10))


def simulate(scenario: Scenario, callers: int) -> dict[str, Any]:
    """One row: what was met with, what theory says, and whether it lies in every interval."""
    fates = run(scenario.streams, scenario.seats, draw(scenario.streams, callers, SEED))
    found, busy, theory = outcome(fates, scenario.within), occupancy(fates, len(scenario.seats)), scenario.theory()
    row = asdict(found) | {"occupancy": asdict(busy), "theory": asdict(theory) if theory else None}
    if theory is not None:
        row["agrees"] = {
            "service level": found.service_level.holds(theory.service_level),
            "wait": found.wait.holds(theory.wait),
            "abandoned": found.abandoned.holds(theory.abandoned),
            "occupancy": busy.holds(theory.occupancy),
        }
    if len(scenario.streams) > 1:
        row["streams"] = {
            name: asdict(outcome([fate for fate in fates if fate.caller.stream == name], scenario.within))
            for name in scenario.streams
        }
    return row


def told(row: Mapping[str, Any]) -> dict[str, str]:
    """A row for people."""
    theory = row.get("theory") or {}

    def both(key: str, scale: float, unit: str, exact: str) -> str:
        mean, within = row[key]["mean"] * scale, row[key]["within"] * scale
        known = f" [{theory[exact] * scale:.1f}]" if exact in theory else ""
        return f"{mean:.1f} ± {within:.1f}{unit}{known}"

    line = {
        "in time": both("service_level", 100, " %", "service_level"),
        "wait": both("wait", 1, " s", "wait"),
        "gave up": both("abandoned", 100, " %", "abandoned"),
    }
    if "occupancy" in row:
        line["occupied"] = both("occupancy", 100, " %", "occupancy")
    line["longest"] = f"{row['longest']:.0f} s"
    for name, each in row.get("streams", {}).items():
        line[name] = ", ".join(told(each).values())
    return line


# --- in real time ---------------------------------------------------------------------------------------------


@dataclass
class Lines:
    """Who called when, and when an operator was in one bridge with her; seconds of the machine's clock."""

    called: dict[str, float] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)
    together: dict[str, float] = field(default_factory=dict)
    _callers: dict[str, tuple[str, float]] = field(default_factory=dict)
    _seats: dict[str, float] = field(default_factory=dict)

    def take(self, event: Mapping[str, str]) -> None:
        """Take in a Newchannel or a BridgeEnter."""
        ours = event["Channel"].startswith("PJSIP/trunk-")
        number, at = event["CallerIDNum"], float(event["Timestamp"])
        if event["Event"] == "Newchannel":
            if ours:
                self.called.setdefault(number, at)
                self.channels.setdefault(number, event["Channel"])
            return
        bridge = event["BridgeUniqueid"]
        if ours:
            self._callers.setdefault(bridge, (number, at))
        else:
            self._seats.setdefault(bridge, at)
        if bridge in self._callers and bridge in self._seats:
            number, joined = self._callers[bridge]
            self.together.setdefault(number, max(joined, self._seats[bridge]))


@contextlib.asynccontextmanager
async def _callers_of(rig: Rig, patience: Mapping[str, float]) -> AsyncIterator[Lines]:
    """Watch the callers, and hang up for whoever was not with an operator when her patience ended."""
    reader, writer = await asyncio.open_connection(rig.settings.control_bind, rig.settings.ami_port)
    writer.write(f"Action: Login\r\nUsername: bench-callers\r\nSecret: {rig.ami_secret}\r\n\r\n".encode())
    lines, loop = Lines(), asyncio.get_running_loop()

    def out_of_patience(number: str) -> None:
        if number not in lines.together:
            writer.write(f"Action: Hangup\r\nChannel: {lines.channels[number]}\r\nCause: 16\r\n\r\n".encode())

    async def listen() -> None:
        while True:
            block = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace")
            event = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if event.get("Event") not in ("Newchannel", "BridgeEnter"):
                continue
            before = len(lines.called)
            lines.take(event)
            if len(lines.called) > before and event["CallerIDNum"] in patience:
                number = event["CallerIDNum"]
                loop.call_later(THINK_SECONDS + patience[number], out_of_patience, number)

    task = asyncio.create_task(listen())
    try:
        yield lines
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        writer.close()


@contextlib.asynccontextmanager
async def _operators(folder: Path, rig: Rig, callers: Sequence[Caller]) -> AsyncIterator[Sipp]:
    """The seats' phones: the first call that is answered takes the first handling time, and so on."""
    signalling, media = free_ports(2)
    phone = Sipp(folder, "operator", signalling)
    times = "".join(f"{round(caller.handling * 1000)}\n" for caller in callers)
    (phone.folder / "handling.csv").write_text(f"SEQUENTIAL\n{times}", "utf-8")
    await phone.start("-mp", str(media), "-mi", "127.0.0.1", "-inf", "handling.csv", "-aa", "-l", "1000")
    try:
        for _ in range(500):
            if is_bound(phone.port):
                break
            await asyncio.sleep(0.02)
        else:
            raise Unavailable(f"SIPp does not listen on port {phone.port}: {phone.complaint()}")
        await register(folder, rig, phone)
        yield phone
    finally:
        await phone.end()


async def _play(folder: Path, rig: Rig, did: str, callers: Sequence[Caller]) -> dict[str, Any]:
    """The drawn load in real time; what became of the callers."""
    numbers = [caller_number(caller.number) for caller in callers]
    patience = {number: caller.patience for number, caller in zip(numbers, callers, strict=True)}
    async with _operators(folder, rig, callers) as phone:
        if rig.process is not None:
            for _ in range(100):
                if await registered_seats(rig) == LIVE_SEATS:
                    break
                await asyncio.sleep(0.1)
        meter = Meter.start(rig.pids)
        async with _callers_of(rig, patience) as lines:
            calls, cpu = await call(
                folder, rig, did, numbers, rate=1, hold_seconds=LONGEST_SECONDS, key=True,
                offsets=[caller.at for caller in callers],
            )  # fmt: skip
        phone.look()
        cores = meter.read({"sipp": cpu + phone.cpu})
        talks = {"taken": {}, "done": {}}  # type: dict[str, dict[str, float]]
        for what, number, seconds, micros in phone.events():
            talks[what][number] = float(seconds) + float(micros) / 1e6
    waits = {
        number: lines.together[number] - lines.called[number] - THINK_SECONDS
        for number in numbers
        if number in lines.together and number in lines.called
    }
    begun, ended = min(lines.called.values()), max(lines.called.values())
    talked = sum(
        max(0.0, min(talks["done"].get(number, ended), ended) - max(at, begun)) for number, at in talks["taken"].items()
    )
    return {
        "rate": LIVE.rate,
        "calls": len(numbers),
        "lost": len(numbers) - len(calls.answered),
        "served": len(waits),
        "service_level": sum(wait <= LIVE_WITHIN for wait in waits.values()) / len(numbers),
        "wait": fmean(waits.get(number, patience[number]) for number in numbers),
        "abandoned": 1 - len(waits) / len(numbers),
        "occupancy": talked / ((ended - begun) * LIVE_SEATS),
        "cores": cores,
    }


def _shown(numbers: Mapping[str, Any]) -> dict[str, str]:
    return {
        "in time": f"{numbers['service_level']:.1%}",
        "mean wait": f"{numbers['wait']:.2f} s",
        "gave up": f"{numbers['abandoned']:.1%}",
        "occupied": f"{numbers['occupancy']:.1%}",
    }


def _simulated(fates: Sequence[Fate]) -> dict[str, float]:
    """The same figures of the same callers without Asterisk, SIP or a clock."""
    begun, ended = fates[0].caller.at, fates[-1].caller.at
    talked = sum(
        max(0.0, min(fate.caller.at + fate.waited + fate.caller.handling, ended) - (fate.caller.at + fate.waited))
        for fate in fates
        if fate.served
    )
    return {
        "service_level": fmean(fate.served and fate.waited <= LIVE_WITHIN for fate in fates),
        "wait": fmean(fate.waited for fate in fates),
        "abandoned": fmean(not fate.served for fate in fates),
        "occupancy": talked / ((ended - begun) * LIVE_SEATS),
    }


async def routing(folder: Path, runtime: AsteriskRuntime, extent: Extent) -> Result:
    """Simulated beside theory, then played beside app_queue."""
    result = Result(f"routing: {LIVE_SEATS} seats, {LIVE.rate * LIVE.handling:g} Erlang, beside Queue(leastrecent)")
    rows = {each.name: simulate(each, extent.simulated_callers) for each in scenarios()}
    wrong = [f"{name}: {what}" for name, row in rows.items() for what, ok in row.get("agrees", {}).items() if not ok]
    callers = draw({"all": LIVE}, int(LIVE.rate * extent.routing_seconds), SEED)
    async with bare(folder / "bare-acd", runtime, LIVE_SEATS) as rig:
        result.bare = await _play(folder, rig, ACD_DID, callers)
    async with product(folder / "ours-acd", runtime, LIVE_SEATS, 0) as rig:
        result.ours = await _play(folder, rig, HOTLINE, callers)
    exact = erlang_a(LIVE.rate, LIVE.handling, LIVE.patience, LIVE_SEATS, LIVE_WITHIN)
    result.beside |= {
        "app_queue": _shown(result.bare),
        "the product": _shown(result.ours),
        "our rules on the same callers, simulated": _shown(
            _simulated(run({"all": LIVE}, operators(LIVE_SEATS), callers))
        ),
        "Erlang A, for ever": _shown(asdict(exact)),
        **{name: told(row) for name, row in rows.items()},
    }
    result.details = rows
    result.verdicts = [
        Verdict("service level, points above app_queue", _points(result, "service_level"), -3, at_most=False),
        Verdict("gave up, points above app_queue", _points(result, "abandoned"), 3),
        Verdict("calls lost", result.ours["lost"], 0),
        Verdict("simulated figures outside their interval about Erlang's", len(wrong), 1),
    ]
    result.notes += [
        f"In time: within {LIVE_WITHIN:g} s of all callers when played, 20 s simulated; ± is 95 % confidence, [ ] the"
        " exact value; wait is everybody's in the queue, who gives up included. Of 16 intervals one may well miss.",
        "app_queue lets those who wait look for a free seat once a second, which counts for more in handling times of"
        f" {LIVE.handling:g} s than in those of three minutes.",
        *(f"outside: {each}" for each in wrong),
    ]
    return result


def _points(result: Result, key: str) -> float:
    return round(float(result.ours[key] - result.bare[key]) * 100, 1)
