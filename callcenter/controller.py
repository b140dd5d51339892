"""The controller of one Asterisk node: its services put together, and the one place that hears its events.

Everything runs in one event loop; each event is taken in at once and in order. The call path touches only
Asterisk, memory and the journal (A10).
"""

import asyncio
import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol

import structlog

from callcenter.adoption import Adoption
from callcenter.agi import Arrivals, recording_of
from callcenter.alarms.service import Alarms
from callcenter.callbacks.model import read_hours
from callcenter.callbacks.service import CallBacks
from callcenter.calls.lease import Leases
from callcenter.calls.service import Calls
from callcenter.carry import OpenFacts
from callcenter.clock import Clock
from callcenter.control.hands import Hands
from callcenter.control.monitoring import Monitoring
from callcenter.control.service import Control
from callcenter.control.settling import Settling
from callcenter.control.vigil import Vigil
from callcenter.devices.presence import Presence
from callcenter.emergency.briefing import Letterhead
from callcenter.emergency.help import Numbers
from callcenter.emergency.keys import SeatKeys
from callcenter.emergency.service import Emergencies
from callcenter.errors import CallCenterError
from callcenter.facts import Fact
from callcenter.ledger import Durable, Ledger, Sink
from callcenter.life.service import Life
from callcenter.location.service import Location
from callcenter.menus.book import Book as MenuBook
from callcenter.menus.ways import Ways
from callcenter.notes.service import Notes
from callcenter.notifications.service import Messages
from callcenter.notifications.setup import channels
from callcenter.people.directory import Directory
from callcenter.queues.model import Book
from callcenter.recordings.recorder import Recorder
from callcenter.routing.acceptance import Acceptance
from callcenter.routing.hotline import Hotline
from callcenter.routing.model import SeatAccount
from callcenter.routing.service import Routing
from callcenter.settings import Settings
from callcenter.spool import SpoolIntake
from callcenter.telephony.ami import AmiLink
from callcenter.telephony.asterisk_pbx import AsteriskPbx
from callcenter.telephony.events import (
    PbxConnected,
    PbxDisconnected,
    PbxEvent,
    PhoneStatus,
    SeatCode,
    Snapshot,
    TalkingStarted,
)
from callcenter.telephony.fastagi import FastAgiServer
from callcenter.telephony.pbx import Pbx
from callcenter.voicemail.service import Voicemails
from callcenter.wanted import still_wanted
from callcenter.watchdog.watch import Watch

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.25
LEASE_TICK_SECONDS = 1.0
RECONCILE_SECONDS = 15.0
RECOMPARE_SECONDS = 1.0
YOUNG_SECONDS = 6.0
"""A caller who came less than this ago may be missing from a snapshot that was being taken while she came."""


class KeptJournal(Sink, Durable, Protocol):
    """What the controller needs of the journal."""

    carry: Callable[[], Iterable[Fact]]


