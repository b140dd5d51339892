"""The switchboard's verbs as they go over the wire, and what Asterisk's answers make of them."""

from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.errors import InvalidInput, PbxRefused
from callcenter.telephony.asterisk_pbx import AsteriskPbx, quoted
from callcenter.telephony.events import ChannelHungUp, DialFailed, HangupReason, RoomJoined
from callcenter.telephony.pbx import Dial
from tests.wire.asterisk_syntax import variables
from tests.wire.fake_ami import FakeAmi, block, error, linked, listing, until

CRLF = "x\r\nAction: Originate\r\nChannel: PJSIP/trunk/sip:120@h"


def dial(**changes: object) -> Dial:
    plain = {"channel_id": "leg-1", "target": "PJSIP/op1", "context": "cc-leg", "ring_seconds": 20}
    return Dial(**(plain | changes))  # type: ignore[arg-type]


def failure(channel_id: str, reason: str) -> bytes:
    return block(
        Event="OriginateResponse",
        ActionID=f"cc-dial/{channel_id}",
        Response="Failure",
        Reason=reason,
        Uniqueid="<null>",
    )


async def test_given_a_dial_when_originated_then_every_part_is_on_the_wire(asterisk: FakeAmi) -> None:
    order = dial(
        caller_number="95120",
        caller_name='王"秀英"<x>',
        variables={"CC_ROOM": "r1", "CC_NAME": "张,三(李)"},
        headers={"Call-Info": "<sip:x>;answer-after=0"},
    )
    async with linked(asterisk) as (link, _):
        await AsteriskPbx(link).originate(order)
    (sent,) = asterisk.sent("Originate")
    assert sent == {
        "Action": ["Originate"],
        "ActionID": ["cc-dial/leg-1"],
        "Async": ["true"],
        "CallerID": ['"王 秀英  x" <95120>'],
        "Channel": ["PJSIP/op1"],
        "ChannelId": ["leg-1"],
        "Context": ["cc-leg"],
        "Exten": ["s"],
        "Priority": ["1"],
        "Timeout": ["20000"],
        "Variable": [
            "CC_ROOM=r1",
            "CC_NAME=张\\,三\\(李\\)",
            "PJSIP_HEADER(add,Call-Info)=<sip:x>;answer-after=0",
        ],
    }


async def test_given_a_very_long_name_when_originated_then_the_number_survives(asterisk: FakeAmi) -> None:
    async with linked(asterisk) as (link, _):
        await AsteriskPbx(link).originate(dial(caller_name="长" * 200, caller_number="95120"))
    caller = asterisk.sent("Originate")[0]["CallerID"][0]
    assert caller.endswith('长" <95120>')
    assert len(caller.encode()) < 255


@given(st.dictionaries(st.from_regex(r"CC_[A-Z]{1,8}", fullmatch=True), st.text(max_size=40), max_size=5))
def test_given_any_values_when_quoted_then_asterisk_reads_them_back(values: dict[str, str]) -> None:
    line = ",".join(f"{name}={quoted(value)}" for name, value in values.items())
    assert variables(line) == (values or {"": ""})


async def test_given_asterisk_refuses_when_originated_then_raised_and_told_as_failed(asterisk: FakeAmi) -> None:
    asterisk.answers["Originate"] = error("Extension does not exist.")
    async with linked(asterisk) as (link, events):
        with pytest.raises(PbxRefused, match="Extension does not exist"):
            await AsteriskPbx(link).originate(dial())
        assert events[1:] == [DialFailed("leg-1", HangupReason.FAILED)]


async def test_given_no_channel_could_be_made_when_it_is_told_then_the_failure_has_our_id(asterisk: FakeAmi) -> None:
    async with linked(asterisk) as (link, events):
        await AsteriskPbx(link).originate(dial())
        asterisk.send(failure("leg-1", "0"))
        await until(lambda: len(events) == 2)
        assert events[1] == DialFailed("leg-1", HangupReason.UNREACHABLE)


@pytest.mark.parametrize("coarse_first", [True, False])
async def test_given_a_busy_phone_when_told_twice_then_only_the_exact_reason_passes(
    asterisk: FakeAmi, coarse_first: bool
) -> None:
    made = block(Event="Newchannel", Channel="PJSIP/op1-1", ChannelState="0", Uniqueid="leg-1")
    exact = block(Event="Hangup", Channel="PJSIP/op1-1", Uniqueid="leg-1", Cause="21")
    both = [failure("leg-1", "8"), exact]
    async with linked(asterisk) as (link, events):
        await AsteriskPbx(link).originate(dial())
        asterisk.send(made + b"".join(both if coarse_first else reversed(both)))
        asterisk.send(block(Event="ConfbridgeJoin", Conference="end", Channel="x", Uniqueid="x"))
        await until(lambda: RoomJoined("end", "x") in events)
        assert events[1:-1] == [ChannelHungUp("leg-1", HangupReason.REJECTED, 21)]


