"""The composition root of `callcenter serve`: controller and api in one process, with the worker as its child."""

import asyncio
import dataclasses
import gc
import resource
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
import uvloop

import callcenter.follow_ups.facts
import callcenter.models
import callcenter.work_orders.facts  # noqa: F401  every kind of fact and every table is known before the first is read
from callcenter.accounts.ended import EndedKeeper
from callcenter.accounts.seats_keeper import SeatsKeeper
from callcenter.accounts.secrets import secrets_dir
from callcenter.alarms.source_keeper import SourcesKeeper
from callcenter.asterisk_config import ami_secret
from callcenter.bus import FACTS, bus_at
from callcenter.clock import SystemClock
from callcenter.controller import Controller
from callcenter.db import Database
from callcenter.facts import Fact
from callcenter.feed import Feed
from callcenter.journal import Journal
from callcenter.journal_reader import JournalReader
from callcenter.location.telemetry import Telemetry
from callcenter.logs import configure_logging
from callcenter.menus.keeper import MenusKeeper
from callcenter.metrics import Metrics
from callcenter.parts import Part, for_ever
from callcenter.people.keeper import DirectoryKeeper
from callcenter.queues.keeper import BookKeeper
from callcenter.reports.board import Board, place_now
from callcenter.settings import Settings
from callcenter.watchdog.watch import Outside
from callcenter.worker_link import WorkerLink

if TYPE_CHECKING:
    from callcenter.web import Web

log = structlog.get_logger(__name__)

FIRST_LOOKS, FIRST_LOOK_SECONDS = 100, 0.03
"""So long console and worker wait for the controller to know what is live in Asterisk, and to fetch who waits there."""

DATABASE_SECONDS = 3.0
"""A database that takes longer for nothing at all is told of as away."""

MOST_FILES = 65_536


def run(settings: Settings) -> None:
    """Run the process until SIGINT or SIGTERM."""
    configure_logging(settings.log_level)
    # The usual 1,024 would be used up by a thousand web pages, and the emergency line could accept nobody (R22).
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, MOST_FILES) if hard >= 0 else MOST_FILES, hard))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))


async def serve(settings: Settings) -> None:
    """Put everything together and serve until told to stop."""
    clock = SystemClock()
    bus = bus_at(settings.redis_url)
    database = Database(settings.database)
    journal = Journal(settings.journal_dir / settings.node, clock)
    directory = DirectoryKeeper(database, settings.data / "directory.json", bus)
    directory.restore()
    queues = BookKeeper(database, settings.data / "queues.json", bus)
    queues.restore()
    menus = MenusKeeper(database, settings.data / "menus.json", bus)
    menus.restore()
    ended = EndedKeeper(database, bus, clock, settings.token_minutes)
    controller = Controller(
        settings,
        clock,
        journal,
        lambda: directory.directory,
        ami_secret(settings),
        queues=lambda: queues.book,
        menus=lambda: menus.book,
    )
    alarm_sources = SourcesKeeper(database, secrets_dir(settings) / "alarm-sources.json", clock, bus)
    alarm_sources.restore()
    telemetry = Telemetry(
        database,
        settings.data / "telemetry.jsonl",
        controller.location,
        controller.presence,
        clock,
        days=settings.position_days,
    )
    telemetry.restore()
    recovery = journal.open()
    seats = SeatsKeeper(database, bus, settings.data / "seats.json")
    # From disk, and what has changed is read beside the calls: a database that is slow keeps no elder waiting (A10).
    controller.recover(recovery.facts, seats.last() or await seats.read() or ())
    controller.routing.skilled(queues.book.skills)
    log.info(
        "recovered", facts=len(recovery.facts), repaired=recovery.repaired, calls=len(controller.calls.open_calls())
    )
    record_reader = JournalReader(journal.folder, clock)
    record = WorkerLink(record_reader, bus, clock)
    metrics = Metrics(controller, journal, record)
    metrics.recall(recovery.facts)
    board = Board(clock, settings.human_answer_seconds, settings.wrap_up_seconds, lambda: queues.book)
    board.begin_later()
    controller.ledger.on_react(board.hear)
    written = place_now(journal.folder)

    feed = Feed(database, journal=(settings.node, record_reader), behind=lambda: record.lag_seconds)
    feed.recall(recovery.facts)

    def publish(fact: Fact) -> None:
        feed.take(fact)
        if settings.redis_url:  # else nobody else listens
            bus.publish(FACTS, fact)

    controller.ledger.on_react(publish)
    controller.watch.outside = Outside(
        journal_problem=lambda: "" if journal.healthy else journal.problem or "the disk does not answer",
        relay_lag=lambda: record.lag_seconds,
        database=lambda: database.answers(DATABASE_SECONDS),
        bus=lambda: bus.healthy,
    )
    parts: dict[str, Part] = {
        "controller": controller.run,
        "worker": lambda: _later(controller, record.run),
        "directory": directory.run,
        "feed": lambda: feed.listen(bus),
        "feed-watch": feed.watch,
        "alarm-sources": alarm_sources.run,
        "telemetry": telemetry.run,
        "board": lambda: board.run(JournalReader(journal.folder, clock), written),
        "seats": lambda: seats.follow(controller.routing.staff),
        "menus": menus.run,
        "ended": ended.run,
        "queues": lambda: queues.follow(lambda book: controller.routing.skilled(book.skills)),
    }

    def load_web() -> "Web":
        # Here and not above: loading it takes longer than all the rest, and an elder would wait for the console.
        from callcenter.api.deps import build_services  # noqa: PLC0415
        from callcenter.web import Web  # noqa: PLC0415

        services = build_services(settings, clock, database, bus, ended.has)
        return Web(
            dataclasses.replace(
                services,
                directory=directory,
                alarm_sources=alarm_sources,
                controller=controller,
                journal=journal,
                record=record,
                metrics=metrics,
                board=board,
                queues=lambda: queues.book,
                feed=feed,
            )
        )

    try:
        await _serve_all(parts, controller, load_web)
    finally:
        await journal.close()
        await bus.close()
        await database.close()


async def _first_look(controller: Controller) -> None:
    for _ in range(FIRST_LOOKS):
        if controller.spool.caught_up:
            break
        await asyncio.sleep(FIRST_LOOK_SECONDS)


async def _later(controller: Controller, run: Part) -> None:
    """Loading the worker takes a processor for seconds: in these, those who waited for us are fetched (R1)."""
    await _first_look(controller)
    await run()


async def _serve_all(parts: dict[str, Part], controller: Controller, load_web: Callable[[], "Web"]) -> None:
    """Run the parts; the web is loaded beside them, in a thread, so that calls are answered meanwhile (R1)."""
    whole = asyncio.current_task()
    assert whole is not None  # noqa: S101 - a coroutine that runs
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, whole.cancel)  # until the web has its own way of ending
    # What is loaded by now stays: a collector that walked it, even once, would keep the elders waiting.
    gc.freeze()
    running = [asyncio.create_task(for_ever(name, work), name=name) for name, work in parts.items()]
    try:
        await _first_look(controller)
        web = await asyncio.to_thread(load_web)
        gc.freeze()
        await web.serve()
    except asyncio.CancelledError:
        log.info("told_to_stop_while_starting")
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
