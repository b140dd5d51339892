"""Lines that shall end: hung up, or told something and let go. The wish holds until Asterisk says that they have."""

import asyncio
from collections.abc import Coroutine, Set
from typing import Any

import structlog

from callcenter.errors import CallCenterError
from callcenter.telephony.events import HangupReason
from callcenter.telephony.pbx import Pbx

log = structlog.get_logger(__name__)


class Actions:
    """Acts on the switchboard that run by themselves, so that nobody on the call path waits for Asterisk."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, action: Coroutine[Any, Any, None], name: str) -> None:
        """Let it run; a crash is logged."""
        task = asyncio.get_running_loop().create_task(action, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def attempt(self, action: Coroutine[Any, Any, None], name: str) -> None:
        """Let it run; that Asterisk refuses or is away is logged, and no more."""
        self.start(self._logged(action, name), name)

    async def _logged(self, action: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await action
        except CallCenterError as error:
            log.warning("action_failed", action=name, error=error.code)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("action_crashed", action=task.get_name(), exc_info=error)


class Endings:
    """Channels that we want gone, by channel id."""

    def __init__(self, pbx: Pbx, actions: Actions) -> None:
        self._pbx = pbx
        self._actions = actions
        self._unwanted: set[str] = set()
        self._why: dict[str, str] = {}
        """Channel → the reason that the end of its leg shall give in place of Asterisk's."""

    def __contains__(self, channel_id: str) -> bool:
        """Whether it is to be hung up, and is not yet."""
        return channel_id in self._unwanted

    def leaving(self, channel_id: str) -> bool:
        """Whether it has been told to end, in whatever way, and has not yet."""
        return channel_id in self._unwanted or channel_id in self._why

    def hang_up(self, channel_id: str, reason: HangupReason, why: str = "") -> None:
        """Hang it up, once."""
        if channel_id in self._unwanted:
            return
        if why:
            self._why[channel_id] = why
        self._unwanted.add(channel_id)
        self._actions.start(self._hang_up(channel_id, reason), f"hang up {channel_id}")

    async def _hang_up(self, channel_id: str, reason: HangupReason) -> None:
        try:
            await self._pbx.hangup(channel_id, reason)
        except CallCenterError as error:
            # Stays unwanted: the next thing heard of this channel, or the next snapshot, repeats the wish.
            log.warning("hangup_failed", channel_id=channel_id, error=error.code)

    def let_go(self, channel_id: str, context: str, why: str) -> None:
        """Send it to a context that tells it something and hangs up."""
        if not self.leaving(channel_id):
            self._why[channel_id] = why
            self._actions.start(self._let_go(channel_id, context), f"let go {channel_id}")

    async def _let_go(self, channel_id: str, context: str) -> None:
        try:
            await self._pbx.redirect(channel_id, context)
        except CallCenterError as error:
            log.warning("redirect_failed", channel_id=channel_id, error=error.code)
            self.hang_up(channel_id, HangupReason.NORMAL)

    def insist(self, channel_id: str) -> None:
        """It was hung up before Asterisk had it, or did not hear; now that it exists, say so again."""
        if channel_id in self._unwanted:
            self._actions.start(self._hang_up(channel_id, HangupReason.CANCELLED), f"hang up {channel_id}")

    def ended(self, channel_id: str, reason: str) -> str:
        """It is gone, for the reason that Asterisk gave; answers the one that goes on record."""
        if channel_id in self._unwanted:
            self._unwanted.discard(channel_id)
            if reason != HangupReason.NORMAL:
                reason = HangupReason.CANCELLED
        return self._why.pop(channel_id, reason)

    def keep(self, channel_ids: Set[str]) -> None:
        """Forget the wish for whatever is not among these, and repeat it for the rest."""
        self._unwanted &= channel_ids
        for channel_id in self._unwanted:
            self.insist(channel_id)
