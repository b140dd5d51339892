"""What an intake item becomes, in the same transaction: an answer, a work order, a complaint, a follow-up (B5)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.clock import Clock
from callcenter.complaints.service import Complaints
from callcenter.complaints.service import Draft as ComplaintDraft
from callcenter.errors import InvalidInput
from callcenter.follow_ups.model import FollowUpRow
from callcenter.intake.model import IntakeRow
from callcenter.intake.service import Intake, mine
from callcenter.intake.states import Outcome, State, step
from callcenter.work_orders.service import Draft as OrderDraft
from callcenter.work_orders.service import WorkOrders
from callcenter.work_orders.states import Kind as OrderKind
from callcenter.work_orders.states import Priority
from callcenter.work_orders.states import State as OrderState

CallBack = Callable[[str, IntakeRow, str], str]
"""Has a number called back for an item, as a user wants: the call-back's id. The same number again is the same one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What somebody decided. ``text``: the answer, or what the new thing says; empty: what the item says.

    ``kind``, ``priority``: of a work order. ``about``, ``organisation``: of a complaint. ``number``: to call back;
    empty: the one it came from. ``due_at``: of a work order or a follow-up; None: as usual.
    """

    outcome: Outcome
    text: str = ""
    elder_id: str | None = None
    kind: OrderKind = OrderKind.SERVICE
    priority: Priority = Priority.NORMAL
    about: str = ""
    organisation: str = ""
    number: str = ""
    due_at: datetime | None = None


class Outcomes:
    """Brings items to their outcome; never commits."""

    def __init__(
        self, intake: Intake, orders: WorkOrders, complaints: Complaints, clock: Clock, call_back: CallBack
    ) -> None:
        """``orders``: with its follow-ups (`callcenter.follow_ups.service.closed_loop`)."""
        self._call_back = call_back
        self._intake = intake
        self._orders = orders
        self._complaints = complaints
        self._clock = clock

    async def decide(self, session: AsyncSession, row: IntakeRow, decision: Decision, user: str) -> None:
        """Make what the decision asks for and settle the item.

        Raises `Conflict` when somebody else deals with it, `IllegalTransition` when it has an outcome already,
        `InvalidInput` where words are missing.
        """
        mine(row, user)
        step(State(row.state), State.DONE)
        text = decision.text.strip() or row.text.strip()
        if not text and decision.outcome is not Outcome.NONE:
            raise InvalidInput("say in 'text' what was answered or what is wanted", field="text")
        if decision.elder_id is not None:
            row.elder_id = decision.elder_id
        outcome_id = await self._make(session, row, decision, text, user)
        await self._intake.settle(
            session, row, decision.outcome, user, answer=decision.text.strip(), outcome_id=outcome_id
        )

    async def _make(
        self, session: AsyncSession, row: IntakeRow, decision: Decision, text: str, user: str
    ) -> str | None:
        match decision.outcome:
            case Outcome.WORK_ORDER:
                # The call's disposition would make an order too: of one source there is one.
                source = f"disposition:{row.call_id}" if row.call_id else f"intake:{row.id}"
                draft = _order(row, decision, text, decision.kind)
                return (await self._orders.create(session, draft, user, source=source)).id
            case Outcome.COMPLAINT:
                complaint = ComplaintDraft(
                    text=text,
                    about=decision.about,
                    organisation=decision.organisation,
                    contact=f"{row.contact} {row.caller}".strip(),
                    elder_id=row.elder_id,
                    call_id=row.call_id,
                    at=row.at,
                )
                source = f"disposition:{row.call_id}" if row.call_id else f"intake:{row.id}"
                return (await self._complaints.create(session, complaint, user, source=source)).id
            case Outcome.FOLLOW_UP:
                return await self._follow_up(session, row, decision, text, user)
            case Outcome.CALLBACK:
                return self._call_back(decision.number or row.caller, row, user)
            case _:
                return None

    async def _follow_up(self, session: AsyncSession, row: IntakeRow, decision: Decision, text: str, user: str) -> str:
        """What was asked is answered; she is called about it again: an enquiry that is done, to be followed up."""
        order = await self._orders.create(
            session,
            _order(row, decision, text, OrderKind.ENQUIRY),
            user,
            source=f"intake:{row.id}",
            state=OrderState.DONE,
            service_ended_at=self._clock.now(),
        )
        follow_up = (await session.scalars(select(FollowUpRow).where(FollowUpRow.work_order_id == order.id))).one()
        if decision.due_at is not None:
            follow_up.due_at = decision.due_at
        return follow_up.id


def _order(row: IntakeRow, decision: Decision, text: str, kind: OrderKind) -> OrderDraft:
    return OrderDraft(
        kind=kind,
        summary=text,
        details=row.text if row.text.strip() != text else "",
        priority=decision.priority,
        elder_id=row.elder_id,
        call_id=row.call_id,
        due_at=decision.due_at,
    )
