"""The link to Asterisk's manager interface: connects for ever, notices a dead peer, keeps the order of events.

R3: a connection that is cut, half-open or slow is noticed within 5 s, the link connects again and brings a
snapshot of what is live; no action is ever sent twice. R23: events go on in order of receipt.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from callcenter.errors import CallCenterError, PbxRefused, PbxUnavailable
from callcenter.telephony.ami_memory import LinkMemory
from callcenter.telephony.ami_snapshot import take_snapshot
from callcenter.telephony.ami_wire import MESSAGE_BYTES, AmiWire, Fields, PendingAction, text
from callcenter.telephony.events import PbxConnected, PbxDisconnected, PbxEvent, Snapshot

log = structlog.get_logger(__name__)

# Asterisk's classes of the events we read; the others (dialplan, RTCP, security…) are not even sent.
_EVENT_CLASSES = "call,user,system"


@dataclass(frozen=True, slots=True)
class LinkTimings:
    """Deadlines and intervals of the link, in seconds.

    ``ping_every`` + ``reply`` bounds how long a half-open connection goes unnoticed: 4 s (R3 allows 5).
    """

    connect: float = 2.0
    reply: float = 2.0
    ping_every: float = 2.0
    booted: float = 10.0
    snapshot: float = 5.0
    retry_first: float = 0.2
    retry_most: float = 2.0


class AmiLink:
    """One AMI connection at a time, made again for ever by `run`.

    ``on_event`` is called with every `PbxEvent`, synchronously and in order of receipt, in the event loop's
    thread; it should enqueue and return (``asyncio.Queue().put_nowait`` serves). Whatever it raises is
    logged and goes no further.
    """

    def __init__(
        self,
        host: str,
        port: int,
        username: str,
        secret: str,
        *,
        on_event: Callable[[PbxEvent], None],
        timings: LinkTimings | None = None,
        message_bytes: int = MESSAGE_BYTES,
    ) -> None:
        self._address = (host, port)
        self._username = username
        self._secret = secret
        self._on_event = on_event
        self._message_bytes = message_bytes
        self.timings = timings or LinkTimings()
        self.memory = LinkMemory()
        self._wire: AmiWire | None = None
        self._held: list[Mapping[str, Any]] | None = None
        self._live = False

    @property
    def live(self) -> bool:
        """True between `PbxConnected` and `PbxDisconnected`: actions are accepted."""
        return self._live

    async def run(self) -> None:
        """Keep the link up until cancelled."""
        delay = self.timings.retry_first
        while True:
            try:
                await self._session()
                delay = self.timings.retry_first
            except (CallCenterError, OSError, TimeoutError) as error:
                log.warning("ami.not_connected", error=type(error).__name__, retry_seconds=delay)
            except Exception:
                # A link that dies of a bug would leave every later call without a controller.
                log.exception("ami.session_failed", retry_seconds=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, self.timings.retry_most)

    async def action(
        self, name: str, fields: Fields, *, action_id: str | None = None, deadline: float | None = None
    ) -> Mapping[str, Any]:
        """Send one action and return its response.

        ``deadline`` in seconds (default `LinkTimings.reply`). Raises `PbxUnavailable` when the link is down
        or lost or the answer late: Asterisk may then have acted or not (except when ``extra["sent"]`` is False), and
        the action is never sent again.
        Raises `PbxRefused` with Asterisk's sentence (``extra["reply"]``) when it says no, `InvalidInput`
        when a field cannot be sent.
        """
        return (await self._ask(self._live_wire(), name, fields, action_id=action_id, deadline=deadline))[0]

    async def list_action(
        self, name: str, fields: Fields, *, deadline: float | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """Send a list action and return its items (the events between its start and its end); raises as `action`."""
        return await self._ask_list(self._live_wire(), name, fields, deadline=deadline)

    async def snapshot(self) -> Snapshot:
        """List what is live now; raises as `action`."""
        return (await self._snapshot(self._live_wire()))[0]

    def emit(self, event: PbxEvent) -> None:
        """Hand an event to the consumer; its errors stay its own."""
        try:
            self._on_event(event)
        except Exception:
            log.exception("ami.consumer_failed", event_type=type(event).__name__)

    # -- one connection

    async def _session(self) -> None:
        async with asyncio.timeout(self.timings.connect):
            _, wire = await asyncio.get_running_loop().create_connection(
                lambda: AmiWire(self, self._message_bytes), *self._address
            )
        self._wire = wire
        try:
            await self._log_in(wire)
            snapshot, contacts = await self._snapshot(wire)
            self.memory.fill(snapshot, contacts)
            self._go_live(snapshot)
            await self._keep_alive(wire)
        finally:
            wire.drop("link closed")

    async def _log_in(self, wire: AmiWire) -> None:
        await wire.until(wire.banner, self.timings.reply, "banner")
        who = {"Username": self._username, "Secret": self._secret, "Events": _EVENT_CLASSES}
        await self._ask(wire, "Login", who)
        await wire.until(wire.booted, self.timings.booted, "FullyBooted")
        # From here to the snapshot events are kept: what the snapshot misses, they tell.
        self._held = []

    def _go_live(self, snapshot: Snapshot) -> None:
        held, self._held = self._held or [], None
        self._live = True
        log.info("ami.connected", channels=len(snapshot.channels), rooms=len(snapshot.rooms))
        self.emit(PbxConnected(snapshot))
        for message in held:
            self._pass_on(message)

    async def _keep_alive(self, wire: AmiWire) -> None:
        """Until the loss: a pause, a ping, its deadline."""
        while True:
            await asyncio.wait((wire.lost,), timeout=self.timings.ping_every)
            if wire.closed:
                return
            try:
                await self._ask(wire, "Ping", {})
            except PbxUnavailable:
                wire.drop("no answer to a ping")
            except PbxRefused:
                pass  # an answer all the same

    # -- told by the wire

    def dispatch(self, message: Mapping[str, Any]) -> None:
        """One event from the wire."""
        if self._held is not None:
            self._held.append(message)
        elif self._live:
            self._pass_on(message)

    def connection_lost(self, wire: AmiWire, reason: str) -> None:
        """The wire is gone."""
        if wire is not self._wire:
            return
        self._wire, self._held = None, None
        self.memory.clear()
        if self._live:
            self._live = False
            log.warning("ami.lost", reason=reason)
            self.emit(PbxDisconnected(reason))

    def _pass_on(self, message: Mapping[str, Any]) -> None:
        event = self.memory.observe(message)
        if event is not None:
            self.emit(event)

    # -- asking

    def _live_wire(self) -> AmiWire:
        if self._wire is None or not self._live:
            raise PbxUnavailable("The link to Asterisk is down.", sent=False)
        return self._wire

    async def _ask(
        self,
        wire: AmiWire,
        name: str,
        fields: Fields,
        *,
        action_id: str | None = None,
        is_list: bool = False,
        deadline: float | None = None,
    ) -> list[Mapping[str, Any]]:
        seconds = self.timings.reply if deadline is None else deadline
        action = PendingAction(name, fields, action_id=action_id, is_list=is_list)
        wire.send_action(action)
        try:
            async with asyncio.timeout(seconds):
                answer: list[Mapping[str, Any]] = await action.future
        except TimeoutError:
            log.warning("ami.no_answer", action=name, seconds=seconds)
            raise PbxUnavailable(f"Asterisk did not answer {name} within {seconds} s.", action=name) from None
        finally:
            wire.forget(action)
        if text(answer[0], "Response") == "Error":
            reply = text(answer[0], "Message").strip()
            raise PbxRefused(f"Asterisk refused {name}: {reply}", action=name, reply=reply)
        return answer

    async def _ask_list(
        self, wire: AmiWire, name: str, fields: Fields, *, deadline: float | None = None
    ) -> Sequence[Mapping[str, Any]]:
        answer = await self._ask(wire, name, fields, is_list=True, deadline=deadline)
        return [item for item in answer[1:] if not text(item, "EventList")]

    async def _snapshot(self, wire: AmiWire) -> tuple[Snapshot, dict[str, frozenset[str]]]:
        async def ask(name: str, fields: Fields) -> Sequence[Mapping[str, Any]]:
            return await self._ask_list(wire, name, fields, deadline=self.timings.snapshot)

        return await take_snapshot(ask)


@contextlib.asynccontextmanager
async def running(link: AmiLink) -> AsyncIterator[AmiLink]:
    """Run a link in the background for the length of a block."""
    task = asyncio.create_task(link.run(), name="ami-link")
    try:
        yield link
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
