"""The composition root of `callcenter serve`: controller and api in one process, with the worker as its child."""

import asyncio
import dataclasses
import gc
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn
import uvloop

import callcenter.models  # noqa: F401  every table is known before the first session
from callcenter.accounts.seats_keeper import SeatsKeeper
from callcenter.api.app import create_app
from callcenter.api.deps import Services, build_services
from callcenter.api.patience import PatientProtocol
from callcenter.asterisk_config import ami_secret
from callcenter.bus import FACTS, Bus, LocalBus, RedisBus
from callcenter.clock import SystemClock
from callcenter.controller import Controller
from callcenter.db import Database
from callcenter.facts import Fact
from callcenter.journal import Journal, JournalReader
from callcenter.location.telemetry import Telemetry
from callcenter.logs import configure_logging
from callcenter.metrics import Metrics
from callcenter.settings import Settings
from callcenter.watchdog.watch import Outside
from callcenter.worker import Part, for_ever
from callcenter.worker_link import WorkerLink

log = structlog.get_logger(__name__)

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
    bus: Bus = RedisBus(settings.redis_url) if settings.redis_url else LocalBus()
    database = Database(settings.database)
    journal = Journal(settings.journal_dir / settings.node, clock)
    services = build_services(settings, clock, database, bus)
    services.directory.restore()
    controller = Controller(settings, clock, journal, lambda: services.directory.directory, ami_secret(settings))
    services.alarm_sources.restore()
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
    keeper = SeatsKeeper(database, bus, settings.data / "seats.json")
    controller.recover(recovery.facts, await keeper.read() or keeper.last())
    log.info(
        "recovered", facts=len(recovery.facts), repaired=recovery.repaired, calls=len(controller.calls.open_calls())
    )
    record = WorkerLink(JournalReader(journal.folder, clock), bus, clock)
    metrics = Metrics(controller, journal, record)
    metrics.recall(recovery.facts)

    def publish(fact: Fact) -> None:
        bus.publish(FACTS, fact)

    controller.ledger.on_react(publish)
    controller.watch.outside = Outside(
        journal_problem=lambda: "" if journal.healthy else journal.problem or "the disk does not answer",
        relay_lag=lambda: record.lag_seconds,
        database=lambda: database.answers(DATABASE_SECONDS),
        bus=lambda: bus.healthy,
    )
    services = dataclasses.replace(services, controller=controller, journal=journal, record=record, metrics=metrics)
    # What is loaded by now stays: a collector that walked it again and again would stop the event loop.
    gc.collect()
    gc.freeze()
    try:
        await _serve_all(services, controller, record, keeper, telemetry)
    finally:
        await journal.close()
        await bus.close()
        await database.close()


class _Web(uvicorn.Server):
    """uvicorn raises a caught signal again when it is done, which would end us before the journal is closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        # A second signal does not wait for connections that will not end.
        self.force_exit = self.should_exit
        self.should_exit = True


async def _serve_all(
    services: Services, controller: Controller, record: WorkerLink, keeper: SeatsKeeper, telemetry: Telemetry
) -> None:
    settings = services.settings
    web = _Web(
        uvicorn.Config(
            create_app(services),
            host=settings.bind,
            port=settings.http_port,
            http=PatientProtocol,
            # Whoever writes X-Forwarded-For would choose the address that sign-ins are throttled and recorded by (I3).
            proxy_headers=False,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws_max_size=65536,
            timeout_graceful_shutdown=3,
        )
    )
    background: dict[str, Part] = {
        "controller": controller.run,
        "worker": record.run,
        "directory": services.directory.run,
        "alarm-sources": services.alarm_sources.run,
        "telemetry": telemetry.run,
        "seats": lambda: keeper.follow(controller.routing.staff),
    }
    running = [asyncio.create_task(for_ever(name, work), name=name) for name, work in background.items()]
    try:
        await web.serve()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
