"""Setting up a seat's phone over REST: a fresh SIP password with everything a hardware or app phone asks for (B2)."""

from fastapi import Depends, Request
from pydantic import BaseModel, Field

from callcenter.accounts import service
from callcenter.accounts.phone_setup import phone_setup
from callcenter.api import idempotency
from callcenter.api.deps import ServicesDep, SessionDep, hint, require
from callcenter.api.problems import responses
from callcenter.api.types import Id
from callcenter.audit.trail import note
from callcenter.errors import Conflict

router = idempotency.router("/accounts", "accounts")


class Provisioning(BaseModel):
    """A phone's settings; the password is shown this once."""

    user: str
    domain: str
    port: int
    transport: str
    realm: str
    password: str
    uri: str = Field(examples=["sip:op1@192.0.2.10:5060;transport=udp"], description="Without the password.")
    text: str = Field(description="All settings, a line each, for whoever types them in.")
    qr_svg: str = Field(
        description="The text as a QR code: any camera shows it, to copy from; no app takes it by itself."
    )


@router.post("/{id}/provisioning", dependencies=[Depends(require("accounts:write"))], responses=responses(404, 409))
async def provision(id: Id, request: Request, session: SessionDep, services: ServicesDep) -> Provisioning:
    """Give the account's phone a new SIP password, and tell it once; the phone with the old one is out.

    An account without a seat gets one. Asterisk knows it within a second or two.
    """
    row = await service.get_account(session, id)
    if not row.active:
        raise Conflict("this account is switched off; switch it on first", reason="account_off")
    password = service.set_seat(services.clock, row, True) or ""
    note(session, "provision", "accounts", row.id)
    request.state.answer_is_secret = True
    hint(session, service.CHANGED)
    settings = services.settings
    host = request.url.hostname or settings.bind
    made = phone_setup(row.user, row.name, password, host, settings.sip_port, settings.bind)
    return Provisioning.model_validate(made, from_attributes=True)
