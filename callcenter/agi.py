"""What Asterisk asks of us about a new call: where it belongs (arrive). The menu's steps: `callcenter.menus.flow`.

On the path of every emergency: memory and the journal only, one round trip of variables, nothing awaited (A10).
If anything here fails, the variables are not set and the dialplan takes its fallback.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from callcenter.calls import facts as cf
from callcenter.calls.facts import SYNTHETIC
from callcenter.calls.model import Call, Line
from callcenter.calls.service import Calls
from callcenter.clock import SHANGHAI, Clock, today
from callcenter.emergency.kinds import Kind
from callcenter.emergency.model import Incident, Who
from callcenter.emergency.plan import Plan
from callcenter.emergency.service import Emergencies
from callcenter.errors import Conflict
from callcenter.ids import new_id
from callcenter.ledger import Ledger
from callcenter.people.directory import Directory
from callcenter.phone import normalise
from callcenter.telephony.events import ChannelAnswered
from callcenter.telephony.fastagi import AgiCall

log = structlog.get_logger(__name__)


def recording_of(call_id: str, at: datetime) -> str:
    """Where a call's audio lies below the recordings folder: YYYY/MM/DD/<call-id>, the day in Shanghai."""
    return f"{at.astimezone(SHANGHAI):%Y/%m/%d}/{call_id}"


def invite_time(epoch: str, now: datetime) -> datetime:
    """When the INVITE arrived, from Asterisk's ``CDR(start,u)``; now when that is missing or cannot be."""
    try:
        at = datetime.fromtimestamp(float(epoch), UTC)
    except (ValueError, OverflowError, OSError):
        return now
    return at if timedelta() <= now - at < timedelta(minutes=1) else now


class Arrivals:
    """The FastAGI routes."""

    def __init__(
        self,
        ledger: Ledger,
        calls: Calls,
        emergencies: Emergencies,
        directory: Callable[[], Directory],
        clock: Clock,
        recordings: Path,
    ) -> None:
        self._ledger = ledger
        self._calls = calls
        self._emergencies = emergencies
        self._directory = directory
        self._clock = clock
        self._recordings = recordings

    async def arrive(self, agi: AgiCall) -> None:
        """``arrive,<line>,<did>,<invite epoch>,<role>``: open the call (and its emergency), say which room it has.

        The role is empty for every caller; ``synthetic`` is the watchdog's own press, which nobody else can name.
        """
        line, did, epoch, role = (*agi.args, "", "", "", "")[:4]
        channel_id = agi.headers.get("uniqueid", "")
        if self._calls.leg_of_channel(channel_id) is not None:
            # Asked while we hung: the dialplan has gone on by itself, and its call is on record already (R2).
            raise Conflict("this call was taken in from the fallback while its arrival waited")
        room, call_id, leg_id, recording = self.open(
            line=Line.EMERGENCY if line == Line.EMERGENCY else Line.HOTLINE,
            did=did,
            raw_caller=agi.headers.get("callerid", ""),
            channel_id=channel_id,
            invited_at=invite_time(epoch, self._clock.now()),
            via=SYNTHETIC if role == SYNTHETIC else "controller",
        )
        # The dialplan answers her before it asks us; what Asterisk told of that came before there was a call.
        self._calls.observe(ChannelAnswered(channel_id))
        await agi.set_variables(
            {
                "CC_CALL": call_id,
                "CC_LEG": leg_id,
                "CC_ROOM": room,
                "CC_REC": str(self._recordings / recording),
                "CC_ADMITTED": "1",
            }
        )

    def open(
        self,
        *,
        line: str,
        did: str,
        raw_caller: str,
        channel_id: str,
        invited_at: datetime,
        via: str = "controller",
        call_id: str | None = None,
        recording: str | None = None,
        room: str = "",
    ) -> tuple[str, str, str, str]:
        """Open a call; returns its room, id, the caller's leg id and its recording.

        ``room``: where the caller is already, when the call is found after a restart.

        Whoever it is reaches a human: an unknown, withheld or malformed number only means that nobody's file
        comes up (A8, R20).
        """
        known = self._calls.find(call_id) if call_id else None
        if known is not None:
            # Taken in once already; another press must not be counted for it.
            return known.room, known.id, known.elder_legs[0].id if known.elder_legs else "", known.recording
        call_id = call_id or new_id()
        leg_id = new_id()
        # A press of our own is nobody's: it must not join, open or raise a person's emergency.
        synthetic = via == SYNTHETIC
        caller = None if synthetic else self._directory().find_caller(raw_caller)
        elder = caller.elder if caller else None
        number = "" if synthetic else normalise(raw_caller) or ""
        recording = recording or recording_of(call_id, invited_at)
        incident_id = None
        if line == Line.EMERGENCY:
            incident = self._emergencies.admit(
                call_id,
                self._directory().who(elder, number, today(self._clock), caller.device_id if caller else None),
                invited_at,
                self._directory().plan_for(elder),
                origin=SYNTHETIC if synthetic else "press",
                room=room,
            )
            room, incident_id = incident.room, incident.id
        room = room or call_id
        self._calls.open(
            call_id,
            cf.CallOpened(
                line=line,
                caller=number,
                did=did[:64],
                leg_id=leg_id,
                channel_id=channel_id,
                room=room,
                recording=recording,
                invited_at=invited_at,
                elder_id=elder.id if elder else None,
                elder_name=elder.name if elder else "",
                device_id=caller.device_id if caller else None,
                ambiguous=caller.ambiguous if caller else False,
                via=via,
            ),
            incident_id,
        )
        return room, call_id, leg_id, recording

    def escalate(self, call: Call, room: str = "") -> None:
        """A hotline call is an emergency (B1).

        ``room``: where the caller is already, when a crash took the facts of her choice. A call that has ended
        meanwhile stays as it is; its emergency is opened all the same.
        """
        directory = self._directory()
        elder = directory.elder(call.elder_id) if call.elder_id else None
        who = directory.who(elder, call.caller, today(self._clock), call.device_id)
        self.raise_call(call, who, directory.plan_for(elder), room=room)

    def raise_call(
        self,
        call: Call,
        who: Who,
        plan: Plan,
        *,
        room: str = "",
        origin: str = "menu",
        kind: str = Kind.MANUAL,
        actor: str = "elder",
    ) -> Incident:
        """The incident that a routine call becomes, or joins when it is open already. In memory: the lines are the
        caller's to bring there; ``room`` as in `escalate`."""
        incident = self._emergencies.admit(
            call.id, who, self._clock.now(), plan, origin=origin, room=room, kind=kind, actor=actor
        )
        self._ledger.record(
            cf.LineChanged(line=Line.EMERGENCY, room=incident.room),
            actor=actor,
            call_id=call.id,
            incident_id=incident.id,
        )
        return self._emergencies.get(incident.id)

    def line_of(self, who: Who) -> Call | None:
        """The routine call in which somebody is on the line herself, from a number of her own."""
        directory = self._directory()

        def is_hers(call: Call) -> bool:
            if not who.elder_id:
                return bool(who.caller) and call.caller == who.caller
            found = directory.find_caller(call.caller)
            if found is None or found.contact:
                return False  # nobody knows who it is, or her daughter
            return who.elder_id in {elder.id for elder in (found.elder, *found.candidates) if elder is not None}

        # With the duty desk she is no call of ours to move: the dialplan has her.
        live = (
            one for one in self._calls.open_calls() if one.routine and one.via != "fallback" and not one.caller_gone
        )
        return next((call for call in live if is_hers(call)), None)
