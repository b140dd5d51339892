"""Messages at work: failover, following, restarts, floods; channels are played, time is moved by hand (A3, A7, A10)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from callcenter.db import Database
from callcenter.errors import InvalidInput, NotFound
from callcenter.facts import Fact
from callcenter.ledger import Ledger
from callcenter.notifications import facts as f
from callcenter.notifications.channel import NotSent, Order, Receipt
from callcenter.notifications.model import AttemptEvent, AttemptState, Message, MessageState, Route
from callcenter.notifications.service import RECENT_MESSAGES, Messages
from callcenter.notifications.tables import MessageProjector, MessageRow, to_message
from callcenter.telephony.events import PbxEvent
from tests.support.memory import HandClock, MemoryJournal

DAUGHTER = "13700000001"
OK = Receipt("p-1")
Answer = Receipt | NotSent | BaseException | None


@dataclass
class PlayedChannel:
    """Answers as it is told: by turns, then with `otherwise`. None: it is silent until it is let go."""

    name: str
    reports: bool = False
    voice: bool = False
    at_once: int = 10
    seconds: float = 30.0
    otherwise: Answer = OK
    answers: list[Answer] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False
    on_disk: Callable[[Order], None] = lambda order: None

    @property
    def route(self) -> Route:
        return Route(self.name, self.voice, self.reports)

    async def send(self, order: Order) -> Receipt:
        self.orders.append(order)
        self.on_disk(order)
        answer = self.answers.pop(0) if self.answers else self.otherwise
        if answer is None:
            await self.let_go.wait()
            return OK
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def resume(self, attempt_id: str) -> Awaitable[Receipt] | None:
        return None

    def hear(self, event: PbxEvent) -> bool:
        return False

    async def close(self) -> None:
        self.closed = True


class Post:
    """The service on a journal in memory; `crash` and `start` are a restart."""

    def __init__(self, *played: PlayedChannel) -> None:
        self.played = played
        self.clock = HandClock()
        self.journal = MemoryJournal()
        self.start(self.journal.facts())

    def start(self, facts: list[Fact]) -> None:
        self.ledger = Ledger(self.journal, self.clock)
        self.messages = Messages(self.ledger, self.journal, self.clock, self.played, delivery_seconds=60)
        self.ledger.replay(facts)
        self.messages.resume()

    def restart(self, facts: list[Fact] | None = None) -> None:
        """kill -9 and a start on the journal; what was under way is gone."""
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        self.start(self.journal.facts() if facts is None else facts)

    def send(self, to: str = DAUGHTER, **values: object) -> Message:
        given = {"to": to, "text": "王秀英按下了求助按钮", "purpose": "alert", "actor": "system"} | values
        return self.messages.send(**given)  # type: ignore[arg-type]

    async def settle(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait, really, for what a task of its own brings about."""
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - what is waited for sets no event
                await asyncio.sleep(0.005)

    async def passes(self, seconds: float) -> None:
        """Time goes by, a quarter of a second at a time."""
        for _ in range(int(seconds * 4)):
            self.clock.pass_time(0.25)
            self.messages.tick(self.clock.monotonic())
            await self.settle()

    def now(self, message: Message) -> Message:
        return self.messages.get(message.id)

    def tried(self, message: Message) -> list[tuple[str, str]]:
        return [(attempt.channel, attempt.state.value) for attempt in self.now(message).attempts]


async def test_given_a_message_when_sent_then_the_attempt_is_on_disk_before_the_channel_is_asked() -> None:
    gateway = PlayedChannel("gateway")
    post = Post(gateway)

    def on_disk(order: Order) -> None:
        kept = post.journal.facts()[: post.journal.flushed]
        assert any(isinstance(fact.body, f.MessageAttempted) and fact.body.attempt_id == order.id for fact in kept)

    gateway.on_disk = on_disk
    message = post.send("+86 137 0000 0001", name="女儿", role="family", incident_id="i1", template="alert")
    assert message.state is MessageState.SENDING
    assert gateway.orders == [], "nothing is waited for"
    await post.settle()
    assert post.now(message).state is MessageState.SENT
    assert [(order.to, order.template) for order in gateway.orders] == [(DAUGHTER, "alert")]
    assert {fact.incident_id for fact in post.journal.facts()} == {"i1"}


