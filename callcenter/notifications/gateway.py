"""A generic HTTP gateway: any provider whose API is one request, described by one JSON file (docs/messages.md)."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from callcenter.clock import Clock
from callcenter.errors import InvalidInput
from callcenter.notifications.channel import NotSent, Order, Receipt, e164
from callcenter.notifications.http import SECONDS, Http, refuse_unwell
from callcenter.notifications.model import AttemptEvent, Route
from callcenter.notifications.templates import Json, at, check, check_pointer, fill, names_in, word
from callcenter.telephony.events import PbxEvent

NAME = "gateway"
AT_ONCE = 10
MAX_REPORTS = 1000
FIELDS = frozenset(
    {"id", "to", "e164", "text", "template", "params", "timestamp", "milliseconds", "nonce", "signature"}
)
"""What a template may name besides ``params.NAME``."""


def _pointer(value: str) -> str:
    try:
        return check_pointer(value)
    except InvalidInput as error:
        raise ValueError(error.message) from error


Pointer = Annotated[str, AfterValidator(_pointer)]
Word = Annotated[str, BeforeValidator(word)]
"""A value of the provider's, which the file may write as a number."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Signature(_Part):
    """How a provider wants requests signed: a digest over ``of``, as ``{signature}``."""

    algorithm: Literal["md5", "sha1", "sha256", "hmac-sha1", "hmac-sha256"]
    of: str
    key: str = ""
    encoding: Literal["hex", "base64"] = "hex"

    def sign(self, values: Mapping[str, str]) -> str:
        text = fill(self.of, values).encode()
        name = self.algorithm.removeprefix("hmac-")
        if name == self.algorithm:
            digest = hashlib.new(name, text, usedforsecurity=False).digest()
        else:
            digest = hmac.new(self.key.encode(), text, name).digest()
        return digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode()


class Accepted(_Part):
    """By what one knows that the provider took it: the status, and a value in the JSON answer.

    ``again``: values at ``pointer`` that mean the provider is unwell, and one may try again.
    """

    status: tuple[int, ...] = (200, 201, 202)
    pointer: Pointer = ""
    equals: tuple[Word, ...] = ()
    again: tuple[Word, ...] = ()

    @model_validator(mode="after")
    def _both(self) -> Self:
        if bool(self.pointer) != bool(self.equals):
            raise ValueError("pointer and equals belong together")
        return self


class Report(_Part):
    """Delivery reports. ``secret``: of the HMAC-SHA256 over the body, in hex in ``header``; or, ``by`` token for
    providers that sign nothing, itself in the report's URL as ``?token=``.

    ``items``: where the list of reports is in the body; the body itself may be the list or the only one.
    ``id``: where in one is our ``{id}``; ``provider_id``: the provider's. ``answer``: what the provider wants to hear.
    """

    secret: Annotated[str, Field(min_length=16)]
    by: Literal["hmac", "token"] = "hmac"
    header: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")] = "X-Signature"
    items: Pointer = ""
    id: Pointer = ""
    provider_id: Pointer = ""
    status: Pointer
    delivered: Annotated[tuple[Word, ...], Field(min_length=1)]
    failed: tuple[Word, ...] = ()
    answer: dict[str, Any] = {}

    @model_validator(mode="after")
    def _either(self) -> Self:
        if not (self.id or self.provider_id):
            raise ValueError("id or provider_id must say where a report names the message")
        if set(self.delivered) & set(self.failed):
            raise ValueError("delivered and failed must not share a word")
        return self


class Config(_Part):
    """The whole file. ``templates``: our template names → the provider's codes; ``""`` is for messages without one."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
    method: Literal["GET", "POST", "PUT"] = "POST"
    headers: dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")], str] = {}
    json_body: Annotated[Any, Field(alias="json")] = None
    form: dict[str, str] | None = None
    templates: dict[str, str] = {}
    signature: Signature | None = None
    accepted: Accepted = Accepted()
    provider_id: Pointer = ""
    report: Report | None = None

    @cached_property
    def names(self) -> frozenset[str]:
        """Every placeholder of the request."""
        signed = self.signature.of if self.signature else ""
        return frozenset(names_in([self.url, self.headers, self.json_body, self.form, signed]))

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.json_body is not None and self.form is not None:
            raise ValueError("give json or form, not both")
        try:
            check([self.url, self.headers, self.json_body, self.form], FIELDS)
            if self.signature is not None:
                check(self.signature.of, FIELDS - {"signature"})
        except InvalidInput as error:
            raise ValueError(error.message) from error
        return self


def load(path: Path) -> Config:
    """Read the gateway's file; raises `InvalidInput` that names the file, the field and what it must be."""
    try:
        document = json.loads(path.read_text("utf-8"))
        return Config.model_validate(document)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        # Without what was given: it may be a key.
        said = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'file'}: {item['msg']}" for item in error.errors())
        raise InvalidInput(f"{path}: {said}") from error
    except ValueError as error:
        raise InvalidInput(f"{path} is not JSON in UTF-8: {error}") from error