async def test_given_we_hung_up_a_dial_when_its_failure_comes_then_our_reason_is_told(asterisk: FakeAmi) -> None:
    async with linked(asterisk) as (link, events):
        pbx = AsteriskPbx(link)
        await pbx.originate(dial())
        await pbx.hangup("leg-1", HangupReason.CANCELLED)
        asterisk.send(failure("leg-1", "0"))
        await until(lambda: len(events) == 2)
        assert events[1] == DialFailed("leg-1", HangupReason.CANCELLED)
        assert asterisk.sent("Hangup")[0]["Cause"] == ["26"]


async def test_given_who_is_gone_when_hung_up_kicked_or_muted_then_it_is_fine(asterisk: FakeAmi) -> None:
    asterisk.answers["Hangup"] = error("No such channel")
    asterisk.answers["ConfbridgeList"] = error("No Conference by that name found.")
    async with linked(asterisk) as (link, _):
        pbx = AsteriskPbx(link)
        await pbx.hangup("leg-1")
        await pbx.kick("r1", "leg-1")
        await pbx.mute("r1", "leg-1", True)


async def test_given_missing_rights_when_hung_up_then_refused(asterisk: FakeAmi) -> None:
    asterisk.answers["Hangup"] = error("Permission denied")
    async with linked(asterisk) as (link, _):
        with pytest.raises(PbxRefused):
            await AsteriskPbx(link).hangup("leg-1")


async def test_given_a_member_when_muted_then_asterisk_hears_its_channels_name(asterisk: FakeAmi) -> None:
    join = block(Event="ConfbridgeJoin", Conference="r1", Channel="PJSIP/op1-7", Uniqueid="leg-1")
    rename = block(Event="Rename", Channel="PJSIP/op1-7", Newname="PJSIP/op1-8", Uniqueid="leg-1")
    async with linked(asterisk) as (link, events):
        pbx = AsteriskPbx(link)
        asterisk.send(join)
        await until(lambda: len(events) == 2)
        await pbx.mute("r1", "leg-1", True)
        asterisk.send(rename + join.replace(b"op1-7", b"op1-8"))
        await until(lambda: len(events) == 3)
        await pbx.mute("r1", "leg-1", False)
    assert asterisk.sent("ConfbridgeMute")[0]["Channel"] == ["PJSIP/op1-7"]
    assert asterisk.sent("ConfbridgeUnmute")[0]["Channel"] == ["PJSIP/op1-8"]
    assert not asterisk.sent("ConfbridgeList")


async def test_given_an_unknown_name_when_kicked_then_the_room_is_asked(asterisk: FakeAmi) -> None:
    member = {"Event": "ConfbridgeList", "Conference": "r1", "Channel": "PJSIP/op1-9", "Uniqueid": "leg-1"}
    asterisk.answers["ConfbridgeList"] = listing("ConfbridgeListComplete", member)
    async with linked(asterisk) as (link, _):
        await AsteriskPbx(link).kick("r1", "leg-1")
    assert [fields["Channel"] for fields in asterisk.sent("ConfbridgeKick")] == [["PJSIP/op1-9"]]


async def test_given_prompts_when_played_then_one_helper_that_no_event_tells_of(asterisk: FakeAmi) -> None:
    async with linked(asterisk) as (link, events):
        await AsteriskPbx(link).play("r1", ["hold", "zh/wait"])
        (sent,) = asterisk.sent("Originate")
        helper = sent["ChannelId"][0]
        join = block(Event="ConfbridgeJoin", Conference="r1", Channel="Local/1", Uniqueid=helper)
        asterisk.send(join + join.replace(helper.encode(), b"leg-1"))
        await until(lambda: len(events) == 2)
        assert events[1] == RoomJoined("r1", "leg-1")
    assert sent["Channel"] == ["Local/s@cc-announcer/n"]
    assert sent["Context"] == ["cc-announce"]
    assert sent["Variable"] == ["CC_ROOM=r1", "CC_PROMPTS=hold&zh/wait"]


async def test_given_digits_when_sent_then_one_action_a_digit_in_order(asterisk: FakeAmi) -> None:
    async with linked(asterisk) as (link, _):
        await AsteriskPbx(link, digit_gap=0).dtmf("leg-1", "12*#")
    assert [fields["Digit"] for fields in asterisk.sent("PlayDTMF")] == [["1"], ["2"], ["*"], ["#"]]


