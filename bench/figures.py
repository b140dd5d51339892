"""The figures but that of the kill, each measured on bare Asterisk and on the product with the same load."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.bridges import watching
from bench.desk import desk, rows, until
from bench.machine import Meter, resident_mib
from bench.rig import Rig, bare, caller_number, gauge, product, registered_seats
from bench.sipp import Calls, Sipp, call, listening, register
from bench.statistics import Climb, Summary, Verdict, ratio, slope
from callcenter.asterisk_runtime import AsteriskRuntime

ANSWER_DID, QUEUE_DID, ROOM_DID, ALONE_DID = "1001", "1002", "1003", "1004"
"""What bench/bare.conf answers to."""
EMERGENCY, HOTLINE = "95120", "12349"
BEHIND = "callcenter_relay_lag_facts"
ANSWER_MS = 20
MEMORY_CALLS = 10_000
SEATS = 20
LIFECYCLE_SEATS = 150
"""Enough that no rate in reach is limited by them."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How long and how hard to measure; seconds, calls a second."""

    answer_seconds: float = 20
    answer_rate: float = 100
    press_seconds: float = 30
    press_rate: float = 10
    trial_seconds: float = 10
    start_rate: float = 10
    ceiling: float = 120
    resolution: float = 0.08
    attempts: int = 2
    """How often a rate is tried before it counts as too high: one slow moment of the machine proves nothing."""
    limit: bool = True
    """Search the rate up to which figure 1's target holds."""
    memory_calls: int = MEMORY_CALLS
    kill_calls: int = 100
    kill_rate: float = 20
    kill_pairs: int = 10
    """How many of those who are up talk with a seat."""
    kill_watched: float = 12
    """How long it is watched after the kill."""
    pages: int = 200
    fact_rate: float = 50
    fact_seconds: float = 20
    simulated_callers: int = 60_000
    routing_seconds: float = 90


QUICK = Extent(
    answer_seconds=5,
    press_seconds=6,
    trial_seconds=3,
    start_rate=20,
    resolution=0.2,
    limit=False,
    kill_calls=20,
    kill_rate=5,
    kill_pairs=4,
    kill_watched=8,
    fact_seconds=5,
    simulated_callers=10_000,
    routing_seconds=30,
)


@dataclass
class Result:
    """One figure: what it is, both sides' numbers, and the verdicts."""

    name: str
    bare: dict[str, Any] = field(default_factory=dict)
    ours: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What else was measured, to tell what limits us; by name."""
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    """For the JSON only."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"verdicts": [asdict(verdict) | {"passed": verdict.passed} for verdict in self.verdicts]}


@dataclass(frozen=True, slots=True)
class Trial:
    """One rate, tried."""

    rate: float
    sustained: bool
    why_not: str
    numbers: dict[str, Any]


Try = Callable[[float], Awaitable[Trial]]
"""Tries a rate."""


def _load(calls: Calls) -> dict[str, Any]:
    return {
        "calls": calls.asked,
        "rate": round(calls.rate, 1),
        "lost": calls.lost,
        "answer_ms": asdict(Summary.of(calls.answer_ms)),
        "dropped": calls.dropped,
        "complaint": calls.complaint,
    }


