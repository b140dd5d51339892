"""Webhooks: signed, delivered at least once, tried again, recorded; against a real HTTP server (H3)."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.errors import InvalidInput
from callcenter.facts import Body, Fact, decode, kind, record
from callcenter.notifications.facts import MessageRequested
from callcenter.webhooks.dispatcher import PAUSES, WebhookDispatcher
from callcenter.webhooks.model import DeliveryRow, SubscriptionRow
from callcenter.webhooks.service import SubscriptionInput, check_url, create_subscription, enqueue, wants
from tests.support.database import (  # noqa: F401 - pytest finds fixtures by their names here
    migrated,
    migrated_postgres,
    migrated_sqlite,
    postgres_template,
    sqlite_template,
)
from tests.support.sipp import until

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


@kind("webhook_test.happened")
class Happened(Body, frozen=True):
    what: str


class Receiver:
    """An HTTP server on a real socket. ``answers``: statuses in order, the last one for ever; 0 hangs up."""

    def __init__(self, answers: Sequence[int] = (204,)) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:]) if k}
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append((headers, body))
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status == -1:
            writer.write(b"HTTP/1.1 200 OK\r\n")
            await reader.read()
        elif status:
            location = "Location: http://127.0.0.1:1/\r\n" if 300 <= status < 400 else ""
            writer.write(f"HTTP/1.1 {status} X\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    yield made
    server.close()
    await server.wait_closed()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=2) as client:
        yield client


async def subscribe(database: Database, clock: ManualClock, url: str, *kinds: str) -> str:
    async with database.transaction() as session:
        _, secret = await create_subscription(session, clock, SubscriptionInput(url=url, kinds=list(kinds)))
    return secret


async def happen(database: Database, what: str = "老人来电") -> Fact:
    fact = record(Happened(what=what), START, "system")
    async with database.transaction() as session:
        await enqueue(session, fact)
    return fact


async def deliveries(database: Database) -> list[DeliveryRow]:
    async with database.transaction() as session:
        return list(await session.scalars(select(DeliveryRow).order_by(DeliveryRow.id)))


async def test_given_a_fact_when_delivered_then_the_receiver_can_check_its_signature(
    migrated: Database,  # noqa: F811
    receiver: Receiver,
    clock: ManualClock,
    http: httpx.AsyncClient,
) -> None:
    """The check is written out here as a receiver would write it, from the Standard Webhooks specification."""
    secret = await subscribe(migrated, clock, receiver.url, "webhook_test.*")
    fact = await happen(migrated)
    assert await WebhookDispatcher(migrated, clock).deliver_due(http)
    ((headers, body),) = receiver.requests
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert int(headers["webhook-timestamp"]) == int(START.timestamp())
    assert decode(body) == fact
    (row,) = await deliveries(migrated)
    assert (row.state, row.attempts, row.last_status, row.delivered_at) == ("delivered", 1, 204, START)
    assert not await WebhookDispatcher(migrated, clock).deliver_due(http)


async def test_given_a_receiver_that_fails_when_time_passes_then_it_is_tried_again_with_growing_pauses(
    migrated: Database,  # noqa: F811
    receiver: Receiver,
    clock: ManualClock,
    http: httpx.AsyncClient,
) -> None:
    receiver.answers = [500, 0, 302, 200]
    await subscribe(migrated, clock, receiver.url, "*")
    await happen(migrated)
    dispatcher = WebhookDispatcher(migrated, clock)
    seen = []
    for pause in (0, *PAUSES[:3]):
        if pause:
            clock.move_to(clock.now() + timedelta(seconds=pause - 1))
            assert not await dispatcher.deliver_due(http)
            clock.move_to(clock.now() + timedelta(seconds=1))
        assert await dispatcher.deliver_due(http)
        (row,) = await deliveries(migrated)
        seen.append((row.state, row.attempts, row.last_status, row.last_error))
    assert seen == [
        ("pending", 1, 500, None),
        ("pending", 2, None, "RemoteProtocolError"),
        ("pending", 3, 302, None),
        ("delivered", 4, 200, None),
    ]
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 1


async def test_given_a_receiver_that_never_accepts_when_the_pauses_are_used_up_then_it_has_failed_for_good(
    migrated: Database,  # noqa: F811
    clock: ManualClock,
    http: httpx.AsyncClient,
) -> None:
    await subscribe(migrated, clock, "http://127.0.0.1:1/nobody", "*")
    await happen(migrated)
    dispatcher = WebhookDispatcher(migrated, clock, pauses=(1, 1))
    for _ in range(3):
        assert await dispatcher.deliver_due(http)
        clock.move_to(clock.now() + timedelta(seconds=1))
    assert not await dispatcher.deliver_due(http)
    (row,) = await deliveries(migrated)
    assert (row.state, row.attempts, row.last_error) == ("failed", 3, "ConnectError")


async def test_given_a_receiver_that_never_ends_its_answer_then_the_deadline_ends_it(
    migrated: Database,  # noqa: F811
    receiver: Receiver,
    clock: ManualClock,
    http: httpx.AsyncClient,
) -> None:
    receiver.answers = [-1]
    await subscribe(migrated, clock, receiver.url, "*")
    await happen(migrated)
    await WebhookDispatcher(migrated, clock, timeout_seconds=0.2).deliver_due(http)
    (row,) = await deliveries(migrated)
    assert (row.state, row.last_error) == ("pending", "no answer in time")


async def test_given_a_dispatcher_that_dies_in_an_attempt_when_the_lease_is_over_then_it_is_tried_again(
    migrated: Database,  # noqa: F811
    receiver: Receiver,
    clock: ManualClock,
    http: httpx.AsyncClient,
) -> None:
    receiver.answers = [-1, 200]
    await subscribe(migrated, clock, receiver.url, "*")
    await happen(migrated)
    dying = asyncio.create_task(WebhookDispatcher(migrated, clock).deliver_due(http))
    await until(lambda: receiver.requests)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    dispatcher = WebhookDispatcher(migrated, clock)
    assert not await dispatcher.deliver_due(http)
    clock.move_to(clock.now() + timedelta(seconds=60))
    assert await dispatcher.deliver_due(http)
    (row,) = await deliveries(migrated)
    assert (row.state, row.attempts) == ("delivered", 2)


async def test_given_one_fact_when_enqueued_twice_then_it_is_delivered_once(
    migrated: Database,  # noqa: F811
    clock: ManualClock,
) -> None:
    await subscribe(migrated, clock, "http://127.0.0.1:1/", "*")
    fact = await happen(migrated)
    async with migrated.transaction() as session:
        await enqueue(session, fact)
        await enqueue(session, fact)
    assert len(await deliveries(migrated)) == 1


async def test_given_a_rolled_back_transaction_when_it_had_enqueued_then_nothing_is_sent(
    migrated: Database,  # noqa: F811
    clock: ManualClock,
) -> None:
    async def fail() -> None:
        async with migrated.transaction() as session:
            await enqueue(session, record(Happened(what="x"), START, "system"))
            raise RuntimeError("the relay failed")

    await subscribe(migrated, clock, "http://127.0.0.1:1/", "*")
    with pytest.raises(RuntimeError, match="the relay failed"):
        await fail()
    assert await deliveries(migrated) == []


async def test_given_subscriptions_when_a_fact_comes_then_only_active_ones_that_want_it_get_it(
    migrated: Database,  # noqa: F811
    clock: ManualClock,
) -> None:
    for kinds in (["webhook_test.happened"], ["webhook_test.*"], ["*"], ["call.*", "webhook_test.other"]):
        await subscribe(migrated, clock, "http://127.0.0.1:1/", *kinds)
    async with migrated.transaction() as session:
        for row in await session.scalars(select(SubscriptionRow)):
            row.active = row.kinds != ["*"]
    await happen(migrated)
    assert len(await deliveries(migrated)) == 2


async def test_given_the_dispatcher_runs_when_woken_then_it_delivers_at_once_and_ends_cleanly(
    migrated: Database,  # noqa: F811
    receiver: Receiver,
    clock: ManualClock,
) -> None:
    dispatcher = WebhookDispatcher(migrated, clock, poll_seconds=600)
    task = asyncio.create_task(dispatcher.run())
    await subscribe(migrated, clock, receiver.url, "*")
    for number in (1, 2):
        await happen(migrated, str(number))
        dispatcher.wake()
        await until(lambda: len(receiver.requests) == number)  # noqa: B023
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_given_the_database_is_gone_when_the_dispatcher_runs_then_it_lives_on(clock: ManualClock) -> None:
    gone = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    dispatcher = WebhookDispatcher(gone, clock, poll_seconds=0.01)
    task = asyncio.create_task(dispatcher.run())
    done, _ = await asyncio.wait([task], timeout=0.2)
    assert not done
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await gone.close()


@pytest.mark.parametrize(
    ("pattern", "kind_", "expected"),
    [
        ("*", "call.opened", True),
        ("call.opened", "call.opened", True),
        ("call.*", "call.opened", True),
        ("call.*", "callback.made", False),
        ("call.opened", "call.opened.late", False),
        ("call", "call.opened", False),
    ],
)
def test_given_a_pattern_when_matched_then_only_its_family_fits(pattern: str, kind_: str, expected: bool) -> None:
    assert wants(pattern, kind_) is expected


@pytest.mark.parametrize("url", ["https://example.org/a?b=c", "http://10.0.0.7:8080/hook"])
def test_given_a_plain_url_when_checked_then_it_is_taken(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        *("", "ftp://h/", "gopher://h/", "//h/", "http://", "http://u@h/", "http://:p@h/", "http://h/#x"),
        *("http://h:99999/", "http://h:0/", "http://[::1/", "data:text/plain,x"),
    ],
)
def test_given_any_other_url_when_checked_then_it_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        check_url(url)


async def test_given_a_message_with_a_door_code_when_told_then_the_webhook_does_not_say_what_it_said(
    migrated: Database,  # noqa: F811
    receiver: Receiver,
    clock: ManualClock,
    http: httpx.AsyncClient,
) -> None:
    """I1: not in what is sent, nor in what is kept of it."""
    await subscribe(migrated, clock, receiver.url, "*")
    said = MessageRequested(
        message_id="m", to="13700000001", text="门锁密码：4711", purpose="briefing", params={"text": "门锁密码：4711"}
    )
    async with migrated.transaction() as session:
        await enqueue(session, record(said, START, "op1", incident_id="i"))
    assert await WebhookDispatcher(migrated, clock).deliver_due(http)
    ((_, body),) = receiver.requests
    assert "4711" not in body.decode()
    assert decode(body).incident_id == "i"
    assert all("4711" not in row.body for row in await deliveries(migrated))