async def test_given_a_wrong_number_or_text_when_asked_then_it_is_refused_and_nothing_is_recorded() -> None:
    post = Post(PlayedChannel("gateway"))
    with pytest.raises(InvalidInput):
        post.send("王")
    for wrong in ({"text": " "}, {"text": "x" * 1501}, {"voice": ("a,b",)}, {"voice": ("${x}",)}):
        with pytest.raises(InvalidInput):
            post.send(DAUGHTER, **wrong)
    assert post.journal.lines == []
    with pytest.raises(NotFound):
        post.messages.get("nobody")


async def test_given_no_channel_when_asked_then_it_is_on_record_as_given_up_and_nobody_is_stopped() -> None:
    post = Post()
    message = post.send()
    assert (post.now(message).state, post.now(message).why) == (MessageState.GIVEN_UP, "no_channel")


async def test_given_the_same_request_when_asked_again_then_it_is_the_same_message_also_after_a_restart() -> None:
    gateway = PlayedChannel("gateway")
    post = Post(gateway)
    first = post.send(request_id="incident-1/family")
    other = post.send("13700000002", request_id="incident-1/family")
    await post.settle()
    post.restart()
    again = post.send(request_id="incident-1/family")
    await post.settle()
    assert again.id == first.id != other.id
    assert len(gateway.orders) == 2
    post.restart(list(post.messages.carried()))
    assert post.send(request_id="incident-1/family").id == first.id, "a new journal segment knows it too"


async def test_given_a_channel_says_no_when_another_is_there_then_it_takes_over() -> None:
    post = Post(PlayedChannel("gateway", otherwise=NotSent("refused_1016")), PlayedChannel("twilio"))
    message = post.send()
    await post.settle()
    assert post.tried(message) == [("gateway", "failed"), ("twilio", "sent")]


async def test_given_a_channel_is_unwell_then_it_is_tried_once_more_after_a_second() -> None:
    gateway = PlayedChannel("gateway", answers=[NotSent("http_503", again=True)])
    post = Post(gateway, PlayedChannel("twilio"))
    message = post.send()
    await post.passes(0.5)
    assert len(gateway.orders) == 1
    await post.passes(1)
    assert post.tried(message) == [("gateway", "failed"), ("gateway", "sent")]


async def test_given_no_answer_in_time_then_the_next_channel_is_asked_and_the_first_never_again() -> None:
    gateway = PlayedChannel("gateway", seconds=0.01, otherwise=None)
    post = Post(gateway, PlayedChannel("twilio", otherwise=NotSent("refused")))
    message = post.send()
    await post.until(lambda: post.now(message).over)
    assert post.tried(message) == [("gateway", "doubtful"), ("twilio", "failed")]
    assert post.now(message).why == "unconfirmed"
    await post.passes(700)
    assert len(gateway.orders) == 1


async def test_given_a_provider_library_crashes_then_it_costs_one_attempt_and_not_the_message() -> None:
    post = Post(PlayedChannel("gateway", otherwise=RuntimeError("13800000001")), PlayedChannel("twilio"))
    message = post.send()
    await post.settle()
    assert post.tried(message) == [("gateway", "doubtful"), ("twilio", "sent")]


async def test_given_an_alert_is_sent_when_no_report_comes_then_the_call_follows_and_a_late_report_still_counts() -> (
    None
):
    gateway, voice = PlayedChannel("gateway", reports=True), PlayedChannel("voice", voice=True, otherwise=None)
    post = Post(gateway, voice)
    message = post.send(voice=("kind-fall",))
    await post.passes(59)
    assert voice.orders == []
    await post.passes(2)
    assert [order.voice for order in voice.orders] == [("kind-fall",)]
    assert post.messages.report(post.now(message).attempts[0].id, AttemptEvent.DELIVER)
    assert post.now(message).state is MessageState.DELIVERED
    voice.let_go.set()
    await post.passes(1)
    assert post.tried(message) == [("gateway", "delivered"), ("voice", "sent")]


