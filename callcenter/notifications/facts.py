"""What can be said of a message: the bodies of its facts (A3, A5, A7)."""

from collections.abc import Mapping

import msgspec

from callcenter.facts import Body, kind


@kind("message.requested")
class MessageRequested(Body, frozen=True):
    """Somebody outside is to be told something.

    ``to``: number in canonical form (`callcenter.phone.normalise`). ``purpose``: a short word such as ``alert``,
    ``briefing``, ``breach``. ``voice``: prompts that a call may play when no text arrives. ``template`` and ``params``:
    for providers that take no free text.
    """

    message_id: str
    to: str
    text: str
    purpose: str
    name: str = ""
    role: str = ""
    request_id: str | None = None
    voice: tuple[str, ...] = ()
    template: str = ""
    params: Mapping[str, str] = msgspec.field(default_factory=dict)


@kind("message.attempted")
class MessageAttempted(Body, frozen=True):
    """A channel is about to be asked; on disk before it is, so that no restart asks it twice."""

    message_id: str
    attempt_id: str
    channel: str


@kind("message.sent")
class MessageSent(Body, frozen=True):
    """The channel took the message. ``provider_id``: what the provider calls it."""

    message_id: str
    attempt_id: str
    provider_id: str = ""


@kind("message.delivered")
class MessageDelivered(Body, frozen=True):
    """The person's phone has it, or the person pressed 1."""

    message_id: str
    attempt_id: str


@kind("message.failed")
class MessageFailed(Body, frozen=True):
    """An attempt came to nothing.

    ``why``: a code, never a text of the provider's. ``final``: this channel is not tried again for this message.
    ``unknown``: the message may have gone out all the same (no answer in time, a crash); a later report may tell.
    """

    message_id: str
    attempt_id: str
    why: str
    final: bool = True
    unknown: bool = False


@kind("message.given_up")
class MessageGivenUp(Body, frozen=True):
    """No channel is left. ``why``: ``no_channel`` (none is configured), ``failed`` (all said no), ``unconfirmed``
    (something went out, and nothing came back), ``too_late`` (no channel was in reach for too long), ``not_wanted``
    (the emergency was closed first).
    """

    message_id: str
    why: str


Result = MessageSent | MessageDelivered | MessageFailed | MessageGivenUp
"""What can become of an attempt, or of the whole message."""
RESULTS = (MessageSent, MessageDelivered, MessageFailed, MessageGivenUp)
KINDS = (MessageRequested, MessageAttempted, MessageSent, MessageDelivered, MessageFailed, MessageGivenUp)
