"""The web application: all routers in one place, the edge around them, the OpenAPI description."""

from collections import deque
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from callcenter.api import (
    acceptance,
    accounts,
    alarm_sources,
    alarms,
    audit,
    auth,
    callbacks,
    calls,
    complaints,
    console,
    control,
    devices,
    elders,
    emergencies,
    exports,
    fences,
    follow_ups,
    holidays,
    hotline_statistics,
    imports,
    intake,
    knowledge,
    line,
    live,
    locations,
    menus,
    messages,
    notes,
    pages,
    plans,
    probes,
    prompts,
    provisioning,
    queues,
    recordings,
    reports,
    request_page,
    requests,
    roster,
    screen,
    seat_phone,
    seats,
    staff,
    statistics,
    voicemails,
    wallboard,
    watchdog,
    webhooks,
    work,
    work_orders,
)
from callcenter.api.deps import Services
from callcenter.api.edge import Edge
from callcenter.api.idempotency import KEY_PATTERN, Guard
from callcenter.api.live_seat import Pages
from callcenter.api.problems import FieldProblem, Problem, install
from callcenter.imports.desk import ImportDesk
from callcenter.intake.limits import Limit
from callcenter.reports.drawing import Drawing
from callcenter.sheets.office import Office

ROUTERS: tuple[APIRouter, ...] = (
    pages.router,
    console.router,
    console.config,
    probes.router,
    auth.tokens,
    auth.router,
    calls.router,
    control.router,
    emergencies.router,
    *line.ROUTERS,
    *notes.ROUTERS,
    screen.router,
    acceptance.router,
    seats.router,
    queues.router,
    holidays.router,
    seat_phone.router,
    live.router,
    messages.router,
    accounts.router,
    staff.router,
    elders.router,
    locations.live,
    locations.history,
    fences.router,
    alarms.router,
    alarm_sources.router,
    devices.router,
    plans.router,
    audit.router,
    webhooks.router,
    recordings.router,
    work_orders.router,
    work.router,
    follow_ups.router,
    complaints.router,
    intake.router,
    requests.router,
    request_page.router,
    knowledge.router,
    statistics.router,
    wallboard.router,
    exports.router,
    imports.router,
    provisioning.router,
    hotline_statistics.router,
    *roster.ROUTERS,
    *reports.ROUTERS,
    watchdog.router,
    menus.router,
    prompts.router,
    callbacks.router,
    voicemails.router,
)

_API = APIRouter()
"""All of them; what a route needs is worked out once, whichever application it serves."""
for _router in ROUTERS:
    _API.include_router(_router)

_TOKENS = {str(route.path) for route in auth.tokens.routes if isinstance(route, APIRoute)}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same request with the same key is done once and answered alike, for 24 hours.",
    "schema": {"type": "string", "pattern": KEY_PATTERN},
}


def create_app(services: Services | None) -> FastAPI:
    """The application over these services; it opens nothing itself. Without services it can only be described."""
    app = FastAPI(
        title="Call centre of the virtual elderly-care home",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.services = services
    app.state.idempotency = Guard()
    app.state.drawing = Drawing()
    app.state.public_limit = Limit()
    app.state.office = Office()
    app.state.import_desk = ImportDesk()
    app.state.pages = Pages(services.controller if services else None)  # the description is made without services
    install(app)
    app.router.routes.extend(_API.routes)
    # Worked out here: else the first request holds up the event loop, which calls share, for a fifth of a second.
    deque(iter_route_contexts(app.routes), maxlen=0)
    app.state.routes = [route for router in ROUTERS for route in router.routes]
    app.add_middleware(Edge)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The description, with the problem details every error answers with."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        for model in (FieldProblem, Problem):
            definition = model.model_json_schema(ref_template="#/components/schemas/{model}")
            definition.pop("$defs", None)
            schemas[model.__name__] = definition
        for path, operations in schema.get("paths", {}).items():
            for method, operation in operations.items():
                parameters = [p for p in operation.get("parameters", ()) if p["name"].lower() != "idempotency-key"]
                for parameter in parameters:
                    parameter["schema"] = _without_null(parameter["schema"])
                if method in ("post", "patch", "delete") and path not in _TOKENS:
                    parameters.append(_IDEMPOTENCY_KEY)
                operation["parameters"] = parameters
        app.openapi_schema = schema
    return app.openapi_schema


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema without null: a parameter may be left out, but no spelling of it in a URL is null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) != 1:
        return schema
    return {**{key: value for key, value in schema.items() if key != "anyOf"}, **choices[0]}
