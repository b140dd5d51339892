"""The worker's part of a process: what follows from the facts, away from the call path."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from callcenter.accounts import sign_in
from callcenter.alarms.projector import AlarmProjector
from callcenter.api import idempotency
from callcenter.bus import Bus
from callcenter.calls.tables import CallProjector
from callcenter.clock import Clock
from callcenter.db import Database
from callcenter.devices import service as devices
from callcenter.emergency.tables import EmergencyProjector
from callcenter.follow_ups.service import closed_loop
from callcenter.notifications.tables import MessageProjector
from callcenter.recordings.projector import RecordingProjector
from callcenter.recordings.retention import load_policy
from callcenter.recordings.verifier import Verifier
from callcenter.relay import Projector
from callcenter.settings import Settings
from callcenter.webhooks.dispatcher import WebhookDispatcher
from callcenter.webhooks.projector import WebhookProjector
from callcenter.work_orders.projector import WorkOrderProjector

CLEAN_SECONDS = 60.0

Part = Callable[[], Coroutine[Any, Any, None]]


def projectors(settings: Settings, clock: Clock, bus: Bus) -> list[Projector]:
    """Everybody who turns facts into rows, in the order in which they do."""
    work_orders, _ = closed_loop(clock, settings.follow_up_hours, bus)
    return [
        CallProjector(),
        EmergencyProjector(),
        AlarmProjector(),
        MessageProjector(),
        RecordingProjector(),
        WorkOrderProjector(work_orders),
        WebhookProjector(),
    ]


def parts(settings: Settings, clock: Clock, database: Database, bus: Bus) -> dict[str, Part]:
    """The worker's loops by name."""
    return {
        "recordings": Verifier(database, settings.recordings_dir, clock, load_policy(), bus).run,
        "webhooks": WebhookDispatcher(database, clock).run,
        "clean": lambda: _clean(database, clock),
    }


async def _clean(database: Database, clock: Clock) -> None:
    """Write down what time has done: kept answers, refresh tokens and device tests that ran out (R26)."""
    while True:
        async with database.transaction() as session:
            await idempotency.forget(session, clock.now())
            await sign_in.forget(session, clock.now())
            await devices.expire_tests(session, clock)
        await asyncio.sleep(CLEAN_SECONDS)
