"""Fallback voice without a switchboard: what is known of a call while the link to Asterisk is down or silent (R3)."""

import asyncio
from dataclasses import dataclass, field

import pytest

from callcenter.errors import PbxRefused, PbxUnavailable
from callcenter.ledger import Ledger
from callcenter.notifications.channel import NotSent, Order
from callcenter.notifications.model import AttemptState, Message
from callcenter.notifications.service import Messages
from callcenter.notifications.voice import ACCEPTED, TrunkVoice
from callcenter.telephony.ami import AmiLink
from callcenter.telephony.asterisk_pbx import AsteriskPbx
from callcenter.telephony.events import ChannelHungUp, DialFailed, HangupReason, PbxConnected, SeatCode, Snapshot
from callcenter.telephony.pbx import Dial
from tests.support.fake_pbx import FakePbx, SimulatedSwitchboard
from tests.support.memory import HandClock, MemoryJournal
from tests.support.world import DAUGHTER

ORDER = Order("attempt-1", DAUGHTER, "王秀英跌倒", ("emergency-from", "kind-fall"))


@dataclass
class Line(FakePbx):
    """A switchboard that notes the dial and then does what it is told."""

    error: Exception | None = None
    dials: list[Dial] = field(default_factory=list)

    async def originate(self, dial: Dial) -> None:
        self.dials.append(dial)
        if self.error is not None:
            raise self.error


@pytest.fixture
def line() -> Line:
    return Line(SimulatedSwitchboard(HandClock()))


def voice(line: Line) -> TrunkVoice:
    return TrunkVoice(line, ring_seconds=20, shown="95120")


async def test_given_a_call_when_dialled_then_it_says_who_it_is_and_belongs_to_no_room(line: Line) -> None:
    channel = voice(line)
    sending = asyncio.create_task(channel.send(ORDER))
    await asyncio.sleep(0)
    (dial,) = line.dials
    assert (dial.channel_id, dial.target, dial.context) == ("attempt-1", f"PJSIP/{DAUGHTER}@trunk", "cc-notice")
    assert dial.variables == {"CC_ROLE": "notice", "CC_PROMPTS": "emergency-from&kind-fall"}
    assert not channel.hear(ChannelHungUp("somebody-else", HangupReason.NORMAL, 16))
    assert channel.hear(SeatCode("notice", "attempt-1", ACCEPTED))
    assert channel.hear(ChannelHungUp("attempt-1", HangupReason.NORMAL, 16))
    assert (await sending).delivered


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (PbxUnavailable("The link is down.", sent=False), ("pbx_unavailable", True, False)),
        (PbxUnavailable("No answer."), ("pbx_unavailable", False, True)),
        (PbxRefused("No."), ("pbx_refused", False, False)),
    ],
)
async def test_given_asterisk_is_away_when_dialled_then_it_is_known_whether_it_may_be_dialled_again(
    line: Line, error: Exception, outcome: tuple[str, bool, bool]
) -> None:
    line.error = error
    with pytest.raises(NotSent) as refusal:
        await voice(line).send(ORDER)
    assert (refusal.value.why, refusal.value.again, refusal.value.unknown) == outcome


async def test_given_no_link_at_all_when_dialled_then_surely_nothing_went_out() -> None:
    link = AmiLink("127.0.0.1", 1, "cc", "s", on_event=lambda event: None)
    with pytest.raises(NotSent) as refusal:
        await TrunkVoice(AsteriskPbx(link), ring_seconds=20, shown="95120").send(ORDER)
    assert (refusal.value.again, refusal.value.unknown) == (True, False)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (DialFailed("attempt-1", HangupReason.BUSY), "busy"),
        (ChannelHungUp("attempt-1", HangupReason.NO_ANSWER, 19), "no_answer"),
        (ChannelHungUp("attempt-1", HangupReason.NORMAL, 16), "not_accepted"),
        (PbxConnected(Snapshot({}, {}, frozenset())), "lost"),
    ],
)
async def test_given_a_call_ends_without_key_one_then_the_reason_is_on_record(
    line: Line, event: DialFailed | ChannelHungUp | PbxConnected, why: str
) -> None:
    channel = voice(line)
    sending = asyncio.create_task(channel.send(ORDER))
    await asyncio.sleep(0)
    assert channel.hear(event) is not isinstance(event, PbxConnected), "a snapshot is for everybody"
    with pytest.raises(NotSent, match=why) as refusal:
        await sending
    assert refusal.value.unknown is (why == "lost")


async def test_given_asterisk_did_not_answer_when_the_person_presses_1_all_the_same_then_it_counts(line: Line) -> None:
    line.error = PbxUnavailable("No answer.")
    clock, journal = HandClock(), MemoryJournal()
    messages = Messages(Ledger(journal, clock), journal, clock, [voice(line)])
    messages.resume()
    asked = messages.send(to=DAUGHTER, text="王秀英跌倒", purpose="alert", actor="system", voice=("kind-fall",))

    def now() -> Message:
        return messages.get(asked.id)

    for _ in range(20):
        await asyncio.sleep(0)
    assert [attempt.state for attempt in now().attempts] == [AttemptState.DOUBTFUL]
    assert messages.hear(SeatCode("notice", now().attempts[0].id, ACCEPTED))
    assert [attempt.state for attempt in now().attempts] == [AttemptState.DELIVERED]
    assert not messages.hear(SeatCode("r", "leg-1", "add-120")), "an operator's code is somebody else's"
