"""What an operator keys in an emergency's room: the same as the click, so that it works with the web down (A2)."""

import structlog

from callcenter.calls.model import Role
from callcenter.calls.service import Calls
from callcenter.emergency.plan import Target
from callcenter.emergency.service import Emergencies
from callcenter.errors import CallCenterError
from callcenter.routing.acceptance import Acceptance
from callcenter.telephony.events import SeatCode
from callcenter.telephony.pbx import Pbx

log = structlog.get_logger(__name__)

ALIVE = "alive"
"""The dialplan's code for a key that asks for nothing."""


class SeatKeys:
    """Codes from seats: ``*1`` … bring help; any key is a sign of life (R12)."""

    def __init__(self, calls: Calls, emergencies: Emergencies, acceptance: Acceptance, pbx: Pbx) -> None:
        self._calls = calls
        self._emergencies = emergencies
        self._acceptance = acceptance
        self._pbx = pbx

    def take(self, event: SeatCode) -> None:
        """Do what was keyed; what cannot be done is said into the room."""
        self._acceptance.key(event.channel_id)
        if event.code == ALIVE:
            return
        found = self._calls.leg_of_channel(event.channel_id)
        if found is None or found[0].incident_id is None or found[1].role != Role.SEAT:
            log.warning("code_ignored", channel_id=event.channel_id, code=event.code)
            return
        call, leg = found
        role, _, number = event.code.removeprefix("add-").partition("-")
        everybody = role == Target.ALL_FAMILY
        try:
            self._emergencies.request_help(
                call.incident_id or "",
                Role.FAMILY if everybody else role,
                number if role == Role.NUMBER else None,
                actor=leg.number,
                everybody=everybody,
            )
        except CallCenterError as error:
            log.warning("code_refused", channel_id=event.channel_id, code=event.code, error=error.code)
            self._calls.do(self._pbx.play(call.room, ["not-available"]), f"refuse {event.code}")
