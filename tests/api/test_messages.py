"""Messages over REST: who sees what of which, and providers' signed reports, with and without a database (A10, I3)."""

import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from twilio.request_validator import RequestValidator

from callcenter.accounts.passwords import Passwords
from callcenter.accounts.permissions import Principal, Role
from callcenter.api.app import create_app
from callcenter.api.deps import Services, build_services
from callcenter.api.views import FactView
from callcenter.bus import LocalBus
from callcenter.clock import ManualClock
from callcenter.controller import Controller
from callcenter.db import Database
from callcenter.emergency.tables import EmergencyProjector
from callcenter.ids import new_id
from callcenter.notifications import facts as f
from callcenter.notifications.model import Message
from callcenter.notifications.tables import MessageProjector
from callcenter.people.directory import Directory, Elder
from callcenter.settings import Settings, load_settings
from tests.api.conftest import with_controller
from tests.support.memory import MemoryJournal

NORTH = Elder(id="n", code="1", name="北区老人", phones=("13800000021",), area="north")
SOUTH = Elder(id="s", code="2", name="南区老人", phones=("13800000022",), area="south")
PUBLIC, TOKEN, SECRET = "https://center.example.org/cc", "the token", "a secret of sixteen letters"
DOOR = "门禁密码 4711#"
ATTEMPT = "0190b7c2-0000-7000-8000-00000000000a"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    report = {
        "secret": SECRET,
        "id": "/id",
        "status": "/s",
        "delivered": ["OK"],
        "failed": ["NO"],
        "answer": {"code": 0},
    }
    path = tmp_path / "gateway.json"
    path.write_text(json.dumps({"url": "http://127.0.0.1:1/", "report": report}), "utf-8")
    return load_settings(
        data=tmp_path / "var",
        message_channels="gateway,twilio,twilio-voice",
        message_gateway=str(path),
        twilio_account_sid="AC" + "0" * 32,
        twilio_auth_token=TOKEN,
        twilio_from="+15005550006",
        public_url=PUBLIC,
        _env_file=None,
    )


def built(settings: Settings, clock: ManualClock, passwords: Passwords, database: Database) -> Services:
    """A press from the north and one from the south, and a message about each; nothing is sent in these tests."""
    services = replace(build_services(settings, clock, database, LocalBus()), passwords=passwords)
    services.directory._directory = Directory([NORTH, SOUTH])
    services = with_controller(services, MemoryJournal())
    controller = services.controller
    assert controller is not None
    for number, elder in enumerate((NORTH, SOUTH)):
        controller.arrivals.open(
            line="emergency", did="95120", raw_caller=elder.phones[0], channel_id=f"1.{number}", invited_at=clock.now()
        )
        call = controller.calls.known()[-1]
        controller.messages.send(
            to=f"1370000000{number}", text=DOOR, purpose="briefing", actor="op1", incident_id=call.incident_id
        )
    return services


@pytest.fixture
def services(settings: Settings, clock: ManualClock, fast_passwords: Passwords, migrated_sqlite: Database) -> Services:
    return built(settings, clock, fast_passwords, migrated_sqlite)


@pytest.fixture
async def away(settings: Settings, clock: ManualClock, fast_passwords: Passwords) -> AsyncIterator[Services]:
    """The same with a database that nobody answers for."""
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    yield built(settings, clock, fast_passwords, database)
    await database.close()


