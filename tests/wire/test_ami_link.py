"""The AMI link against a fake Asterisk: loss, silence, order, and never twice (R3, R23)."""

import asyncio

import pytest

from callcenter.errors import PbxRefused, PbxUnavailable
from callcenter.telephony.ami import AmiLink, running
from callcenter.telephony.asterisk_pbx import AsteriskPbx
from callcenter.telephony.events import (
    ChannelHungUp,
    ChannelRinging,
    HangupReason,
    LiveChannel,
    PbxConnected,
    PbxDisconnected,
    PbxEvent,
    PhoneStatus,
    RoomJoined,
    Snapshot,
)
from callcenter.telephony.pbx import Dial
from tests.wire.fake_ami import (
    IMPATIENT,
    QUICK,
    FakeAmi,
    Fields,
    block,
    error,
    linked,
    listing,
    silence,
    success,
    until,
)

STATUS = {
    "Event": "Status",
    "Channel": "PJSIP/trunk-00000001",
    "ChannelState": "6",
    "CallerIDName": "王 秀英",
    "Uniqueid": "1763788272.1",
    "Seconds": "75",
    "Variable": "CC_CALL=呼叫=1",
    "Variable_": "CC_LEG=(null)",
    "Variable__": "CC_ROOM=r1",
}
DIAL = Dial(channel_id="leg-120", target="PJSIP/trunk/sip:120@h", context="cc-leg", ring_seconds=30)


def ringing(channel_id: str) -> bytes:
    return block(Event="Newstate", Channel="PJSIP/x", ChannelState="5", Uniqueid=channel_id)


async def test_given_calls_under_way_when_connected_then_the_snapshot_comes_first(asterisk: FakeAmi) -> None:
    asterisk.answers["Status"] = listing("StatusComplete", STATUS)
    asterisk.answers["ConfbridgeListRooms"] = listing(
        "ConfbridgeListRoomsComplete",
        {"Event": "ConfbridgeListRooms", "Conference": "r1"},
        {"Event": "ConfbridgeListRooms", "Conference": "gone"},
    )
    member = {"Event": "ConfbridgeList", "Conference": "r1", "Channel": "PJSIP/trunk-00000001"}
    one = listing("ConfbridgeListComplete", member | {"Uniqueid": "1763788272.1"})
    none = error("No Conference by that name found.")
    asterisk.answers["ConfbridgeList"] = lambda fields: (one if fields["Conference"] == ["r1"] else none)(fields)
    asterisk.answers["PJSIPShowContacts"] = listing(
        "ContactListComplete",
        {"Event": "ContactList", "Endpoint": "op1", "Uri": "sip:a@1", "Status": "NonQualified"},
        {"Event": "ContactList", "Endpoint": "op2", "Uri": "sip:b@1", "Status": "Unreachable"},
    )
    channel = LiveChannel(
        "1763788272.1", "PJSIP/trunk-00000001", True, 75, variables={"CC_CALL": "呼叫=1", "CC_ROOM": "r1"}
    )
    expected = Snapshot(
        {channel.channel_id: channel}, {"r1": frozenset({"1763788272.1"}), "gone": frozenset()}, frozenset({"op1"})
    )
    async with linked(asterisk) as (link, events):
        assert events == [PbxConnected(expected)]
        assert await link.snapshot() == expected


async def test_given_events_during_the_snapshot_when_connected_then_they_follow_it_in_order(
    asterisk: FakeAmi,
) -> None:
    nothing = listing("StatusComplete")
    asterisk.answers["Status"] = lambda fields: ringing("a") + (nothing(fields) or b"") + ringing("b")
    async with linked(asterisk) as (_, events):
        await until(lambda: len(events) == 3)
        assert isinstance(events[0], PbxConnected)
        assert events[1:] == [ChannelRinging("a"), ChannelRinging("b")]


async def test_given_ten_thousand_events_when_they_flood_in_then_all_come_in_order(asterisk: FakeAmi) -> None:
    noise = block(Event="VarSet", Channel="PJSIP/x", Uniqueid="x", Variable="A", Value="张三")
    async with linked(asterisk) as (_, events):
        asterisk.send(b"".join(ringing(str(number)) + noise for number in range(10_000)))
        await until(lambda: len(events) == 10_001)
        assert events[1:] == [ChannelRinging(str(number)) for number in range(10_000)]


async def test_given_repeated_and_swapped_events_when_they_come_then_they_pass_as_received(
    asterisk: FakeAmi,
) -> None:
    hung_up = block(Event="Hangup", Channel="PJSIP/x", Uniqueid="x", Cause="16")
    async with linked(asterisk) as (_, events):
        asterisk.send(hung_up + ringing("x") + ringing("x") + hung_up)
        await until(lambda: len(events) == 5)
        end = ChannelHungUp("x", HangupReason.NORMAL, 16)
        assert events[1:] == [end, ChannelRinging("x"), ChannelRinging("x"), end]


