"""Adopts what lives in Asterisk and no journal knows: calls and legs of the last moment before a crash (R1, R28)."""

from datetime import timedelta

import structlog

from callcenter.agi import Arrivals
from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Line
from callcenter.calls.service import Calls
from callcenter.clock import Clock
from callcenter.emergency.service import Emergencies
from callcenter.ledger import Ledger
from callcenter.routing.facts import HotlineHeld
from callcenter.telephony.events import LiveChannel, Snapshot
from callcenter.telephony.pbx import Pbx

log = structlog.get_logger(__name__)


class Adoption:
    """Brings memory and journal up to what Asterisk already does."""

    def __init__(
        self, ledger: Ledger, calls: Calls, emergencies: Emergencies, arrivals: Arrivals, pbx: Pbx, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._calls = calls
        self._emergencies = emergencies
        self._arrivals = arrivals
        self._pbx = pbx
        self._clock = clock

    def adopt(self, snapshot: Snapshot) -> None:
        """Open calls that live in Asterisk and that no journal knows: admitted in the last moment of a crash."""
        for channel in snapshot.channels.values():
            known = channel.variables.get("CC_CALL", "")
            mine = known and not channel.variables.get("CC_ROLE") and not channel.variables.get("CC_STAGE")
            call, line = self._calls.find(known), channel.variables.get("CC_LINE", Line.EMERGENCY)
            if mine and call is not None and call.open and call.line == Line.HOTLINE and line == Line.EMERGENCY:
                self._arrivals.escalate(call, channel.variables.get("CC_ROOM", ""))
            elif mine and call is None:
                now = self._clock.now()
                self._arrivals.open(
                    line=line,
                    did="",
                    raw_caller=channel.caller,
                    channel_id=channel.channel_id,
                    invited_at=now - timedelta(seconds=channel.seconds),
                    via="adopted",
                    call_id=known,
                    room=channel.variables.get("CC_ROOM", ""),
                )
                log.warning("call_adopted", call_id=known, channel_id=channel.channel_id)
        for channel in snapshot.channels.values():
            self._adopt_leg(channel)

    def _adopt_leg(self, channel: LiveChannel) -> None:
        """A seat or mobile that was dialled in the last moment of a crash: it rings, or is with the elder already.

        Helpers are on disk before they are dialled; so is whatever else must not be dialled twice.
        """
        role, room = channel.variables.get("CC_ROLE", ""), channel.variables.get("CC_ROOM", "")
        # The far half of a Local channel (the test seat) has its near half's variables, and is nobody.
        if role not in STAFF or channel.channel_id.endswith(";2"):
            return
        leg_id = channel.variables.get("CC_LEG", channel.channel_id)
        found = self._calls.leg_of_channel(channel.channel_id)
        call = self._calls.find(channel.variables.get("CC_CALL", ""))
        if any(leg_id in known.legs for known in self._calls.known()):
            return  # on record; a line whose variables lag behind the move of its operator is brought on by the record
        if call is None or not call.open:
            call = self._emergencies.call_in(room)
        if call is not None and found is not None and found[1].live:
            # An operator who had just been taken from a routine call.
            alone = found[0].routine and not found[0].staffed_without(found[1].id)
            held = [HotlineHeld(seat=found[1].number)] if alone else []
            self._calls.move(found[1], found[0], call, also=held, actor="pbx", leg_id=leg_id)
            log.warning("leg_adopted", call_id=call.id, leg_id=leg_id)
            return
        if call is None:
            self._calls.do(self._pbx.hangup(channel.channel_id), f"hang up {channel.channel_id}")
            return
        self._ledger.record(
            cf.LegAdded(
                leg_id=leg_id,
                role=role,
                number=channel.variables.get("CC_NUMBER", ""),
                auto=channel.variables.get("CC_AUTO") == "1",
                channel_id=channel.channel_id,
            ),
            actor="pbx",
            call_id=call.id,
            incident_id=call.incident_id,
        )
        log.warning("leg_adopted", call_id=call.id, leg_id=leg_id)
