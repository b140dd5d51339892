"""The worker's part of a process: what follows from the facts, away from the call path."""

from collections.abc import Callable, Coroutine
from typing import Any

from callcenter.api.deps import Services
from callcenter.calls.tables import CallProjector
from callcenter.clock import Clock
from callcenter.controller import Controller
from callcenter.emergency.tables import EmergencyProjector
from callcenter.relay import Projector
from callcenter.settings import Settings


def projectors(settings: Settings, clock: Clock) -> list[Projector]:
    """Everybody who turns facts into rows, in the order in which they do."""
    return [CallProjector(), EmergencyProjector()]


def tasks(services: Services, controller: Controller) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
    """The worker's loops by name."""
    return {}
