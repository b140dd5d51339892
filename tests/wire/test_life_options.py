"""One OPTIONS to a phone: what counts as an answer, what as none, and whom it cannot be sent to (R14)."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import cast

import pytest

from callcenter.telephony.options import Address, address_of, answers

Reply = Callable[[bytes, int], bytes | None]


class Phone(asyncio.DatagramProtocol):
    """A phone that replies as the test says; the reply gets the request and its number."""

    def __init__(self, reply: Reply) -> None:
        self.requests: list[bytes] = []
        self._reply = reply

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.requests.append(data)
        reply = self._reply(data, len(self.requests))
        if reply is not None:
            self.transport.sendto(reply, addr)


async def ask(reply: Reply, seconds: float = 0.5) -> tuple[bool, Phone, float]:
    loop = asyncio.get_running_loop()
    transport, phone = await loop.create_datagram_endpoint(lambda: Phone(reply), local_addr=("127.0.0.1", 0))
    started = time.monotonic()
    try:
        answer = await answers(Address("127.0.0.1", transport.get_extra_info("sockname")[1]), seconds)
    finally:
        transport.close()
    return answer, phone, time.monotonic() - started


def response(request: bytes, status: str) -> bytes:
    kept = [
        line for line in request.split(b"\r\n") if line.split(b":")[0] in (b"Via", b"From", b"To", b"Call-ID", b"CSeq")
    ]
    return b"\r\n".join([f"SIP/2.0 {status}".encode(), *kept, b"Content-Length: 0", b"", b""])


@pytest.mark.parametrize("status", ["200 OK", "486 Busy Here", "405 Method Not Allowed", "481 Gone"])
async def test_any_response_is_a_sign_of_life(status: str) -> None:
    answer, phone, _ = await ask(lambda request, _: response(request, status))
    assert answer
    (request,) = phone.requests
    assert request.startswith(b"OPTIONS sip:127.0.0.1:")
    assert request.endswith(b"\r\nContent-Length: 0\r\n\r\n")


async def test_a_lost_packet_is_sent_again() -> None:
    answer, phone, _ = await ask(lambda request, number: response(request, "200 OK") if number == 2 else None)
    assert answer
    assert len(phone.requests) == 2


async def test_silence_is_no_answer_and_takes_no_longer_than_asked() -> None:
    answer, phone, seconds = await ask(lambda request, number: None, 0.3)
    assert not answer
    assert len(phone.requests) == 2
    assert seconds < 2


@pytest.mark.parametrize(
    "noise", [b"", b"\0" * 40, b"SIP/2.0 200 OK\r\nCall-ID: of-another\r\n\r\n", b"OPTIONS x SIP/2.0"]
)
async def test_noise_is_no_answer(noise: bytes) -> None:
    answer, _, _ = await ask(lambda request, number: noise, 0.1)
    assert not answer


async def test_a_port_at_which_nobody_listens_is_known_at_once() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    transport.close()
    await asyncio.sleep(0)
    started = time.monotonic()
    assert not await answers(Address("127.0.0.1", port), 30)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(("status", "expected"), [("200 OK", True), ("", False)])
async def test_a_phone_on_tcp_is_asked_over_a_connection_of_its_own(status: str, expected: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        assert b"Via: SIP/2.0/TCP 127.0.0.1:" in request
        if status:
            writer.write(response(request, status))
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = Address("127.0.0.1", server.sockets[0].getsockname()[1], "tcp")
    async with server:
        assert await answers(address, 0.3) is expected
    assert await answers(address, 5) is False


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:op1@192.168.1.20:5062", Address("192.168.1.20", 5062)),
        ("sip:192.168.1.20", Address("192.168.1.20", 5060)),
        ("sip:op1@[2001:db8::1]:5070;transport=udp", Address("2001:db8::1", 5070)),
        ("sip:op1@10.0.0.1:5060;ob;x-ast-orig-host=1.2.3.4:5", Address("10.0.0.1", 5060)),
        ("sip:op1@10.0.0.1:5060;transport=TCP", Address("10.0.0.1", 5060, "tcp")),
        ("sip:op1@10.0.0.1:5061;transport=tls", None),
        ("sip:x@10.0.0.1:1;transport=ws", None),
        ("sip:k3j@df7jal.invalid;transport=ws", None),
        ("sip:op1@phone.example", None),
        ("sips:op1@10.0.0.1", None),
        ("sip:op1@10.0.0.1:99999", None),
        ("sip:op1@300.0.0.1", None),
        ("", None),
        ("sip:a@10.0.0.1\r\nX: y", None),
    ],
)
def test_who_can_be_asked(uri: str, expected: Address | None) -> None:
    assert address_of(uri) == expected
