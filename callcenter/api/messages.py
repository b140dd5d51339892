"""Messages to people outside: the list, one with its attempts, and what providers report of them.

The reports come without a sign-in; each must be signed, and each works while the database is down (A10).
"""

from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.permissions import Permission, Principal
from callcenter.api import idempotency
from callcenter.api.areas import elders_seen, sees
from callcenter.api.deps import ControllerDep, Services, ServicesDep, require, transaction
from callcenter.api.merged import page, read
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.controller import Controller
from callcenter.emergency.tables import EmergencyRow
from callcenter.errors import Forbidden, NotFound
from callcenter.notifications import gateway, twilio
from callcenter.notifications.model import Attempt, AttemptEvent, Message, MessageState
from callcenter.notifications.tables import MessageRow, to_message
from callcenter.phone import normalise

router = idempotency.router("/messages", "messages", live=True)

Reader = Annotated[Principal, Depends(require("emergencies:read"))]
AttemptId = Annotated[str, Query(pattern=r"^[0-9a-f-]{1,36}$")]
TWIML = "application/xml"


class AttemptView(BaseModel):
    """One request to one channel."""

    id: str
    channel: str = Field(description="gateway, twilio, twilio-voice or voice")
    state: str = Field(description="sending, sent, delivered, failed, or doubtful: whether it went out is not known")
    provider_id: str
    why: str = Field(description="A code for what went wrong; empty when nothing did.")
    begun_at: Moment
    sent_at: Moment | None
    ended_at: Moment | None

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptView":
        return cls.model_validate({name: getattr(attempt, name) for name in cls.model_fields})


class MessageView(BaseModel):
    """One message. ``text`` may hold a door code and medical notes: it needs ``elders:care``, else it is empty."""

    id: str
    state: str = Field(description="queued, sending, sent, delivered or given_up")
    why: str = Field(description="Why it was given up: no_channel, failed, unconfirmed, too_late or not_wanted.")
    to: str
    name: str
    role: str
    purpose: str
    text: str
    incident_id: str | None
    call_id: str | None
    actor: str
    requested_at: Moment
    delivered_at: Moment | None
    given_up_at: Moment | None
    attempts: list[AttemptView]

    @classmethod
    def of(cls, message: Message, who: Principal) -> "MessageView":
        plain = cls.model_fields.keys() - {"state", "text", "attempts"}
        values: dict[str, Any] = {name: getattr(message, name) for name in plain}
        return cls(
            **values,
            state=message.state.value,
            text=message.text if who.may(Permission.ELDERS_CARE) else "",
            attempts=[AttemptView.of(attempt) for attempt in message.attempts],
        )


def _visible(who: Principal) -> Select[MessageRow]:
    """All messages, or those of incidents of the elders of the account's area."""
    query = select(MessageRow)
    if (seen := elders_seen(who)) is not None:
        query = query.where(MessageRow.incident_id.in_(select(EmergencyRow.id).where(EmergencyRow.elder_id.in_(seen))))
    return query


def _sees(who: Principal, services: Services, controller: Controller, message: Message) -> bool:
    incident = controller.emergencies.find(message.incident_id or "")
    if incident is None:
        return sees(who, services, None)
    return sees(who, services, incident.elder_id, controller.emergencies.calls_of(incident))