async def test_given_a_stream_in_single_bytes_when_read_then_nothing_is_lost(asterisk: FakeAmi) -> None:
    event = block(Event="ConfbridgeJoin", Conference="房间", Channel="PJSIP/x", Uniqueid="x", CallerIDName="王秀英")
    async with linked(asterisk) as (_, events):
        for position in range(len(event)):
            asterisk.send(event[position : position + 1])
            await asyncio.sleep(0)
        await until(lambda: len(events) == 2)
        assert events[1] == RoomJoined("房间", "x")


async def test_given_a_consumer_that_raises_when_events_come_then_the_link_lives(asterisk: FakeAmi) -> None:
    seen: list[PbxEvent] = []

    def consumer(event: PbxEvent) -> None:
        seen.append(event)
        raise ValueError("a consumer's bug")

    link = AmiLink("127.0.0.1", asterisk.port, "cc", "s", on_event=consumer, timings=QUICK)
    async with running(link):
        await until(lambda: link.live)
        asterisk.send(ringing("a") + ringing("b"))
        await until(lambda: len(seen) == 3)
        await link.action("Ping", {})
        assert asterisk.connections == 1


async def test_given_a_cut_connection_when_noticed_then_one_loss_and_a_new_snapshot(asterisk: FakeAmi) -> None:
    async with linked(asterisk) as (link, events):
        asterisk.cut()
        await until(lambda: len(events) == 3)
        assert [type(event) for event in events] == [PbxConnected, PbxDisconnected, PbxConnected]
        await link.action("Ping", {})


async def test_given_a_half_open_peer_when_a_ping_is_not_answered_then_loss_and_reconnect(asterisk: FakeAmi) -> None:
    async with linked(asterisk, IMPATIENT) as (_, events):
        asterisk.answers["Ping"] = silence
        await until(lambda: PbxDisconnected("no answer to a ping") in events)
        asterisk.answers["Ping"] = success
        await until(lambda: isinstance(events[-1], PbxConnected))
        losses = [event for event in events if isinstance(event, PbxDisconnected)]
        assert len(losses) == asterisk.connections - 1


async def test_given_events_but_no_pongs_when_time_passes_then_the_link_is_dropped(asterisk: FakeAmi) -> None:
    async with linked(asterisk, IMPATIENT) as (_, events):
        asterisk.answers["Ping"] = lambda fields: ringing("x")
        await until(lambda: any(isinstance(event, PbxDisconnected) for event in events))


async def test_given_asterisk_shuts_down_when_it_says_so_then_one_loss(asterisk: FakeAmi) -> None:
    async with linked(asterisk) as (_, events):
        asterisk.send(block(Event="Shutdown", Shutdown="Cleanly"))
        await until(lambda: len(events) == 3)
        assert events[1] == PbxDisconnected("Asterisk is shutting down")


async def test_given_a_lost_reply_when_the_deadline_passes_then_unavailable_and_not_sent_again(
    asterisk: FakeAmi,
) -> None:
    asterisk.answers["Originate"] = silence
    async with linked(asterisk, IMPATIENT) as (link, events):
        with pytest.raises(PbxUnavailable):
            await AsteriskPbx(link).originate(DIAL)
        asterisk.cut()
        await until(lambda: isinstance(events[-1], PbxConnected) and len(events) > 1)
        await link.action("Ping", {})
        assert len(asterisk.sent("Originate")) == 1


async def test_given_an_originate_under_way_when_the_link_is_cut_then_unavailable_and_not_replayed(
    asterisk: FakeAmi,
) -> None:
    asterisk.answers["Originate"] = silence
    async with linked(asterisk) as (link, events):
        dial = asyncio.create_task(AsteriskPbx(link).originate(DIAL))
        await until(lambda: asterisk.sent("Originate"))
        asterisk.cut()
        with pytest.raises(PbxUnavailable):
            await dial
        await until(lambda: len(events) == 3)
        await link.action("Ping", {})
        assert len(asterisk.sent("Originate")) == 1


async def test_given_no_link_when_an_action_is_asked_then_unavailable_at_once() -> None:
    link = AmiLink("127.0.0.1", 1, "cc", "s", on_event=lambda event: None)
    with pytest.raises(PbxUnavailable):
        await AsteriskPbx(link).hangup("x")


