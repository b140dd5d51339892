"""The AMI byte stream: cut at every byte, limited, and closed to injected lines."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.errors import InvalidInput
from callcenter.telephony.ami_wire import LINE_BYTES, AmiWire, PendingAction, check_field, text

RECORDED = (
    "Asterisk Call Manager/11.0.0\r\n"
    "Response: Success\r\nActionID: 1\r\nMessage: Authentication accepted\r\n\r\n"
    "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"
    "Event: Newstate\r\nPrivilege: call,all\r\nChannel: PJSIP/trunk-00000001\r\nChannelState: 5\r\n"
    "CallerIDName: 王秀英\r\nAccountCode: \r\nUniqueid: 1763788272.1\r\n\r\n"
    "\r\nEvent: VarSet\r\nVariable: A\r\nValue: 张三\r\n\r\n"
    "Event: ConfbridgeJoin\r\nConference: 房间一\r\nChannel: PJSIP/trunk-00000001\r\n"
    "CallerIDName: 李“四”\r\nUniqueid: 1763788272.1\r\n\r\n"
    "Event: Hangup\r\nChannel: PJSIP/trunk-00000001\r\nUniqueid: 1763788272.1\r\nCause: 16\r\n"
    "Cause-txt: Normal Clearing\r\n\r\n"
).encode()
EXPECTED = [("Newstate", "王秀英"), ("ConfbridgeJoin", "李“四”"), ("Hangup", "")]


class Owner:
    """Keeps what the wire brings."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.reasons: list[str] = []

    def dispatch(self, message: Mapping[str, Any]) -> None:
        self.heard.append((text(message, "Event"), text(message, "CallerIDName")))

    def connection_lost(self, wire: AmiWire, reason: str) -> None:
        self.reasons.append(reason)


class Line(asyncio.Transport):
    """A transport that leads nowhere."""

    aborted = False

    def abort(self) -> None:
        self.aborted = True


def wire(owner: Owner, message_bytes: int = 10_000) -> AmiWire:
    made = AmiWire(owner, message_bytes)
    made.connection_made(Line())
    return made


async def test_given_a_recorded_stream_when_cut_at_every_byte_then_the_same_events() -> None:
    for cut in range(len(RECORDED) + 1):
        owner = Owner()
        one = wire(owner)
        one.data_received(RECORDED[:cut])
        one.data_received(RECORDED[cut:])
        assert owner.heard == EXPECTED, f"cut at byte {cut}"
        assert one.booted.done()


async def test_given_a_recorded_stream_when_it_comes_in_single_bytes_then_the_same_events() -> None:
    owner = Owner()
    one = wire(owner)
    for byte in RECORDED:
        one.data_received(bytes([byte]))
    assert owner.heard == EXPECTED


async def test_given_a_stream_that_ends_in_mid_message_when_lost_then_the_half_message_is_not_told() -> None:
    for cut in range(len(RECORDED)):
        owner = Owner()
        one = wire(owner)
        one.data_received(RECORDED[:cut])
        one.connection_lost(None)
        one.data_received(RECORDED[cut:])
        assert owner.heard == EXPECTED[: len(owner.heard)]
        assert owner.reasons == ["connection closed by Asterisk"]


async def test_given_an_endless_banner_when_read_then_dropped() -> None:
    owner = Owner()
    wire(owner).data_received(b"x" * 300)
    assert owner.reasons == ["no AMI banner"]


async def test_given_an_endless_message_in_small_pieces_when_too_long_then_dropped_once() -> None:
    owner = Owner()
    one = wire(owner, message_bytes=2_000)
    one.data_received(RECORDED)
    for _ in range(3_000):
        one.data_received(b"y")
    assert owner.reasons == ["message too long"]


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\r\nAction: Hangup", "a\0b", "\ud800", "\n"])
def test_given_a_value_of_two_lines_when_checked_then_refused_with_the_fields_name(bad: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_field("CallerID", bad)
    assert refusal.value.extra["field"] == "CallerID"
    assert bad not in refusal.value.message


@pytest.mark.parametrize("bad", ["", "A B", "A:", "A\r\nB", "名"])
def test_given_a_name_that_is_no_word_when_checked_then_refused(bad: str) -> None:
    with pytest.raises(InvalidInput):
        check_field(bad, "x")


def test_given_a_line_longer_than_asterisk_reads_when_checked_then_refused() -> None:
    check_field("Value", "长" * 300)
    with pytest.raises(InvalidInput):
        check_field("Value", "长" * (LINE_BYTES // 3))


@given(st.text(max_size=200))
def test_given_any_value_when_accepted_then_it_is_one_line(value: str) -> None:
    try:
        check_field("Value", value)
    except InvalidInput:
        assert any(mark in value for mark in "\r\n\0") or len(value.encode("utf-8", "replace")) > LINE_BYTES - 7
    else:
        assert b"\n" not in value.encode()


async def test_given_more_lines_than_asterisk_keeps_when_made_then_refused() -> None:
    with pytest.raises(InvalidInput):
        PendingAction("Originate", {"Variable": [f"A{number}=1" for number in range(130)]})


async def test_given_a_bad_value_in_a_list_when_made_then_refused() -> None:
    with pytest.raises(InvalidInput):
        PendingAction("Originate", {"Variable": ["A=1", "B=2\r\nAction: Command"]})
