"""The worker: what follows from the facts, in a process of its own, away from the call path (A1, A10).

Its standard output is a line to the process that started it (`callcenter.worker_link`); its standard error is the log.
"""

import asyncio
import os
import signal
import sys
from typing import BinaryIO

import msgspec
import structlog

from callcenter.accounts import sign_in
from callcenter.alarms.projector import AlarmProjector
from callcenter.api import idempotency
from callcenter.bus import FACTS, MISSED, Bus, Message, bus_at
from callcenter.callbacks.tables import CallBackProjector
from callcenter.calls.tables import CallProjector
from callcenter.clock import Clock, SystemClock
from callcenter.complaints.service import Complaints
from callcenter.db import Database
from callcenter.devices import service as devices
from callcenter.emergency.tables import EmergencyProjector
from callcenter.follow_ups.service import closed_loop
from callcenter.imports import service as imports
from callcenter.intake.projector import IntakeProjector
from callcenter.intake.service import Intake
from callcenter.journal_reader import JournalReader
from callcenter.logs import configure_logging
from callcenter.notifications.tables import MessageProjector
from callcenter.parts import Part, for_ever
from callcenter.queues.service import read_book
from callcenter.recordings.projector import RecordingProjector
from callcenter.recordings.retention import load_policy
from callcenter.recordings.verifier import Verifier
from callcenter.relay import RELAYED, Projector, Relay
from callcenter.reports.tables import FiguresProjector
from callcenter.settings import Settings
from callcenter.voicemail.tables import VoicemailProjector
from callcenter.webhooks.dispatcher import WebhookDispatcher
from callcenter.webhooks.projector import WebhookProjector
from callcenter.work_orders.projector import WorkOrderProjector
from callcenter.worker_link import Progress, Told, published

log = structlog.get_logger(__name__)

CLEAN_SECONDS = 60.0
REPORT_SECONDS = 0.25
NICENESS = 10
"""The record gives way to the calls."""


def projectors(settings: Settings, clock: Clock, bus: Bus) -> list[Projector]:
    """Everybody who turns facts into rows, in the order in which they do."""
    work_orders, _ = closed_loop(clock, settings.follow_up_hours, bus)
    return [
        CallProjector(),
        FiguresProjector(settings.wrap_up_seconds, read_book),
        EmergencyProjector(),
        AlarmProjector(),
        MessageProjector(),
        RecordingProjector(),
        CallBackProjector(),
        VoicemailProjector(),
        WorkOrderProjector(work_orders),
        IntakeProjector(Intake(clock, bus), Complaints(clock, bus)),
        WebhookProjector(),
    ]


def parts(settings: Settings, clock: Clock, database: Database, bus: Bus) -> dict[str, Part]:
    """The worker's loops by name."""
    return {
        "recordings": Verifier(database, settings.recordings_dir, clock, load_policy(), bus).run,
        "webhooks": WebhookDispatcher(database, clock).run,
        "clean": lambda: _clean(database, clock),
    }


def run(settings: Settings) -> None:
    """Run the worker's process until its standard input ends."""
    # A Ctrl-C is for our parent, who ends us in order; whatever a library prints must not get among our lines.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.nice(NICENESS)
    configure_logging(settings.log_level)
    asyncio.run(work(settings, lines))


async def work(settings: Settings, lines: BinaryIO) -> None:
    """Carry the journal into the database and do the rest of the worker's work, until standard input ends."""
    clock = SystemClock()
    bus = bus_at(settings.redis_url)
    database = Database(settings.database)
    reader = JournalReader(settings.journal_dir / settings.node, clock)
    relay = Relay(settings.node, reader, database, projectors(settings, clock, bus), bus, clock)
    background = {"relay": relay.run, **parts(settings, clock, database, bus), "report": lambda: _report(relay, lines)}
    # A worker before us may have died between a commit and the word of it.
    if settings.redis_url:
        bus.publish(MISSED, b"")
    else:
        background["bus"] = lambda: _forward(bus, lines)
    running = [asyncio.create_task(for_ever(name, part), name=name) for name, part in background.items()]
    try:
        await _until_stdin_ends()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await bus.close()
        await database.close()


async def _until_stdin_ends() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


async def _forward(bus: Bus, lines: BinaryIO) -> None:
    """Tell what was published here to whoever listens there."""
    async with bus.subscribe([FACTS, MISSED, RELAYED]) as messages:
        bus.publish(MISSED, b"")
        async for message in messages:
            told = message if isinstance(message, Message) else Message(MISSED, b"")
            await _say(lines, published(told.topic, told.data))


async def _report(relay: Relay, lines: BinaryIO) -> None:
    """Tell how far the record is, whenever that changes and now and then."""
    while True:
        place = relay.position
        await _say(lines, Told(progress=Progress(place.segment, place.offset, relay.oldest_waiting, relay.problem)))
        await relay.moved(REPORT_SECONDS)


async def _say(lines: BinaryIO, told: Told) -> None:
    """One line. The pipe may be full (our parent is stopped): that holds up a thread, never the record."""
    line = msgspec.json.encode(told) + b"\n"
    await asyncio.to_thread(_write, lines, line)


def _write(lines: BinaryIO, line: bytes) -> None:
    lines.write(line)
    lines.flush()


async def _clean(database: Database, clock: Clock) -> None:
    """Write down what time has done: kept answers, refresh tokens and device tests that ran out (R26)."""
    while True:
        try:
            async with database.transaction() as session:
                await idempotency.forget(session, clock.now())
                await sign_in.forget(session, clock.now())
                await devices.expire_tests(session, clock)
                await imports.expire(session, clock.now())
        except Exception as error:
            log.warning("not_cleaned", problem=type(error).__name__)  # the database is away; it can wait
        await asyncio.sleep(CLEAN_SECONDS)
