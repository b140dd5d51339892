"""The lease on a caller who waits alone: while the controller lives she waits in her room; if it dies, Asterisk
takes her to the duty desk by itself (dialplan cc-room, extension T; A10, R1).
"""

import math

from callcenter.calls.model import Role
from callcenter.calls.service import Calls
from callcenter.telephony.pbx import Pbx

EXTENDED_SECONDS = 15
"""What a lease is extended to; the dialplan's own first one is shorter (`callcenter.asterisk_config.LEASE_SECONDS`)."""
RENEW_SECONDS = 5


class Leases:
    """Extends the lease of whoever is alone in a room, and lifts it once somebody is with her."""

    def __init__(self, calls: Calls, pbx: Pbx) -> None:
        self._calls = calls
        self._pbx = pbx
        self._renewed: dict[str, float] = {}
        self._lifted: set[str] = set()

    def tick(self, now: float) -> None:
        """Look at every caller; ``now`` in monotonic seconds. To be called about once a second."""
        calls = self._calls.open_calls()
        in_room = [(call.room, leg) for call in calls for leg in call.live_legs if leg.in_room]
        accompanied = {room for room, leg in in_room if leg.role != Role.ELDER}
        waiting = {leg.channel_id for room, leg in in_room if leg.role == Role.ELDER and room not in accompanied}
        # On hold she is in nobody's room; the same lease brings her back into it when we are gone.
        waiting |= {leg.channel_id for call in calls for leg in call.live_legs if leg.held and not leg.in_room}
        safe = {leg.channel_id for room, leg in in_room if leg.role == Role.ELDER and room in accompanied}
        for channel_id in safe - self._lifted:
            self._set(channel_id, 0)
        for channel_id in waiting:
            if now - self._renewed.get(channel_id, -math.inf) >= RENEW_SECONDS or channel_id in self._lifted:
                self._renewed[channel_id] = now
                self._set(channel_id, EXTENDED_SECONDS)
        self._lifted = safe
        self._renewed = {channel: at for channel, at in self._renewed.items() if channel in waiting}

    def alone(self, channel_id: str) -> None:
        """Whoever is with her is about to be let go: the lease holds before that, whatever becomes of us meanwhile."""
        self._lifted.discard(channel_id)
        self._set(channel_id, EXTENDED_SECONDS)

    def _set(self, channel_id: str, seconds: int) -> None:
        action = self._pbx.set_variable(channel_id, "TIMEOUT(absolute)", str(seconds))
        self._calls.do(action, f"lease {channel_id}")
