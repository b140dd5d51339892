"""The wallboard: the figures of this moment, from memory alone, so that the database may be away (A1, B1, B3)."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field

from callcenter.accounts.permissions import Principal
from callcenter.api import idempotency
from callcenter.api.deps import ControllerDep, Services, ServicesDep, require
from callcenter.api.problems import responses
from callcenter.api.types import Moment
from callcenter.clock import SHANGHAI
from callcenter.controller import Controller
from callcenter.errors import Unavailable
from callcenter.people.staff import counted
from callcenter.reports.board import RECENT, Board, Waiting
from callcenter.reports.hotline_figures import DEFINITIONS, Goal, HotlineFigures, Tally, together
from callcenter.reports.ratios import Ratios, ratios
from callcenter.routing.model import SeatState

router = idempotency.router("/wallboard", "wallboard", live=True)

Reader = Annotated[Principal, Depends(require("seats:read"))]


class Part(HotlineFigures):
    """Today's figures; ``waiting`` and ``waited_longest_seconds`` are of this moment."""

    waited_longest_seconds: float = Field(description="How long the one who waits longest has waited; 0: nobody waits.")


class QueuePart(Part):
    """The same of one queue."""

    code: str


class Recent(HotlineFigures):
    """Of what was decided in the last minutes."""

    minutes: int


class EmergencyPart(BaseModel):
    """Emergency calls: now, and today's answer times (A1); who was never answered is in every share."""

    open: int
    waiting: int = Field(description="Nobody of ours is with the elder.")
    longest_wait_seconds: float
    calls: int = Field(description="Today's, those within the limit and not yet answered left out.")
    limit_seconds: float
    p50_ms: int | None
    p95_ms: int | None
    worst_ms: int | None
    share_within: float | None


class SeatPart(BaseModel):
    """One seat now. ``since``: null while no fact has told."""

    user: str
    role: str
    state: str
    reason: str
    since: Moment | None
    seconds: float | None


class Wallboard(Part):
    """Everything that hangs on the wall. Days are those of Asia/Shanghai."""

    at: Moment
    since: Moment = Field(description="When today began.")
    complete: bool = Field(description="false while today is still being read from the journal after a restart.")
    recent: Recent
    emergency: EmergencyPart
    seats: dict[str, int] = Field(description="Seats by state.")
    seat_list: list[SeatPart]
    queues: list[QueuePart]
    ratios: Ratios
    definitions: dict[str, str]


@router.get("", responses=responses())
async def get_wallboard(services: ServicesDep, controller: ControllerDep, _: Reader) -> Wallboard:
    """Waiting, service level, connection rate against 90 %, emergencies against 5 s, seats, staffing (B1, B3)."""
    if services.board is None:
        raise Unavailable("no wallboard is kept in this process; ask the one that owns the calls")
    return wallboard(services, services.board, controller)


def wallboard(services: Services, board: Board, controller: Controller) -> Wallboard:
    """The answer; takes a few milliseconds with hundreds of calls."""
    now, waiting, today = services.clock.now(), board.waiting(), board.today()
    seats = _seats(controller, board, now, monitors=services.settings.monitor_shown)
    roles = Counter(seat.role for seat in seats)
    people, day = services.directory.directory, now.astimezone(SHANGHAI).date().isoformat()
    codes = sorted({*board.codes(), *today, *(one.queue for one in waiting)})
    return Wallboard(
        **_part(board, today, waiting, None).model_dump(),
        at=now,
        since=board.midnight(),
        complete=board.complete,
        recent=_recent(board),
        emergency=_emergency(services, board, controller),
        seats=dict(Counter(seat.state for seat in seats)),
        seat_list=seats,
        queues=[QueuePart(code=code, **_part(board, today, waiting, code).model_dump()) for code in codes],
        ratios=ratios(people.served, roles["operator"], roles["supervisor"], counted(people.staff, day)),
        definitions=DEFINITIONS,
    )


def _part(board: Board, today: Mapping[str, Tally], waiting: list[Waiting], code: str | None) -> Part:
    tally = together(one for queue, one in today.items() if code in (None, queue))
    own = [one for one in waiting if code in (None, one.queue)]
    for one in own:
        tally.wait(one.seconds, board.goal_of(one.queue))
    goal = board.goal_of(code) if code is not None else _one_goal(board)
    longest = round(own[0].seconds, 1) if own else 0.0
    return Part(**tally.figures(goal).model_dump(), waited_longest_seconds=longest)


def _one_goal(board: Board) -> Goal | None:
    """The goal of all queues, when they have the same."""
    goals = {board.goal_of(code) for code in board.codes()}
    return goals.pop() if len(goals) == 1 else None


def _recent(board: Board) -> Recent:
    tally = together(board.recent().values())
    minutes = int(RECENT / timedelta(minutes=1))
    return Recent(**tally.figures(_one_goal(board)).model_dump(), minutes=minutes)


def _emergency(services: Services, board: Board, controller: Controller) -> EmergencyPart:
    human = board.emergencies.since(board.midnight()).human
    return EmergencyPart(
        open=controller.emergencies.open_count,
        waiting=controller.emergencies.waiting_count,
        longest_wait_seconds=round(board.emergencies.longest_wait(), 1),
        calls=human.incidents,
        limit_seconds=services.settings.human_answer_seconds,
        p50_ms=human.p50_ms,
        p95_ms=human.p95_ms,
        worst_ms=human.worst_ms,
        share_within=human.share_within_limit,
    )


def _seats(controller: Controller, board: Board, now: datetime, *, monitors: bool) -> list[SeatPart]:
    """State as routing has it, for that decides who rings; how long as facts tell.

    ``monitors``: whether everybody who sees the wall is told who listens; else such a seat just talks.
    """
    found = []
    for seat in controller.routing.seats():
        state = controller.routing.state_of(seat)
        clock = board.seats.clocks.get(seat.user)
        folded, since = clock.at(now) if clock is not None else ("", now)
        known = folded == state
        seconds = round(max(0.0, (now - since).total_seconds()), 1)
        found.append(
            SeatPart(
                user=seat.user,
                role=seat.role,
                state=SeatState.TALKING if state is SeatState.MONITORING and not monitors else state,
                reason=seat.reason if state == "paused" else "",
                since=since if known else None,
                seconds=seconds if known else None,
            )
        )
    return found