async def test_given_the_other_verbs_when_used_then_their_actions_are_sent(asterisk: FakeAmi) -> None:
    async with linked(asterisk) as (link, _):
        pbx = AsteriskPbx(link)
        await pbx.redirect("leg-1", "cc-hold", "t")
        await pbx.record("leg-1", "/data/rec/a.wav", "r(/data/rec/in.wav)")
        await pbx.set_variable("leg-1", "TIMEOUT(absolute)", "5")
    redirect, record, variable = asterisk.actions[-3:]
    assert (redirect["Action"], redirect["Context"], redirect["Exten"]) == (["Redirect"], ["cc-hold"], ["t"])
    assert (record["Action"], record["File"]) == (["MixMonitor"], ["/data/rec/a.wav"])
    assert (variable["Action"], variable["Variable"]) == (["Setvar"], ["TIMEOUT(absolute)"])


BAD: dict[str, Callable[[AsteriskPbx], Awaitable[object]]] = {
    "CallerID": lambda pbx: pbx.originate(dial(caller_name=CRLF)),
    "caller_number": lambda pbx: pbx.originate(dial(caller_number=CRLF)),
    "channel_id": lambda pbx: pbx.originate(dial(channel_id=CRLF)),
    "target": lambda pbx: pbx.originate(dial(target=CRLF)),
    "Context": lambda pbx: pbx.originate(dial(context=CRLF)),
    "Variable": lambda pbx: pbx.originate(dial(variables={"CC_A": CRLF})),
    "variables": lambda pbx: pbx.originate(dial(variables={CRLF: "x"})),
    "headers": lambda pbx: pbx.originate(dial(headers={CRLF: "x"})),
    "Exten": lambda pbx: pbx.redirect("leg-1", "c", CRLF),
    "Conference": lambda pbx: pbx.kick(CRLF, "leg-1"),
    "prompts": lambda pbx: pbx.play("r1", ["ok", "a&b"]),
    "File": lambda pbx: pbx.record("leg-1", CRLF),
    "path": lambda pbx: pbx.record("leg-1", "a,,rm"),
    "options": lambda pbx: pbx.record("leg-1", "a.wav", "b,touch /tmp/x"),
    "digits": lambda pbx: pbx.dtmf("leg-1", "12\r\n"),
    "name": lambda pbx: pbx.set_variable("leg-1", "A\nB", "x"),
    "Value": lambda pbx: pbx.set_variable("leg-1", "A", CRLF),
}


@pytest.mark.parametrize("field", BAD)
async def test_given_an_unfit_value_when_a_verb_is_used_then_refused_by_name_and_not_sent(
    asterisk: FakeAmi, field: str
) -> None:
    async with linked(asterisk) as (link, _):
        await until(lambda: asterisk.sent("PJSIPShowContacts"))
        with pytest.raises(InvalidInput) as refusal:
            await BAD[field](AsteriskPbx(link))
        assert refusal.value.extra["field"] == field
        await link.action("Ping", {})
    after = [fields["Action"][0] for fields in asterisk.actions]
    assert set(after) <= {"Login", "Status", "ConfbridgeListRooms", "PJSIPShowContacts", "Ping"}


@pytest.mark.parametrize("regex", ["/.*/", "", "all channels", "a\r\nb"])
async def test_given_an_id_that_asterisk_takes_for_more_when_hung_up_then_refused(
    asterisk: FakeAmi, regex: str
) -> None:
    async with linked(asterisk) as (link, _):
        with pytest.raises(InvalidInput):
            await AsteriskPbx(link).hangup(regex)
    assert not asterisk.sent("Hangup")


@pytest.mark.parametrize(("value", "expected"), [("1234", 1234), ("0", 0), ("", None), ("-1", None), ("(null)", None)])
async def test_given_a_packet_counter_when_read_then_it_is_a_number_or_nothing(
    asterisk: FakeAmi, value: str, expected: int | None
) -> None:
    asterisk.answers["Getvar"] = lambda fields: block(
        Response="Success", ActionID=fields["ActionID"][0], Variable="CHANNEL(rtcp,rxcount)", Value=value
    )
    async with linked(asterisk) as (link, _):
        assert await AsteriskPbx(link).rtp_received("leg-1") == expected
    (sent,) = asterisk.sent("Getvar")
    assert (sent["Channel"], sent["Variable"]) == (["leg-1"], ["CHANNEL(rtcp,rxcount)"])


async def test_given_a_channel_that_is_gone_when_its_packets_are_read_then_there_are_none(asterisk: FakeAmi) -> None:
    asterisk.answers["Getvar"] = error("No such channel")
    async with linked(asterisk) as (link, _):
        assert await AsteriskPbx(link).rtp_received("leg-1") is None


async def test_given_a_phone_that_never_registered_when_asked_then_nothing_is_known(asterisk: FakeAmi) -> None:
    async with linked(asterisk) as (link, _):
        assert await AsteriskPbx(link).answers("op1") is None
