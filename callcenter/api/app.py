"""The web application: all routers in one place, the edge around them, the OpenAPI description."""

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi

from callcenter.api import (
    accounts,
    audit,
    auth,
    calls,
    devices,
    elders,
    emergencies,
    follow_ups,
    live,
    plans,
    probes,
    recordings,
    seats,
    webhooks,
    work_orders,
)
from callcenter.api.deps import Services
from callcenter.api.edge import Edge
from callcenter.api.idempotency import Guard
from callcenter.api.problems import FieldProblem, Problem, install

ROUTERS: tuple[APIRouter, ...] = (
    probes.router,
    auth.tokens,
    auth.router,
    calls.router,
    emergencies.router,
    seats.router,
    live.router,
    accounts.router,
    elders.router,
    devices.router,
    plans.router,
    audit.router,
    webhooks.router,
    recordings.router,
    work_orders.router,
    follow_ups.router,
)


def create_app(services: Services) -> FastAPI:
    """The application over these services; it opens nothing itself."""
    app = FastAPI(
        title="Call centre of the virtual elderly-care home",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url="/api/docs",
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.services = services
    app.state.idempotency = Guard()
    install(app)
    for router in ROUTERS:
        app.include_router(router)
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
        for operations in schema.get("paths", {}).values():
            for operation in operations.values():
                for parameter in operation.get("parameters", ()):
                    parameter["schema"] = _without_null(parameter["schema"])
        app.openapi_schema = schema
    return app.openapi_schema


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema without null: a parameter may be left out, but no spelling of it in a URL is null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) != 1:
        return schema
    return {**{key: value for key, value in schema.items() if key != "anyOf"}, **choices[0]}
