"""Bytes to AMI messages and actions to bytes: panoramisk's protocol with its holes closed.

What panoramisk 1.4 gets wrong here, and what this module does instead:

* it decodes every packet by itself, so a Chinese character cut by a packet border is lost: here bytes are
  kept until a message is whole and only then decoded;
* it sends unanswered actions again after a reconnect (an ambulance would be dialled twice): here every
  pending action fails with `PbxUnavailable` the moment the link is lost, and nothing is kept;
* it has no limit on a message and builds an object for every event: here a message has a size limit, and
  an event nobody wants is dropped after a look at its first line;
* it accepts CR and LF in values, which in a line protocol is an injection: refused in `check_field`.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import structlog
from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from callcenter.errors import InvalidInput, PbxUnavailable

log = structlog.get_logger(__name__)

Fields = Mapping[str, str | Sequence[str]]

WANTED_EVENTS = frozenset(
    {
        b"ConfbridgeJoin",
        b"ConfbridgeLeave",
        b"ContactStatus",
        b"FullyBooted",
        b"ChannelTalkingStart",
        b"ChannelTalkingStop",
        b"Hangup",
        b"MusicOnHoldStart",
        b"MusicOnHoldStop",
        b"Newchannel",
        b"Newstate",
        b"OriginateResponse",
        b"Rename",
        b"Shutdown",
        b"UserEvent",
    }
)
"""The only events worth an object; the server's ``eventfilter`` may be as narrow."""

MESSAGE_BYTES = 1 << 20
LINE_BYTES = 1000
"""Asterisk reads a line into 1,025 bytes and throws away the message of a longer one (manager.c)."""
HEADERS = 120
"""Asterisk keeps 128 lines of an action (AST_MAX_MANHEADERS) and drops the rest without a word."""
UNSENT_BYTES = 1 << 20

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_FORBIDDEN = re.compile("[\r\n\0\ud800-\udfff]")
_QUIET_STATE = re.compile(rb"\r\nChannelState: [^56]\r")


def check_field(name: str, value: str) -> None:
    """The one place where a value is judged fit for a line protocol.

    Raises `InvalidInput` naming the field (never its value) when the name is not a plain word, when the
    value holds CR, LF, NUL or half a surrogate pair, or when the line is longer than Asterisk reads.
    """
    if not _KEY.fullmatch(name):
        raise InvalidInput("A field's name is a plain word of letters, digits, '-' and '_'.", field=repr(name)[:40])
    if _FORBIDDEN.search(value):
        raise InvalidInput(f"{name} must be one line of text, without CR, LF or NUL.", field=name)
    if len(name) + 2 + len(value.encode()) > LINE_BYTES:
        raise InvalidInput(f"{name} is too long for Asterisk: at most {LINE_BYTES} bytes.", field=name)


def text(message: Mapping[str, Any], key: str) -> str:
    """A header's value, the first one where it is repeated, the empty string where it is missing."""
    value = message.get(key, "")
    if isinstance(value, list):
        value = value[0] if value else ""
    return value if isinstance(value, str) else ""


class PendingAction(Action):  # type: ignore[misc]
    """An action on its way: its lines, and the future that its answer resolves.

    The future holds the list of messages: the response alone, or the response and its list's items. An
    error response ends a list as well (panoramisk waits for ever for the items).
    """

    def __init__(self, name: str, fields: Fields, *, action_id: str | None = None, is_list: bool = False) -> None:
        lines: dict[str, str | list[str]] = {"Action": name}
        if action_id is not None:
            lines["ActionID"] = action_id
        for key, value in fields.items():
            lines[key] = value if isinstance(value, str) else list(value)
        count = 0
        for key, value in lines.items():
            for one in (value,) if isinstance(value, str) else value:
                check_field(key, one)
                count += 1
        if count > HEADERS:
            raise InvalidInput(f"An action has at most {HEADERS} lines.", field="Variable")
        super().__init__(lines, as_list=is_list)
        self.is_list = is_list

    def wants(self, message: Mapping[str, Any]) -> bool:
        """True for a response; for an event only while this action collects a list."""
        return "Event" not in message or (self.is_list and bool(self.responses))

    def add_message(self, message: Mapping[str, Any]) -> bool:
        """Take a message; True when the answer is complete."""
        self.responses.append(message)
        event_list = text(message, "EventList").lower()
        more = self.is_list and (event_list == "start" or ("Event" in message and not event_list))
        if not more and not self.future.done():
            self.future.set_result(self.responses)
        return not more


class WireOwner(Protocol):
    """Who is told what the wire brings."""

    def dispatch(self, message: Mapping[str, Any]) -> None:
        """One wanted event, in order of receipt."""

    def connection_lost(self, wire: "AmiWire", reason: str) -> None:
        """The connection is gone; called once."""


