"""Who outside is wanted for an incident, and whom to dial for it right now: pure data and rules (A2, A3, R10, R15).

A wish names people in the order of the elder's file and what counts as their acceptance. It is asked again and
again what it wants dialled; what was tried is folded from facts, so neither a late tick, a restart nor a repeated
request dials anybody twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

import msgspec

from callcenter.calls import facts as cf
from callcenter.calls.model import STAFF, Role
from callcenter.emergency import facts as f
from callcenter.emergency.kinds import Candidate
from callcenter.facts import Fact
from callcenter.telephony.events import HangupReason

LOST = "lost"
WAY_AT_FAULT = frozenset({HangupReason.UNREACHABLE, HangupReason.FAILED})
"""Ends after which another route is tried at once; of 120 everything is, a busy line too (R10)."""
HESITATION_SECONDS = 10.0
"""How long somebody who picked up and presses nothing keeps the next one waiting: voicemail, mostly (R15)."""

TRIES_IN_A_ROW, LONGEST_REST_SECONDS = 3, 600.0
"""Where a human has answered and only the elder is not reached: how often her people are called at the plan's own
pace, and how far the rests grow then. An emergency that somebody forgets to close must not ring them all night."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one candidate. ``leg_id``: the live attempt, empty when there is none."""

    times: int = 0
    leg_id: str = ""
    answered_at: datetime | None = None
    joined: bool = False
    ended_at: datetime | None = None
    reason: str = ""
    detours: int = 0
    """How often the way there was at fault, not the person: so often another route was taken."""
    detour_now: bool = False
    """Whether the last attempt failed on its way."""
    removed: bool = False
    """Somebody took them off on purpose: they are not called again for this wish."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody wanted in an incident.

    ``target``: the plan's target that it stands for, empty when a human asked. ``together``: all candidates at once,
    else one after the other until one joins. ``rounds``: how often each is tried, 0: until somebody of ours is with
    the elder. ``escalates``: a later step of the plan, given up as soon as somebody of ours is with her; people whom
    the plan tells at once are each tried once whatever happens (A3). ``routes``: names of trunks, the next
    one where the way was at fault.
    """

    id: str
    incident_id: str
    role: str
    candidates: tuple[Candidate, ...]
    actor: str
    target: str = ""
    together: bool = False
    accept: str = "key"
    rounds: int = 2
    escalates: bool = False
    rest_seconds: float = 10.0
    routes: tuple[str, ...] = ("trunk",)
    request_id: str | None = None
    tried: Mapping[str, Tried] = field(default_factory=lambda: MappingProxyType({}))
    failed: str = ""
    """Why it was given up, empty while it was not."""

    def of(self, number: str) -> Tried:
        """What became of one candidate so far."""
        return self.tried.get(number, Tried())

    @property
    def live_legs(self) -> tuple[str, ...]:
        """Attempts that ring or talk."""
        return tuple(tried.leg_id for tried in self.tried.values() if tried.leg_id)

    @property
    def met(self) -> bool:
        """Whether whom it wanted came: one of them, or all where all were wanted."""
        came = [self.of(candidate.number).joined for candidate in self.candidates]
        return all(came) if self.together else any(came)


class Order(msgspec.Struct, frozen=True):
    """One dial to send now, by the trunk ``route``."""

    candidate: Candidate
    route: str


def orders(wish: Wish, now: datetime, *, alone: bool, busy: frozenset[str], patient: bool = False) -> list[Order]:
    """Whom to dial now.

    ``alone``: nobody of ours is with the elder, so the plan's wishes go on. ``busy``: numbers that ring or talk
    already, whoever wanted them: a phone is never dialled twice at a time. ``patient``: a human has the emergency in
    hand, so people who do not accept are left alone for longer and longer.
    """
    if wish.failed or wish.met or exhausted(wish) or (wish.target and wish.escalates and not alone):
        return []
    rounds = wish.rounds if not wish.target else (0 if alone else 1)
    open_to = [
        candidate
        for candidate in wish.candidates
        if not (tried := wish.of(candidate.number)).removed
        and not tried.joined
        and (not rounds or tried.times < rounds)
    ]
    if not wish.together:
        if any(tried.leg_id and not _hesitates(tried, now) for tried in wish.tried.values()):
            return []
        fewest = min((wish.of(candidate.number).times for candidate in open_to), default=0)
        open_to = [candidate for candidate in open_to if wish.of(candidate.number).times == fewest][:1]
    return [
        Order(candidate, wish.routes[wish.of(candidate.number).detours % len(wish.routes)])
        for candidate in open_to
        if candidate.number not in busy
        and not wish.of(candidate.number).leg_id
        and _rested(wish, candidate, now, patient)
    ]


