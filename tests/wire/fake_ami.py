"""Asterisk's side of AMI on a raw socket, scripted by the tests; and ways to wait without sleeping."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from callcenter.telephony.ami import AmiLink, LinkTimings, running
from callcenter.telephony.events import PbxEvent

DEADLINE = 10.0
QUICK = LinkTimings(connect=5, reply=5, ping_every=0.05, booted=5, snapshot=5, retry_first=0.01, retry_most=0.02)
IMPATIENT = LinkTimings(connect=5, reply=0.1, ping_every=0.05, booted=5, snapshot=5, retry_first=0.01, retry_most=0.02)

Fields = dict[str, list[str]]
Answer = Callable[[Fields], bytes | None]


async def until(condition: Callable[[], object], seconds: float = DEADLINE) -> None:
    """Come back when the condition holds; fail after the deadline."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - any condition at all, so nobody can set an Event
            await asyncio.sleep(0.002)


def block(**fields: str) -> bytes:
    """One AMI message; a trailing underscore lets a name repeat."""
    return "".join(f"{name.rstrip('_')}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\n"


def success(fields: Fields) -> bytes:
    return block(Response="Success", ActionID=fields["ActionID"][0], Message="done")


def error(message: str) -> Answer:
    return lambda fields: block(Response="Error", ActionID=fields["ActionID"][0], Message=message)


def silence(fields: Fields) -> None:
    return None


def listing(complete: str, *items: Mapping[str, str]) -> Answer:
    """A list answer: its start, its items, its end."""

    def answer(fields: Fields) -> bytes:
        action_id = fields["ActionID"][0]
        out = block(Response="Success", ActionID=action_id, EventList="start", Message="will follow")
        for item in items:
            head = {"Event": item["Event"], "ActionID": action_id}
            out += block(**head, **{key: value for key, value in item.items() if key != "Event"})
        return out + block(Event=complete, ActionID=action_id, EventList="Complete", ListItems=str(len(items)))

    return answer


def log_in(fields: Fields) -> bytes:
    return success(fields) + block(Event="FullyBooted", Privilege="system,all", Status="Fully Booted")


class FakeAmi:
    """A fake Asterisk: ``answers`` by action name, ``actions`` as received over all connections."""

    def __init__(self) -> None:
        self.banner = b"Asterisk Call Manager/11.0.0\r\n"
        self.actions: list[Fields] = []
        self.connections = 0
        self.answers: dict[str, Answer] = {
            "Login": log_in,
            "Status": listing("StatusComplete"),
            "ConfbridgeListRooms": error("No active conferences."),
            "PJSIPShowContacts": error("No Contacts found\n"),
        }
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def sent(self, action: str) -> list[Fields]:
        """Every action of that name that has arrived."""
        return [fields for fields in self.actions if fields["Action"] == [action]]

    def send(self, data: bytes) -> None:
        """Say something on every open connection."""
        for writer in self._writers:
            writer.write(data)

    def cut(self) -> None:
        """Cut every connection."""
        for writer in self._writers:
            writer.transport.abort()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        writer.write(self.banner)
        try:
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                fields: Fields = {}
                for line in raw.decode().strip().split("\r\n"):
                    name, _, value = line.partition(": ")
                    fields.setdefault(name, []).append(value)
                self.actions.append(fields)
                reply = self.answers.get(fields["Action"][0], success)(fields)
                if reply is not None:
                    writer.write(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()


@asynccontextmanager
async def linked(
    fake: FakeAmi, timings: LinkTimings = QUICK, **options: int
) -> AsyncIterator[tuple[AmiLink, list[PbxEvent]]]:
    """A real link to the fake, up and running, and the events it has brought."""
    events: list[PbxEvent] = []
    link = AmiLink("127.0.0.1", fake.port, "cc", "s3cret", on_event=events.append, timings=timings, **options)
    async with running(link):
        await until(lambda: link.live)
        yield link, events
