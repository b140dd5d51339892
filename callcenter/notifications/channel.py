"""What a way of telling somebody something must be able to do; nobody else knows which provider is behind it."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from callcenter.notifications.model import Route
from callcenter.telephony.events import PbxEvent


@dataclass(frozen=True, slots=True)
class Order:
    """One attempt. ``to``: number in canonical form. ``id``: the attempt's; reports name it."""

    id: str
    to: str
    text: str
    voice: tuple[str, ...] = ()
    template: str = ""
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The channel took it. ``delivered``: the person has it for sure."""

    provider_id: str = ""
    delivered: bool = False


class NotSent(Exception):
    """An attempt came to nothing. ``why``: a code for the record, without personal data.

    ``again``: the channel is unwell and surely did not take it; a second try may help. ``unknown``: it may have gone
    out all the same. Neither: the channel said no to this message. Only the first two are held against the channel.
    """

    def __init__(self, why: str, *, again: bool = False, unknown: bool = False) -> None:
        super().__init__(why)
        self.why, self.again, self.unknown = why[:60], again, unknown


class Channel(Protocol):
    """One configured way out.

    ``at_once``: requests under way at a time; ``seconds``: how long one may take.
    """

    @property
    def route(self) -> Route: ...

    @property
    def at_once(self) -> int: ...

    @property
    def seconds(self) -> float: ...

    async def send(self, order: Order) -> Receipt:
        """Hand a message over, once; raises `NotSent`."""

    def resume(self, attempt_id: str) -> Awaitable[Receipt] | None:
        """Go on with an attempt that was under way at a crash; None where that is not possible."""

    def hear(self, event: PbxEvent) -> bool:
        """Take in an event of the switchboard; True when it was about one of this channel's calls."""

    async def close(self) -> None:
        """Let go of connections."""


_COUNTRY = "+86"
_LONGEST_SHORT_CODE = 6


def e164(number: str) -> str:
    """A canonical number (see `callcenter.phone.normalise`) as E.164; raises `NotSent` for a short code such as 120."""
    if number.startswith("+"):
        return number
    if len(number) <= _LONGEST_SHORT_CODE:
        raise NotSent("not_reachable")
    return _COUNTRY + number.removeprefix("0")
