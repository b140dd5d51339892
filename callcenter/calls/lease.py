"""The lease on a caller in her room: while the controller lives she stays; if it dies and nobody is with her, or nobody
any more, Asterisk takes her to the duty desk by itself (dialplan cc-room, extension T; A10, R1).
"""

import math

from callcenter.calls.model import Role
from callcenter.calls.service import Calls
from callcenter.telephony.pbx import Pbx

ALONE_SECONDS, RENEW_ALONE = 15, 5
"""What the lease of who is alone is extended to, and how often; the dialplan's own first one is shorter
(`callcenter.asterisk_config.LEASE_SECONDS`)."""
COMPANY_SECONDS, RENEW_COMPANY = 60, 20
"""The same in company, where a lease that runs out costs a syllable: she is back in her room at once."""


class Leases:
    """Extends the lease of every caller in a room: soon over when she is alone, later when somebody is with her."""

    def __init__(self, calls: Calls, pbx: Pbx) -> None:
        self._calls = calls
        self._pbx = pbx
        self._renewed: dict[str, tuple[int, float]] = {}
        """Channel → its lease in seconds, and when (monotonic) it began."""

    def tick(self, now: float) -> None:
        """Look at every caller; ``now`` in monotonic seconds. To be called about once a second."""
        calls = self._calls.open_calls()
        in_room = [(call.room, leg) for call in calls for leg in call.live_legs if leg.in_room]
        accompanied = {room for room, leg in in_room if leg.role != Role.ELDER}
        wanted = {leg.channel_id: room in accompanied for room, leg in in_room if leg.role == Role.ELDER}
        # On hold she is in nobody's room; the same lease brings her back into it when we are gone.
        wanted |= {leg.channel_id: False for call in calls for leg in call.live_legs if leg.held and not leg.in_room}
        for channel_id, company in wanted.items():
            seconds, every = (COMPANY_SECONDS, RENEW_COMPANY) if company else (ALONE_SECONDS, RENEW_ALONE)
            before, at = self._renewed.get(channel_id, (0, -math.inf))
            if seconds != before or now - at >= every:
                self._renewed[channel_id] = seconds, now
                self._set(channel_id, seconds)
        self._renewed = {channel: lease for channel, lease in self._renewed.items() if channel in wanted}

    def alone(self, channel_id: str) -> None:
        """Whoever is with her is about to be let go: the lease holds before that, whatever becomes of us meanwhile."""
        self._renewed.pop(channel_id, None)
        self._set(channel_id, ALONE_SECONDS)

    def _set(self, channel_id: str, seconds: int) -> None:
        action = self._pbx.set_variable(channel_id, "TIMEOUT(absolute)", str(seconds))
        self._calls.do(action, f"lease {channel_id}")