def client(services: Services, who: Principal | None = None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {services.tokens.issue(who)}"} if who else {}
    transport = httpx.ASGITransport(create_app(services))
    return httpx.AsyncClient(transport=transport, base_url="http://test/api/v1", headers=headers)


def controller_of(services: Services) -> Controller:
    assert services.controller is not None
    return services.controller


def tried(services: Services, channel: str) -> Message:
    """The first message, handed to a channel a moment ago."""
    controller = controller_of(services)
    message = controller.messages.known()[0]
    attempted = f.MessageAttempted(message_id=message.id, attempt_id=ATTEMPT, channel=channel)
    controller.ledger.record(attempted, actor="system", incident_id=message.incident_id)
    return message


OPERATOR, QA = Principal("op1", Role.OPERATOR), Principal("qa1", Role.QA)
STATION = Principal("station1", Role.STATION, area="south")


async def test_given_roles_when_they_read_then_each_sees_its_area_and_only_care_shows_what_was_said(
    services: Services,
) -> None:
    async with client(services, OPERATOR) as operator:
        items = (await operator.get("/messages")).json()["items"]
        assert [item["to"] for item in items] == ["13700000001", "13700000000"], "newest first"
        assert {item["text"] for item in items} == {DOOR}
        for query in ({"to": "+86 137 0000 0000"}, {"incident_id": items[1]["incident_id"]}):
            (found,) = (await operator.get("/messages", params=query)).json()["items"]
            assert found["id"] == items[1]["id"]
        assert (await operator.get("/messages", params={"state": "delivered"})).json()["items"] == []
        page = (await operator.get("/messages", params={"limit": 1})).json()
        rest = (await operator.get("/messages", params={"limit": 1, "cursor": page["next"]})).json()
        assert [page["items"][0]["id"], rest["items"][0]["id"], rest["next"]] == [items[0]["id"], items[1]["id"], None]
    async with client(services, QA) as qa:
        assert (await qa.get(f"/messages/{items[0]['id']}")).json()["text"] == ""
    async with client(services, STATION) as south:
        (own,) = (await south.get("/messages")).json()["items"]
        assert own["to"] == "13700000001"
        assert [(await south.get(f"/messages/{item['id']}")).status_code for item in items] == [200, 404]
    async with client(services) as nobody:
        assert (await nobody.get("/messages")).status_code == 401


async def test_given_a_timeline_then_what_was_said_is_not_in_it(services: Services) -> None:
    kept = controller_of(services).journal.facts()  # type: ignore[attr-defined]
    shown = [FactView.of(fact) for fact in kept if isinstance(fact.body, f.MessageRequested)]
    assert len(shown) == 2
    assert all("text" not in view.data and view.data["to"].startswith("137") for view in shown)


async def test_given_memory_has_forgotten_when_asked_then_the_rows_answer(
    services: Services, settings: Settings, clock: ManualClock
) -> None:
    tried(services, "gateway")
    controller = controller_of(services)
    facts = controller.journal.facts()  # type: ignore[attr-defined]
    async with services.database.transaction() as session:
        await EmergencyProjector().apply(session, facts)
        await MessageProjector().apply(session, facts)
    fresh = Controller(settings, clock, MemoryJournal(), Directory, "", pbx=controller.pbx, live=lambda: True)
    later = replace(services, controller=fresh)
    async with client(later, OPERATOR) as operator:
        items = (await operator.get("/messages")).json()["items"]
        assert [item["attempts"] != [] for item in items] == [False, True]
        assert (await operator.get(f"/messages/{items[1]['id']}")).json() == items[1]
        assert (await operator.get(f"/messages/{new_id()}")).status_code == 404


async def test_a10_given_no_database_when_read_then_memory_answers_and_the_rest_is_503(away: Services) -> None:
    async with client(away, OPERATOR) as operator:
        items = (await operator.get("/messages")).json()["items"]
        assert len(items) == 2
        assert (await operator.get(f"/messages/{items[0]['id']}")).status_code == 200
        assert (await operator.get(f"/messages/{new_id()}")).status_code == 503


async def twilio_says(
    services: Services, path: str, form: dict[str, str], token: str = TOKEN, **headers: str
) -> httpx.Response:
    """A webhook, signed as Twilio does for the public address."""
    signature = RequestValidator(token).compute_signature(f"{PUBLIC}/api/v1{path}", form)
    async with client(services) as twilio:
        return await twilio.post(path, data=form, headers={"X-Twilio-Signature": signature, **headers})


STATUS, VOICE = f"/messages/twilio/status?attempt={ATTEMPT}", f"/messages/twilio/voice?attempt={ATTEMPT}"


async def test_a10_given_no_database_when_twilio_reports_in_any_order_and_again_then_delivered_stays(
    away: Services,
) -> None:
    message = tried(away, "twilio")
    for status in ("queued", "delivered", "sent", "delivered", "undelivered"):
        answer = await twilio_says(away, STATUS, {"MessageStatus": status, "MessageSid": "SM1"})
        assert (answer.status_code, answer.content) == (204, b"")
    found = controller_of(away).messages.get(message.id)
    assert [(a.state, a.why) for a in found.attempts] == [("delivered", "")]
    kinds = [fact.kind for fact in controller_of(away).journal.facts()]  # type: ignore[attr-defined]
    assert kinds.count("message.delivered") == 1


async def test_given_twilio_could_not_deliver_then_its_code_is_on_record(away: Services) -> None:
    message = tried(away, "twilio")
    form = {"MessageStatus": "undelivered", "MessageSid": "SM1", "ErrorCode": "30003"}
    assert (await twilio_says(away, STATUS, form)).status_code == 204
    (attempt,) = controller_of(away).messages.get(message.id).attempts
    assert (attempt.state, attempt.why) == ("failed", "twilio_30003")


@pytest.mark.parametrize("path", [STATUS, VOICE])
async def test_given_a_webhook_that_is_not_twilios_then_403_and_nothing_moves(away: Services, path: str) -> None:
    message = tried(away, "twilio")
    form = {"MessageStatus": "delivered", "Digits": "1"}
    for answer in (
        await twilio_says(away, path, form, token="another"),
        await twilio_says(away, path, form, **{"X-Twilio-Signature": ""}),
    ):
        assert answer.status_code == 403
        assert answer.headers["content-type"].startswith("application/problem+json")
    # Signed for one attempt, sent for another.
    signature = RequestValidator(TOKEN).compute_signature(f"{PUBLIC}/api/v1{path}", form)
    async with client(away) as thief:
        other = path.replace(ATTEMPT, new_id())
        assert (await thief.post(other, data=form, headers={"X-Twilio-Signature": signature})).status_code == 403
        assert (await thief.post(path.partition("?")[0], data=form)).status_code == 422
    (attempt,) = controller_of(away).messages.get(message.id).attempts
    assert attempt.state == "sending"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x00\xff=%ED%A0%80&%ZZ=1&MessageStatus=delivered", "application/x-www-form-urlencoded"),
        (b"a=1&" * 2000, "application/x-www-form-urlencoded"),
        (b"--x\r\nContent-Disposition: form-data; name=", "multipart/form-data; boundary=x"),
        (
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nz\r\n--x--',
            "multipart/form-data; boundary=x",
        ),
        (b"{", "application/json"),
        (b"", "text/plain"),
    ],
    ids=["bytes", "fields", "cut", "file", "json", "empty"],
)
async def test_r22_given_a_hostile_webhook_then_it_is_refused_and_nothing_breaks(
    away: Services, content: bytes, kind: str
) -> None:
    async with client(away) as stranger:
        for path in (STATUS, VOICE, "/messages/gateway/report"):
            for signature in ("", "x" * 28, "\xff"):
                headers = {"Content-Type": kind, "X-Twilio-Signature": signature, "X-Signature": signature}
                raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
                answer = await stranger.post(path, content=content, headers=raw)
                assert answer.status_code in (403, 422), (path, answer.text)


