"""Everything the watchdog is made of, put together: rules, the synthetic press, the dead-man ping, telling somebody."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.facts import SYNTHETIC
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.emergency.service import Emergencies
from callcenter.errors import CallCenterError
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.notifications.service import Messages
from callcenter.people.directory import Directory
from callcenter.routing.service import Routing
from callcenter.settings import Settings
from callcenter.telephony.pbx import Pbx
from callcenter.watchdog import facts as f
from callcenter.watchdog.dead_man import DeadMan
from callcenter.watchdog.heartbeats import Heartbeats
from callcenter.watchdog.observer import Observer
from callcenter.watchdog.press import SyntheticPress
from callcenter.watchdog.rules import Finding, Limits, Observation, PressSeen
from callcenter.watchdog.service import PULSE_SECONDS, Watchdog

log = structlog.get_logger(__name__)

PROBE_EVERY_SECONDS = 10.0
GIVEN_UP_SECONDS = 600.0
STANDSTILL_SECONDS = 60.0
"""Whoever has not looked for so long finds nothing wrong, and must not say so."""
MOST_OF_THE_TIME = 20
"""With thousands of open emergencies (R21) a look takes long: the loop is left to them for twenty times that."""
LAG_FADES = 0.7
"""How much of a lag is still held against us a second later: a long one counts for a while, a hiccup does not."""
FATAL = frozenset({"asterisk", "journal", "disk_full", "press_failed", "press_late", "nobody_tried", "no_seat"})
"""Findings (critical ones) with which we do not tell the watch outside that all is well."""

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "nobody_tried": "有紧急呼叫在等待，但没有呼叫任何人",
        "long_wait": "有紧急呼叫超过一分钟无人接听",
        "nobody_reached": "有紧急事件无人接听且线路已断，未能回拨",
        "stuck_leg": "有线路长时间卡住",
        "alone": "有老人独自在通话中等待",
        "no_calls": "长时间没有来电，请检查中继线路",
        "no_seat": "没有坐席话机在线，且没有值班手机",
        "asterisk": "无法连接电话交换系统",
        "journal": "呼叫日志无法写入磁盘",
        "disk_full": "磁盘空间即将用尽",
        "press_failed": "模拟呼救测试失败",
        "press_late": "模拟呼救测试未按时进行",
        "press_not_recorded": "模拟呼救测试没有录音",
    }
)
"""Critical findings in the words of whoever is called out of bed."""


async def _yes() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Outside:
    """What the controller does not know by itself; the composition root says it."""

    journal_problem: Callable[[], str] = lambda: ""
    relay_lag: Callable[[], float] = lambda: 0.0
    database: Callable[[], Awaitable[bool]] = _yes
    bus: Callable[[], bool] = lambda: True


class Watch:
    """One controller's watchdog."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        ledger: Ledger,
        calls: Calls,
        emergencies: Emergencies,
        routing: Routing,
        messages: Messages,
        pbx: Pbx,
        directory: Callable[[], Directory],
        *,
        last_heard: Callable[[str], datetime | None],
        live: Callable[[], bool],
        beats: Callable[[], int],
    ) -> None:
        """``last_heard``: when a device was last heard of, by its id. ``live``: we are in step with Asterisk.
        ``beats``: how often the ladder's pulse has beaten.
        """
        self._settings = settings
        self._clock = clock
        self._messages = messages
        self._live = live
        self._observer = Observer(emergencies, calls, routing, clock)
        self._parts: dict[str, bool] = {}
        self._disks: dict[str, int] = {}
        self._directory = directory
        self._heartbeats = Heartbeats(directory, last_heard, clock)
        self._silent: tuple[str, ...] = ()
        self._on_call = bool(settings.duty_numbers)
        self._lag = 0.0
        self._called_at = clock.monotonic()
        self._given_up: list[float] = []
        self._limits = Limits(
            ring_seconds=settings.ring_seconds,
            human_answer_seconds=settings.human_answer_seconds,
            quiet_hours=settings.silence_hours,
            disk_low=settings.disk_low_mb << 20,
            disk_full=settings.disk_full_mb << 20,
        )
        self.outside = Outside()
        self.watchdog = Watchdog(ledger, clock, self.observe, tell=self._tell)
        self.press = SyntheticPress(
            ledger,
            calls,
            emergencies,
            pbx,
            clock,
            number=settings.emergency_number,
            every_seconds=settings.synthetic_minutes * 60,
            recordings=settings.recordings_dir,
            ready=live,
        )
        self.dead_man = DeadMan(
            settings.deadman_url, settings.deadman_seconds, beats=beats, trouble=self.trouble, well=self.well
        )
        ledger.on_react(self._react)

    def carried(self) -> Iterable[Fact]:
        """The facts that a new journal segment must begin with."""
        return [*self.watchdog.carried(), *self.press.carried()]

    async def run(self) -> None:
        """Watch until cancelled. A fault of ours ends one part for a second and never the controller."""
        async with asyncio.TaskGroup() as group:
            for name, work in {
                "pulse": self._pulse,
                "probes": self._probe,
                "press": self.press.run,
                "dead-man": self.dead_man.run,
            }.items():
                group.create_task(_kept_up(name, work), name=f"watchdog-{name}")

    def observe(self) -> Observation:
        """What there is to be seen now."""
        now, live = self._clock.monotonic(), self._live()
        self._given_up = [at for at in self._given_up if now - at < GIVEN_UP_SECONDS]
        last = self.press.last
        done = last if isinstance(last, f.PressDone) else None
        return Observation(
            limits=self._limits,
            incidents=self._observer.incidents(),
            legs=self._observer.legs() if live else (),
            seats=self._observer.seats(),
            on_call=self._on_call,
            asterisk=live,
            journal_problem=self.outside.journal_problem(),
            relay_lag=self.outside.relay_lag(),
            parts=self._parts,
            disks=self._disks,
            loop_lag=self._lag,
            quiet_seconds=now - self._called_at,
            silent_devices=self._silent,
            messages_given_up=len(self._given_up),
            press=PressSeen(
                due=self.press.every_seconds,
                age=self.press.age,
                failed=f"{last.stage}: {last.why}" if isinstance(last, f.PressFailed) else "",
                human_ms=done.human_ms if done else 0,
                recorded=done.recorded if done else True,
            ),
            dead_man_problem=self.dead_man.problem,
        )

    def well(self) -> bool:
        """Whether an emergency would be answered now, as far as can be seen at this moment."""
        return self._live() and not self.outside.journal_problem() and self.press.good and not self.trouble()

    def trouble(self) -> str:
        """What keeps emergencies from being answered as they must, and has lasted; empty when nothing does."""
        if self._clock.monotonic() - self.watchdog.checked_at > STANDSTILL_SECONDS:
            return "the watchdog stands still"
        active = (one.finding for one in self.watchdog.active())
        return next((one.check for one in active if one.check in FATAL and one.severity == "critical"), "")

    def _react(self, fact: Fact) -> None:
        match fact.body:
            case cf.CallOpened(via=via) if via not in (SYNTHETIC, "callback"):
                self._called_at = self._clock.monotonic()
            case _ if fact.kind == "message.given_up":
                self._given_up.append(self._clock.monotonic())
            case _:
                pass

    def _tell(self, finding: Finding) -> None:
        words = WORDS.get(finding.check, finding.check)
        for number in self._settings.alert_numbers:
            try:
                self._messages.send(
                    to=number,
                    text=f"【{self._settings.center_name}】系统告警：{words}。请立即查看。({finding.key})",
                    purpose="alert",
                    actor="watchdog",
                    voice=("system-alarm",),
                )
            except CallCenterError as error:
                log.error("watchdog_could_not_tell", check=finding.check, error=error.code)

    async def _pulse(self) -> None:
        loop = asyncio.get_running_loop()
        pause = PULSE_SECONDS
        while True:
            due = loop.time() + pause
            await asyncio.sleep(pause)
            begun = loop.time()
            self._lag = max(begun - due, self._lag * LAG_FADES)
            self.watchdog.check()
            pause = max(PULSE_SECONDS, MOST_OF_THE_TIME * (loop.time() - begun))

    async def _probe(self) -> None:
        while True:
            self._parts = {"database": await self.outside.database(), "bus": self.outside.bus()}
            self._silent = self._heartbeats.silent()
            self._on_call = bool(self._settings.duty_numbers or self._directory().on_call(self._clock.now()))
            folders = {"data": self._settings.data, "recordings": self._settings.recordings_dir}
            self._disks = await asyncio.to_thread(_free, folders)
            await asyncio.sleep(PROBE_EVERY_SECONDS)


async def _kept_up(name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        try:
            await work()
        except Exception:
            log.exception("watchdog_part_failed", part=name)
            await asyncio.sleep(PULSE_SECONDS)
        else:
            return


def _free(folders: Mapping[str, Path]) -> dict[str, int]:
    """Bytes free; a folder that cannot be asked has none."""
    found = {}
    for name, folder in folders.items():
        try:
            found[name] = shutil.disk_usage(folder).free
        except FileNotFoundError:
            continue  # not made yet
        except OSError:
            found[name] = 0
    return found