async def test_given_a_briefing_is_sent_when_no_report_comes_then_nothing_more_is_done() -> None:
    post = Post(PlayedChannel("gateway", reports=True), PlayedChannel("twilio"))
    message = post.send(purpose="briefing")
    await post.passes(120)
    assert post.tried(message) == [("gateway", "sent")]


async def test_given_reports_when_repeated_late_or_strange_then_nothing_changes() -> None:
    post = Post(PlayedChannel("gateway", reports=True))
    message = post.send()
    await post.settle()
    attempt = post.now(message).attempts[0]
    assert post.messages.report("", AttemptEvent.DELIVER, channel="gateway", provider_id="p-1")
    facts = len(post.journal.lines)
    for event in (AttemptEvent.DELIVER, AttemptEvent.FAIL, AttemptEvent.SEND):
        assert post.messages.report(attempt.id, event, channel="gateway")
    assert not post.messages.report(attempt.id, AttemptEvent.FAIL, channel="twilio"), "of another provider"
    assert not post.messages.report("nobody", AttemptEvent.FAIL)
    assert len(post.journal.lines) == facts


async def test_given_a_report_comes_before_the_answer_then_it_is_delivered_all_the_same() -> None:
    gateway = PlayedChannel("gateway", reports=True, otherwise=None)
    post = Post(gateway)
    message = post.send()
    await post.settle()
    post.messages.report(post.now(message).attempts[0].id, AttemptEvent.DELIVER)
    gateway.let_go.set()
    await post.settle()
    assert post.tried(message) == [("gateway", "delivered")]


async def test_given_a_report_names_only_what_the_answer_will_then_it_counts_once_the_answer_is_there() -> None:
    gateway = PlayedChannel("gateway", reports=True, otherwise=None)
    post = Post(gateway)
    message = post.send()
    await post.settle()
    assert not post.messages.report("", AttemptEvent.DELIVER, channel="gateway", provider_id=OK.provider_id)
    assert not post.messages.report("", AttemptEvent.FAIL, channel="twilio", provider_id=OK.provider_id)
    gateway.let_go.set()
    await post.settle()
    assert post.tried(message) == [("gateway", "delivered")]


async def test_given_a_crash_in_mid_request_when_started_again_then_the_next_channel_is_asked_not_the_same() -> None:
    gateway, twilio = PlayedChannel("gateway", otherwise=None), PlayedChannel("twilio")
    post = Post(gateway, twilio)
    message = post.send()
    await post.settle()
    post.restart()
    await post.settle()
    assert post.tried(message) == [("gateway", "doubtful"), ("twilio", "sent")]
    assert len(gateway.orders) == 1


async def test_given_a_crash_at_any_fact_when_started_again_then_it_is_sent_and_no_channel_is_asked_twice() -> None:
    whole = Post(PlayedChannel("gateway", otherwise=NotSent("refused")), PlayedChannel("twilio"))
    message = whole.send()
    await whole.settle()
    facts = whole.journal.facts()
    for cut in range(1, len(facts) + 1):
        post = Post(PlayedChannel("gateway", otherwise=NotSent("refused")), PlayedChannel("twilio"))
        asked = [fact.body.channel for fact in facts[:cut] if isinstance(fact.body, f.MessageAttempted)]
        post.journal.append(*facts[:cut])
        post.restart()
        await post.settle()
        asked += [channel.name for channel in post.played for _ in channel.orders]
        assert asked == ["gateway", "twilio"], cut
        states = {state for _, state in post.tried(message)}
        assert states & {AttemptState.SENT.value, AttemptState.DOUBTFUL.value}, cut


async def test_given_it_waited_longer_than_it_is_worth_while_nobody_was_there_then_it_is_not_sent_any_more() -> None:
    gateway = PlayedChannel("gateway", otherwise=NotSent("unreachable", again=True))
    post = Post(gateway)
    post.messages._running = False
    message = post.send()
    post.clock.pass_time(3600)
    post.restart()
    assert (post.now(message).state, post.now(message).why) == (MessageState.GIVEN_UP, "too_late")
    assert gateway.orders == []


