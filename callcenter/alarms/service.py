"""Alarms besides calls: each becomes an incident, an acknowledged test, or a word to the family; once (A5, R18, R19).

Memory and the journal only: a smoke detector must be heard while the database is down (A10).
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import msgspec
import structlog

from callcenter.alarms.facts import AlarmReceived, DeviceBatteryLow, TestAcknowledged
from callcenter.alarms.kinds import INCIDENTS, TELL, WITH_VOICE, AlarmKind, AlarmState, state_of
from callcenter.clock import Clock, today
from callcenter.devices.presence import Presence
from callcenter.emergency.model import Incident, Who
from callcenter.emergency.service import Emergencies
from callcenter.errors import CallCenterError
from callcenter.facts import Fact
from callcenter.ids import new_id
from callcenter.ledger import Ledger
from callcenter.location.geo import Fix, fix_of
from callcenter.location.service import Location
from callcenter.notifications.service import Messages
from callcenter.people.directory import Device, Directory, Elder
from callcenter.phone import normalise

log = structlog.get_logger(__name__)

KEPT = timedelta(hours=24)
TEST_KEPT = timedelta(hours=1)
"""How long a resend is known for one; a test's number may come again sooner, a test being done again."""
MOST_KEPT = 100_000
CARRIED = 2_000
"""The latest alarms, which a restart still knows and the list shows without the database."""
LOW_BATTERY = 15
"""Percent."""
MOST_STRANGERS = 20
"""Open incidents of devices and people whom nobody knows, from one source; what comes beyond joins the latest. A source
that has gone wild, or a stolen token, must not bury the desk."""
BATTERY_PAUSE = timedelta(hours=24)


class Place(msgspec.Struct, frozen=True):
    """A position as a device sends it: WGS-84 degrees, metres, the device's own time."""

    latitude: float
    longitude: float
    accuracy_m: float | None = None
    at: datetime | None = None


class Report(msgspec.Struct, frozen=True):
    """An alarm as its source sends it; ``device`` a serial or a caller id. Whatever is missing, it is taken up."""

    reference: str
    kind: AlarmKind
    device: str = ""
    elder_code: str = ""
    caller: str = ""
    battery: int | None = None
    at: datetime | None = None
    place: Place | None = None


class Receipt(msgspec.Struct, frozen=True):
    """What became of an alarm. ``duplicate``: it had been sent before, and nothing happened now."""

    id: str
    state: AlarmState
    incident_id: str | None
    duplicate: bool


class _Known(msgspec.Struct, frozen=True, gc=False):
    at: datetime
    alarm_id: str
    event: str
    incident_id: str | None


class _Whose(msgspec.Struct, frozen=True):
    """Who an alarm is of, as far as it can be found."""

    elder: Elder | None
    device: Device | None
    caller: str


