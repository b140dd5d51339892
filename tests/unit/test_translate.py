"""AMI messages to events, row by row, and for anything at all."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from panoramisk.message import Message

from callcenter.telephony.events import (
    ChannelAnswered,
    ChannelHungUp,
    ChannelRinging,
    DialFailed,
    HangupReason,
    HoldMusic,
    PbxEvent,
    PhoneStatus,
    RoomJoined,
    RoomLeft,
    SeatCode,
    TalkingStarted,
    TalkingStopped,
)
from callcenter.telephony.translate import hangup_reason, translate

R = HangupReason

ROWS: list[tuple[dict[str, Any], PbxEvent | None]] = [
    ({"Event": "Newstate", "ChannelState": "5", "Uniqueid": "x"}, ChannelRinging("x")),
    ({"Event": "Newstate", "ChannelState": "6", "Uniqueid": "x"}, ChannelAnswered("x")),
    ({"Event": "Newstate", "ChannelState": "4", "Uniqueid": "x"}, None),
    ({"Event": "Newstate", "ChannelState": "6"}, None),
    ({"Event": "Hangup", "Cause": "16", "Uniqueid": "x"}, ChannelHungUp("x", R.NORMAL, 16)),
    ({"Event": "Hangup", "Cause": "?", "Uniqueid": "x"}, ChannelHungUp("x", R.FAILED, -1)),
    ({"Event": "Hangup", "Cause": "16", "Uniqueid": "cc-announce-1"}, None),
    ({"Event": "OriginateResponse", "Response": "Success", "ActionID": "cc-dial/x"}, None),
    ({"Event": "OriginateResponse", "Response": "Failure", "ActionID": "other", "Reason": "5"}, None),
    ({"Event": "ConfbridgeJoin", "Conference": "房", "Uniqueid": "x"}, RoomJoined("房", "x")),
    ({"Event": "ConfbridgeLeave", "Conference": "房", "Uniqueid": "x"}, RoomLeft("房", "x")),
    ({"Event": "ConfbridgeLeave", "Uniqueid": "x"}, None),
    (
        {"Event": "UserEvent", "UserEvent": "CCCode", "Room": "r", "Code": "add-120", "Uniqueid": ["x", "y"]},
        SeatCode("r", "x", "add-120"),
    ),
    ({"Event": "UserEvent", "UserEvent": "Other", "Room": "r", "Code": "c", "Uniqueid": "x"}, None),
    ({"Event": "VarSet", "Uniqueid": "x"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "event"), ROWS)
def test_given_a_message_when_translated_then_the_row_says_what(
    headers: dict[str, Any], event: PbxEvent | None
) -> None:
    assert translate(Message(headers)) == event
    assert translate(headers) == event


CAUSES = {
    0: R.NORMAL,
    1: R.UNREACHABLE,
    3: R.UNREACHABLE,
    16: R.NORMAL,
    17: R.BUSY,
    18: R.NO_ANSWER,
    19: R.NO_ANSWER,
    20: R.UNREACHABLE,
    21: R.REJECTED,
    26: R.CANCELLED,
    27: R.UNREACHABLE,
    34: R.FAILED,
    38: R.FAILED,
    127: R.FAILED,
}


@pytest.mark.parametrize("cause", CAUSES)
def test_given_a_q850_cause_when_a_channel_ends_then_its_reason(cause: int) -> None:
    assert hangup_reason(cause) is CAUSES[cause]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("0", R.UNREACHABLE), ("1", R.FAILED), ("3", R.NO_ANSWER), ("5", R.BUSY), ("8", R.FAILED), ("", R.FAILED)],
)
def test_given_a_failed_originate_when_told_then_the_action_id_says_whose(reason: str, expected: R) -> None:
    message = {
        "Event": "OriginateResponse",
        "Response": "Failure",
        "ActionID": "cc-dial/leg-1",
        "Uniqueid": "<null>",
        "Reason": reason,
    }
    assert translate(message) == DialFailed("leg-1", expected)


@pytest.mark.parametrize(
    ("status", "registered"),
    [
        ("Created", True),
        ("Reachable", True),
        ("Updated", True),
        ("NonQualified", True),
        ("Removed", False),
        ("Unreachable", False),
    ],
)
def test_given_a_contacts_status_when_told_then_the_phone_is_here_or_not(status: str, registered: bool) -> None:
    message = {"Event": "ContactStatus", "ContactStatus": status, "EndpointName": "op1", "URI": "sip:a@1"}
    assert translate(message) == PhoneStatus("op1", registered)
    assert translate(message | {"ContactStatus": "Unknown"}) is None


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("ChannelTalkingStart", TalkingStarted("1.5")),
        ("ChannelTalkingStop", TalkingStopped("1.5")),
        ("MusicOnHoldStart", HoldMusic("1.5", True)),
        ("MusicOnHoldStop", HoldMusic("1.5", False)),
    ],
)
def test_given_what_a_channel_says_or_hears_when_told_then_it_is_an_event(name: str, event: PbxEvent) -> None:
    message = {"Event": name, "Channel": "PJSIP/trunk-00000001", "Uniqueid": "1.5", "Duration": "979"}
    assert translate(message) == event
    assert translate(message | {"Uniqueid": "cc-announce-1"}) is None
    assert translate({"Event": name}) is None


EVENTS = sorted({row["Event"] for row, _ in ROWS if row} | {"ContactStatus", "ChannelTalkingStart", "MusicOnHoldStop"})
KEYS = ["Uniqueid", "ChannelState", "Cause", "Conference", "Response", "ActionID", "Reason", "UserEvent", "Room"]
VALUE = st.one_of(st.text(max_size=20), st.lists(st.text(max_size=5), max_size=3))


@given(st.sampled_from(EVENTS), st.dictionaries(st.sampled_from(KEYS), VALUE))
def test_given_any_headers_when_translated_then_never_an_error_nor_an_empty_channel(
    name: str, headers: dict[str, Any]
) -> None:
    event = translate(Message({**headers, "Event": name}))
    assert event is None or getattr(event, "channel_id", "a phone has none") != ""
