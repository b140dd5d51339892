"""Twilio by its official client: requests fit the published API (prism refuses others); every kind of trouble (A3)."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from twilio.request_validator import RequestValidator

from callcenter.notifications import http as notifications_http
from callcenter.notifications.channel import NotSent, Order, Receipt
from callcenter.notifications.twilio import Twilio, TwilioText, TwilioVoice, announcement, genuine, read_form, thanks
from callcenter.settings import Settings, load_settings
from tests.support.providers import Answer, Provider, provider
from tests.support.twilio.prism import serving

SID, TOKEN, FROM = "AC" + "0" * 32, "the token", "+15005550006"
PUBLIC = "https://center.example.org:8443/callcenter"
TEXT = "王秀英<跌倒>了 & 按下求助按钮"
ORDER = Order("0190b7c2-0000-7000-8000-000000000001", "13700000001", TEXT)


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
async def server() -> AsyncIterator[Provider]:
    async with provider() as running:
        yield running


def settings(tmp_path: Path, url: str, public_url: str = PUBLIC) -> Settings:
    return load_settings(
        data=tmp_path,
        message_channels="twilio,twilio-voice",
        twilio_account_sid=SID,
        twilio_auth_token=TOKEN,
        twilio_from=FROM,
        twilio_api_url=url,
        public_url=public_url,
        _env_file=None,
    )


@pytest.mark.parametrize("public_url", [PUBLIC, ""])
@pytest.mark.parametrize("kind", [TwilioText, TwilioVoice])
async def test_given_the_published_api_when_a_message_or_call_is_made_then_it_fits_and_its_id_is_kept(
    prism: str, tmp_path: Path, kind: type[TwilioText | TwilioVoice], public_url: str
) -> None:
    channel = kind(Twilio(settings(tmp_path, prism, public_url)))
    try:
        receipt = await channel.send(ORDER)
    finally:
        await channel.close()
    assert receipt.provider_id.startswith("SM" if kind is TwilioText else "CA")
    assert channel.route.reports is bool(public_url)


async def test_given_a_request_that_does_not_fit_the_published_api_then_prism_would_say_so(
    prism: str, tmp_path: Path
) -> None:
    account = Twilio(settings(tmp_path, prism))
    try:
        with pytest.raises(NotSent, match="twilio_422"):
            await account.create(account.client.calls, to="+8613700000001", from_=FROM, timeout="soon")
    finally:
        await account.transport.http.close()


async def test_given_a_text_when_sent_then_number_text_callback_and_account_are_on_the_wire(
    server: Provider, tmp_path: Path
) -> None:
    server.otherwise = lambda request: Answer(201, json.dumps({"sid": "SM1"}).encode())
    channel = TwilioText(Twilio(settings(tmp_path, server.url)))
    assert await channel.send(ORDER) == Receipt("SM1")
    await channel.close()
    (sent,) = server.requests
    assert (sent.method, sent.path) == ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json")
    assert sent.headers["authorization"].startswith("Basic ")
    assert parse_qs(sent.body.decode()) == {
        "To": ["+8613700000001"],
        "From": [FROM],
        "Body": [TEXT],
        "StatusCallback": [f"{PUBLIC}/api/v1/messages/twilio/status?attempt={ORDER.id}"],
    }


TAKEN = b'{"sid": "SM1"}'


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(500, b"oops"), ("http_500", True, False)),
        (Answer(503, b'{"code": 20503, "message": "x", "status": 503}'), ("http_503", True, False)),
        (Answer(429, b'{"code": 20429}'), ("http_429", True, False)),
        (Answer(400, b'{"code": 21211, "message": "13700000001", "status": 400}'), ("twilio_21211", False, False)),
        (Answer(401, b"<html>"), ("twilio_401", False, False)),
        (
            Answer(400, b'{"type": "x", "title": "t", "status": 400, "code": 21610, "detail": "d"}'),
            ("twilio_21610", False, False),
        ),
        (Answer(201, b"<html>"), ("garbage", False, True)),
        (Answer(201, b"[]"), ("garbage", False, True)),
        (Answer(201, b"{}"), ("garbage", False, True)),
        (Answer(201, b'{"sid": null}'), ("garbage", False, True)),
        (Answer(201, b"x" * 100_000), ("answer_too_long", False, True)),
        (Answer(cut=True), ("cut_off", False, True)),
        (Answer(201, TAKEN, after=30), ("timeout", False, True)),
        (Answer(201, TAKEN * 40, drip=True), ("timeout", False, True)),
        (Answer(302, b""), ("twilio_302", False, False)),
    ],
)
async def test_given_a_provider_in_trouble_when_asked_then_it_is_known_whether_it_may_be_asked_again(
    server: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer, outcome: tuple[str, bool, bool]
) -> None:
    if outcome[0] == "timeout":
        monkeypatch.setattr(notifications_http, "SECONDS", 0.3)
    server.answers.append(answer)
    channel = TwilioText(Twilio(settings(tmp_path, server.url)))
    with pytest.raises(NotSent) as refusal:
        await channel.send(ORDER)
    await channel.close()
    assert (refusal.value.why, refusal.value.again, refusal.value.unknown) == outcome
    assert len(server.requests) == 1, "the library itself tries nothing again"


async def test_given_nobody_listens_when_asked_then_it_surely_did_not_go_out(tmp_path: Path) -> None:
    async with provider() as gone:
        url = gone.url
    channel = TwilioVoice(Twilio(settings(tmp_path, url)))
    with pytest.raises(NotSent, match="unreachable") as refusal:
        await channel.send(ORDER)
    await channel.close()
    assert refusal.value.again
    assert not refusal.value.unknown


def test_given_a_text_with_markup_when_spoken_then_it_is_text_and_key_one_is_asked_for() -> None:
    spoken = announcement(TEXT, f"{PUBLIC}/api/v1/messages/twilio/voice?attempt=a&b=c")
    assert "王秀英&lt;跌倒&gt;了 &amp; 按下" in spoken
    assert spoken.count("<Gather") == 2
    assert 'numDigits="1"' in spoken
    assert "attempt=a&amp;b=c" in spoken
    assert "Gather" not in announcement(TEXT, None)
    assert "<Hangup" in thanks(False)
    assert "谢谢" in thanks(True)


PATH = "/api/v1/messages/twilio/status?attempt=a1"


@pytest.mark.parametrize(
    ("path", "form", "token", "fits"),
    [
        (PATH, {"MessageStatus": "delivered", "MessageSid": "SM1"}, TOKEN, True),
        (PATH, {}, TOKEN, True),
        (PATH, {"MessageStatus": "delivered", "MessageSid": "SM1"}, "another token", False),
        (PATH.replace("a1", "a2"), {"MessageStatus": "delivered", "MessageSid": "SM1"}, TOKEN, False),
        (PATH, {"MessageStatus": "failed", "MessageSid": "SM1"}, TOKEN, False),
    ],
)
def test_given_a_signature_then_it_fits_its_own_address_form_and_token_only(
    tmp_path: Path, path: str, form: dict[str, str], token: str, fits: bool
) -> None:
    signed = {"MessageStatus": "delivered", "MessageSid": "SM1"} if form else {}
    signature = RequestValidator(token).compute_signature(PUBLIC + PATH, signed)
    ours = settings(tmp_path, "http://127.0.0.1:1")
    assert genuine(ours, path, form, signature) is fits
    for wrong in ("", "x", signature[:-1], "é" * len(signature)):
        assert not genuine(ours, path, form, wrong)
    assert not genuine(settings(tmp_path, "http://127.0.0.1:1", ""), path, form, signature)


def test_given_a_form_with_empty_fields_when_read_then_they_count_for_the_signature(tmp_path: Path) -> None:
    form = read_form(b"Body=%E8%B7%8C+%26&ForwardedFrom=&MessageStatus=sent")
    assert form == {"Body": "跌 &", "ForwardedFrom": "", "MessageStatus": "sent"}
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + PATH, form)
    assert genuine(settings(tmp_path, "http://127.0.0.1:1"), PATH, form, signature)