async def answer(folder: Path, runtime: AsteriskRuntime, extent: Extent) -> Result:
    """INVITE → 200 of emergency calls, nobody at the seats: the machine's own answer (A1)."""
    result = Result("INVITE → 200, emergency calls")
    count = int(extent.answer_seconds * extent.answer_rate)

    async def one(rig: Rig, did: str, rate: float, count: int) -> dict[str, Any]:
        # Callers meet Asterisk and our process warm, as they do in life.
        await call(folder, rig, did, [f"138{n:08d}" for n in range(50)], rate=25, hold_seconds=0.5)
        callers = [caller_number(index) for index in range(count)]
        meter = Meter.start(rig.pids)
        calls, sipp = await call(folder, rig, did, callers, rate=rate, hold_seconds=1.0)
        return _load(calls) | {"cores": meter.read({"sipp": sipp})}

    async def ours(data: Path, rate: float, count: int) -> dict[str, Any]:
        async with product(data, runtime, 0, count) as rig, listening(folder, "refuse", rig.trunk_port):
            numbers = await one(rig, EMERGENCY, rate, count)
            numbers["open_incidents"] = gauge(rig, "callcenter_open_emergencies")
            numbers["database_seconds_behind"] = await until(lambda: gauge(rig, BEHIND) == 0, 30)
            return numbers

    @contextlib.asynccontextmanager
    async def afresh() -> AsyncIterator[Try]:
        async def trial(rate: float) -> Trial:
            data = folder / f"ours1-{time.monotonic_ns()}"
            numbers = await ours(data, rate, int(rate * extent.trial_seconds))
            p99, lost = numbers["answer_ms"]["p99"], numbers["lost"]
            return Trial(rate, p99 <= ANSWER_MS and not lost, f"p99 {p99:.0f} ms, {lost} lost", numbers)

        yield trial

    async with bare(folder / "bare1", runtime, SEATS) as rig:
        result.bare = await one(rig, ANSWER_DID, extent.answer_rate, count)
        result.beside["bare, in a recorded room"] = await one(rig, ALONE_DID, extent.answer_rate, count)
    result.ours = await ours(folder / "ours1", extent.answer_rate, count)
    if extent.limit:
        found = await _climb(afresh, replace(extent, start_rate=20, ceiling=extent.answer_rate, resolution=0.15))
        result.beside[f"ours, highest rate with p99 ≤ {ANSWER_MS} ms: {found['best']:.0f}/s"] = found["at_best"]
    result.verdicts = [
        Verdict("p99 ms", result.ours["answer_ms"]["p99"], ANSWER_MS),
        Verdict("calls lost", result.ours["lost"], 0),
    ]
    result.notes.append(
        "Every caller hangs up unheard after 1 s: her incident stays open and is called back over the trunk, up to"
        f" 10 at a time; the far end is busy. Open at the end: {result.ours['open_incidents']}."
    )
    return result


async def human(folder: Path, runtime: AsteriskRuntime, extent: Extent) -> Result:
    """INVITE → a human leg in the room, with auto-answering seats; Asterisk's own Queue(ringall) beside it."""
    result = Result("INVITE → human leg in the room, 20 auto-answer seats")
    callers = [caller_number(index) for index in range(int(extent.press_seconds * extent.press_rate))]
    talk = 0.7

    async def one(rig: Rig, did: str, phone: Sipp) -> dict[str, Any]:
        meter = Meter.start(rig.pids)
        phone.look()
        before = phone.cpu
        async with watching(rig) as bridges:
            calls, sipp = await call(folder, rig, did, callers, rate=extent.press_rate, hold_seconds=talk + 0.2)
        phone.look()
        cores = meter.read({"sipp": sipp + phone.cpu - before})
        times = [
            (at - calls.invited[number]) * 1000 for number, at in bridges.together.items() if number in calls.invited
        ]
        summary = asdict(Summary.of(times))
        return _load(calls) | {"human_ms": summary, "unmet": len(callers) - len(times), "cores": cores}

    async with bare(folder / "bare2", runtime, SEATS) as rig, listening(folder, "seat") as phone:
        await register(folder, rig, phone)
        await call(folder, rig, QUEUE_DID, ["13800000000"] * 10, rate=5, hold_seconds=0.5)
        result.bare = await one(rig, QUEUE_DID, phone)
        result.bare["seat_complaint"] = phone.complaint()
    async with (
        product(folder / "ours2", runtime, SEATS, len(callers)) as rig,
        listening(folder, "refuse", rig.trunk_port),
        listening(folder, "seat") as phone,
        desk(rig, talk) as operators,
    ):
        await _seats_known(folder, rig, phone, SEATS)
        await call(folder, rig, EMERGENCY, [f"138{n:08d}" for n in range(10)], rate=5, hold_seconds=talk + 0.2)
        await asyncio.sleep(1)
        operators.look()
        warm = len(operators.human_ms)
        result.ours = await one(rig, EMERGENCY, phone)
        await asyncio.sleep(1)
        operators.look()
        result.ours["human_answer_ms"] = asdict(Summary.of(operators.human_ms[warm:]))
        result.ours["acts_failed"] = await operators.done()
        result.ours["seat_complaint"] = phone.complaint()
    times = ratio(result.ours["human_ms"]["p50"], result.bare["human_ms"]["p50"])
    result.verdicts = [
        Verdict("median, × Queue(ringall)", round(times, 2), 2),
        Verdict("p99 ms", result.ours["human_ms"]["p99"], 200),
        Verdict("elders without a human", result.ours["unmet"], 0),
    ]
    result.notes.append(
        "From the caller's INVITE leaving SIPp to Asterisk's BridgeEnter of whoever of the two came second, the same"
        " on both sides; human_answer_ms is the product's own, from its journal. Ours records both, Queue does not."
    )
    return result


