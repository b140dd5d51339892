"""Makes intake items of what happens on the hotline: calls answered, dispositions, voicemails, call-backs (B5)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.callbacks.tables import CallBackRow
from callcenter.calls.facts import SYNTHETIC
from callcenter.calls.model import STAFF, Line, Role
from callcenter.calls.tables import CallRow
from callcenter.complaints.service import Complaints, Draft
from callcenter.facts import Fact
from callcenter.ids import derived_id
from callcenter.intake.model import IntakeRow
from callcenter.intake.service import Intake, Request
from callcenter.intake.states import Channel, Kind, Outcome, State
from callcenter.work_orders.model import WorkOrderRow

KINDS: Mapping[str, Kind] = MappingProxyType({"1": Kind.SERVICE, "2": Kind.COMPLAINT, "3": Kind.QUESTION})
"""What the caller chose from the menu."""
OUTCOMES: Mapping[str, Outcome] = MappingProxyType(
    {
        "answered": Outcome.ANSWER,
        "work_order": Outcome.WORK_ORDER,
        "complaint": Outcome.COMPLAINT,
        "enquiry": Outcome.WORK_ORDER,
        "callback": Outcome.CALLBACK,
        "wrong_number": Outcome.NONE,
        "abandoned": Outcome.NONE,
    }
)
"""What a disposition means for the item; enquiry and callback leave a work order of that kind."""

_ASKED = {False: "来电者按键要求回电", True: "来电者按键要求回电（号码为按键输入，非来电号码）"}
"""By whether she keyed in another number than she called from."""


class IntakeProjector:
    """After calls, call-backs and work orders: it reads their rows."""

    def __init__(self, intake: Intake, complaints: Complaints) -> None:
        self._intake = intake
        self._complaints = complaints

    async def apply(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        """One item for each hotline call that was answered, settled by its disposition, however often told."""
        for fact in facts:
            family = fact.kind.partition(".")[0]
            if family in ("voicemail", "callback"):
                await self._left(session, fact, msgspec.to_builtins(fact.body))
            elif fact.call_id is None:
                continue
            elif fact.kind == "leg.joined":
                data = msgspec.to_builtins(fact.body)
                if data["role"] in STAFF:
                    await self._answered(session, fact, fact.call_id, data["leg_id"])
            elif fact.kind == "call.dispositioned":
                await self._dispositioned(session, fact, fact.call_id, msgspec.to_builtins(fact.body))
            elif fact.kind == "call.elder_matched":
                await self._matched(session, fact.call_id, str(msgspec.to_builtins(fact.body)["elder_id"]))

    async def _left(self, session: AsyncSession, fact: Fact, data: dict[str, Any]) -> None:
        """A message was left, somebody asked to be called back, or what became of that."""
        if fact.kind == "voicemail.left":
            await self._request(
                session, fact, data, Channel.VOICEMAIL, data["voicemail_id"], f"语音留言（{data['seconds']:.0f} 秒）"
            )
        elif fact.kind == "callback.asked" and data.get("by_caller", True):
            await self._request(
                session, fact, data, Channel.CALLBACK, data["callback_id"], _ASKED[bool(data.get("dictated"))]
            )
        elif callback_id := data.get("callback_id"):
            row = await session.scalar(select(IntakeRow).where(IntakeRow.source == f"callback:{callback_id}"))
            if row is None and fact.kind == "callback.failed":
                await self._unreached(session, fact, callback_id)
            if row is None or row.state == State.DONE:
                return
            if fact.kind == "callback.calling":
                row.call_id = fact.call_id  # what is said of it from now on is said in this call
            elif fact.kind == "callback.failed":
                row.text = f"{row.text}；多次回电未接通"
            elif fact.kind == "callback.cancelled":
                why = {"called_herself": "已自行来电"}.get(data.get("why", ""), "已取消")
                await self._intake.settle(session, row, Outcome.NONE, fact.actor, answer=why, outcome_id=None)

    async def _unreached(self, session: AsyncSession, fact: Fact, callback_id: str) -> None:
        """A call-back that staff placed was in vain: what it was placed for is done, so it comes into the list anew."""
        placed = await session.get(CallBackRow, callback_id)
        if placed is None:
            return
        before = await session.scalar(select(IntakeRow.text).where(IntakeRow.outcome_id == callback_id).limit(1))
        text = "；".join(filter(None, (before, "约定的回电多次未接通")))
        data = {"number": placed.number, "elder_id": placed.elder_id, "elder_name": placed.elder_name}
        await self._request(session, fact, data, Channel.CALLBACK, callback_id, text)

    async def _request(
        self, session: AsyncSession, fact: Fact, data: dict[str, Any], channel: Channel, id: str, text: str
    ) -> None:
        call = await session.get(CallRow, fact.call_id) if fact.call_id else None
        request = Request(
            channel=channel,
            kind=KINDS.get(call.digit, Kind.OTHER) if call is not None else Kind.OTHER,
            text=text,
            elder_id=data.get("elder_id"),
            call_id=fact.call_id,
            caller=str(data.get("number") or data.get("caller") or ""),
            contact=str(data.get("elder_name", ""))[:60],
            at=fact.at,
            source=f"{channel}:{id}",
        )
        await self._intake.receive(session, request, fact.actor, id=derived_id(fact.at, "intake", id))

    async def _answered(self, session: AsyncSession, fact: Fact, call_id: str, leg_id: str) -> None:
        call = await session.get(CallRow, call_id)
        if call is not None:
            # A duty mobile has no account to take it: it stays new, for whoever sits at the desk next.
            who = next((leg.number for leg in call.legs if leg.id == leg_id and leg.role == Role.SEAT), None)
            await self._item(session, fact, call, who)

    async def _item(self, session: AsyncSession, fact: Fact, call: CallRow, who: str | None) -> IntakeRow | None:
        """The call's item: that of the call-back it is, else one of its own; None for calls that bring nothing in."""
        if call.line == Line.OUTBOUND:
            asked = select(IntakeRow).where(IntakeRow.call_id == call.id, IntakeRow.channel == Channel.CALLBACK)
            row = (await session.scalars(asked)).first()
            if row is not None and who is not None and row.state == State.NEW:
                await self._intake.take(session, row, who)
            return row
        if call.line != Line.HOTLINE or call.via == SYNTHETIC:
            return None
        request = Request(
            channel=Channel.PHONE,
            kind=KINDS.get(call.digit, Kind.OTHER),
            elder_id=call.elder_id,
            call_id=call.id,
            caller=call.caller,
            contact=call.elder_name[:60],
            at=fact.at,
            source=f"call:{call.id}",
        )
        item_id = derived_id(call.started_at, "intake", call.id)
        row, _ = await self._intake.receive(session, request, who or fact.actor, id=item_id, taken_by=who)
        return row

    async def _matched(self, session: AsyncSession, call_id: str, elder_id: str) -> None:
        row = await session.scalar(select(IntakeRow).where(IntakeRow.source == f"call:{call_id}"))
        if row is not None and row.state != State.DONE:
            row.elder_id = elder_id

    async def _dispositioned(self, session: AsyncSession, fact: Fact, call_id: str, data: dict[str, Any]) -> None:
        call = await session.get(CallRow, call_id)
        row = await self._item(session, fact, call, None) if call is not None else None
        if call is None or row is None or row.state == State.DONE:
            return
        outcome = OUTCOMES.get(data["disposition"], Outcome.NONE)
        if elder_id := data.get("elder_id"):
            row.elder_id = elder_id
        summary = data.get("summary", "")
        row.text = row.text or summary
        source = f"disposition:{call_id}"
        outcome_id: str | None = None
        if outcome is Outcome.COMPLAINT:
            draft = Draft(
                text=summary or "电话投诉",
                contact=f"{call.elder_name} {call.caller}".strip(),
                elder_id=row.elder_id,
                call_id=call_id,
                at=fact.at,
            )
            made = derived_id(fact.at, "complaint", source)
            outcome_id = (await self._complaints.create(session, draft, fact.actor, id=made, source=source)).id
        elif outcome in (Outcome.WORK_ORDER, Outcome.CALLBACK):
            outcome_id = await session.scalar(select(WorkOrderRow.id).where(WorkOrderRow.source == source))
        await self._intake.settle(session, row, outcome, fact.actor, answer=summary, outcome_id=outcome_id)
