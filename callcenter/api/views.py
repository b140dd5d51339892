"""How calls, legs, emergencies and seats look to the outside."""

from typing import Any, Literal, Self

from pydantic import BaseModel, Field

from callcenter.api.types import Moment
from callcenter.calls.model import Call, Leg, Role
from callcenter.emergency.model import Incident
from callcenter.facts import Fact
from callcenter.notifications.facts import MessageRequested
from callcenter.timeline.model import FactRow
from callcenter.timeline.service import row_values


class LegView(BaseModel):
    """One person's connection to a call."""

    id: str
    role: str = Field(description="elder (the caller), seat, duty, 120, family, doctor, number, monitor …")
    number: str = Field(description="The number dialled; for a seat its user name.")
    name: str
    state: str = Field(description="dialing, ringing, answered, joined (in the room) or ended")
    reason: str = Field(description="How it ended: normal, busy, no_answer, rejected, cancelled, unreachable, lost …")
    added_at: Moment | None
    ringing_at: Moment | None
    answered_at: Moment | None
    joined_at: Moment | None
    ended_at: Moment | None

    @classmethod
    def of(cls, leg: Leg) -> Self:
        return cls.model_validate({name: getattr(leg, name) for name in cls.model_fields})


class CallAttempt(LegView):
    """One attempt to have somebody in an incident: who, by which route, when it rang, and what became of it."""

    wish_id: str = Field(description="The wish it was an attempt of; empty for seats and the elder's own call.")
    route: str = Field(description="The trunk it went out by; empty for seats.")
    auto: bool = Field(description="The phone answers by itself: it was not accepted until it showed life (R12).")
    accepted_at: Moment | None = Field(description="When a person was there for sure: key, life, or picked up by hand.")
    cause: int = Field(description="The Q.850 cause that Asterisk gave at its end; 0: none.")


class TransferView(BaseModel):
    """A transfer under way. ``leg_id``: the leg that is dialled for it."""

    to: str = Field(description="seat:<user> or number:<number>")
    mode: str = Field(description="blind or attended")
    by: str
    leg_id: str


class MonitorView(BaseModel):
    """A supervisor on a call."""

    user: str
    mode: str = Field(description="listen, whisper, join or take_over")


class CallView(BaseModel):
    """One call. ``recordings`` holds ids; their records and audio are under /api/v1/recordings."""

    id: str
    line: str = Field(description="hotline, emergency or outbound (an operator called; caller is whom).")
    caller: str = Field(description="The caller's number in canonical form; empty when withheld or malformed.")
    did: str
    via: str = Field(
        description="controller, fallback (taken while the controller was down), adopted, callback or outbound"
    )
    room: str
    incident_id: str | None
    elder_id: str | None
    elder_name: str
    device_id: str | None
    ambiguous: bool = Field(description="Several elders share the number; a human decides.")
    digit: str = Field(description="The caller's choice from the hotline's menu.")
    disposition: str
    note: str = Field(description="The operator's note; written by PUT …/note.")
    note_revision: int
    started_at: Moment = Field(description="When the INVITE arrived.")
    answered_at: Moment | None = Field(description="When the machine answered.")
    human_at: Moment | None = Field(description="When the first seat or on-call phone was in the room.")
    ended_at: Moment | None
    queue: str = Field(description="The queue that the call waits in, or came from.")
    held: bool = Field(description="The caller is on hold.")
    parked: int | None = Field(description="The slot that the caller is parked in.")
    transfer: TransferView | None
    monitors: list[MonitorView] = Field(description="Supervisors on the call; for operators only if the settings say.")
    legs: list[LegView]
    recordings: list[str]

    @classmethod
    def of(cls, call: Call, recordings: list[str], *, queue: str = "", monitored: bool = True) -> "CallView":
        """``monitored``: whether to tell of supervisors who are not in the room."""
        plain = cls.model_fields.keys() - _DERIVED
        values: dict[str, Any] = {name: getattr(call, name) for name in plain}
        legs = [leg for leg in call.legs.values() if monitored or leg.role != Role.MONITOR]
        live = {leg.id for leg in legs if leg.live}
        transfer = call.transfer
        return cls(
            **values,
            started_at=call.invited_at,
            legs=[LegView.of(leg) for leg in legs],
            recordings=recordings,
            queue=queue,
            parked=call.parked.slot if call.parked is not None and call.open else None,
            transfer=transfer
            and TransferView(to=transfer.to, mode=transfer.mode, by=transfer.by, leg_id=transfer.leg_id),
            monitors=[
                MonitorView(user=one.user, mode=one.mode) for leg_id, one in call.monitors.items() if leg_id in live
            ],
        )


_DERIVED = {"started_at", "legs", "recordings", "queue", "parked", "transfer", "monitors"}


