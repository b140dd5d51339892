"""The rendered configuration on a real Asterisk: what AMI sends, who may call, who hears whom in a room."""

import socket
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from callcenter.asterisk_config import ami_secret
from tests.support.asterisk import AsteriskServer, running_asterisk, wait_for
from tests.support.baresip import Baresip
from tests.support.rtp import RtpPeer
from tests.support.sipp import Answerer, Caller, register, until

DIALPLAN = """
[from-trunk]
exten => 95120,1,Answer(,i)
 same => n,UserEvent(CCCode,Room: r1,Code: test)
 same => n,ConfBridge(r1,cc_room,cc_leg)
 same => n,Hangup()
exten => 777,1,Answer(,i)
 same => n,Echo()
[from-seat]
exten => _X.,1,Answer()
 same => n,Hangup()
[cc-seat]
exten => s,1,ConfBridge(r1,cc_room,cc_seat,cc_seat_menu)
[cc-leg]
exten => s,1,ConfBridge(r1,cc_room,cc_leg)
[cc-seat-code]
exten => _add-.,1,UserEvent(CCCode,Room: r1,Code: ${EXTEN})
"""


class Ami:
    """A raw AMI connection that keeps all it was sent, cut into messages."""

    def __init__(self, server: AsteriskServer) -> None:
        self.link = socket.create_connection(("127.0.0.1", server.settings.ami_port), 5)
        self.link.setblocking(False)
        self._bytes = b""
        self.send("Login", Username="callcenter", Secret=ami_secret(server.settings))

    def send(self, action: str, **fields: str) -> None:
        lines = [f"Action: {action}", *(f"{key}: {value}" for key, value in fields.items())]
        self.link.sendall("\r\n".join([*lines, "", ""]).encode())

    def messages(self) -> list[dict[str, str]]:
        try:
            while more := self.link.recv(65_536):
                self._bytes += more
        except BlockingIOError:
            pass
        blocks = self._bytes.decode().split("\r\n\r\n")[:-1]
        return [dict(line.split(": ", 1) for line in block.split("\r\n") if ": " in line) for block in blocks]

    def events(self) -> set[str]:
        return {message["Event"] for message in self.messages() if "Event" in message}

    def has(self, **wanted: str) -> bool:
        return any(wanted.items() <= message.items() for message in self.messages())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsteriskServer]:
    folder = tmp_path_factory.mktemp("asterisk")
    dialplan = folder / "dialplan.conf"
    dialplan.write_text(DIALPLAN)
    with running_asterisk(folder / "data", dialplan=[dialplan]) as server:
        yield server
    assert not [line for line in server.complaints() if "WARNING" in line or "ERROR" in line]


@pytest.fixture
def ami(server: AsteriskServer) -> Iterator[Ami]:
    made = Ami(server)
    yield made
    made.link.close()


@pytest_asyncio.fixture
async def seat(server: AsteriskServer, tmp_path: Path) -> AsyncIterator[Answerer]:
    made = await Answerer.seat(tmp_path, server.settings, "op1", "op1-secret")
    yield made
    await made.close()


def hears(media: RtpPeer, frequencies: set[float]) -> bool:
    return media.hears(500, 700, 1100) == frequencies


def originate(ami: Ami, target: str, context: str) -> None:
    ami.send("Originate", Channel=target, Context=context, Exten="s", Priority="1", Async="true", ActionID="o1")


async def test_ami_sends_what_the_controller_acts_on_and_nothing_else(
    server: AsteriskServer, ami: Ami, tmp_path: Path
) -> None:
    """A call costs some sixty events of which nine are of use; the others are not even written."""
    await until(lambda: ami.has(Response="Success"), what="the login")
    seat = await Answerer.seat(tmp_path, server.settings, "op1", "op1-secret")
    caller = await Caller.dial(tmp_path, server.settings, "95120")
    await caller.answered()
    originate(ami, "PJSIP/op1", "cc-seat")
    leg = await (await seat.call()).answer()
    await until(
        lambda: ami.has(Event="ConfbridgeJoin", Conference="r1", CallerIDNum="op1"), what="the seat in the room"
    )
    ami.send("CoreShowChannels", ActionID="channels")
    ami.send("Status", ActionID="status")
    ami.send("ConfbridgeListRooms", ActionID="rooms")
    ami.send("ConfbridgeList", Conference="r1", ActionID="members")
    ami.send("PJSIPShowContacts", ActionID="contacts")
    await until(lambda: ami.has(Event="ContactListComplete"), what="the last list")
    leg.hangup()
    caller.hangup()
    assert await caller.ended() == 0
    await seat.close()
    await until(lambda: sum(m.get("Event") == "Hangup" for m in ami.messages()) == 2, what="both hang-ups")
    wanted = {"FullyBooted", "Newchannel", "Newstate", "ConfbridgeJoin", "ConfbridgeLeave", "Hangup"}
    wanted |= {"OriginateResponse", "UserEvent", "ContactStatus"}
    lists = {"CoreShowChannel", "CoreShowChannelsComplete", "Status", "StatusComplete", "ConfbridgeList"}
    lists |= {"ConfbridgeListComplete", "ConfbridgeListRooms", "ConfbridgeListRoomsComplete"}
    lists |= {"ContactList", "ContactListComplete"}
    assert ami.events() == wanted | lists
    assert {m["ChannelState"] for m in ami.messages() if m.get("Event") == "Newstate"} == {"5", "6"}