def exhausted(wish: Wish) -> bool:
    """Whether a human's request has nobody left to try and nobody came.

    An attempt that a crash or a lost link swallowed may have been heard at the other end: only a human may say
    whether to call again.
    """
    if wish.failed or wish.target or wish.live_legs or wish.met:
        return False
    return any(tried.reason == LOST for tried in wish.tried.values()) or all(
        (tried := wish.of(candidate.number)).removed or tried.joined or tried.times >= wish.rounds
        for candidate in wish.candidates
    )


def in_vain(wish: Wish) -> bool:
    """Whether nobody came of whom an exhausted request named, or that cannot be known."""
    tried = wish.tried.values()
    return any(one.reason == LOST for one in tried) or not any(one.joined for one in tried)


def _hesitates(tried: Tried, now: datetime) -> bool:
    """Whether it was picked up so long ago that the next one is tried; a key pressed late still counts."""
    since = tried.answered_at
    return since is not None and not since <= now < since + timedelta(seconds=HESITATION_SECONDS)


def _rested(wish: Wish, candidate: Candidate, now: datetime, patient: bool) -> bool:
    """A phone that did not accept is left alone for a while, but another route is tried at once (R10)."""
    tried = wish.of(candidate.number)
    if tried.ended_at is None or (tried.detour_now and tried.detours % len(wish.routes)):
        return True
    rest = wish.rest_seconds
    if patient:
        rest = max(rest, min(LONGEST_REST_SECONDS, rest * 2.0 ** min(max(0, tried.times - TRIES_IN_A_ROW), 20)))
    # A clock that was set back must not keep anybody waiting (R23).
    return not tried.ended_at <= now < tried.ended_at + timedelta(seconds=rest)


def evolve(wish: Wish, fact: Fact) -> Wish:
    """The wish after a fact of its incident."""
    body = fact.body
    match body:
        case cf.LegAdded() if body.wish_id == wish.id:
            tried = wish.of(body.number)
            begun = replace(tried, times=tried.times + 1, leg_id=body.leg_id, answered_at=None, ended_at=None)
            return _with(wish, body.number, begun)
        case cf.LegAnswered() if (number := _number_of(wish, body.leg_id)) is not None:
            return _with(wish, number, replace(wish.of(number), answered_at=fact.at))
        case cf.LegJoined() if (number := _number_of(wish, body.leg_id)) is not None:
            return _with(wish, number, replace(wish.of(number), joined=True))
        case cf.LegRemoved() if (number := _number_of(wish, body.leg_id)) is not None:
            return _with(wish, number, replace(wish.of(number), removed=True))
        case cf.LegEnded() if (number := _number_of(wish, body.leg_id)) is not None:
            tried = wish.of(number)
            detour = not tried.joined and (body.reason in WAY_AT_FAULT or wish.role == Role.AMBULANCE)
            ended = replace(
                tried,
                leg_id="",
                ended_at=fact.at,
                reason=body.reason,
                detours=tried.detours + detour,
                detour_now=detour,
            )
            # Our own people are wanted with her: who came and is gone may be called again, should she be alone (A9).
            return _with(wish, number, replace(ended, joined=ended.joined and wish.role not in STAFF))
        case f.HelpSilent() if (number := _number_of(wish, body.leg_id)) is not None:
            # It answered and said nothing: as good as nobody, so another route may be tried (R10).
            return _with(wish, number, replace(wish.of(number), joined=False))
        case f.HelpFailed(wish_id=wish_id, why=why) if wish_id == wish.id:
            return replace(wish, failed=why)
        case _:
            return wish


def _number_of(wish: Wish, leg_id: str) -> str | None:
    return next((number for number, tried in wish.tried.items() if tried.leg_id == leg_id), None)


def _with(wish: Wish, number: str, tried: Tried) -> Wish:
    return replace(wish, tried={**wish.tried, number: tried})


def made(fact: Fact, body: f.HelpWanted) -> Wish:
    """The wish that a fact tells of."""
    return Wish(
        id=body.wish_id,
        incident_id=fact.incident_id or "",
        actor=fact.actor,
        **{
            name: getattr(body, name)
            for name in ("role", "candidates", "target", "together", "accept", "rounds", "escalates", "rest_seconds",
                         "routes", "request_id")
        },
    )  # fmt: skip
