"""FastAGI server: Asterisk asks what to do with a call, a route answers and lets go.

Accepting, header reading and limits are ours; the connection of commands and their results is panoramisk's
`Request`, where it is sound. What panoramisk 1.4 gets wrong here, each with a test in tests/wire: it reads
for ever at end of file (any port probe freezes the event loop), has no size limit and no deadline, swallows
cancellation, takes a hang-up in mid-command for ``int('')``, reads one line of a usage error that has many,
and takes a variable whose value is ``hangup`` for a hang-up.
"""

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from types import MappingProxyType, TracebackType
from typing import Any, Self

import structlog
from panoramisk.fast_agi import Request
from panoramisk.utils import parse_agi_result

from callcenter.errors import CallCenterError, InvalidInput
from callcenter.telephony.asterisk_pbx import quoted

log = structlog.get_logger(__name__)

COMMAND_BYTES = 2000
"""Asterisk reads a command into 2,048 bytes in its older releases (AGI_BUF_LEN), 8,192 in later ones."""
_PAIRS = 60
_REPLY_LINES = 100

_FORBIDDEN = re.compile("[\r\n\0\ud800-\udfff]")
_NAME = re.compile(r"_{0,2}[A-Za-z]\w*(\([^()\"\\=]*\))?")
_VALUE = re.compile(r"200 result=1 \((.*)\)", re.DOTALL)


class CallerHungUp(CallCenterError):
    """The caller left, or Asterisk closed the connection, in the middle of the conversation."""

    code = "caller_hung_up"
    status = 409


class AgiFailure(CallCenterError):
    """Asterisk answered a command with an error."""

    code = "agi_failure"
    status = 502


@dataclass(frozen=True, slots=True)
class AgiLimits:
    """Deadlines in seconds, sizes in bytes."""

    header_seconds: float = 2.0
    session_seconds: float = 5.0
    header_bytes: int = 16 * 1024
    headers: int = 64
    connections: int = 2000


class AgiCall(Request):  # type: ignore[misc]
    """One call's question: its headers, and commands to its channel.

    ``headers`` are Asterisk's without their ``agi_`` (channel, uniqueid, callerid, calleridname, dnid,
    extension, context…), ``script`` the path of the agi:// URL, ``args`` the arguments after it.
    Every command raises `CallerHungUp` when the caller is gone and `AgiFailure` when Asterisk says no.
    """

    def __init__(self, headers: Mapping[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(app=None, headers=MappingProxyType(dict(headers)), reader=reader, writer=writer)
        self.script = headers.get("network_script", "").partition("?")[0].strip("/")
        self.args = tuple(_arguments(headers))

    async def command(self, line: str) -> dict[str, Any]:
        """Send one AGI command as written (see `agi_quoted` for values); returns panoramisk's parsed result.

        Commands are not pipelined: Asterisk waits on the socket but reads through a buffer, so a second
        line that came with the first would lie there until a third one comes.
        """
        if _FORBIDDEN.search(line):
            raise InvalidInput("An AGI command must be one line of text, without CR, LF or NUL.", field="command")
        if len(line.encode()) > COMMAND_BYTES:
            raise InvalidInput(f"An AGI command has at most {COMMAND_BYTES} bytes.", field="command")
        try:
            result: dict[str, Any] = await self.send_command(line)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise CallerHungUp("The caller hung up.") from error
        return result

    async def set_variable(self, name: str, value: str) -> None:
        """Set one channel variable (or dialplan function)."""
        await self.set_variables({name: value})

    async def set_variables(self, values: Mapping[str, str]) -> None:
        """Set many channel variables in one round trip (MSet), or a few where they are long."""
        for batch in _batches(values):
            result = await self.command(f"EXEC MSet {agi_quoted(batch)}")
            if result["result"][0] != "0":
                raise AgiFailure("Asterisk did not set the variables.")

    async def get_variable(self, name: str) -> str | None:
        """Read a channel variable or dialplan function; None when it is not set."""
        if not _NAME.fullmatch(name):
            raise InvalidInput("A variable's name is letters, digits and '_'.", field="name")
        result = await self.command(f"GET VARIABLE {agi_quoted(name)}")
        found = _VALUE.fullmatch(result["line"])
        return found.group(1) if found else None

    async def _read_result(self) -> dict[str, Any]:
        line = await self._read_line()
        if line == "HANGUP":
            raise CallerHungUp("The caller hung up.")
        # A variable's value may hold line breaks; its closing bracket ends it.
        if line.startswith("200 result=1 ("):
            for _ in range(_REPLY_LINES):
                if line.endswith(")"):
                    break
                line += "\n" + await self._read_line()
            return {"status_code": 200, "result": ("1", ""), "line": line}
        if line.startswith("520-"):
            for _ in range(_REPLY_LINES):
                if (await self._read_line()).startswith("520 "):
                    break
        if not re.match(r"\d{3}(\D|$)", line):
            raise AgiFailure("Asterisk's answer is not AGI.")
        result: dict[str, Any] = parse_agi_result(line)
        if result.get("error") == "AGIResultHangup" or line.startswith("511"):
            raise CallerHungUp("The caller hung up.")
        if result.get("error", "AGIAppError") != "AGIAppError":
            raise AgiFailure("Asterisk refused an AGI command.", status_code=result["status_code"])
        return {**result, "line": line}

    async def _read_line(self) -> str:
        try:
            line: bytes = await self.reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as error:
            raise AgiFailure("Asterisk's answer is too long.") from error
        return line.decode(self.encoding, "replace").rstrip("\r\n")


Handler = Callable[[AgiCall], Awaitable[None]]


class FastAgiServer:
    """Serves FastAGI on ``host:port`` (port 0: any free one, see `port`) until closed.

    ``routes``: an async function for every script name (``agi://host/arrive`` is ``arrive``). What a
    handler raises is logged and ends the connection; the dialplan sees that its variables were not set
    and takes the fallback. A route that is not async is refused with `TypeError` at once.
    """

    def __init__(self, host: str, port: int, routes: Mapping[str, Handler], limits: AgiLimits | None = None) -> None:
        for script, handler in routes.items():
            if not (inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(_call_of(handler))):
                raise TypeError(f"The handler of {script!r} must be an async function.")
        self._address = (host, port)
        self._routes = dict(routes)
        self._limits = limits or AgiLimits()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port served."""
        if self._server is None or not self._server.sockets:
            return self._address[1]
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._tasks)

    async def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        self._server = await asyncio.start_server(
            self._accept, *self._address, limit=self._limits.header_bytes, backlog=1024
        )

    async def close(self) -> None:
        """Stop listening and cancel what is under way."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Not a coroutine: asyncio would make a task before the limit could be looked at.
        if not same_machine(writer.get_extra_info("peername"), writer.get_extra_info("sockname")):
            log.warning("agi.stranger_refused")
            writer.transport.abort()
            return
        if len(self._tasks) >= self._limits.connections:
            log.warning("agi.too_many_connections", limit=self._limits.connections)
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer), name="agi-call")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clean = False
        try:
            async with asyncio.timeout(self._limits.session_seconds):
                headers = await self._read_headers(reader)
                if headers is not None:
                    await self._route(AgiCall(headers, reader, writer))
                    clean = True
        except TimeoutError:
            log.warning("agi.session_timed_out", seconds=self._limits.session_seconds)
        finally:
            # A peer that does not read would keep a polite close waiting.
            (writer.close if clean else writer.transport.abort)()

    async def _route(self, call: AgiCall) -> None:
        uniqueid = call.headers.get("uniqueid", "")
        handler = self._routes.get(call.script)
        if handler is None:
            log.error("agi.unknown_script", script=call.script[:100], channel_id=uniqueid)
            return
        try:
            await handler(call)
        except CallerHungUp:
            log.info("agi.caller_hung_up", script=call.script, channel_id=uniqueid)
        except Exception:
            log.exception("agi.handler_failed", script=call.script, channel_id=uniqueid)

    async def _read_headers(self, reader: asyncio.StreamReader) -> dict[str, str] | None:
        """The headers without ``agi_``; None (and logged) when they do not come in time and form."""
        try:
            async with asyncio.timeout(self._limits.header_seconds):
                block = await reader.readuntil(b"\n\n")
        except TimeoutError:
            log.warning("agi.header_timed_out", seconds=self._limits.header_seconds)
            return None
        except asyncio.LimitOverrunError:
            log.warning("agi.header_too_long", limit=self._limits.header_bytes)
            return None
        except (asyncio.IncompleteReadError, ConnectionError):
            log.debug("agi.closed_without_request")
            return None
        lines = block.decode("utf-8", "replace").strip("\n").split("\n")
        if len(lines) > self._limits.headers:
            log.warning("agi.too_many_headers", limit=self._limits.headers)
            return None
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.rstrip("\r").partition(":")
            if colon:
                # The first wins: Asterisk's own come before what a caller could have a hand in.
                headers.setdefault(name.removeprefix("agi_"), value.removeprefix(" "))
        return headers


