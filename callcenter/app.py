"""The composition root: puts one process together, controller, api and worker, and runs it."""

import asyncio
import dataclasses
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import structlog
import uvicorn
import uvloop

import callcenter.models  # noqa: F401  every table is known before the first session
from callcenter.accounts.model import SeatAccount
from callcenter.accounts.service import seat_accounts
from callcenter.api.app import create_app
from callcenter.api.deps import Services, build_services
from callcenter.asterisk_config import ami_secret
from callcenter.bus import FACTS, Bus, LocalBus, RedisBus
from callcenter.clock import Clock, SystemClock
from callcenter.controller import Controller
from callcenter.db import Database
from callcenter.facts import Fact
from callcenter.journal import Journal, JournalReader
from callcenter.metrics import Metrics
from callcenter.relay import Relay
from callcenter.settings import Settings
from callcenter.worker import Part, parts, projectors

log = structlog.get_logger(__name__)

RESTART_SECONDS = 1.0
SEATS_EVERY = 30.0
DATABASE_SECONDS = 3.0


def run(settings: Settings) -> None:
    """Run the process until SIGINT or SIGTERM."""
    configure_logging(settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))


def configure_logging(level: str) -> None:
    """JSON lines on stderr, one an event; ids only, never personal data (I1)."""
    number = getattr(logging, level.upper())
    logging.basicConfig(level=number, format="%(message)s")
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(),
        cache_logger_on_first_use=True,
    )


class SeatsKeeper:
    """Which seats exist: from the database, and from disk while that is away (A10)."""

    def __init__(self, database: Database, path: Path) -> None:
        self._database = database
        self._path = path

    async def read(self) -> Sequence[SeatAccount] | None:
        """The seats in the database, remembered on disk; None when it does not answer."""
        try:
            async with asyncio.timeout(DATABASE_SECONDS), self._database.transaction() as session:
                seats = await seat_accounts(session)
        except Exception as error:
            log.warning("seats_not_read", problem=type(error).__name__)
            return None
        lines = json.dumps([{"user": seat.user, "role": seat.role} for seat in seats])
        if not self._path.exists() or self._path.read_text("utf-8") != lines:
            temporary = self._path.with_suffix(f".{os.getpid()}")
            temporary.write_text(lines, "utf-8")
            temporary.replace(self._path)
        return seats

    def last(self) -> Sequence[SeatAccount]:
        """The seats as last read; none when there is no memory of them."""
        try:
            return [SeatAccount(seat["user"], seat["role"], "") for seat in json.loads(self._path.read_text("utf-8"))]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    async def follow(self, controller: Controller) -> None:
        """Keep the controller's seats those of the database, until cancelled."""
        while True:
            await asyncio.sleep(SEATS_EVERY)
            seats = await self.read()
            if seats is not None:
                controller.routing.staff(seats)


def _reader(settings: Settings, clock: Clock) -> JournalReader:
    return JournalReader(settings.journal_dir / settings.node, clock)


async def serve(settings: Settings) -> None:
    """Put everything together and serve until told to stop."""
    clock = SystemClock()
    bus: Bus = RedisBus(settings.redis_url) if settings.redis_url else LocalBus()
    database = Database(settings.database)
    journal = Journal(settings.journal_dir / settings.node, clock)
    services = build_services(settings, clock, database, bus)
    services.directory.restore()
    controller = Controller(settings, clock, journal, lambda: services.directory.directory, ami_secret(settings))
    recovery = journal.open()
    keeper = SeatsKeeper(database, settings.data / "seats.json")
    controller.recover(recovery.facts, await keeper.read() or keeper.last())
    log.info(
        "recovered", facts=len(recovery.facts), repaired=recovery.repaired, calls=len(controller.calls.open_calls())
    )
    relay = Relay(settings.node, _reader(settings, clock), database, projectors(settings, clock, bus), bus, clock)
    metrics = Metrics(controller, journal, relay)

    def publish(fact: Fact) -> None:
        bus.publish(FACTS, fact)

    controller.ledger.on_react(publish)
    services = dataclasses.replace(services, controller=controller, journal=journal, relay=relay, metrics=metrics)
    try:
        await _serve_all(services, controller, relay, keeper)
    finally:
        await journal.close()
        await bus.close()
        await database.close()


async def _serve_all(services: Services, controller: Controller, relay: Relay, keeper: SeatsKeeper) -> None:
    settings = services.settings
    web = uvicorn.Server(
        uvicorn.Config(
            create_app(services),
            host=settings.bind,
            port=settings.http_port,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws_max_size=65536,
            timeout_graceful_shutdown=3,
        )
    )
    background: dict[str, Part] = {
        "controller": controller.run,
        "relay": relay.run,
        "directory": services.directory.run,
        "seats": lambda: keeper.follow(controller),
        **parts(settings, services.clock, services.database, services.bus or LocalBus()),
    }
    running = [asyncio.create_task(_for_ever(name, work), name=name) for name, work in background.items()]
    try:
        await web.serve()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _for_ever(name: str, work: Part) -> None:
    """Run a part again whenever it ends: no part's crash takes another with it."""
    while True:
        try:
            await work()
            log.error("part_ended", part=name)
        except Exception:
            log.exception("part_failed", part=name)
        await asyncio.sleep(RESTART_SECONDS)
