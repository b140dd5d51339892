"""Fallback voice on a real Asterisk: a phone outside rings, hears the prompts; only key 1 means it was told (R15)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from callcenter.asterisk_config import ami_secret
from callcenter.clock import SystemClock
from callcenter.ledger import Ledger
from callcenter.notifications.channel import NotSent, Order, Receipt
from callcenter.notifications.model import Message, Route
from callcenter.notifications.service import Messages
from callcenter.notifications.voice import TrunkVoice
from callcenter.telephony.ami import AmiLink
from callcenter.telephony.asterisk_pbx import AsteriskPbx
from callcenter.telephony.events import PbxEvent
from tests.support.asterisk import AsteriskServer, running_asterisk
from tests.support.memory import MemoryJournal
from tests.support.sipp import Answerer, until

CADRE = "13700000009"


class NoText:
    """An SMS provider that refuses."""

    route = Route("gateway")
    at_once = 1
    seconds = 5.0

    async def send(self, order: Order) -> Receipt:
        raise NotSent("refused")

    def resume(self, attempt_id: str) -> None:
        """Nothing to go on with."""

    def hear(self, event: PbxEvent) -> bool:
        return False

    async def close(self) -> None:
        """Nothing to close."""


class Post:
    """Messages as the controller has them, on a journal in memory; `restart` is a kill -9 and a start."""

    def __init__(self, asterisk: AsteriskServer) -> None:
        self._settings = asterisk.settings
        self.journal = MemoryJournal()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        clock, settings = SystemClock(), self._settings
        link = AmiLink(
            settings.control_bind, settings.ami_port, "callcenter", ami_secret(settings), on_event=self._hear
        )
        ledger = Ledger(self.journal, clock)
        voice = TrunkVoice(AsteriskPbx(link), ring_seconds=5, shown="95120")
        self.messages = Messages(ledger, self.journal, clock, [NoText(), voice])
        ledger.replay(self.journal.facts())
        self._tasks = [asyncio.create_task(link.run()), asyncio.create_task(self.messages.run())]
        await until(lambda: link.live, 5, "the link")

    def _hear(self, event: PbxEvent) -> None:
        self.messages.hear(event)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def alert(self) -> Message:
        return self.messages.send(
            to=CADRE, text="王秀英跌倒", purpose="alert", actor="system", voice=("emergency-from", "kind-fall")
        )

    async def over(self, message: Message, seconds: float = 10) -> Message:
        await until(lambda: self.messages.get(message.id).over, seconds, "the message to be over")
        return self.messages.get(message.id)


@pytest.fixture(scope="module")
def asterisk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsteriskServer]:
    with running_asterisk(tmp_path_factory.mktemp("voice")) as server:
        yield server


@asynccontextmanager
async def phones(asterisk: AsteriskServer, folder: Path) -> AsyncIterator[tuple[Post, Answerer]]:
    trunk = await Answerer.listen(folder, int(asterisk.settings.trunk_uri.rpartition(":")[2]))
    post = Post(asterisk)
    await post.start()
    try:
        yield post, trunk
    finally:
        await post.stop()
        await trunk.close()


async def test_given_no_text_arrives_when_the_cadre_answers_and_presses_1_then_he_was_told(
    asterisk: AsteriskServer, tmp_path: Path
) -> None:
    async with phones(asterisk, tmp_path) as (post, trunk):
        message = post.alert()
        call = await (await trunk.call(CADRE)).answer()
        assert "95120" in call.headers
        assert call.media is not None
        await until(lambda: call.media is not None and call.media.last_heard_at > 0, 3, "a prompt in his ear")
        call.key("1")
        told = await post.over(message)
        assert [(a.channel, a.state) for a in told.attempts] == [("gateway", "failed"), ("voice", "delivered")]
        await call.until("ended", 15)
        assert not [line for line in asterisk.complaints() if "WARNING" in line or "ERROR" in line]


async def test_given_somebody_answers_when_the_wrong_key_is_pressed_twice_then_he_was_not_told(
    asterisk: AsteriskServer, tmp_path: Path
) -> None:
    async with phones(asterisk, tmp_path) as (post, trunk):
        message = post.alert()
        call = await (await trunk.call(CADRE)).answer()
        call.key("55")
        await call.until("ended", 10)
        given_up = await post.over(message)
        assert (given_up.why, given_up.attempts[-1].why) == ("failed", "not_accepted")


async def test_given_voicemail_answers_and_hangs_up_then_he_was_not_told(
    asterisk: AsteriskServer, tmp_path: Path
) -> None:
    async with phones(asterisk, tmp_path) as (post, trunk):
        message = post.alert()
        call = await (await trunk.call(CADRE)).answer()
        call.hangup()
        assert (await post.over(message)).attempts[-1].why == "not_accepted"


async def test_given_his_phone_is_busy_then_the_attempt_says_so(asterisk: AsteriskServer, tmp_path: Path) -> None:
    async with phones(asterisk, tmp_path) as (post, trunk):
        message = post.alert()
        (await trunk.call(CADRE)).busy()
        assert (await post.over(message)).attempts[-1].why == "busy"


async def test_given_we_are_killed_while_he_listens_when_we_are_back_then_his_key_counts_and_nobody_calls_again(
    asterisk: AsteriskServer, tmp_path: Path
) -> None:
    async with phones(asterisk, tmp_path) as (post, trunk):
        message = post.alert()
        call = await (await trunk.call(CADRE)).answer()
        await post.restart()
        call.key("1")
        assert (await post.over(message)).attempts[-1].state == "delivered"
        assert len(trunk.calls) == 1


async def test_given_he_hangs_up_while_we_are_down_then_it_is_not_known_and_nobody_calls_again(
    asterisk: AsteriskServer, tmp_path: Path
) -> None:
    async with phones(asterisk, tmp_path) as (post, trunk):
        message = post.alert()
        call = await (await trunk.call(CADRE)).answer()
        await post.stop()
        call.hangup()
        await until(lambda: "0 active channels" in asterisk.cli("core show channels count"), 5, "the call to end")
        await post.start()
        found = await post.over(message)
        assert (found.why, found.attempts[-1].state) == ("unconfirmed", "doubtful")
        assert len(trunk.calls) == 1
