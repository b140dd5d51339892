"""Probes: alive (/healthz), ready with each part's state (/readyz), and Prometheus' /metrics."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from callcenter.api.deps import Services, ServicesDep
from callcenter.controller import Controller

router = APIRouter(tags=["probes"])

DATABASE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether an emergency would be answered, and each part's state."""

    ready: bool
    parts: dict[str, dict[str, Any]]


async def readiness(services: Services) -> Readiness:
    """Look at every part.

    The database, the bus and the relay are not essential: without them calls are answered all the same (A10).
    """
    controller = services.controller
    parts: dict[str, dict[str, Any]] = {}
    if controller is not None:
        parts["asterisk"] = _part(controller.link.live and controller.in_step, essential=True)
        wrong = [one.finding for one in controller.watch.watchdog.active()]
        parts["watchdog"] = _part(
            not any(one.severity == "critical" for one in wrong), findings=[one.key for one in wrong]
        )
        registered = sum(seat.registered for seat in controller.routing.seats())
        parts["seats"] = _part(registered > 0, registered=registered)
        parts["messages"] = _messages(controller)
    if services.journal is not None:
        parts["journal"] = _part(services.journal.healthy, problem=services.journal.problem)
    parts["database"] = _part(await services.database.answers(DATABASE_SECONDS))
    parts["directory"] = _part(services.directory.healthy, elders=len(services.directory.directory.elders))
    if services.bus is not None:
        parts["bus"] = _part(services.bus.healthy)
    if services.record is not None:
        relay = services.record
        parts["relay"] = _part(relay.problem is None, problem=relay.problem, lag_facts=relay.lag_facts)
    return Readiness(all(part["ok"] for part in parts.values() if part["essential"]), parts)


def _messages(controller: Controller) -> dict[str, Any]:
    """Not well while a channel of the settings could not be made, or is passed over for its failures."""
    channels, unwell = controller.messages.channels, controller.messages.unwell()
    whole = len(channels) == len(controller.settings.message_channels)
    return _part(whole and not unwell, channels=channels, unwell=unwell)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "An essential part is down."}})
async def readyz(services: ServicesDep) -> JSONResponse:
    """200 while an emergency would be answered by us; each part with its state."""
    state = await readiness(services)
    degraded = [name for name, part in state.parts.items() if not part["ok"]]
    body = {"status": "ready" if state.ready else "not ready", "degraded": degraded, "parts": state.parts}
    return JSONResponse(body, 200 if state.ready else 503)


def _part(ok: bool, *, essential: bool = False, **details: object) -> dict[str, Any]:
    return {"ok": ok, "essential": essential, **details}


@router.get("/metrics", response_class=Response)
async def metrics(services: ServicesDep) -> Response:
    """Metrics in Prometheus' text format."""
    text_format = services.metrics.text() if services.metrics else b""
    return Response(text_format, media_type="text/plain; version=0.0.4; charset=utf-8")