async def test_ami_tells_when_a_seats_phone_comes_and_goes(server: AsteriskServer, ami: Ami, tmp_path: Path) -> None:
    assert await register(tmp_path, server.settings, "op2", "op2-secret", 40_001) == 0
    await until(lambda: ami.has(Event="ContactStatus", EndpointName="op2", ContactStatus="NonQualified"))
    assert await register(tmp_path, server.settings, "op2", "op2-secret", 40_001, expires=0) == 0
    await until(lambda: ami.has(Event="ContactStatus", EndpointName="op2", ContactStatus="Removed"))


async def test_given_a_wrong_password_then_no_seat_registers(server: AsteriskServer, tmp_path: Path) -> None:
    """I3."""
    assert await register(tmp_path, server.settings, "op3", "wrong", 40_002) != 0
    assert "op3/sip" not in server.cli("pjsip show contacts")


@pytest.mark.parametrize("name", ["op1", "sup1"])
async def test_given_a_trunk_caller_who_names_himself_a_seat_then_he_is_challenged(
    server: AsteriskServer, tmp_path: Path, name: str
) -> None:
    """The From user is looked at first, so a seat's name needs the seat's password, from wherever it comes."""
    caller = await Caller.dial(tmp_path, server.settings, "95120", name)
    assert await caller.ended() != 0
    assert "401" in caller.sipp.errors()


@pytest.mark.parametrize(
    "from_header",
    [
        "<sip:trunk@127.0.0.1>",
        "<sip:line@127.0.0.1>",
        '"Anonymous" <sip:anonymous@anonymous.invalid>',
        "<sip:127.0.0.1>",
        '"王秀英" <sip:+8613800000001@127.0.0.1>',
        "<tel:+8613800000001>",
        "sip:13800000001@127.0.0.1",
    ],
)
async def test_given_any_other_caller_id_then_the_trunk_is_answered(
    server: AsteriskServer, tmp_path: Path, from_header: str
) -> None:
    """A8, R20: unknown, withheld or odd, whoever presses reaches us."""
    caller = await Caller.dial(tmp_path, server.settings, "777", from_header=from_header)
    await caller.answered()
    caller.hangup()
    assert await caller.ended() == 0


async def test_people_in_a_room_hear_each_other_and_keys_reach_nobody(
    server: AsteriskServer, ami: Ami, seat: Answerer, tmp_path: Path
) -> None:
    """A2, R25: each hears the others; what the operator keys is a code for us and silence for the elder."""
    trunk = await Answerer.listen(tmp_path, int(server.settings.trunk_uri.rpartition(":")[2]), auto={"120": "answer"})
    caller = await Caller.dial(tmp_path, server.settings, "95120")
    try:
        await caller.answered()
        originate(ami, "PJSIP/op1", "cc-seat")
        leg = await (await seat.call()).answer()
        originate(ami, f"PJSIP/trunk/sip:120@127.0.0.1:{trunk.port}", "cc-leg")
        helper = await trunk.call("120")
        await helper.until("answered")
        assert leg.media is not None
        assert helper.media is not None
        everybody = {caller.media: 500.0, leg.media: 700.0, helper.media: 1100.0}
        for media, frequency in everybody.items():
            media.play(frequency)
        for media, own in everybody.items():
            others = set(everybody.values()) - {own}
            await until(partial(hears, media, others), what=f"{others} at {own}")
        leg.media.key("*1")
        await until(lambda: ami.has(Event="UserEvent", UserEvent="CCCode", Code="add-120"), what="the code")
        assert caller.media.digits_heard == helper.media.digits_heard == ""
        assert caller.media.longest_gap(caller.media.last_heard_at - 0.5) < 0.4
    finally:
        await caller.close()
        await trunk.close()


def test_given_a_killed_asterisk_then_it_starts_again_on_the_same_configuration(server: AsteriskServer) -> None:
    """R4."""
    server.kill()
    server.start()
    wait_for(lambda: "op1" in server.cli("pjsip show endpoints"), what="the seats")


async def test_given_a_real_softphone_then_it_registers_answers_hears_and_keys(
    server: AsteriskServer, ami: Ami, tmp_path: Path
) -> None:
    phone = await Baresip.register(tmp_path, server.settings, "op4", "op4-secret", tone=700)
    caller = await Caller.dial(tmp_path, server.settings, "95120")
    try:
        await caller.answered()
        caller.media.play(500)
        originate(ami, "PJSIP/op4", "cc-seat")
        await phone.answer()
        await until(lambda: hears(caller.media, {700.0}), what="the operator's voice")
        await phone.key("*4")
        await until(lambda: ami.has(Event="UserEvent", Code="add-social_worker"), what="the code")
        await phone.hangup()
        await phone.until("CALL_CLOSED")
    finally:
        await phone.close()
        await caller.close()
    assert phone.hears(500, 700, start=0.3) == {500}


def test_audio_stays_on_our_own_address(server: AsteriskServer) -> None:
    """What is bound to 127.0.0.1 is not to be heard from elsewhere, voices least of all (I1)."""
    assert "media_address                      : 127.0.0.1" in server.cli("pjsip show endpoint trunk")
    assert "bind_rtp_to_media_address          : true" in server.cli("pjsip show endpoint op1")