class ChecklistItem(BaseModel):
    """A sentence of the plan's checklist, and who ticked it off when."""

    sentence: str
    ticked_at: Moment | None
    ticked_by: str


class EmergencyView(BaseModel):
    """One incident. ``calls`` holds the ids of its calls, oldest first; ``legs`` those of all its calls."""

    id: str
    state: str = Field(description="open or closed")
    needs_human: bool = Field(description="The ladder is at work: nobody of ours is with the elder.")
    origin: str = Field(description="press, menu, alarm, desk, drill or synthetic.")
    kind: str = Field(description="What kind of event it is, as the alarm or the operator said (A6).")
    drill: bool = Field(description="Nobody is in danger: a drill from its start.")
    area: str
    device_id: str | None
    elder_id: str | None
    elder_name: str
    caller: str
    room: str
    priority: int
    opened_at: Moment = Field(description="When the first INVITE arrived; both answer times count from it (A1).")
    system_answer_ms: int | None
    human_answer_ms: int | None
    answered_by: str
    silence: str = Field(description="ask, louder, call_back or send_someone while she says nothing (R17); or empty.")
    late: bool = Field(description="No human answered within the limit of GS 4.3.11.2.")
    closed_at: Moment | None
    outcome: str
    cause: str
    summary: str
    note: str = Field(description="The operator's note; written by PUT …/note.")
    note_revision: int
    plan: dict[str, Any]
    checklist: list[ChecklistItem] = Field(description="What the plan has the operator do in this kind of event (A6).")
    calls: list[str]
    legs: list[LegView]

    @classmethod
    def of(cls, incident: Incident, legs: list[Leg], needs_human: bool) -> "EmergencyView":
        plain = cls.model_fields.keys() - {"needs_human", "plan", "checklist", "calls", "legs", "state", "drill"}
        values: dict[str, Any] = {name: getattr(incident, name) for name in plain}
        return cls(
            **values,
            state=incident.state.value,
            needs_human=needs_human,
            drill=incident.drill is not None,
            plan={
                "id": incident.plan.id,
                "name": incident.plan.name,
                "steps": [
                    {"at_seconds": s.at_seconds, "targets": list(s.targets), "accept": s.accept}
                    for s in incident.plan.steps
                ],
            },
            checklist=[
                ChecklistItem(sentence=sentence, ticked_at=tick and tick.at, ticked_by=tick.by if tick else "")
                for sentence in incident.plan.checklist_for(incident.kind)
                for tick in (incident.ticks.get(sentence),)
            ],
            calls=list(incident.calls),
            legs=[LegView.of(leg) for leg in legs],
        )


class SeatPhoneView(BaseModel):
    """The phone that a seat is rung on."""

    kind: Literal["sip", "web"]
    watched: bool = Field(description="Its silence is noticed within seconds, not when its registration ends.")


class SeatMonitorView(BaseModel):
    """What a supervisor's seat is on beside the room: which call, and how."""

    call_id: str
    mode: str = Field(description="listen or whisper")


class SeatView(BaseModel):
    """One seat and what it is doing."""

    user: str
    role: str
    state: str = Field(description="offline, paused, wrap_up, ready, ringing, talking or monitoring")
    declared: str = Field(description="What the operator said: ready or paused.")
    reason: str
    registered: bool = Field(description="The seat's phone is registered.")
    auto_answer: bool = Field(description="Its phone picks up an emergency by itself.")
    call_id: str | None = Field(description="The call it rings for or talks on.")
    line: str | None = Field(None, description="That call's line: hotline, emergency or outbound.")
    monitoring: SeatMonitorView | None = Field(None, description="What it listens to; told to whom monitors are told.")
    state_since: Moment | None = None
    deadline: Moment | None = Field(None, description="When a wrap-up, or a pause for not answering, ends by itself.")
    skills: dict[str, int] = Field({}, description="Skill to level, 1 to 5.")
    area: str = Field("", description="Whose elders it serves first.")
    queues: list[str] = Field([], description="Codes of the queues it serves.")
    phone: SeatPhoneView | None = Field(None, description="The phone that is rung; null: none is on.")


class FactView(BaseModel):
    """One fact of a timeline: what happened, when, by whom (A7).

    What a message said is not told here: it may hold a door code, and /api/v1/messages knows who may read it.
    """

    id: str
    at: Moment
    kind: str
    actor: str
    call_id: str | None
    incident_id: str | None
    data: dict[str, Any]

    @classmethod
    def of(cls, fact: Fact | FactRow) -> "FactView":
        values = row_values(fact) if isinstance(fact, Fact) else {n: getattr(fact, n) for n in cls.model_fields}
        if values["kind"] == MessageRequested.KIND:
            values = {**values, "data": {k: v for k, v in values["data"].items() if k not in ("text", "params")}}
        return cls.model_validate({name: values[name] for name in cls.model_fields})