def same_machine(peer: tuple[Any, ...] | None, own: tuple[Any, ...] | None) -> bool:
    """Whether a connection's two ends (as ``peername`` and ``sockname``) are on one machine.

    AGI knows no password, and our Asterisk runs beside us: anybody else would only open calls that are none.
    """
    if not peer or not own:
        return False
    return peer[0] == own[0] or ip_address(peer[0].partition("%")[0]).is_loopback


def agi_quoted(value: str) -> str:
    r"""One argument of an AGI command: in double quotes, " and \ escaped. Raises `InvalidInput` on CR, LF, NUL."""
    if _FORBIDDEN.search(value):
        raise InvalidInput("An AGI value must be one line of text, without CR, LF or NUL.", field="value")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _arguments(headers: Mapping[str, str]) -> Iterator[str]:
    number = 1
    while (value := headers.get(f"arg_{number}")) is not None:
        yield value
        number += 1


def _batches(values: Mapping[str, str]) -> Iterator[str]:
    """``A=1,B=2…`` for MSet, cut to what a command holds."""
    batch: list[str] = []
    room = COMMAND_BYTES - len('EXEC MSet ""')
    size = 0
    for name, value in values.items():
        if not _NAME.fullmatch(name):
            raise InvalidInput("A variable's name is letters, digits and '_'.", field=name[:40])
        if _FORBIDDEN.search(value):
            raise InvalidInput(f"{name} must be one line of text, without CR, LF or NUL.", field=name)
        pair = f"{name}={quoted(value)}"
        length = len(agi_quoted(pair).encode())
        if length > room:
            raise InvalidInput(f"{name} is too long for an AGI command.", field=name)
        if batch and (size + length > room or len(batch) >= _PAIRS):
            yield ",".join(batch)
            batch, size = [], 0
        batch.append(pair)
        size += length
    if batch:
        yield ",".join(batch)


def _call_of(handler: object) -> object:
    return getattr(handler, "__call__", None)  # noqa: B004 - an object with an async __call__ is a handler too