class AmiWire(AMIProtocol):  # type: ignore[misc]
    """One AMI connection, from banner to loss. Never used again after a loss."""

    encoding = "utf-8"

    def __init__(self, owner: WireOwner, message_bytes: int = MESSAGE_BYTES) -> None:
        self.owner = owner
        self.message_bytes = message_bytes
        self.closed = False
        loop = asyncio.get_running_loop()
        self.banner: asyncio.Future[None] = loop.create_future()
        self.booted: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        self._buffer = bytearray()
        self._scanned = 0
        self._lists = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.factory = self.owner

    def data_received(self, data: bytes) -> None:
        if self.closed:
            return
        self._buffer += data
        if self.version is None and not self._read_banner():
            return
        self._split()

    def _read_banner(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > 200:
                self.drop("no AMI banner")
            return False
        line = bytes(self._buffer[:end]).decode("ascii", "replace")
        del self._buffer[: end + 2]
        if not line.startswith("Asterisk Call Manager/"):
            self.drop("no AMI banner")
            return False
        self.version = line.partition("/")[2]
        if not self.banner.done():
            self.banner.set_result(None)
        return True

    def _split(self) -> None:
        buffer, start = self._buffer, 0
        # Only what is new is searched: a message that dribbles in costs linear time.
        end = buffer.find(b"\r\n\r\n", max(0, self._scanned - 3))
        while end >= 0 and not self.closed:
            block = bytes(buffer[start:end])
            start = end + 4
            try:
                self._block(block)
            except Exception:
                # One bad message must not cost the link. Its content may be personal: not logged.
                log.exception("ami.message_failed", bytes=len(block))
            end = buffer.find(b"\r\n\r\n", start)
        del buffer[:start]
        self._scanned = len(buffer)
        if len(buffer) > self.message_bytes:
            self.drop("message too long")

    def _block(self, block: bytes) -> None:
        block = block.lstrip(b"\r\n")
        if block.startswith(b"Event: "):
            end = block.find(b"\r\n")
            name = block[7:end] if end >= 0 else block[7:]
            wanted = name in WANTED_EVENTS or (self._lists > 0 and b"\r\nActionID: " in block)
            if not wanted or (name == b"Newstate" and _QUIET_STATE.search(block)):
                return
        message = Message.from_line(block.decode("utf-8", "replace"))
        if message is not None:
            self.handle_message(message)

    def handle_message(self, message: Mapping[str, Any]) -> None:
        pending: PendingAction | None = self.responses.get(text(message, "ActionID"))
        if pending is not None and pending.wants(message):
            if pending.add_message(message):
                self.forget(pending)
        elif text(message, "Event") == "FullyBooted":
            if not self.booted.done():
                self.booted.set_result(None)
        elif text(message, "Event") == "Shutdown":
            self.drop("Asterisk is shutting down")
        elif "Event" in message:
            self.owner.dispatch(message)

    def send_action(self, action: PendingAction) -> None:
        """Write an action and remember it until its answer; raises `PbxUnavailable` on a dead or full link."""
        if self.closed:
            raise PbxUnavailable("The link to Asterisk is down.")
        if self.transport.get_write_buffer_size() > UNSENT_BYTES:
            raise PbxUnavailable("Asterisk does not read what we send.")
        if action.id in self.responses:
            raise InvalidInput("An action of this id is under way.", field="ActionID")
        self._lists += action.is_list
        self.send(action, as_list=action.is_list)

    async def until(self, future: "asyncio.Future[None]", seconds: float, what: str) -> None:
        """Wait for `banner` or `booted`; raises `PbxUnavailable` at the loss or after ``seconds``."""
        both: tuple[asyncio.Future[Any], ...] = (future, self.lost)
        await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not future.done() or self.closed:
            reason = self.lost.result() if self.lost.done() else f"no {what} within {seconds} s"
            raise PbxUnavailable("The link to Asterisk was lost.", reason=reason)

    def forget(self, action: PendingAction) -> None:
        """Stop waiting for an action's answer; a late one is ignored."""
        if self.responses.pop(action.id, None) is not None:
            self._lists -= action.is_list

    def drop(self, reason: str) -> None:
        """Cut the connection now, fail what is pending, tell the owner once."""
        if self.closed:
            return
        self.closed = True
        self._buffer.clear()
        self.lost.set_result(reason)
        pending: list[PendingAction] = list(self.responses.values())
        self.responses.clear()
        self._lists = 0
        for action in pending:
            if not action.future.done():
                action.future.set_exception(PbxUnavailable("The link to Asterisk was lost.", reason=reason))
        # Not close(): with a half-open peer that would wait for ever to flush.
        self.transport.abort()
        self.owner.connection_lost(self, reason)

    def close(self) -> None:
        self.drop("closed")

    def connection_lost(self, exc: Exception | None) -> None:
        self.drop(f"connection lost: {type(exc).__name__}" if exc else "connection closed by Asterisk")