async def _seats_known(folder: Path, rig: Rig, phone: Sipp, count: int) -> None:
    await register(folder, rig, phone)
    for _ in range(100):
        if await registered_seats(rig) == count:
            return
        await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def _bare_rooms(folder: Path, runtime: AsteriskRuntime, extent: Extent) -> AsyncIterator[Try]:
    """Bare Asterisk with its seats; tries a rate of recorded rooms for two."""
    data = folder / f"bare3-{time.monotonic_ns()}"
    async with bare(data, runtime, SEATS) as rig, listening(folder, "seat", echo=True) as phone:
        await register(folder, rig, phone)

        async def trial(rate: float) -> Trial:
            calls, numbers = await _whole_calls(folder, rig, phone, ROOM_DID, rate, extent.trial_seconds)
            return _judge(rate, calls, numbers)

        yield trial


@contextlib.asynccontextmanager
async def _whole_product(folder: Path, runtime: AsteriskRuntime, extent: Extent) -> AsyncIterator[Try]:
    """The product with its seats and operators; tries a rate of whole hotline calls."""
    data = folder / f"ours3-{time.monotonic_ns()}"
    async with (
        product(data, runtime, LIFECYCLE_SEATS, 1000) as rig,
        listening(folder, "seat", echo=True) as phone,
        desk(rig) as operators,
    ):
        await _seats_known(folder, rig, phone, LIFECYCLE_SEATS)

        async def trial(rate: float) -> Trial:
            orders, met = rows(rig, "work_orders"), operators.with_human
            calls, numbers = await _whole_calls(folder, rig, phone, HOTLINE, rate, extent.trial_seconds)
            behind = await until(
                lambda: gauge(rig, BEHIND) == 0 and rows(rig, "work_orders") >= orders + calls.asked, 10
            )
            operators.look()
            numbers |= {
                "acts_failed": await operators.done(),
                "with_human": operators.with_human - met,
                "work_orders": rows(rig, "work_orders") - orders,
                "database_seconds_behind": behind,
                "calls_so_far": rows(rig, "calls"),
                "mib": {name: round(resident_mib(pid), 1) for name, pid in rig.pids.items()},
            }
            return _judge(rate, calls, numbers)

        yield trial


async def _whole_calls(
    folder: Path, rig: Rig, phone: Sipp, did: str, rate: float, seconds: float
) -> tuple[Calls, dict[str, Any]]:
    """The load of figure 3, the same on both sides."""
    callers = [caller_number(index) for index in range(max(10, int(rate * seconds)))]
    meter = Meter.start(rig.pids)
    phone.look()
    before = phone.cpu
    calls, sipp = await call(folder, rig, did, callers, rate=rate, hold_seconds=1.0, key=True, echo=True)
    phone.look()
    return calls, _load(calls) | {"cores": meter.read({"sipp": sipp + phone.cpu - before})}


