"""The phone in the browser: how one's own page registers it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from callcenter.accounts.passwords import SIP_REALM
from callcenter.accounts.permissions import Principal
from callcenter.accounts.web_phones import turn_credentials, web_phone_password
from callcenter.api.deps import ControllerDep, ServicesDep, require
from callcenter.api.problems import responses
from callcenter.telephony.endpoints import web_endpoint

router = APIRouter(prefix="/api/v1/seats", tags=["seats"])

Owner = Annotated[Principal, Depends(require("seats:own"))]


class IceServer(BaseModel):
    """A STUN or TURN server, as RTCPeerConnection takes it (W3C WebRTC §4.2.3)."""

    model_config = ConfigDict(frozen=True)

    urls: str
    username: str | None = None
    credential: str | None = None


class WebPhone(BaseModel):
    """What a page registers with: keep it in memory only."""

    model_config = ConfigDict(frozen=True)

    user: Annotated[str, Field(examples=["op1-web"])]
    password: str
    domain: str
    ws_url: Annotated[str, Field(examples=["wss://center.example/ws"])]
    ice_servers: list[IceServer]
    auto_answer: Annotated[bool, Field(description="Whether an emergency may be picked up by itself (R12)")]


@router.get("/me/phone", responses=responses(404))
async def my_phone(request: Request, controller: ControllerDep, services: ServicesDep, who: Owner) -> WebPhone:
    """One's own phone in the browser. It is a phone of the seat beside its other one, if there is any."""
    seat = controller.routing.seat(who.user)
    settings = services.settings
    servers = []
    for url in settings.ice_servers:
        name, password = (
            turn_credentials(settings, services.clock, seat.user) if url.startswith("turn") else (None, None)
        )
        servers.append(IceServer(urls=url, username=name, credential=password))
    return WebPhone(
        user=web_endpoint(seat.user),
        password=web_phone_password(settings, seat.user, seat.phone_word),
        domain=SIP_REALM,
        ws_url=settings.phone_socket(request.url.hostname or settings.web_address),
        ice_servers=servers,
        auto_answer=seat.auto_answer,
    )