class Alarms:
    """Takes alarms in."""

    def __init__(
        self,
        ledger: Ledger,
        emergencies: Emergencies,
        location: Location,
        presence: Presence,
        messages: Messages,
        directory: Callable[[], Directory],
        clock: Clock,
        *,
        voice_seconds: float,
        center_name: str,
    ) -> None:
        """``voice_seconds``: how long a terminal's own call is waited for (R19)."""
        self._ledger = ledger
        self._emergencies = emergencies
        self._location = location
        self._presence = presence
        self._messages = messages
        self._directory = directory
        self._clock = clock
        self._voice_seconds = voice_seconds
        self._center_name = center_name
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._latest: OrderedDict[str, Fact] = OrderedDict()
        self._strangers: OrderedDict[tuple[str, str], str] = OrderedDict()
        """Source and whatever nobody knows of it → its incident, so that a storm of it is one."""
        self._batteries: dict[str, Fact] = {}
        ledger.on_apply(self._apply)

    # --- what is known -------------------------------------------------------------------------------------

    def last_heard(self, device_id: str) -> datetime | None:
        """When a device last sent anything, in aware UTC; None when never."""
        return self._presence.last_heard(device_id)

    def latest(self) -> list[Fact]:
        """The latest alarms' facts (`AlarmReceived`), oldest first."""
        return list(self._latest.values())

    def carried(self) -> Iterable[Fact]:
        """The facts that a new journal segment must begin with."""
        return [*self._latest.values(), *self._batteries.values()]

    # --- taking in -----------------------------------------------------------------------------------------

    def receive(self, source: str, area: str, report: Report) -> Receipt:
        """Take an alarm in; its facts are in the journal's queue when this returns.

        The same alarm again (same source, reference, device and kind) changes nothing. A test never stands for a
        real alarm with its reference, nor one device's alarm for another's. ``area``: of the source, for a device
        that nobody knows.
        """
        digest = _digest(source, report)
        known = self._find(digest)
        if known is not None:
            return Receipt(known.alarm_id, state_of(known.event), known.incident_id, duplicate=True)
        whose = self._whose(report)
        state = state_of(report.kind)
        incident = self._raise(source, area, report, whose) if state is AlarmState.RAISED else None
        alarm_id = self._record(source, report, digest, whose, incident)
        if state is AlarmState.ACKNOWLEDGED:
            self._ledger.record(
                TestAcknowledged(alarm_id=alarm_id, device_id=whose.device.id if whose.device else None),
                actor="system",
            )
        self._note(report, whose)
        return Receipt(alarm_id, state, incident.id if incident is not None else None, duplicate=False)

    def heartbeat(self, device: str, battery: int | None) -> bool:
        """A device says that it lives; False when nobody knows it."""
        found = self._directory().device(device)
        if found is None:
            return False
        self._heard(*found, battery)
        return True

    def position(self, device: str, place: Place, battery: int | None = None) -> str:
        """A terminal says where it is; returns why that cannot be used, or an empty string."""
        found = self._directory().device(device)
        if found is None:
            return "unknown_device"
        self._heard(*found, battery)
        fix = self._fix(place, found[1])
        if fix is None:
            return "no_place"
        self._location.take(*found, fix)
        return ""

    def _whose(self, report: Report) -> _Whose:
        """The surest first: the device, the elder's number in the register, a phone number."""
        directory = self._directory()
        caller = normalise(report.caller) or ""
        found = directory.device(report.device)
        if found is not None:
            return _Whose(*found, caller or found[0].number_of(found[1]))
        elder = directory.elder_of_code(report.elder_code)
        for number in (report.caller, report.device):
            known = directory.find_caller(number) if elder is None else None
            if known is not None:
                # Several may share it: then it is at least a number where somebody answers.
                elder, caller = known.elder, caller or normalise(number) or ""
        return _Whose(elder, None, caller or (elder.number_of(None) if elder else ""))

    def _raise(self, source: str, area: str, report: Report, whose: _Whose) -> Incident:
        directory = self._directory()
        who = directory.who(whose.elder, whose.caller, today(self._clock), whose.device.id if whose.device else None)
        if whose.elder is None and area:
            who = Who(caller=who.caller, area=area)
        actor, event = f"source:{source}", INCIDENTS[report.kind]
        known = self._strange_incident(source, report, who.caller) if who.elder_id is None else None
        if known is not None:
            self._emergencies.raise_again(known, origin="alarm", actor=actor, kind=event)
            return known
        # A call that nobody could match to this incident is not waited for.
        calls = bool(whose.caller) and (whose.device is None or whose.device.talks)
        incident = self._emergencies.alarm(
            who,
            event,
            directory.plan_for(whose.elder),
            actor=actor,
            voice_seconds=self._voice_seconds if calls and report.kind in WITH_VOICE else 0.0,
            tell=TELL.get(report.kind, ()),
        )
        log.warning("alarm_raised", source=source, kind=report.kind, incident_id=incident.id)
        return incident

    def _strange_incident(self, source: str, report: Report, caller: str) -> Incident | None:
        """The open incident of somebody whom nobody knows and who cannot be called, or of too many from one source."""
        strangers = {
            stranger: incident
            for (sender, stranger), incident_id in self._strangers.items()
            if sender == source and (incident := self._emergencies.find(incident_id)) is not None and incident.open
        }
        same = strangers.get(_stranger(report.device, report.elder_code, caller)) if not caller else None
        crowd = list({incident.id: incident for incident in strangers.values()}.values())
        if same is not None or len(crowd) < MOST_STRANGERS:
            return same
        own = any(one.open and caller and one.caller == caller for one in self._emergencies.known())
        return None if own else crowd[-1]

    def _record(self, source: str, report: Report, digest: str, whose: _Whose, incident: Incident | None) -> str:
        alarm_id, now = new_id(), self._clock.now()
        fix = self._fix(report.place, whose.device)
        self._ledger.record(
            AlarmReceived(
                alarm_id=alarm_id,
                source=source,
                reference=report.reference,
                event=report.kind,
                digest=digest,
                device=report.device,
                elder_code="" if whose.elder is not None else report.elder_code,
                device_id=whose.device.id if whose.device else None,
                elder_id=whose.elder.id if whose.elder else None,
                caller=whose.caller,
                battery=report.battery,
                at=report.at,
                on_test=whose.device is not None and whose.device.on_test(now),
                latitude=fix.latitude if fix else None,
                longitude=fix.longitude if fix else None,
                accuracy_m=fix.accuracy_m if fix else None,
                fix_at=fix.at if fix else None,
            ),
            actor=f"source:{source}",
            incident_id=incident.id if incident is not None else None,
        )
        return alarm_id

    def _note(self, report: Report, whose: _Whose) -> None:
        """What else the alarm tells: where she is, that the device lives, how long it will."""
        if whose.elder is None:
            return
        try:
            if whose.device is not None:
                self._heard(whose.elder, whose.device, report.battery, low=report.kind == AlarmKind.BATTERY)
            fix = self._fix(report.place, whose.device)
            if fix is not None:
                self._location.take(whose.elder, whose.device, fix)
        except Exception:
            # The alarm itself is in; what it said besides must not make it fail.
            log.exception("alarm_note_failed", elder_id=whose.elder.id)

    def _fix(self, place: Place | None, device: Device | None) -> Fix | None:
        if place is None:
            return None
        return fix_of(
            place.latitude,
            place.longitude,
            place.accuracy_m,
            place.at,
            self._clock.now(),
            device.id if device is not None else None,
        )

    # --- devices -------------------------------------------------------------------------------------------

    def _heard(self, elder: Elder, device: Device, battery: int | None, *, low: bool = False) -> None:
        self._presence.hear(device.id, battery)
        told = self._batteries.get(device.id)
        recent = told is not None and self._clock.now() - told.at < BATTERY_PAUSE
        if (low or (battery is not None and battery <= LOW_BATTERY)) and not recent:
            self._ledger.record(
                DeviceBatteryLow(
                    device_id=device.id, elder_id=elder.id, percent=battery, told=self._tell(elder, device, battery)
                ),
                actor=f"device:{device.id}",
            )

    def _tell(self, elder: Elder, device: Device, battery: int | None) -> bool:
        """Text the first relative, else the elder; nobody is rung at night for a battery (F1)."""
        contact = next(iter((*elder.contacts_in("family"), *elder.contacts_in("guardian"))), None)
        to = contact.phone if contact is not None else elder.number_of(None)
        if not to:
            return False
        level = "" if battery is None else f"（剩余{battery}%）"
        try:
            self._messages.send(
                to=to,
                text=f"【{self._center_name}】{elder.name}老人的报警设备电量低{level}，请尽快充电或更换电池，以免求助中断。",
                purpose="battery",
                actor="system",
                name=contact.name if contact is not None else elder.name,
                role=contact.role if contact is not None else "elder",
                request_id=f"battery:{device.id}:{today(self._clock)}",
            )
        except CallCenterError as error:
            log.warning("battery_not_told", device_id=device.id, error=error.code)
            return False
        return True

    # --- folding -------------------------------------------------------------------------------------------

    def _find(self, digest: str) -> _Known | None:
        known = self._known.get(digest)
        if known is None:
            return None
        kept = TEST_KEPT if known.event == AlarmKind.TEST else KEPT
        return known if self._clock.now() - known.at < kept else None

    def _apply(self, fact: Fact) -> None:
        body = fact.body
        if isinstance(body, DeviceBatteryLow):
            self._batteries[body.device_id] = fact
        if not isinstance(body, AlarmReceived):
            return
        self._known[body.digest] = _Known(fact.at, body.alarm_id, body.event, fact.incident_id)
        self._known.move_to_end(body.digest)
        self._forget_old()
        self._latest[body.alarm_id] = fact
        while len(self._latest) > CARRIED:
            self._latest.popitem(last=False)
        if body.elder_id is None and fact.incident_id is not None:
            stranger = (body.source, _stranger(body.device, body.elder_code, body.caller))
            self._strangers[stranger] = fact.incident_id
            self._strangers.move_to_end(stranger)
            while len(self._strangers) > CARRIED:
                self._strangers.popitem(last=False)

    def _forget_old(self) -> None:
        oldest = self._clock.now() - KEPT
        while self._known:
            digest, known = next(iter(self._known.items()))
            if len(self._known) <= MOST_KEPT and known.at >= oldest:
                return
            del self._known[digest]


def _stranger(device: str, elder_code: str, caller: str) -> str:
    """By what one unknown alarm is told from another."""
    return device or elder_code or caller


def _digest(source: str, report: Report) -> str:
    parts = (source, report.reference, report.kind, report.device, report.elder_code, report.caller)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
