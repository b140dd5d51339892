"""What can be said of a call: the bodies of its facts."""

from datetime import datetime

from callcenter.facts import Body, kind

SYNTHETIC = "synthetic"
"""By what way (``via``) the watchdog's own press comes in, and the origin of its incident."""
QUEUE_CALLBACK = "queue_callback"
"""By what way our call goes out to somebody who kept her place in a queue."""


@kind("call.opened")
class CallOpened(Body, frozen=True):
    """A call came in, or one of ours went out (B6).

    ``invited_at``: when its INVITE reached Asterisk, from which answer times count (A1). ``leg_id`` is the
    caller's leg, ``channel_id`` her channel in Asterisk; both empty when we call. ``via``: ``controller``,
    ``fallback`` (the dialplan took it alone), ``adopted`` (found live in Asterisk after a restart that lost its
    arrival), ``callback`` (we call the elder), ``outbound`` (an operator calls somebody; ``purpose`` and
    ``work_order_id`` say what for, ``caller`` is the number called) or ``synthetic`` (the watchdog's own press).
    """

    line: str
    caller: str
    did: str
    room: str
    recording: str
    invited_at: datetime
    leg_id: str = ""
    channel_id: str = ""
    elder_id: str | None = None
    elder_name: str = ""
    device_id: str | None = None
    ambiguous: bool = False
    via: str = "controller"
    purpose: str = ""
    work_order_id: str = ""


@kind("call.line_changed")
class LineChanged(Body, frozen=True):
    """A hotline call became an emergency (menu 9); the envelope names the incident, ``room`` is its room."""

    line: str
    room: str


@kind("call.fell_back")
class FellBack(Body, frozen=True):
    """The dialplan took a call that we had opened, because we were silent for too long (R1, R2)."""


@kind("call.taken_over")
class TakenOver(Body, frozen=True):
    """The controller is back and took a call from the fallback dialplan into a room."""


@kind("call.menu_chosen")
class MenuChosen(Body, frozen=True):
    """The caller chose from the hotline's menu: 1 service, 2 complaint, 3 enquiry, 9 emergency, 0 operator."""

    digit: str


@kind("call.elder_matched")
class ElderMatched(Body, frozen=True):
    """An operator said by hand who is calling (R20)."""

    elder_id: str
    elder_name: str = ""
    area: str = ""
    age: int = 0


@kind("leg.added")
class LegAdded(Body, frozen=True):
    """A leg is about to be dialled; journalled before it is sent, so that no restart dials it twice.

    ``number``: the seat's user name for a seat, else the number dialled. ``request_id``: the caller's
    Idempotency-Key or the DTMF press that asked for it. ``wish_id``: the wish this is an attempt of (an emergency's
    response plan, or somebody who asked). ``route``: the trunk it goes out by. ``auto``: the phone answers by
    itself, so answering proves nothing (R12). ``channel_id``: a channel that is up already (a pre-empted seat's);
    empty when the leg is dialled.
    """

    leg_id: str
    role: str
    number: str
    name: str = ""
    request_id: str | None = None
    wish_id: str = ""
    route: str = ""
    auto: bool = False
    channel_id: str = ""


@kind("leg.ringing")
class LegRinging(Body, frozen=True):
    leg_id: str


@kind("leg.answered")
class LegAnswered(Body, frozen=True):
    leg_id: str
    role: str


@kind("leg.joined")
class LegJoined(Body, frozen=True):
    """The leg is in the room; everybody in it hears it."""

    leg_id: str
    role: str


@kind("leg.accepted")
class LegAccepted(Body, frozen=True):
    """A phone that answers by itself showed life (R12). ``how``: ``click``, ``key`` or ``speech``."""

    leg_id: str
    role: str
    how: str


@kind("leg.left")
class LegLeft(Body, frozen=True):
    """The leg is out of the room but still up."""

    leg_id: str


@kind("leg.removed")
class LegRemoved(Body, frozen=True):
    """Somebody (the actor) asked to take the leg off the call; its end follows."""

    leg_id: str
    role: str


