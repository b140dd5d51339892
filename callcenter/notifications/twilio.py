"""Twilio: texts and calls by its REST API of 2010-04-01, and the signatures of its webhooks.

The official client makes the requests; its own HTTP clients are not used: one blocks, the other (aiohttp) logs URLs,
has no deadline for the whole exchange and cannot be pointed elsewhere.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from twilio.base.exceptions import TwilioException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.twiml.voice_response import Gather, VoiceResponse

from callcenter.errors import InvalidInput
from callcenter.notifications.channel import NotSent, Order, Receipt, e164
from callcenter.notifications.http import SECONDS, Http, refuse_unwell
from callcenter.notifications.model import AttemptEvent, Route
from callcenter.settings import Settings
from callcenter.telephony.events import PbxEvent

TEXT, VOICE = "twilio", "twilio-voice"
STATUS_PATH = "/api/v1/messages/twilio/status"
VOICE_PATH = "/api/v1/messages/twilio/voice"
LANGUAGE = "zh-CN"
AT_ONCE = 10
RING_SECONDS = 30
MOST_FIELDS = 200
_API = "https://api.twilio.com"
_NO_ENVIRONMENT = {"TWILIO_REGION": ""}
"""The client would read a region, and so another host, from the process's environment; an empty one it ignores."""
_PRESS_ONE = "收到请按一。"
_THANKS = "谢谢您，再见。"

STATUSES: Mapping[str, AttemptEvent] = {
    "sent": AttemptEvent.SEND,
    "delivered": AttemptEvent.DELIVER,
    "read": AttemptEvent.DELIVER,
    "undelivered": AttemptEvent.FAIL,
    "failed": AttemptEvent.FAIL,
    "canceled": AttemptEvent.FAIL,
}
"""MessageStatus of a status callback; others (accepted, queued, sending …) are no news."""

CALL_STATUSES: Mapping[str, AttemptEvent] = {
    # Whoever pressed 1 has been reported delivered by then, and delivered stays delivered.
    "completed": AttemptEvent.FAIL,
    "busy": AttemptEvent.FAIL,
    "no-answer": AttemptEvent.FAIL,
    "failed": AttemptEvent.FAIL,
    "canceled": AttemptEvent.FAIL,
}
"""CallStatus of a status callback."""


class _Transport(AsyncHttpClient):  # type: ignore[misc]  # the package has no types
    """The client's requests over our own HTTP, to the address of the settings."""

    def __init__(self, api_url: str) -> None:
        super().__init__(logging.getLogger("twilio.silent"), True, SECONDS)
        self._api_url = api_url.rstrip("/")
        self.http = Http(2 * AT_ONCE)  # texts and calls

    async def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the client's signature
        allow_redirects: bool = False,
    ) -> Response:
        content = urlencode(data or {}, doseq=True).encode()
        url = self._api_url + uri.removeprefix(_API)
        status, text, answer_headers = await self.http.request(
            method, url, headers=headers or {}, content=content, auth=auth
        )
        refuse_unwell(status)
        return Response(status, text, answer_headers)


class Twilio:
    """One Twilio account."""

    def __init__(self, settings: Settings) -> None:
        self.transport = _Transport(settings.twilio_api_url)
        self.client = Client(
            settings.twilio_account_sid,
            settings.twilio_auth_token,
            http_client=self.transport,
            environment=_NO_ENVIRONMENT,
        )
        self.public_url = settings.public_url.rstrip("/")
        self.sender: dict[str, str] = {"from_": settings.twilio_from}

    def callback(self, path: str, attempt_id: str) -> str | None:
        """Where Twilio tells what became of an attempt; None when it cannot reach us."""
        return f"{self.public_url}{path}?attempt={attempt_id}" if self.public_url else None

    async def create(self, resource: Any, **values: Any) -> Receipt:
        """Make a message or a call; raises `NotSent`."""
        try:
            made = await resource.create_async(**{name: value for name, value in values.items() if value is not None})
        except TwilioException as error:
            code = getattr(error, "code", None) or getattr(error, "status", None) or "error"
            raise NotSent(f"twilio_{code}") from error
        except (json.JSONDecodeError, TypeError, AttributeError, KeyError) as error:
            # Status 2xx with a body that is not Twilio's: the message may be on its way.
            raise NotSent("garbage", unknown=True) from error
        if not made.sid:
            raise NotSent("garbage", unknown=True)
        return Receipt(str(made.sid))


class TwilioText:
    """SMS by Twilio. Delivery is reported where ``CALLCENTER_PUBLIC_URL`` says how Twilio reaches us."""

    at_once = AT_ONCE
    seconds = SECONDS + 1

    def __init__(self, account: Twilio) -> None:
        self._account = account
        self.route = Route(TEXT, reports=bool(account.public_url))

    async def send(self, order: Order) -> Receipt:
        """See `Channel.send`."""
        return await self._account.create(
            self._account.client.messages,
            to=e164(order.to),
            body=order.text,
            status_callback=self._account.callback(STATUS_PATH, order.id),
            **self._account.sender,
        )

    def resume(self, attempt_id: str) -> None:
        """Whether Twilio took it is not known: its report will tell."""

    def hear(self, event: PbxEvent) -> bool:
        return False

    async def close(self) -> None:
        await self._account.transport.http.close()


class TwilioVoice:
    """A call by Twilio that says the text; delivered when the person presses 1."""

    at_once = AT_ONCE
    seconds = SECONDS + 1

    def __init__(self, account: Twilio) -> None:
        self._account = account
        self.route = Route(VOICE, voice=True, reports=bool(account.public_url))

    async def send(self, order: Order) -> Receipt:
        """See `Channel.send`."""
        return await self._account.create(
            self._account.client.calls,
            to=e164(order.to),
            twiml=announcement(order.text, self._account.callback(VOICE_PATH, order.id)),
            timeout=RING_SECONDS,
            status_callback=self._account.callback(STATUS_PATH, order.id),
            **self._account.sender,
        )

    def resume(self, attempt_id: str) -> None:
        """As `TwilioText.resume`."""

    def hear(self, event: PbxEvent) -> bool:
        return False

    async def close(self) -> None:
        await self._account.transport.http.close()


def announcement(text: str, action: str | None) -> str:
    """The TwiML of a call: the text twice, and key 1 asked for where ``action`` can be told of it."""
    answer = VoiceResponse()
    for _ in range(2):
        if action is None:
            answer.say(text, language=LANGUAGE)
        else:
            gather = Gather(num_digits=1, action=action, method="POST", timeout=5, action_on_empty_result=False)
            gather.say(text + _PRESS_ONE, language=LANGUAGE)
            answer.append(gather)
    return str(answer)


def thanks(accepted: bool) -> str:
    """The TwiML after a key was pressed."""
    answer = VoiceResponse()
    if accepted:
        answer.say(_THANKS, language=LANGUAGE)
    answer.hangup()
    return str(answer)


def read_form(body: bytes) -> dict[str, str]:
    """The fields of a webhook's body, empty ones too: they are signed. Raises `InvalidInput` for too many."""
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise InvalidInput(f"a webhook of Twilio's has no more than {MOST_FIELDS} fields") from error


def genuine(settings: Settings, path: str, form: Mapping[str, str], signature: str) -> bool:
    """Whether a webhook is Twilio's: X-Twilio-Signature over our public URL and the form (by its own validator).

    ``path``: with its query, as it was requested.
    """
    if not (settings.public_url and settings.twilio_auth_token and signature.isascii()):
        return False
    url = settings.public_url.rstrip("/") + path
    return bool(RequestValidator(settings.twilio_auth_token).validate(url, form, signature))
