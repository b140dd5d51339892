"""Errors at the edge: RFC 9457 problem details for every one of them, and nothing of our insides (R22)."""

import socket
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from callcenter.errors import CallCenterError, Conflict, Unavailable

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
AWAY = ("08", "57P")
"""SQLSTATEs of a PostgreSQL that cannot be reached, shuts down or is starting up (57P03 while it recovers)."""


class FieldProblem(BaseModel):
    """One field that cannot be used."""

    pointer: str = Field(description="JSON pointer into the body (RFC 6901), or query, path and header names.")
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(examples=["urn:callcenter:problem:not_found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["no elder has this id"])
    code: str = Field(examples=["not_found"])
    reason: str | None = Field(None, description="Which case of the code it is, where a page says it in its own words.")
    request_id: str | None = None
    errors: list[FieldProblem] | None = None


def problem(
    request_id: str | None,
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **extra: object,
) -> JSONResponse:
    """A problem details answer."""
    body: dict[str, Any] = {
        "type": f"urn:callcenter:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        **extra,
    }
    return JSONResponse(body, status, headers=headers, media_type=MEDIA_TYPE)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of the errors that every route may answer, and of ``statuses``."""
    every = {401, 403, 422, 503, *statuses}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in sorted(every)}


def database_error(error: BaseException) -> CallCenterError | None:
    """What an error of the database means to the caller, or None when it is our own defect."""
    if isinstance(error, StaleDataError):
        return Conflict(
            "somebody else changed this at the same time; read it again and repeat the change", reason="changed_since"
        )
    if isinstance(error, IntegrityError):
        return Conflict(
            "this would contradict what is stored: a value that must be unique is taken, or still in use",
            reason="contradicts",
        )
    lost = isinstance(error, DBAPIError) and (
        error.connection_invalidated or str(getattr(error.orig, "sqlstate", "")).startswith(AWAY)
    )
    gone = (OperationalError, InterfaceError, PoolTimeout, asyncpg.PostgresConnectionError)
    away = (asyncpg.OperatorInterventionError, ConnectionError, TimeoutError, socket.gaierror)
    # asyncio reports several refused addresses as a bare OSError; its subclasses may be about files.
    if lost or isinstance(error, (*gone, *away)) or type(error) is OSError:
        return Unavailable("the database is not available; nothing was changed, try again")
    return None


def install(app: FastAPI) -> None:
    """Make the application answer every error as a problem."""

    def request_id(request: Request) -> str | None:
        return getattr(request.state, "request_id", None)

    @app.exception_handler(CallCenterError)
    async def ours(request: Request, error: CallCenterError) -> JSONResponse:
        headers = {}
        if error.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        if "retry_after" in error.extra:
            headers["Retry-After"] = str(error.extra["retry_after"])
        return problem(request_id(request), error.status, error.code, error.message, headers, **error.extra)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [_field(item) for item in error.errors()]
        named = "; ".join(f"{item['pointer']}: {item['detail']}" for item in errors[:5])
        return problem(request_id(request), 422, "invalid_input", f"cannot use {named}", errors=errors)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI's word for a body that is not even text
            return problem(request_id(request), 422, "invalid_input", str(error.detail))
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and (methods := _methods(request)):
            headers["Allow"] = methods
        code = HTTPStatus(error.status_code).name.lower()
        return problem(request_id(request), error.status_code, code, str(error.detail), headers)

    @app.exception_handler(SQLAlchemyError)
    async def database(request: Request, error: SQLAlchemyError) -> JSONResponse:
        known = database_error(error)
        if known is None:
            raise error
        log.warning("database error", error=type(error).__name__)
        return await ours(request, known)


def _methods(request: Request) -> str:
    """All methods of the path, for Allow (RFC 9110 §10.2.1); Starlette names those of its first route only."""
    fitting = [
        route
        for route in request.app.state.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
    ]
    # /elders/quick is a resource of its own, though /elders/{id} fits it too.
    fitting = [route for route in fitting if route.path == request.url.path] or fitting
    return ", ".join(sorted({method for route in fitting for method in route.methods or ()}))


def _field(item: Mapping[str, Any]) -> dict[str, str]:
    where, *path = item["loc"]
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
    return {"pointer": pointer or "/" if where == "body" else f"{where}{pointer}", "detail": item["msg"]}
