"""A stranger's called number, and questions at the ends of the calendar: nothing of it steers us (A8, R20, R22)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import websockets
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from tests.support.asterisk import running_asterisk
from tests.support.instance import Instance


@pytest.fixture
async def center(tmp_path: Path) -> AsyncIterator[Instance]:
    async with Instance(tmp_path) as instance:
        yield instance


# What is dialled, and what may be on record of it: digits in the order in which they were dialled, nothing else.
DIALLED = {
    "95120,1e300,,x": "951201300",
    "1,1e300,/etc/passwd,0197a000-0000-7000-8000-000000000001": "11300",
    "95120%22": "95120",
    "1%22%20%7C%20%221": "11",
    "1$%7BSHELL(touch%20pwned)%7D": "1",
    "*95120": "*95120",
    "%2395120": "#95120",
    "*": "",
}


async def test_whatever_number_is_dialled_the_call_is_answered_and_its_text_steers_nothing(center: Instance) -> None:
    for number in DIALLED:
        caller = await center.dial(number, "13900000001", seconds=60)
        await caller.answered(3)
        await caller.close()
    api = await center.sign_in("op1")
    calls = (await api.get("/calls", params={"limit": 200}))["items"]
    calls = [call for call in calls if call["via"] == "controller"]
    for call, expected in zip(reversed(calls), DIALLED.values(), strict=True):
        assert call["did"].startswith(expected)
        assert set(call["did"]) <= set("0123456789+*#")
    assert center.asterisk is not None
    assert [line for line in center.asterisk.complaints() if "WARNING" in line or "ERROR" in line] == []


async def test_r22_a_number_that_holds_line_ends_tells_the_controller_nothing_and_is_answered(center: Instance) -> None:
    """Asterisk decodes them and writes them as they are into AMI's events and FastAGI's headers: a stranger's number
    could say that Asterisk shuts down, that somebody hung up, or that the call is none."""
    forged = "%0d%0a%0d%0aEvent%3a%20Shutdown%0d%0aX%3a%20y"
    untrue = "%0aagi_arg_1%3a%20hotline%0aagi_arg_4%3a%20synthetic"
    shown = (f"<sip:13800003001{forged}@x>", f"<sip:13800003001{untrue}@x>")
    for header in shown:
        caller = await center.dial("95120", "13900000001", from_header=header)
        await caller.answered(3)
        await caller.close()
    asserted = f"P-Asserted-Identity: <sip:13800003001{forged}@x>\n"
    caller = await center.dial("95120", "13900000001", extra_headers=asserted)
    await caller.answered(3)
    await caller.close()
    caller = await center.dial(f"95120{forged}", "13900000001")
    await caller.until("refused", 3)
    await caller.close()
    caller = await center.dial("95120", center.elders[0]["pendant"])
    await caller.answered(3)
    await caller.close()
    api = await center.sign_in("op1")
    calls = [call for call in (await api.get("/calls"))["items"] if call["via"] == "controller"]
    known = [(call["line"], call["did"], call["caller"]) for call in reversed(calls)]
    assert known == [("emergency", "95120", "")] * 3 + [("emergency", "95120", center.elders[0]["pendant"])]
    assert "ami.lost" not in center.log()
    assert "agi.handler_failed" not in center.log()


async def test_i1_the_log_tells_neither_tokens_nor_who_called(center: Instance) -> None:
    api = await center.sign_in("op1")
    url = f"ws://127.0.0.1:{center.settings.http_port}/api/v1/live?token={api.token}"
    async with websockets.connect(url) as live:
        assert "hello" in str(await live.recv())
        elder = center.elders[0]
        caller = await center.dial(
            "95120", elder["pendant"], from_header=f'"{elder["name"]}" <sip:{elder["pendant"]}@x>'
        )
        await caller.answered(3)
        assert elder["name"] in str(await live.recv()) + str(await live.recv())
        await caller.close()
    assert center.asterisk is not None
    written = center.log() + "".join(center.asterisk.complaints())
    assert "in_step" in written
    for secret in (api.token, elder["name"], elder["pendant"], "eyJ"):
        assert secret not in written


@pytest.mark.parametrize("path", ["/calls", "/emergencies"])
async def test_moments_at_the_ends_of_the_calendar_are_moments_too(center: Instance, path: str) -> None:
    api = await center.sign_in("op1")
    ends = {"since": "0001-01-01T00:00:00+14:00", "until": "9999-12-31T23:59:59-12:00"}
    assert (await api.get(path, params=ends))["items"] == []
    await api.call("GET", path, status=422, params={"since": "99999999999"})


INVITE = """INVITE sip:95120@127.0.0.1 SIP/2.0
Via: SIP/2.0/{via} x.invalid;branch=z9hG4bK{via}
Max-Forwards: 70
From: <sip:13900000001@127.0.0.1>;tag=1
To: <sip:95120@127.0.0.1>
Call-ID: {via}
CSeq: 1 INVITE
Contact: <sip:13900000001@x.invalid;transport=ws>
Content-Type: application/sdp
Content-Length: {length}

{body}"""
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


@pytest.mark.parametrize("via", ["WS", "UDP"])
async def test_i3_a_page_is_not_the_trunk_although_its_proxy_has_the_trunks_address(tmp_path: Path, via: str) -> None:
    """Without a password any page on the network could press for any elder; what it writes into Via is its own."""
    with running_asterisk(tmp_path / "var") as asterisk:
        url = f"ws://127.0.0.1:{asterisk.settings.ws_port}/ws"
        async with connect(url, subprotocols=[Subprotocol("sip")], origin=Origin("https://stranger.invalid")) as page:
            await page.send(INVITE.replace("\n", "\r\n").format(via=via, length=len(SDP), body=SDP))
            answer = ""
            async with asyncio.timeout(5):
                while not answer or " 100 " in answer:
                    answer = str(await page.recv()).partition("\r\n")[0]
        assert answer == "SIP/2.0 403 Forbidden"
        assert "cc-fallback" not in asterisk.log()
