"""Calls over our own trunk that play prompts and ask for key 1 (dialplan/60-notice.conf).

The channel's id is the attempt's, so after a restart a call that is still up is found again in Asterisk.
"""

import asyncio
from collections.abc import Awaitable, Sequence

from callcenter.errors import CallCenterError, PbxUnavailable
from callcenter.notifications.channel import NotSent, Order, Receipt
from callcenter.notifications.model import Route
from callcenter.telephony.events import (
    ChannelHungUp,
    DialFailed,
    HangupReason,
    PbxConnected,
    PbxEvent,
    SeatCode,
    Snapshot,
)
from callcenter.telephony.pbx import Dial, Pbx

NAME = "voice"
CONTEXT = "cc-notice"
ROLE = "notice"
ACCEPTED = "notice-accepted"
AT_ONCE = 5
"""Calls at a time: the trunk is there for the elders first."""
LONGEST_SECONDS = 180.0
LONGEST_LIST = 900
"""Bytes; a line of AMI may have 1024 (manager.c)."""


def playable(prompts: Sequence[str]) -> str:
    """Prompts joined as Asterisk wants them; as many as fit, for a longer line Asterisk would drop as a whole."""
    joined = "&".join(prompts)
    return joined if len(joined) <= LONGEST_LIST else joined[: LONGEST_LIST + 1].rpartition("&")[0]


class TrunkVoice:
    """Fallback voice over the SIP trunk."""

    at_once = AT_ONCE

    def __init__(self, pbx: Pbx, *, ring_seconds: int, shown: str) -> None:
        self._pbx = pbx
        self._ring_seconds = ring_seconds
        self._shown = shown
        self._calls: dict[str, asyncio.Future[Receipt]] = {}
        self.route = Route(NAME, voice=True)
        self.seconds = ring_seconds + LONGEST_SECONDS

    async def send(self, order: Order) -> Receipt:
        """Call, and wait until the call is over; see `Channel.send`."""
        outcome = self._expect(order.id)
        dial = Dial(
            channel_id=order.id,
            target=f"PJSIP/{order.to}@trunk",
            context=CONTEXT,
            ring_seconds=self._ring_seconds,
            caller_number=self._shown,
            variables={"CC_ROLE": ROLE, "CC_PROMPTS": playable(order.voice)},
        )
        try:
            await self._pbx.originate(dial)
        except PbxUnavailable as error:
            self._calls.pop(order.id, None)
            never_sent = error.extra.get("sent") is False
            raise NotSent(error.code, again=never_sent, unknown=not never_sent) from error
        except CallCenterError as error:
            self._calls.pop(order.id, None)
            raise NotSent(error.code) from error
        return await self._until_over(order.id, outcome)

    def resume(self, attempt_id: str) -> Awaitable[Receipt]:
        """Wait for the end of a call of before a crash; Asterisk's first snapshot says whether it is still up."""
        return self._until_over(attempt_id, self._expect(attempt_id))

    def hear(self, event: PbxEvent) -> bool:
        """See `Channel.hear`."""
        match event:
            case PbxConnected(snapshot):
                self._compare(snapshot)
                return False
            case SeatCode(channel_id=channel_id, code=code) if code == ACCEPTED:
                return self._settle(channel_id, Receipt(channel_id, delivered=True))
            case ChannelHungUp(channel_id, reason) | DialFailed(channel_id, reason):
                why = "not_accepted" if reason is HangupReason.NORMAL else str(reason)
                return self._settle(channel_id, NotSent(why))
        return False

    async def close(self) -> None:
        """Calls that are up go on: the next start finds them."""
        self._calls.clear()

    def _expect(self, attempt_id: str) -> asyncio.Future[Receipt]:
        return self._calls.setdefault(attempt_id, asyncio.get_running_loop().create_future())

    async def _until_over(self, attempt_id: str, outcome: asyncio.Future[Receipt]) -> Receipt:
        try:
            return await outcome
        finally:
            self._calls.pop(attempt_id, None)

    def _settle(self, channel_id: str, outcome: Receipt | NotSent) -> bool:
        call = self._calls.get(channel_id)
        if call is None:
            return False
        if not call.done():
            if isinstance(outcome, Receipt):
                call.set_result(outcome)
            else:
                call.set_exception(outcome)
        return True

    def _compare(self, snapshot: Snapshot) -> None:
        """What ended while nobody listened: whether 1 was pressed is not known."""
        for channel_id in [call for call in self._calls if call not in snapshot.channels]:
            self._settle(channel_id, NotSent("lost", unknown=True))