async def test_given_a_late_reply_when_another_action_waits_then_they_are_not_mixed_up(asterisk: FakeAmi) -> None:
    late: list[Fields] = []

    def keep(fields: Fields) -> None:
        late.append(fields)

    asterisk.answers["Setvar"] = keep
    async with linked(asterisk) as (link, _):
        with pytest.raises(PbxUnavailable):
            await link.action("Setvar", {"Variable": "A", "Value": "1"}, deadline=0.05)
        asterisk.answers["Redirect"] = lambda fields: success(late[0]) + (error("no")(fields) or b"")
        with pytest.raises(PbxRefused) as refusal:
            await link.action("Redirect", {"Channel": "x"})
        assert refusal.value.extra["reply"] == "no"


async def test_given_a_refused_list_when_asked_then_refused_at_once(asterisk: FakeAmi) -> None:
    asterisk.answers["QueueStatus"] = error("Permission denied")
    async with linked(asterisk) as (link, _):
        with pytest.raises(PbxRefused):
            await link.list_action("QueueStatus", {})


async def test_given_a_list_without_end_when_the_deadline_passes_then_unavailable(asterisk: FakeAmi) -> None:
    asterisk.answers["QueueStatus"] = lambda fields: block(
        Response="Success", ActionID=fields["ActionID"][0], EventList="start", Message="x"
    )
    async with linked(asterisk) as (link, _):
        with pytest.raises(PbxUnavailable):
            await link.list_action("QueueStatus", {}, deadline=0.05)


async def test_given_a_message_without_end_when_it_is_too_long_then_cut_and_reconnected(asterisk: FakeAmi) -> None:
    async with linked(asterisk, message_bytes=5_000) as (_, events):
        asterisk.send(b"Event: Newstate\r\nX: " + b"y" * 6_000)
        await until(lambda: len(events) == 3)
        assert events[1] == PbxDisconnected("message too long")


async def test_given_a_peer_that_is_no_ami_when_connected_then_tried_again(asterisk: FakeAmi) -> None:
    asterisk.banner = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    link = AmiLink("127.0.0.1", asterisk.port, "cc", "s", on_event=lambda event: None, timings=QUICK)
    async with running(link):
        await until(lambda: asterisk.connections >= 3)
        assert not link.live
        asterisk.banner = b"Asterisk Call Manager/11.0.0\r\n"
        await until(lambda: link.live)


async def test_given_a_wrong_secret_when_logging_in_then_tried_again_without_events(asterisk: FakeAmi) -> None:
    login = asterisk.answers["Login"]
    asterisk.answers["Login"] = error("Authentication failed")
    events: list[PbxEvent] = []
    link = AmiLink("127.0.0.1", asterisk.port, "cc", "s", on_event=events.append, timings=QUICK)
    async with running(link):
        await until(lambda: asterisk.connections >= 3)
        assert events == []
        asterisk.answers["Login"] = login
        await until(lambda: link.live)


async def test_given_a_loss_during_the_snapshot_when_connected_again_then_no_loss_is_told(asterisk: FakeAmi) -> None:
    nothing = asterisk.answers["Status"]

    def cut_once(fields: Fields) -> None:
        asterisk.answers["Status"] = nothing
        asterisk.cut()

    asterisk.answers["Status"] = cut_once
    async with linked(asterisk) as (_, events):
        assert [type(event) for event in events] == [PbxConnected]
        assert asterisk.connections == 2


async def test_given_hostile_headers_when_parsed_then_the_link_lives(asterisk: FakeAmi) -> None:
    twice = {"Event": "UserEvent", "UserEvent": "CCCode", "ActionID": "a", "ActionID_": "b", "Uniqueid": "x"}
    async with linked(asterisk) as (_, events):
        asterisk.send(block(**twice, Room="r", Code="add-120") + b"Event: Hangup\r\n\r\n\r\n\r\n: \r\n\r\n")
        asterisk.send(b"Event: Hangup\r\nUniqueid: \xff\xfe\r\nCause: 99999999999\r\n\r\n" + ringing("z"))
        await until(lambda: ChannelRinging("z") in events)
        assert asterisk.connections == 1


async def test_given_a_phone_that_moves_when_its_old_contact_goes_then_it_stays_registered(asterisk: FakeAmi) -> None:
    def contact(uri: str, status: str) -> bytes:
        return block(Event="ContactStatus", URI=uri, ContactStatus=status, AOR="op1", EndpointName="op1")

    async with linked(asterisk) as (_, events):
        asterisk.send(contact("sip:a@1", "Created") + contact("sip:a@2", "NonQualified"))
        asterisk.send(contact("sip:a@1", "Removed") + contact("sip:a@2", "Unreachable"))
        await until(lambda: len(events) == 5)
        assert events[1:] == [PhoneStatus("op1", registered) for registered in (True, True, True, False)]