@pytest.mark.parametrize(("digits", "state"), [("1", "delivered"), ("2", "failed"), ("", "failed")])
async def test_given_a_twilio_call_when_a_key_is_pressed_then_only_key_one_is_delivery(
    away: Services, digits: str, state: str
) -> None:
    message = tried(away, "twilio-voice")
    answer = await twilio_says(away, VOICE, {"Digits": digits, "CallSid": "CA1"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/xml")
    assert answer.text.startswith("<?xml")
    await twilio_says(away, STATUS, {"CallStatus": "completed", "CallSid": "CA1"})
    (attempt,) = controller_of(away).messages.get(message.id).attempts
    assert attempt.state == state


async def test_given_a_report_of_a_message_nobody_knows_then_it_is_taken_quietly(away: Services) -> None:
    assert (await twilio_says(away, STATUS, {"MessageStatus": "delivered"})).status_code == 204


async def gateway_says(services: Services, body: bytes, secret: str = SECRET) -> httpx.Response:
    signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
    async with client(services) as provider:
        return await provider.post("/messages/gateway/report", content=body, headers={"X-Signature": signature})


async def test_a10_given_no_database_when_the_gateway_reports_then_it_counts_once_and_gets_its_answer(
    away: Services,
) -> None:
    message = tried(away, "gateway")
    body = json.dumps([{"id": ATTEMPT, "s": "OK"}, {"id": "x", "s": "NO"}]).encode()
    for _ in range(2):
        answer = await gateway_says(away, body)
        assert (answer.status_code, answer.json()) == (200, {"code": 0})
    (attempt,) = controller_of(away).messages.get(message.id).attempts
    assert attempt.state == "delivered"


async def test_given_a_report_that_is_not_the_providers_or_is_nonsense_then_it_is_refused(away: Services) -> None:
    message = tried(away, "gateway")
    body = json.dumps({"id": ATTEMPT, "s": "OK"}).encode()
    assert (await gateway_says(away, body, "another secret of letters")).status_code == 403
    assert (await gateway_says(away, b"{")).status_code == 422
    assert controller_of(away).messages.get(message.id).attempts[0].state == "sending"


async def test_given_a_gateway_without_reports_when_one_comes_then_404(
    settings: Settings, clock: ManualClock, fast_passwords: Passwords, migrated_sqlite: Database
) -> None:
    plain = settings.model_copy(update={"message_channels": ()})
    answer = await gateway_says(built(plain, clock, fast_passwords, migrated_sqlite), b"{}")
    assert answer.status_code == 404
