"""Music that goes on when somebody is there: Asterisk can miss the moment in which it should stop.

ConfBridge stops a lone member's music from the thread of whoever joins. If her own thread is just then making the next
20 ms of it, there is nothing to be stopped for that instant, and the music plays on over the voice of who joined
(generator_force and deactivate_generator in Asterisk's channel.c; 2 to 6 of 1,000 joins on Asterisk 22.10). So we look,
and have her own thread stop it.
"""

import structlog

from callcenter.calls.model import Call, Leg
from callcenter.calls.service import Calls
from callcenter.emergency.service import Emergencies
from callcenter.errors import CallCenterError
from callcenter.telephony.events import ChannelHungUp, HoldMusic
from callcenter.telephony.pbx import Pbx

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 0.2
"""So long may the music and somebody in the room be reported together: the reports come one after the other."""
AGAIN_SECONDS = 2.0


class Music:
    """Every channel that hears music, and those that should not."""

    def __init__(self, calls: Calls, emergencies: Emergencies, pbx: Pbx) -> None:
        self._calls = calls
        self._emergencies = emergencies
        self._pbx = pbx
        self._due: dict[str, float | None] = {}
        """Channel that hears music → when (monotonic) it is sent anew into its room; None while it is alone."""

    def hear(self, event: HoldMusic | ChannelHungUp) -> None:
        """Music begins or stops on a channel."""
        if isinstance(event, HoldMusic) and event.playing:
            self._due[event.channel_id] = None
        else:
            self._due.pop(event.channel_id, None)

    def tick(self, now: float) -> None:
        """Several times a second; ``now`` in monotonic seconds."""
        for channel_id, due in list(self._due.items()):
            found = self._calls.leg_of_channel(channel_id)
            if found is None:
                del self._due[channel_id]
            elif not self._in_company(*found):
                self._due[channel_id] = None
            elif due is None:
                self._due[channel_id] = now + PATIENCE_SECONDS
            elif now >= due:
                self._due[channel_id] = now + AGAIN_SECONDS
                self._calls.do(self._stop(channel_id), f"stop music {channel_id}")

    def _in_company(self, call: Call, leg: Leg) -> bool:
        """Whether the leg is in its room and somebody else is there as well."""
        if not leg.in_room:
            return False
        incident = self._emergencies.find(call.incident_id or "")
        calls = self._emergencies.calls_of(incident) if incident is not None else [call]
        return any(other.in_room for one in calls for other in one.live_legs if other.id != leg.id)

    async def _stop(self, channel_id: str) -> None:
        log.warning("music_played_on", channel_id=channel_id)
        try:
            await self._pbx.redirect(channel_id, "cc-room", "rejoin")
        except CallCenterError as error:
            log.warning("music_not_stopped", channel_id=channel_id, error=error.code)
        else:
            self._due.pop(channel_id, None)