@kind("leg.ended")
class LegEnded(Body, frozen=True):
    """``reason``: a telephony `HangupReason`; ``lost`` when it was gone after a restart; ``not_accepted`` when it
    answered and nobody pressed the key (R15); ``preempted`` when an emergency took the seat (A9); ``no_life`` when a
    phone answered by itself and nobody was there (R12); ``already_answered`` when another seat was first (R13);
    ``dead`` when its phone vanished without a word (R14).
    """

    leg_id: str
    role: str
    reason: str
    cause: int = 0


@kind("call.held")
class CallHeld(Body, frozen=True):
    """A person was taken out of the room and hears music; the others talk on. ``by``: who asked."""

    leg_id: str
    by: str


@kind("call.resumed")
class CallResumed(Body, frozen=True):
    """Who was on hold is on the way back into the room."""

    leg_id: str


@kind("call.transfer_started")
class TransferStarted(Body, frozen=True):
    """Somebody else shall have the caller.

    ``to``: ``seat:<user>`` or ``number:<number>``. ``mode``: ``blind`` (the operator is let go at once) or
    ``attended`` (they speak first, the caller on hold). ``by``, ``by_leg``: the operator who has her now, and his leg.
    ``leg_id``: the leg that is dialled for it; its fact follows.
    """

    to: str
    mode: str
    by: str
    by_leg: str
    leg_id: str


@kind("call.transferred")
class CallTransferred(Body, frozen=True):
    """Somebody else has the caller now; a queue (``queue:<code>``) has her at once."""

    to: str
    mode: str
    by: str


@kind("call.transfer_failed")
class TransferFailed(Body, frozen=True):
    """Nobody took the caller over; she goes back to ``by``. ``why``: how the dialled leg ended, or ``cancelled``."""

    to: str
    mode: str
    by: str
    why: str


@kind("call.parked")
class CallParked(Body, frozen=True):
    """The caller waits with music in a numbered slot until any seat fetches her."""

    slot: int
    by: str


@kind("call.retrieved")
class CallRetrieved(Body, frozen=True):
    """A seat fetched the caller from her slot."""

    slot: int
    by: str


@kind("call.returned")
class CallReturned(Body, frozen=True):
    """A caller whom nobody has any more goes back: to ``seat:<user>``, who is rung by ``leg_id``, or to the front of
    the ``queue``. ``why``: ``park_timeout``, ``operator_gone``, or how the attempt to reach somebody ended.
    """

    to: str
    why: str
    leg_id: str = ""


@kind("call.muted")
class CallMuted(Body, frozen=True):
    """Somebody's voice is kept out of the room, or let in again."""

    leg_id: str
    role: str
    muted: bool


@kind("call.monitored")
class CallMonitored(Body, frozen=True):
    """A supervisor listens to an operator's leg or speaks to the operator alone, or changes from one to the other.

    ``mode``: ``listen`` (heard by nobody), ``whisper`` (heard by the operator only), ``join`` (heard by all) or
    ``take_over`` (as join; the operator is let go). ``leg_id``: the supervisor's; ``target``: the operator's leg, or,
    between two operators, the caller's, on which it is only listened. ``part``: the id of the recording of what is
    whispered from now on; empty when nothing is.
    """

    user: str
    mode: str
    leg_id: str
    target: str
    part: str = ""


@kind("call.monitor_ended")
class MonitorEnded(Body, frozen=True):
    """The supervisor is off the call."""

    user: str
    leg_id: str


@kind("call.ended")
class CallEnded(Body, frozen=True):
    """Nobody is left on the call. ``answered``: a human was in the room with the caller."""

    answered: bool
    seconds: float


@kind("call.noted")
class CallNoted(Body, frozen=True):
    """The operator's note on a call, the whole text as it now is. ``revision`` counts from 1 (B4)."""

    text: str
    revision: int


@kind("call.dispositioned")
class CallDispositioned(Body, frozen=True):
    """How the operator closed a hotline call (B7): answered on the spot, or what it became (B5)."""

    disposition: str
    summary: str = ""
    kind: str = ""
    elder_id: str | None = None
