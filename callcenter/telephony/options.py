"""Asks a phone whether it lives: one SIP OPTIONS, from a socket of our own (RFC 3261 section 11).

Asterisk's own OPTIONS (PJSIPQualify) would not do: what a phone answers is thrown away unless every phone is asked
for ever, and one that misses an answer is then not rung any more.
"""

import asyncio
import contextlib
import re
import uuid
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

RETRY_SECONDS = 0.2
"""Phones sit on a network near us: RFC 3261's 0.5 s between two tries would be most of the time there is."""

_URI = re.compile(r"sip:(?:[^@\s]*@)?(\[[0-9a-fA-F:.]+\]|[0-9.]+)(?::(\d{1,5}))?(?:;([^?\s]*))?(?:\?\S*)?")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a phone listens."""

    host: str
    port: int
    transport: Literal["udp", "tcp"] = "udp"


def address_of(uri: str) -> Address | None:
    """The address in a contact's URI; None for a phone that is not on UDP or TCP, or not at an IP address."""
    found = _URI.fullmatch(uri)
    if found is None:
        return None
    host, port, parameters = found[1].strip("[]"), int(found[2] or 5060), (found[3] or "").lower()
    transport = match[1] if (match := re.search(r"(?:^|;)transport=([a-z]+)", parameters)) else "udp"
    try:
        ip_address(host)
    except ValueError:
        return None
    if not 0 < port < 65536:
        return None
    match transport:
        case "udp" | "tcp":
            return Address(host, port, transport)
        case _:
            return None


class _Question(asyncio.DatagramProtocol):
    """One question; ``answer`` is True for any SIP response to it, False where nobody listens at that port."""

    def __init__(self, call_id: str) -> None:
        self._call_id = call_id.encode()
        self.answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if data.startswith(b"SIP/2.0 ") and self._call_id in data:
            self._settle(True)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, ConnectionRefusedError):
            self._settle(False)

    def _settle(self, answer: bool) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)


async def answers(address: Address, seconds: float) -> bool:
    """Whether a phone answers an OPTIONS within so many seconds; any answer counts, also a refusal.

    Raises nothing: a network that does not carry the question is no answer.
    """
    return await (_over_udp if address.transport == "udp" else _over_tcp)(address, seconds)


async def _over_tcp(address: Address, seconds: float) -> bool:
    call_id = uuid.uuid4().hex
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            writer.write(_request(address, writer.get_extra_info("sockname"), call_id))
            return (await reader.readline()).startswith(b"SIP/2.0 ")
    except (OSError, TimeoutError, ValueError):
        return False
    finally:
        if writer is not None:
            writer.transport.abort()


async def _over_udp(address: Address, seconds: float) -> bool:
    loop = asyncio.get_running_loop()
    call_id = uuid.uuid4().hex
    try:
        transport, question = await loop.create_datagram_endpoint(
            lambda: _Question(call_id), remote_addr=(address.host, address.port)
        )
    except OSError:
        return False
    try:
        request = _request(address, transport.get_extra_info("sockname"), call_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not question.answer.done():
                    transport.sendto(request)
                    await asyncio.wait((question.answer,), timeout=RETRY_SECONDS)
        return question.answer.done() and question.answer.result()
    finally:
        transport.close()


def _request(address: Address, own: tuple[str, int], call_id: str) -> bytes:
    here, there = _host_port(own[0], own[1]), _host_port(address.host, address.port)
    transport = "" if address.transport == "udp" else f";transport={address.transport}"
    lines = (
        f"OPTIONS sip:{there}{transport} SIP/2.0",
        f"Via: SIP/2.0/{address.transport.upper()} {here};rport;branch=z9hG4bK{call_id}",
        "Max-Forwards: 70",
        f"From: <sip:callcenter@{here}>;tag={call_id[:8]}",
        f"To: <sip:{there}>",
        f"Call-ID: {call_id}",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:callcenter@{here}{transport}>",
        "Accept: application/sdp",
        "Content-Length: 0",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


def _host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
