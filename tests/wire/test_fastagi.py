"""The FastAGI server spoken to by a raw socket: good peers, broken peers, slow peers (R2, R22)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from callcenter.errors import InvalidInput
from callcenter.telephony import fastagi
from callcenter.telephony.fastagi import AgiCall, AgiFailure, AgiLimits, CallerHungUp, FastAgiServer
from tests.wire.asterisk_syntax import agi_words, variables
from tests.wire.fake_ami import until

HEADERS = (
    "agi_network: yes\nagi_network_script: arrive\nagi_request: agi://127.0.0.1/arrive\n"
    "agi_channel: PJSIP/trunk-00000001\nagi_uniqueid: 1763788272.1\nagi_callerid: 13800138000\n"
    "agi_calleridname: 王 秀英: “妈”\nagi_dnid: 95120\nagi_extension: 95120\nagi_context: from-trunk\n"
    "agi_accountcode: \nagi_arg_1: emergency\nagi_arg_2: 张三\n\n"
).encode()

Work = Callable[[AgiCall], Awaitable[Any]]


class Routes:
    """A route that does the test's work and keeps what came of it."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.results: list[Any] = []
        self.calls: list[AgiCall] = []

    async def arrive(self, call: AgiCall) -> None:
        self.calls.append(call)
        try:
            self.results.append(await self.work(call))
        except BaseException as error:
            self.results.append(error)
            raise


@asynccontextmanager
async def serving(work: Work, limits: AgiLimits | None = None) -> AsyncIterator[tuple[FastAgiServer, Routes]]:
    routes = Routes(work)
    async with FastAgiServer("127.0.0.1", 0, {"arrive": routes.arrive}, limits) as server:
        yield server, routes