class Gateway:
    """Texts by the provider that the file describes."""

    at_once = AT_ONCE
    seconds = SECONDS + 1

    def __init__(self, config: Config, clock: Clock) -> None:
        self.config = config
        self._clock = clock
        self._http = Http(AT_ONCE)
        self.route = Route(NAME, reports=config.report is not None)

    async def send(self, order: Order) -> Receipt:
        """See `Channel.send`."""
        url, headers, body = render(self.config, order, self._values(order))
        status, text, _ = await self._http.request(self.config.method, url, headers=headers, content=body)
        refuse_unwell(status)
        return judge(self.config, status, text)

    def _values(self, order: Order) -> dict[str, str]:
        now = self._clock.now().timestamp()
        return {
            "timestamp": str(int(now)),
            "milliseconds": str(int(now * 1000)),
            "nonce": secrets.token_hex(8),
        }

    def resume(self, attempt_id: str) -> None:
        """Whether the provider took it is not known: its report will tell."""

    def hear(self, event: PbxEvent) -> bool:
        return False

    async def close(self) -> None:
        await self._http.close()


def render(config: Config, order: Order, moment: Mapping[str, str]) -> tuple[str, dict[str, str], bytes]:
    """URL, headers and body of a request. ``moment``: timestamp, milliseconds and nonce."""
    code = config.templates.get(order.template) if config.templates else order.template
    if code is None:
        raise NotSent("no_template")
    values = {
        **moment,
        "id": order.id,
        "to": order.to,
        "text": order.text,
        "template": code,
        "params": json.dumps(dict(order.params), ensure_ascii=False),
        **{f"params.{name}": value for name, value in order.params.items()},
    }
    if "e164" in config.names:
        values["e164"] = e164(order.to)
    if config.signature is not None:
        values["signature"] = config.signature.sign(values)
    headers = {name: fill(text, values, _one_line) for name, text in config.headers.items()}
    body = b""
    if config.json_body is not None:
        headers.setdefault("Content-Type", "application/json; charset=utf-8")
        body = json.dumps(fill(config.json_body, values), ensure_ascii=False).encode()
    elif config.form is not None:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
        body = urlencode(fill(config.form, values)).encode()
    return fill(config.url, values, lambda value: quote(value, safe="")), headers, body


def _one_line(value: str) -> str:
    """A header's value: one line of ASCII (RFC 9110 §5.5)."""
    return quote(value, safe=" !#$&'()*+,/:;=?@[]~")


def judge(config: Config, status: int, text: str) -> Receipt:
    """What an answer means; raises `NotSent`."""
    rule = config.accepted
    if status not in rule.status:
        raise NotSent(f"http_{status}")
    try:
        answer: Json = json.loads(text) if rule.pointer or config.provider_id else None
    except ValueError as error:
        raise NotSent("garbage", unknown=True) from error
    if rule.pointer:
        code = word(at(answer, rule.pointer))
        if code not in rule.equals:
            raise NotSent(f"refused_{_code(code)}", again=code in rule.again)
    return Receipt(word(at(answer, config.provider_id))[:100] if config.provider_id else "")


def _code(text: str) -> str:
    """A provider's error code for the record: short and without what could be personal."""
    kept = "".join(letter for letter in text if letter.isascii() and (letter.isalnum() or letter in "._-"))[:40]
    return kept if len(kept) < 8 or not kept.isdecimal() else "number"


def genuine(report: Report, body: bytes, signature: str, token: str = "") -> bool:
    """Whether a report is the provider's: hex HMAC-SHA256 of the body, or the token; compared in constant time."""
    if report.by == "token":
        return hmac.compare_digest(report.secret.encode(), token.encode())
    wanted = hmac.new(report.secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted.encode(), signature.lower().removeprefix("sha256=").encode())


def read_reports(report: Report, body: bytes) -> Sequence[tuple[str, str, AttemptEvent, str]]:
    """(our id, the provider's id, event, word) of each report in a body; raises `InvalidInput` for what is none.

    Words that the file does not name are no news.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise InvalidInput("a report must be JSON") from error
    items = at(document, report.items)
    found = []
    for item in (items if isinstance(items, list) else [items])[:MAX_REPORTS]:
        said = word(at(item, report.status))
        event = (
            AttemptEvent.DELIVER if said in report.delivered else AttemptEvent.FAIL if said in report.failed else None
        )
        if event is not None:
            ours = word(at(item, report.id)) if report.id else ""
            theirs = word(at(item, report.provider_id)) if report.provider_id else ""
            found.append((ours, theirs, event, f"report_{_code(said)}"))
    return found