async def test_given_an_outage_of_one_provider_when_a_thousand_are_sent_then_three_pay_for_it_and_nobody_waits() -> (
    None
):
    gateway = PlayedChannel("gateway", at_once=1, otherwise=NotSent("timeout", unknown=True))
    twilio = PlayedChannel("twilio", at_once=10)
    post = Post(gateway, twilio)
    # In seconds of our own work: how busy the machine is with others' does not count.
    messages, gaps, last = [], [], time.thread_time()
    for number in range(1000):
        messages.append(post.send(f"137{number:08}"))
        await asyncio.sleep(0)
        gaps.append(time.thread_time() - last)
        last = time.thread_time()
    async with asyncio.timeout(20):
        while len(twilio.orders) < 1000:
            await asyncio.sleep(0)
            gaps.append(time.thread_time() - last)
            last = time.thread_time()
    assert len(gateway.orders) == 3
    assert post.messages.unwell() == ["gateway"]
    assert sorted(gaps)[int(len(gaps) * 0.99)] < 0.02, "the ladder's turns of the loop stay short"
    await post.settle()
    assert {post.now(message).state for message in messages} == {MessageState.SENT}
    # It is well again: one message tries it after its rest.
    gateway.otherwise = OK
    await post.passes(31)
    post.send()
    await post.settle()
    assert len(gateway.orders) == 4
    assert post.messages.unwell() == []


async def test_a9_given_a_queue_of_routine_texts_when_an_alert_comes_then_it_goes_before_them() -> None:
    gateway = PlayedChannel("gateway", at_once=2, answers=[None, None])
    post = Post(gateway)
    for number in range(20):
        post.send(f"1370000{number:04}", purpose="battery")
    first, second = post.send("13711110001"), post.send("13711110002")
    await post.settle()
    gateway.let_go.set()
    await post.settle()
    assert [order.to for order in gateway.orders[2:4]] == [first.to, second.to]
    assert len(gateway.orders) == 22


async def test_given_many_at_rest_then_the_oldest_are_forgotten_and_no_more_is_carried_than_is_kept() -> None:
    post = Post(PlayedChannel("gateway", at_once=100))
    first = post.send(purpose="briefing", request_id="r")
    for _ in range(RECENT_MESSAGES):
        post.send(purpose="briefing")
        await asyncio.sleep(0)
    await post.until(lambda: post.messages.find(first.id) is None)
    await post.settle()
    assert len(post.messages.known()) == RECENT_MESSAGES
    assert {fact.body.message_id for fact in post.messages.carried()} == {m.id for m in post.messages.known()}  # type: ignore[attr-defined]


async def test_given_the_clock_is_set_back_then_nothing_waits_for_it(tmp_path: Path) -> None:
    post = Post(PlayedChannel("gateway", reports=True), PlayedChannel("twilio"))
    message = post.send()
    await post.settle()
    post.clock.set_wall(-3600)
    await post.passes(61)
    assert post.tried(message) == [("gateway", "sent"), ("twilio", "sent")]


async def test_given_facts_of_messages_when_relayed_then_the_rows_say_what_memory_says(database: Database) -> None:
    post = Post(
        PlayedChannel("gateway", otherwise=NotSent("refused_7")), PlayedChannel("twilio", reports=True, otherwise=OK)
    )
    message = post.send(
        name="女儿", role="family", incident_id="i1", call_id="c1", request_id="r", params={"elder": "王秀英"}
    )
    await post.settle()
    post.messages.report(post.now(message).attempts[1].id, AttemptEvent.DELIVER)
    facts = post.journal.facts()
    for batch in (facts[:2], facts[2:5], facts[5:]):
        async with database.transaction() as session:
            await MessageProjector().apply(session, batch)
    async with database.transaction() as session:
        row = (await session.scalars(select(MessageRow))).one()
        assert row.state == "delivered"
        assert to_message(row) == post.now(message)