async def lifecycle(folder: Path, runtime: AsteriskRuntime, extent: Extent) -> Result:
    """The highest rate of whole calls: menu, seat, recorded room, journal, database, disposition, work order."""
    result = Result("sustained full-lifecycle calls/s")
    result.bare = await _climb(lambda: _bare_rooms(folder, runtime, extent), extent)
    result.ours = await _climb(lambda: _whole_product(folder, runtime, extent), extent)
    share = ratio(result.ours["best"], result.bare["best"])
    result.verdicts = [Verdict("share of bare Asterisk", round(share, 2), 0.8, at_most=False)]
    result.notes.append(
        "A hotline call: menu, key, one seat rings, both talk 1 s with audio both ways, the caller hangs up, the"
        " operator's disposition makes a work order. Bare: the same SIP and audio, a recorded room, nothing else."
        " Sustained: no call lost, INVITE → 200 p99 below 100 ms, every work order in the database 3 s after the end."
    )
    return result


async def memory(folder: Path, runtime: AsteriskRuntime, extent: Extent) -> Result:
    """Whole calls for a long time: does our process grow?"""
    result = Result(f"memory over {extent.memory_calls} whole calls")
    rate, step = 30.0, 1000
    seen: list[tuple[float, float]] = []
    async with _whole_product(folder, runtime, replace(extent, trial_seconds=step / rate)) as trial:
        for _ in range(extent.memory_calls // step):
            one = await trial(rate)
            seen.append((one.numbers["calls_so_far"], one.numbers["mib"]["callcenter"]))
            result.ours = one.numbers
    result.beside["MiB after so many calls"] = {f"{calls:.0f}": mib for calls, mib in seen}
    growth = slope(seen[len(seen) // 2 :]) * 1000
    result.verdicts = [Verdict("MiB each 1000 calls, second half", growth, 0.1)]
    return result


def _judge(rate: float, calls: Calls, numbers: dict[str, Any]) -> Trial:
    reasons = []
    if calls.lost:
        reasons.append(f"{calls.lost} calls lost")
    if calls.dropped:
        reasons.append(f"{calls.dropped} calls ended early")
    if not numbers["answer_ms"]["p99"] < 100:
        reasons.append(f"p99 {numbers['answer_ms']['p99']:.0f} ms")
    if calls.rate < 0.95 * rate:
        reasons.append(f"only {calls.rate:.1f} calls/s were made")
    if "with_human" in numbers:
        if numbers["with_human"] < calls.asked:
            reasons.append(f"{calls.asked - numbers['with_human']} callers met nobody")
        if numbers["work_orders"] < calls.asked:
            reasons.append(f"{calls.asked - numbers['work_orders']} work orders missing")
        behind = numbers["database_seconds_behind"]
        if behind is None or behind > 3:
            reasons.append(f"database {'over 10' if behind is None else f'{behind:.1f}'} s behind")
    return Trial(rate, not reasons, ", ".join(reasons), numbers)


async def _climb(side: Callable[[], AbstractAsyncContextManager[Try]], extent: Extent) -> dict[str, Any]:
    """Search the highest rate that a side sustains; after a rate that was too high it starts afresh.

    Asterisk does not always recover from an overload: what follows must not be judged by it.
    """
    climb = Climb(extent.start_rate, extent.ceiling, resolution=extent.resolution)
    trials: list[Trial] = []
    async with contextlib.AsyncExitStack() as stack:
        trial: Try | None = None
        while (rate := climb.next) is not None:
            for _ in range(extent.attempts):
                if trial is None:
                    trial = await stack.enter_async_context(side())
                trials.append(await trial(rate))
                await asyncio.sleep(1)
                if trials[-1].sustained:
                    break
                await stack.aclose()
                trial = None
            climb.tried(rate, trials[-1].sustained)
    best = max((one for one in trials if one.sustained), key=lambda one: one.rate, default=None)
    return {
        "best": climb.best if climb.best else math.nan,
        "at_best": best.numbers if best else {},
        "trials": [
            {"asked": one.rate, "sustained": one.sustained, "why_not": one.why_not} | one.numbers for one in trials
        ],
    }
