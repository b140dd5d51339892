"""The outermost layer: request id, log context, size limit, security headers, and a problem for every crash (R22)."""

import re
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callcenter.api.problems import problem
from callcenter.errors import NotAuthenticated
from callcenter.ids import new_id

log = structlog.get_logger(__name__)

MAX_BODY = 1024 * 1024
UPLOADS = {"/api/v1/imports": 6 * 1024 * 1024}
"""Routes that take whole files, by path: their bound is their own, for who is signed in; a body is read before anybody
asks who sends it."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
# The page of documentation takes its script from FastAPI's usual place and starts it in line.
_DOCS_POLICY = (
    "default-src 'self'; img-src 'self' data: https://fastapi.tiangolo.com; style-src 'self' https://cdn.jsdelivr.net; "
    "script-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net; frame-ancestors 'none'"
)


class Edge:
    """ASGI middleware around everything. An answer that sets one of the security headers itself keeps its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("X-Request-ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _complete(message, request_id, scope["path"])
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            most = UPLOADS[scope["path"]] if scope["path"] in UPLOADS and _signed_in(scope, headers) else MAX_BODY
            if _declared_size(headers) > most:
                refusal = problem(request_id, 413, "too_large", _too_large(most), {"Connection": "close"})
                await refusal(scope, receive, answer)
                return
            try:
                await self._app(scope, _limited(receive, most), answer)
            except Exception as error:
                log.error("request failed", error=type(error).__name__, where=_where(error))
                if started:
                    raise
                crash = problem(request_id, 500, "internal", "an error of ours; it is logged under the request id")
                await crash(scope, receive, answer)
            finally:
                structlog.contextvars.unbind_contextvars("user")


def _signed_in(scope: Scope, headers: Headers) -> bool:
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    try:
        scope["app"].state.services.tokens.read(token if scheme.lower() == "bearer" else "")
    except NotAuthenticated:
        return False
    return True


def _where(error: Exception) -> list[str]:
    """The way to the error, innermost last: places only, for values and messages may be personal data (I1)."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


def _complete(message: MutableMapping[str, Any], request_id: str, path: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = request_id
    if path == "/api/docs":
        headers["Content-Security-Policy"] = _DOCS_POLICY
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)


def _too_large(most: int) -> str:
    return f"a body may have {most} bytes; send less at a time"


def _declared_size(headers: Headers) -> int:
    length = headers.get("Content-Length", "0")
    return int(length) if length.isdecimal() else 0


def _limited(receive: Receive, most: int) -> Receive:
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413, _too_large(most), {"Connection": "close"})
        return message

    return limited