class Controller:
    """One node's calls."""

    _lost_at = -math.inf
    _phones_heard = 0
    _lease_due = 0.0

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        journal: KeptJournal,
        directory: Callable[[], Directory],
        ami_secret: str,
        *,
        queues: Callable[[], Book] = Book,
        menus: Callable[[], MenuBook] = MenuBook,
        pbx: Pbx | None = None,
        live: Callable[[], bool] | None = None,
    ) -> None:
        """``queues``: the present queues and skills; ``menus``: the live menu and those it replaced. ``pbx``, ``live``:
        another switchboard than the Asterisk of the settings, and whether it can be reached.
        """
        self.settings = settings
        self.clock = clock
        self.journal = journal
        self._first_snapshot = asyncio.Event()
        self._connected = asyncio.Event()
        self.beats = 0
        """How often the pulse of everything that goes by time has beaten."""
        self.in_step = False
        """True from the first snapshot after a start: what is in memory is what is in Asterisk."""
        self.link = AmiLink(settings.control_bind, settings.ami_port, "callcenter", ami_secret, on_event=self.hear)
        self.pbx: Pbx = pbx or AsteriskPbx(self.link)
        self.live = live or (lambda: self.link.live)
        self.ledger = Ledger(journal, clock)
        self.open_facts = OpenFacts(self.ledger)
        journal.carry = self.open_facts
        self.messages = Messages(
            self.ledger,
            journal,
            clock,
            channels(settings, self.pbx, clock),
            delivery_seconds=settings.delivery_seconds,
            want=lambda message: still_wanted(self.emergencies, message),
        )
        self.open_facts.also(self.messages.carried)
        self.calls = Calls(self.ledger, journal, self.pbx, clock, settings.recordings_dir)
        self.acceptance = Acceptance(self.ledger, self.calls, self.pbx, clock, settings.proof_of_life_seconds)
        self.routing = Routing(
            self.ledger,
            self.calls,
            clock,
            self.acceptance,
            ring_seconds=settings.ring_seconds,
            wrap_up_seconds=settings.wrap_up_seconds,
            rna_pause_seconds=settings.rna_pause_seconds,
            ready=lambda: self.in_step and self.live(),
            test_seat=True,
        )
        self.emergencies = Emergencies(
            self.ledger,
            self.calls,
            self.routing,
            directory,
            self.pbx,
            clock,
            Numbers(
                settings.ambulance_number,
                settings.duty_numbers,
                settings.trunk_caller,
                next_center=settings.next_center_numbers,
                ambulance_sms=settings.ambulance_sms_number,
                routes=("trunk", "trunk2") if settings.trunk2_uri else ("trunk",),
            ),
            self.messages,
            Letterhead(settings.center_name, settings.trunk_caller, settings.map_url),
            ring_seconds=settings.ring_seconds,
            human_answer_seconds=settings.human_answer_seconds,
            recording_of=recording_of,
            fix_of=lambda elder_id: self.location.last_seen(elder_id),  # noqa: PLW0108 - it is made below
        )
        self.seat_keys = SeatKeys(self.calls, self.emergencies, self.acceptance, self.pbx)
        self.life = Life(settings, clock, self.ledger, self.calls, self.routing, self.emergencies, self.pbx)
        self.presence = Presence(clock)
        self.location = Location(self.ledger, self.emergencies, directory, clock, settings.map_url)
        self.open_facts.also(self.location.carried)
        self.alarms = Alarms(
            self.ledger,
            self.emergencies,
            self.location,
            self.presence,
            self.messages,
            directory,
            clock,
            voice_seconds=settings.alarm_voice_seconds,
            center_name=settings.center_name,
        )
        self.open_facts.also(self.alarms.carried)
        # Before the hotline: whoever is on hold or parked must be somebody's before it asks whether a call is over.
        self.leases = Leases(self.calls, self.pbx)
        hands = Hands(
            self.ledger,
            self.calls,
            self.routing,
            self.pbx,
            clock,
            leases=self.leases,
            ring_seconds=settings.ring_seconds,
            shown=settings.trunk_caller,
        )
        self.settling = Settling(self.ledger, self.calls, hands, clock, settings.park_seconds)
        self.control = Control(self.calls, hands, self.pbx, clock, lambda: self.hotline, recording_of)
        self.vigil = Vigil(self.ledger, self.calls, self.life.phones, self.pbx, clock)
        self.monitoring = Monitoring(self.ledger, self.calls, hands, self.pbx, clock)
        self.hotline = Hotline(
            self.ledger,
            self.calls,
            self.routing,
            self.pbx,
            clock,
            book=queues,
            area_of=lambda elder_id: directory().area_of(elder_id),
            trunk_caller=settings.trunk_caller,
        )
        self.notes = Notes(self.ledger)
        self.recorder = Recorder(self.ledger, self.calls)
        self.watch = Watch(
            settings,
            clock,
            self.ledger,
            self.calls,
            self.emergencies,
            self.routing,
            self.messages,
            self.pbx,
            directory,
            last_heard=self.presence.last_heard,
            live=lambda: self.in_step and self.live(),
            beats=lambda: self.beats,
        )
        self.open_facts.also(self.watch.carried)
        self.arrivals = Arrivals(self.ledger, self.calls, self.emergencies, directory, clock, settings.recordings_dir)
        self.callbacks = CallBacks(
            self.ledger,
            self.calls,
            self.routing,
            clock,
            shown=settings.trunk_caller,
            routes=("trunk", "trunk2") if settings.trunk2_uri else ("trunk",),
            hours=read_hours(settings.callback_quiet_hours),
            recording_of=recording_of,
            demand=self.hotline.asked_of,
            known_number=lambda number: directory().find_caller(number) is not None,
        )
        self.open_facts.also(self.callbacks.carried)
        self.voicemails = Voicemails(settings, self.ledger, journal, self.calls, self.pbx, clock)
        self.ways = Ways(
            self.ledger,
            self.calls,
            self.hotline,
            self.callbacks,
            self.voicemails,
            menus,
            self.arrivals,
            self.pbx,
            clock,
            offer_after=settings.callback_offer_seconds,
        )
        self.adoption = Adoption(self.ledger, self.calls, self.emergencies, self.arrivals, self.pbx, clock)
        self.spool = SpoolIntake(
            settings,
            self.ledger,
            journal,
            self.calls,
            self.emergencies,
            self.hotline,
            self.arrivals,
            self.pbx,
            clock,
        )
        self.agi = FastAgiServer(
            settings.control_bind,
            settings.agi_port,
            {"arrive": self.arrivals.arrive, "menu": self.ways.flow.menu},
        )

    def recover(self, facts: Iterable[Fact], seats: Iterable[SeatAccount]) -> None:
        """Take up the state that the journal held; nothing is done until Asterisk has been asked."""
        self.routing.staff(seats)
        self.ledger.replay(list(facts))

    async def run(self) -> None:
        """Serve until cancelled."""
        await self.agi.start()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.link.run(), name="ami-link")
                group.create_task(self._pulse(), name="pulse")
                group.create_task(self._compare_for_ever(), name="compare")
                group.create_task(self._take_in_spool(), name="spool")
                group.create_task(self.watch.run(), name="watch")
                group.create_task(self.messages.run(), name="messages")
        finally:
            await self.agi.close()

    def hear(self, event: PbxEvent) -> None:
        """Take in one event of the switchboard, at once."""
        if self.messages.hear(event) or self.watch.press.hear(event):
            return
        self.life.hear(event)
        if self.voicemails.hear(event):
            return
        match event:
            case PbxConnected(snapshot):
                self._in_step_with(snapshot)
                self._connected.set()
            case PbxDisconnected(reason):
                self._lost_at = self.clock.monotonic()
                log.error("pbx_lost", reason=reason)
            case SeatCode():
                if not self.ways.key(event):
                    self.seat_keys.take(event)
            case TalkingStarted(channel_id):
                self.acceptance.voice(channel_id)
                self.emergencies.heard(channel_id)
            case PhoneStatus():
                self._phones_heard += 1
                self.routing.phone(event)
            case _:
                self.calls.observe(event)

    def _in_step_with(self, snapshot: Snapshot) -> None:
        """Take a snapshot that nothing was heard after: everything since follows it."""
        self.adoption.adopt(snapshot)
        arrived_before = max(self._lost_at, self.clock.monotonic() - YOUNG_SECONDS)
        self.calls.reconcile(snapshot, arrived_before=arrived_before)
        self.routing.reconcile_phones(self.life.phones.living(snapshot.phones))
        self.life.roll_call.read(snapshot.agents)
        self.spool.see(snapshot)
        if not self.in_step:
            self.in_step = True
            self._first_snapshot.set()
            self.emergencies.resume()
            self.settling.resume()
            self.recorder.resume()
            self.monitoring.resume()
            self.hotline.resume()
        self.life.resume()
        self.voicemails.resume()
        self.routing.poke()
        log.info("in_step", channels=len(snapshot.channels), calls=len(self.calls.open_calls()))

    async def _pulse(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.beat()

    def beat(self) -> None:
        """One pulse of everything that goes by time; nothing while Asterisk is out of reach."""
        if not self.in_step or not self.live():
            return
        now = self.clock.monotonic()
        due: list[Callable[[float], None]] = [
            *(self.acceptance.tick, self.emergencies.tick, self.settling.tick, self.vigil.tick),
            *(self.routing.end_pauses, self.hotline.tick, self.callbacks.tick, self.voicemails.tick, self.ways.tick),
            *(self.location.tick, *self.life.ticks),
        ]
        if now >= self._lease_due:
            self._lease_due = now + LEASE_TICK_SECONDS
            due.append(self.leases.tick)
        for tick in due:
            try:
                tick(now)
            except Exception:
                # The heart must beat on, and one part's mistake not stop the others; the next beat tries again.
                log.exception("beat_failed")
        self.beats += 1

    async def _take_in_spool(self) -> None:
        # The spool speaks of channels, so Asterisk must have been asked first which of them live.
        await asyncio.gather(self.spool.run(self._first_snapshot), self._take_in_voicemails())

    async def _take_in_voicemails(self) -> None:
        await self._first_snapshot.wait()
        await self.voicemails.run()

    async def _compare_for_ever(self) -> None:
        """Asterisk may drop an event; comparing now and then heals what was missed.

        Soon after every connect as well: who came and went in those seconds is only then told apart.
        """
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RECONCILE_SECONDS):
                    await self._connected.wait()
                    self._connected.clear()
                    await asyncio.sleep(RECOMPARE_SECONDS)
            if self.in_step and self.live():
                try:
                    await self.compare()
                except CallCenterError as error:
                    log.warning("compare_failed", error=error.code)

    async def compare(self) -> None:
        """Ask what is live and mend what differs; events taken in while asking are newer than the answer."""
        asked, phones_heard = self.clock.monotonic(), self._phones_heard
        snapshot = await self.pbx.snapshot()
        self.calls.reconcile(snapshot, arrived_before=asked, asked=asked)
        self.life.roll_call.read(snapshot.agents)
        self.spool.see(snapshot)
        if phones_heard == self._phones_heard:
            self.routing.reconcile_phones(self.life.phones.living(snapshot.phones))
        self.routing.poke()