@router.get("", responses=responses())
async def list_messages(
    request: Request,
    services: ServicesDep,
    controller: ControllerDep,
    who: Reader,
    incident_id: Annotated[str | None, Query(max_length=64)] = None,
    to: Annotated[str | None, Query(max_length=40, description="A phone number, in any spelling.")] = None,
    state: MessageState | None = None,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[MessageView]:
    """Messages, newest first."""
    number = (normalise(to) or to) if to else None

    def fits(message: Message) -> bool:
        return (
            (incident_id is None or message.incident_id == incident_id)
            and (number is None or message.to == number)
            and (state is None or message.state == state)
            and _sees(who, services, controller, message)
        )

    query = _visible(who).order_by(MessageRow.id.desc()).limit(limit + 1)
    for condition in (
        MessageRow.incident_id == incident_id if incident_id else None,
        MessageRow.to == number if number else None,
        MessageRow.state == state.value if state else None,
        MessageRow.id < cursor if cursor else None,
    ):
        if condition is not None:
            query = query.where(condition)

    async def stored(session: AsyncSession) -> list[Message]:
        return [to_message(row) for row in await session.scalars(query)]

    def current(message: Message) -> Message:
        return controller.messages.find(message.id) or message

    rows = [current(row) for row in await read(request, services, stored, list[Message]())]
    fresh = [row for row in rows if state is None or row.state == state]
    messages, following = page([m for m in controller.messages.known() if fits(m)], fresh, cursor, limit)
    return Page(items=[MessageView.of(message, who) for message in messages], next=following)


@router.get("/{message_id}", responses=responses(404))
async def get_message(
    request: Request, services: ServicesDep, controller: ControllerDep, who: Reader, message_id: Id
) -> MessageView:
    """One message with every attempt."""
    message = controller.messages.find(message_id)
    if message is None or not _sees(who, services, controller, message):
        async with transaction(request, services) as session:
            row = await session.scalar(_visible(who).where(MessageRow.id == message_id))
        if row is None:
            raise NotFound(f"no message has the id {message_id}")
        message = message or to_message(row)
    return MessageView.of(message, who)


# --- what providers report -----------------------------------------------------------------------------------


async def _twilio_form(request: Request, services: Services) -> dict[str, str]:
    """The form of a webhook of Twilio's; raises `Forbidden` unless its signature is right."""
    form = twilio.read_form(await request.body())
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if not twilio.genuine(services.settings, path, form, request.headers.get("X-Twilio-Signature", "")):
        raise Forbidden("X-Twilio-Signature does not fit: check CALLCENTER_TWILIO_AUTH_TOKEN and CALLCENTER_PUBLIC_URL")
    return form


@router.post("/twilio/status", status_code=204, responses=responses(403))
async def twilio_status(
    request: Request, services: ServicesDep, controller: ControllerDep, attempt: AttemptId
) -> Response:
    """Twilio tells what became of a message or a call; repeated, late and unordered reports change nothing."""
    form = await _twilio_form(request, services)
    call = "CallStatus" in form
    event = twilio.CALL_STATUSES.get(form["CallStatus"]) if call else twilio.STATUSES.get(form.get("MessageStatus", ""))
    if event is not None:
        said = form["CallStatus"] if call else form.get("ErrorCode") or form["MessageStatus"]
        controller.messages.report(
            attempt,
            event,
            why=f"twilio_{said}"[:60],
            channel=twilio.VOICE if call else twilio.TEXT,
            provider_id=form.get("CallSid" if call else "MessageSid", "")[:100],
        )
    return Response(status_code=204)


@router.post("/twilio/voice", responses=responses(403))
async def twilio_voice(
    request: Request, services: ServicesDep, controller: ControllerDep, attempt: AttemptId
) -> Response:
    """The person Twilio called pressed a key: 1 means that the message arrived."""
    form = await _twilio_form(request, services)
    accepted = form.get("Digits") == "1"
    if accepted:
        controller.messages.report(attempt, AttemptEvent.DELIVER, channel=twilio.VOICE)
    return Response(twilio.thanks(accepted), media_type=TWIML)


@router.post("/gateway/report", responses=responses(403, 404))
async def gateway_report(
    request: Request, controller: ControllerDep, token: Annotated[str, Query(max_length=200)] = ""
) -> dict[str, Any]:
    """The gateway's provider reports deliveries, as its file describes them."""
    channel = controller.messages.channel(gateway.NAME)
    rule = channel.config.report if isinstance(channel, gateway.Gateway) else None
    if rule is None:
        raise NotFound("the gateway's file describes no reports")
    body = await request.body()
    if not gateway.genuine(rule, body, request.headers.get(rule.header, ""), token):
        raise Forbidden("the report's signature or token does not fit the secret in the gateway's file")
    for ours, theirs, event, why in gateway.read_reports(rule, body):
        controller.messages.report(ours, event, why=why, channel=gateway.NAME, provider_id=theirs)
    return rule.answer
