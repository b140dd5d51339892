"""The switchboard as the domains see it: a handful of verbs, no AMI."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from callcenter.telephony.events import HangupReason, Snapshot

LISTEN = ("TALK_DETECT(set)", "1000,200")
"""For `Pbx.set_variable`: from now on the channel tells when somebody speaks (`TalkingStarted`) and after a second of
quiet (`TalkingStopped`); 200 is the mean sample of faint speech, as in the dialplan's cc-room."""


@dataclass(frozen=True, slots=True)
class Dial:
    """One outgoing leg.

    ``channel_id``: the leg's id, which becomes Asterisk's Uniqueid.
    ``target``: an Asterisk dial string, ``PJSIP/op1`` or ``PJSIP/120@trunk``.
    ``context``: where the dialplan takes over once the leg answers.
    ``ring_seconds``: how long it may ring.
    ``caller_number``/``caller_name``: the identity shown to the far end; the name may be Chinese.
    ``variables``: our CC_* channel variables, set before the leg rings.
    ``headers``: SIP headers to add to the INVITE, e.g. ``Call-Info: <sip:x>;answer-after=0``. Not by a subroutine:
    Asterisk runs a PreDialGoSub only for dials that block the whole AMI link.
    """

    channel_id: str
    target: str
    context: str
    ring_seconds: int
    caller_number: str = ""
    caller_name: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Pbx(Protocol):
    """What a domain may ask of the switchboard.

    Every verb raises `callcenter.errors.PbxUnavailable` when the link is down or the answer does
    not come in time, and `callcenter.errors.PbxRefused` when Asterisk says no. A verb is sent at
    most once: after a reconnect nothing is replayed (an ambulance would be called twice).
    """

    async def originate(self, dial: Dial) -> None:
        """Start an outgoing leg; returns when Asterisk has accepted it, long before it rings."""

    async def hangup(self, channel_id: str, reason: HangupReason = HangupReason.NORMAL) -> None:
        """End a channel; `CANCELLED` tells a ringing phone the call was answered elsewhere. Gone already is fine."""

    async def redirect(self, channel_id: str, context: str, extension: str = "s") -> None:
        """Send a channel to another place in the dialplan."""

    async def kick(self, room: str, channel_id: str) -> None:
        """Take a channel out of a room (its dialplan goes on after ConfBridge)."""

    async def mute(self, room: str, channel_id: str, muted: bool) -> None:
        """Stop or let a member's voice into the room."""

    async def play(self, room: str, prompts: Sequence[str]) -> None:
        """Play prompts (names in asterisk/sounds/zh) to everyone in a room."""

    async def record(self, channel_id: str, path: str, options: str = "") -> None:
        """Start MixMonitor on a channel into ``path`` with its options."""

    async def dtmf(self, channel_id: str, digits: str) -> None:
        """Send digits (0-9 A-D * #) to a channel's far end."""

    async def set_variable(self, channel_id: str, name: str, value: str) -> None:
        """Set a channel variable or dialplan function, e.g. ``TIMEOUT(absolute)``."""

    async def rtp_received(self, channel_id: str) -> int | None:
        """How many RTP packets have come from a channel's far end; None when it is gone or speaks no RTP."""

    async def answers(self, endpoint: str) -> bool | None:
        """Whether a seat's phone answers a SIP OPTIONS now (0.5 s); ``endpoint`` as in `PhoneStatus`.

        None where it cannot be asked: it never registered, or is a browser, whose closing ends its registration.
        """

    async def snapshot(self) -> Snapshot:
        """List what is live now."""