class Peer:
    """Asterisk's side: a raw socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, server: FastAgiServer, *parts: bytes) -> "Peer":
        peer = cls(*await asyncio.open_connection("127.0.0.1", server.port))
        for part in parts:
            await peer.say(part)
        return peer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()
        # Lets the server read this part before the next one comes.
        await asyncio.sleep(0)

    async def line(self) -> str:
        async with asyncio.timeout(10):
            return (await self.reader.readline()).decode().rstrip("\n")

    async def ended(self) -> bytes:
        """What comes until the server closes."""
        try:
            async with asyncio.timeout(10):
                return await self.reader.read()
        except ConnectionError:
            return b""
        finally:
            self.close()

    def close(self) -> None:
        self.writer.transport.abort()


async def nothing(call: AgiCall) -> None:
    return None


async def read_name(call: AgiCall) -> str | None:
    return await call.get_variable("CC_NAME")


async def set_two(call: AgiCall) -> None:
    await call.set_variables({"CC_ROOM": "r1", "CC_NAME": '张,"三"\\'})


async def test_given_a_call_when_it_asks_then_the_handler_sees_its_headers() -> None:
    async with serving(nothing) as (server, routes):
        peer = await Peer.connect(server, HEADERS)
        assert await peer.ended() == b""
    (call,) = routes.calls
    assert (call.script, call.args) == ("arrive", ("emergency", "张三"))
    assert call.headers["calleridname"] == "王 秀英: “妈”"
    assert call.headers["uniqueid"] == "1763788272.1"
    assert call.headers["accountcode"] == ""


async def test_given_headers_cut_at_every_byte_when_read_then_the_same_call() -> None:
    async with serving(nothing) as (server, routes):
        for cut in range(len(HEADERS)):
            peer = await Peer.connect(server, HEADERS[:cut], HEADERS[cut:])
            await peer.ended()
        expected = routes.calls[0].headers
        assert len(routes.calls) == len(HEADERS)
        assert all(call.headers == expected for call in routes.calls)


async def test_given_a_reply_cut_at_every_byte_when_read_then_the_same_value() -> None:
    reply = "200 result=1 (王秀英 (妈))\n".encode()
    async with serving(read_name) as (server, routes):
        for cut in range(len(reply)):
            peer = await Peer.connect(server, HEADERS)
            assert await peer.line() == 'GET VARIABLE "CC_NAME"'
            await peer.say(reply[:cut])
            await peer.say(reply[cut:])
            await peer.ended()
        assert routes.results == ["王秀英 (妈)"] * len(reply)


async def test_given_a_connection_cut_in_mid_header_when_closed_then_no_call_and_the_next_is_served() -> None:
    async with serving(nothing) as (server, routes):
        for cut in range(len(HEADERS)):
            (await Peer.connect(server, HEADERS[:cut])).close()
        await (await Peer.connect(server, HEADERS)).ended()
        await until(lambda: server.connections == 0)
        assert len(routes.calls) == 1


async def test_given_a_thousand_port_probes_when_a_call_comes_then_it_is_served() -> None:
    async with serving(nothing) as (server, routes):
        for _ in range(1000):
            (await Peer.connect(server)).close()
        await (await Peer.connect(server, HEADERS)).ended()
        await until(lambda: server.connections == 0)
        assert len(routes.calls) == 1


async def test_given_a_header_without_end_when_it_is_too_long_then_closed() -> None:
    async with serving(nothing, AgiLimits(header_seconds=60, session_seconds=60)) as (server, routes):
        peer = await Peer.connect(server, b"agi_x: " + b"y" * 40_000)
        await peer.ended()
        assert not routes.calls


async def test_given_too_many_headers_when_read_then_closed() -> None:
    many = b"".join(b"agi_x%d: 1\n" % number for number in range(70))
    async with serving(nothing) as (server, routes):
        await (await Peer.connect(server, many + HEADERS)).ended()
        assert not routes.calls


async def test_given_a_header_that_dribbles_when_the_deadline_passes_then_closed() -> None:
    async with serving(nothing, AgiLimits(header_seconds=0.1)) as (server, routes):
        peer = await Peer.connect(server, HEADERS[:30])
        good = await Peer.connect(server, HEADERS)
        await good.ended()
        assert len(routes.calls) == 1
        await peer.ended()
        await until(lambda: server.connections == 0)


async def test_given_a_handler_that_never_ends_when_the_deadline_passes_then_closed() -> None:
    async def for_ever(call: AgiCall) -> None:
        await asyncio.Event().wait()

    async with serving(for_ever, AgiLimits(session_seconds=0.1)) as (server, routes):
        await (await Peer.connect(server, HEADERS)).ended()
        assert isinstance(routes.results[0], asyncio.CancelledError)


async def test_given_asterisk_never_replies_when_the_deadline_passes_then_closed() -> None:
    async with serving(read_name, AgiLimits(session_seconds=0.1)) as (server, _):
        await (await Peer.connect(server, HEADERS)).ended()
        await until(lambda: server.connections == 0)


@pytest.mark.parametrize("last", [b"HANGUP\n", b"", b"200 resu", b"511 Command Not Permitted on a dead channel\n"])
async def test_given_a_hang_up_in_mid_command_when_read_then_caller_hung_up(last: bytes) -> None:
    async with serving(read_name) as (server, routes):
        peer = await Peer.connect(server, HEADERS)
        await peer.line()
        await peer.say(last)
        peer.writer.write_eof()
        await peer.ended()
        await until(lambda: routes.results)
        assert isinstance(routes.results[0], CallerHungUp)


async def test_given_a_reset_connection_when_a_command_is_sent_then_caller_hung_up() -> None:
    gone = asyncio.Event()

    async def talk_after(call: AgiCall) -> None:
        await gone.wait()
        for _ in range(100):
            await call.command("NOOP")

    async with serving(talk_after) as (server, routes):
        (await Peer.connect(server, HEADERS)).close()
        gone.set()
        await until(lambda: routes.results)
        assert isinstance(routes.results[0], CallerHungUp)


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("200 result=0\n", None),
        ("200 result=1 ()\n", ""),
        ("200 result=1 (hangup)\n", "hangup"),
        ("200 result=1 (a=b result=-1)\n", "a=b result=-1"),
        ("200 result=1 (one\ntwo)\n", "one\ntwo"),
        ("100 Trying\n200 result=1 (x)\n", "x"),
    ],
)
async def test_given_a_reply_when_a_variable_is_read_then_exactly_its_value(reply: str, value: str | None) -> None:
    async with serving(read_name) as (server, routes):
        peer = await Peer.connect(server, HEADERS)
        await peer.line()
        await peer.say(reply.encode())
        await peer.ended()
        assert routes.results == [value]


@pytest.mark.parametrize(
    "refusal",
    [
        "510 Invalid or unknown command\n",
        "520-Invalid command syntax.  Proper usage follows:\nUsage: GET\nmore\n520 End of proper usage.\n",
        "520 Invalid command syntax.  Proper usage not available.\n",
        "garbage\n",
    ],
)
async def test_given_a_refused_command_when_read_then_a_failure_and_the_next_command_is_in_step(refusal: str) -> None:
    async def twice(call: AgiCall) -> str | None:
        with pytest.raises(AgiFailure):
            await call.get_variable("CC_NAME")
        return await call.get_variable("CC_NAME")

    async with serving(twice) as (server, routes):
        peer = await Peer.connect(server, HEADERS)
        await peer.line()
        await peer.say(refusal.encode())
        await peer.line()
        await peer.say(b"200 result=1 (next)\n")
        await peer.ended()
        assert routes.results == ["next"]


async def test_given_many_variables_when_set_then_one_round_trip() -> None:
    async with serving(set_two) as (server, routes):
        peer = await Peer.connect(server, HEADERS)
        words = agi_words(await peer.line())
        assert words[:2] == ["EXEC", "MSet"]
        assert variables(words[2]) == {"CC_ROOM": "r1", "CC_NAME": '张,"三"\\'}
        await peer.say(b"200 result=0\n")
        await peer.ended()
        assert routes.results == [None]


async def test_given_more_than_a_command_holds_when_set_then_several_commands() -> None:
    values = {f"CC_{number}": "长" * 100 for number in range(20)}

    async def set_all(call: AgiCall) -> None:
        await call.set_variables(values)

    async with serving(set_all) as (server, _):
        peer = await Peer.connect(server, HEADERS)
        seen: dict[str, str] = {}
        while line := await peer.line():
            assert len(line.encode()) <= fastagi.COMMAND_BYTES
            seen |= variables(agi_words(line)[2])
            await peer.say(b"200 result=0\n")
        peer.close()
        assert seen == values


@pytest.mark.parametrize("bad", ["a\nHANGUP", "a\rb", "a\0b", "\ud800"])
async def test_given_a_value_of_two_lines_when_set_then_refused_and_not_sent(bad: str) -> None:
    async def try_all(call: AgiCall) -> str:
        for attempt in (
            call.set_variables({"CC_A": bad}),
            call.set_variables({f"CC_{bad}": "x"}),
            call.get_variable(f"CC_{bad}"),
            call.command(f"NOOP {bad}"),
        ):
            with pytest.raises(InvalidInput):
                await attempt
        return "refused"

    async with serving(try_all) as (server, routes):
        peer = await Peer.connect(server, HEADERS)
        assert await peer.ended() == b""
        assert routes.results == ["refused"]


async def test_given_a_handler_that_fails_when_called_then_closed_and_the_next_call_is_served() -> None:
    async def fails(call: AgiCall) -> None:
        raise ValueError("a handler's bug")

    async with serving(fails) as (server, routes):
        for _ in range(3):
            await (await Peer.connect(server, HEADERS)).ended()
        assert len(routes.results) == 3


async def test_given_an_unknown_script_when_asked_then_closed() -> None:
    async with serving(nothing) as (server, routes):
        for script in (b"other", b"", b"../arrive"):
            request = HEADERS.replace(b"script: arrive", b"script: " + script)
            await (await Peer.connect(server, request)).ended()
        await (await Peer.connect(server, HEADERS.replace(b"script: arrive", b"script: arrive?x=1"))).ended()
        assert len(routes.calls) == 1


async def test_given_a_call_under_way_when_the_server_closes_then_its_handler_is_cancelled() -> None:
    async with serving(read_name) as (server, routes):
        peer = await Peer.connect(server, HEADERS)
        await peer.line()
        await server.close()
        assert isinstance(routes.results[0], asyncio.CancelledError)
        await peer.ended()


async def test_given_all_connections_taken_when_one_more_comes_then_it_is_closed_and_the_others_live() -> None:
    async with serving(read_name, AgiLimits(connections=3)) as (server, routes):
        peers = [await Peer.connect(server, HEADERS) for _ in range(3)]
        for peer in peers:
            await peer.line()
        assert await (await Peer.connect(server, HEADERS)).ended() == b""
        for peer in peers:
            await peer.say(b"200 result=1 (x)\n")
            await peer.ended()
        assert routes.results == ["x"] * 3


async def test_given_many_calls_at_once_when_served_then_each_gets_its_own_answer() -> None:
    async def own(call: AgiCall) -> bool:
        return bool(await call.get_variable("CC_NAME") == call.headers["uniqueid"])

    async def one(server: FastAgiServer, number: int) -> None:
        uniqueid = str(number).encode()
        peer = await Peer.connect(server, HEADERS.replace(b"1763788272.1", uniqueid))
        await peer.line()
        await peer.say(b"200 result=1 (" + uniqueid + b")\n")
        await peer.ended()

    async with serving(own) as (server, routes):
        await asyncio.gather(*(one(server, number) for number in range(200)))
        assert routes.results == [True] * 200


def test_given_a_route_that_is_not_async_when_made_then_a_clear_type_error() -> None:
    def plain(call: AgiCall) -> None:
        return None

    with pytest.raises(TypeError, match="'arrive' must be an async function"):
        FastAgiServer("127.0.0.1", 0, {"arrive": plain})  # type: ignore[dict-item]


def test_given_an_object_with_an_async_call_when_made_a_route_then_accepted() -> None:
    class Route:
        async def __call__(self, call: AgiCall) -> None:
            return None

    FastAgiServer("127.0.0.1", 0, {"arrive": Route()})


@pytest.mark.parametrize(
    ("peer", "own", "same"),
    [
        (("127.0.0.1", 40000), ("127.0.0.1", 4573), True),
        (("10.0.0.5", 40000), ("10.0.0.5", 4573), True),
        (("::1", 40000, 0, 0), ("::1", 4573, 0, 0), True),
        (("fe80::1%eth0", 40000, 0, 2), ("fe80::1%eth0", 4573, 0, 2), True),
        (("10.0.0.6", 40000), ("10.0.0.5", 4573), False),
        (("fe80::2%eth0", 40000, 0, 2), ("fe80::1%eth0", 4573, 0, 2), False),
        (None, ("127.0.0.1", 4573), False),
    ],
)
def test_i3_who_is_not_on_this_machine_cannot_open_calls(
    peer: tuple[Any, ...] | None, own: tuple[Any, ...], same: bool
) -> None:
    assert fastagi.same_machine(peer, own) is same


async def test_i3_a_stranger_is_cut_off_before_a_route_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(call: AgiCall) -> None:
        await call.set_variable("CC_CALL", "x")

    monkeypatch.setattr(fastagi, "same_machine", lambda peer, own: False)
    async with serving(nothing) as (server, routes):
        peer = await Peer.connect(server, HEADERS)
        assert await peer.ended() == b""
        assert routes.calls == []
