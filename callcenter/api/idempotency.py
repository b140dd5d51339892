"""Idempotency-Key: the same POST, PATCH or DELETE sent twice is done once, and answered alike
(draft-ietf-httpapi-idempotency-key-header).

`IdempotentRoute` keeps the answer in the database, in the very transaction of the write, so there is
no moment at which one is stored without the other. `LiveIdempotentRoute` keeps it in memory, for acts
on a call that must work while the database is down (A10). Only answers of success are kept: after an
error nothing has happened, and the request may be tried again.
"""

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.api.deps import Services, services_of, transaction
from callcenter.api.idempotency_model import AnswerRow
from callcenter.errors import Conflict, InvalidInput, NotAuthenticated

KEPT = timedelta(hours=24)
KEY_PATTERN = r"^[!-~]{1,200}$"
REPLAYED = "Idempotent-Replayed"
_METHODS = frozenset({"POST", "PATCH", "DELETE"})
_ACTS = _METHODS | {"PUT"}
_DISK_SECONDS = 2.0
"""How long the answer to an act waits for the journal's disk; one that is known to be sick is not waited for (R9)."""
_REMEMBERED = 10_000

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True)
class Claim:
    """One request that asks to be done once."""

    user: str
    key: str
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """A kept answer. ``body`` None: it held a secret that is shown only once."""

    status: int
    media_type: str | None
    body: bytes | None

    def replay(self) -> Response:
        """The answer, once more."""
        if self.body is None:
            raise Conflict("this was done already; its answer held a secret that is shown only once. Ask for a new one")
        return Response(self.body, self.status, {REPLAYED: "true"}, media_type=self.media_type)


class IdempotentRoute(APIRoute):
    """A route whose answers are kept in the database, with the write itself."""

    def get_route_handler(self) -> Handler:
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            claim = await _claim(request)
            if claim is None:
                return await original(request)
            async with _guard(request).turns.of(claim):
                return await _once(request, services_of(request), claim, original)

        return handle


class LiveIdempotentRoute(APIRoute):
    """A route whose answers are kept in this process's memory: it never waits for the database.

    What it did is in the journal, on disk, before anybody is told that it is done; see `_settled`.
    """

    def get_route_handler(self) -> Handler:
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            claim = await _claim(request)
            if claim is None:
                return await _settled(request, await original(request))
            async with _guard(request).turns.of(claim):
                memory = _guard(request).memory
                kept = memory.find(claim)
                if kept is not None:
                    return await _settled(request, kept.replay())
                response = await original(request)
                if (answer := _answer(request, response)) is not None:
                    memory.keep(claim, answer)
                return await _settled(request, response)

        return handle


async def _settled(request: Request, response: Response) -> Response:
    """The answer to an act, once a kill -9 could not undo it. 202 in place of 200, 201 or 204 while the disk does not
    take it: it is done and goes on, and would be forgotten with this process (A10, R9)."""
    controller = services_of(request).controller
    if controller is None or request.method not in _ACTS or not 200 <= response.status_code < 300:
        return response
    if not await controller.journal.durable(within=_DISK_SECONDS):
        response.status_code = 202
    return response


def router(prefix: str, tag: str, *, live: bool = False) -> APIRouter:
    """A router below /api/v1 whose writes honour Idempotency-Key. ``live``: without the database."""
    return APIRouter(
        prefix=f"/api/v1{prefix}", tags=[tag], route_class=LiveIdempotentRoute if live else IdempotentRoute
    )


async def forget(session: AsyncSession, now: datetime) -> None:
    """Delete answers older than `KEPT`; for the worker's timer."""
    await session.execute(delete(AnswerRow).where(AnswerRow.created_at < now - KEPT))


async def _claim(request: Request) -> Claim | None:
    key = request.headers.get("Idempotency-Key")
    if key is None or request.method not in _METHODS:
        return None
    services = services_of(request)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        user = services.tokens.read(token if scheme.lower() == "bearer" else "").user
    except NotAuthenticated:
        return None  # the route itself refuses it
    if re.fullmatch(KEY_PATTERN, key) is None:
        raise InvalidInput("Idempotency-Key must have 1 to 200 visible ASCII characters; a UUID serves")
    digest = hashlib.sha256()
    for part in (request.method, request.url.path, request.url.query):
        digest.update(part.encode() + b"\n")
    digest.update(await request.body())
    return Claim(user, key, digest.hexdigest(), services.clock.now())


async def _once(request: Request, services: Services, claim: Claim, original: Handler) -> Response:
    try:
        async with transaction(request, services) as session:
            await _expire(session, claim)
            kept = await _find(session, claim)
            if kept is not None:
                return kept.replay()
            # Another process with the same key waits here until we commit, and then finds our answer.
            await _reserve(session, claim)
            request.state.session = session
            response = await original(request)
            await _settle(session, claim, _answer(request, response))
            return response
    except _TakenError:
        async with transaction(request, services) as session:
            kept = await _find(session, claim)
    if kept is None:
        raise Conflict("a request with this Idempotency-Key is being worked on; try again")
    return kept.replay()


class _TakenError(Exception):
    """Another process has committed an answer to the same key first."""


async def _expire(session: AsyncSession, claim: Claim) -> None:
    await session.execute(
        delete(AnswerRow).where(
            AnswerRow.user == claim.user, AnswerRow.key == claim.key, AnswerRow.created_at < claim.at - KEPT
        )
    )


async def _reserve(session: AsyncSession, claim: Claim) -> None:
    values = {"user": claim.user, "key": claim.key, "request_digest": claim.digest, "created_at": claim.at}
    try:
        await session.execute(insert(AnswerRow).values(**values, status=0))
    except IntegrityError as error:
        raise _TakenError from error


async def _settle(session: AsyncSession, claim: Claim, answer: Answer | None) -> None:
    mine = (AnswerRow.user == claim.user, AnswerRow.key == claim.key)
    if answer is None:
        await session.execute(delete(AnswerRow).where(*mine))
    else:
        values = {"status": answer.status, "media_type": answer.media_type, "body": answer.body}
        await session.execute(update(AnswerRow).where(*mine).values(**values))


async def _find(session: AsyncSession, claim: Claim) -> Answer | None:
    row = (
        await session.execute(select(AnswerRow).where(AnswerRow.user == claim.user, AnswerRow.key == claim.key))
    ).scalar_one_or_none()
    if row is None:
        return None
    _same(row.request_digest, claim)
    return Answer(row.status, row.media_type, row.body)


def _same(digest: str, claim: Claim) -> None:
    if digest != claim.digest:
        raise InvalidInput("this Idempotency-Key was used for another request; every request needs a key of its own")


def _answer(request: Request, response: Response) -> Answer | None:
    body = getattr(response, "body", None)
    if body is None or not 200 <= response.status_code < 300:
        return None
    secret = getattr(request.state, "answer_is_secret", False)
    return Answer(response.status_code, response.media_type, None if secret else bytes(body))


class Memory:
    """Kept answers of live routes, the newest `_REMEMBERED` of them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], tuple[Claim, Answer]] = OrderedDict()

    def find(self, claim: Claim) -> Answer | None:
        """The answer to this claim, if it was done; raises `InvalidInput` when the key was used for another."""
        earlier, answer = self._kept.get((claim.user, claim.key), (None, None))
        if earlier is None or earlier.at < claim.at - KEPT:
            return None
        _same(earlier.digest, claim)
        return answer

    def keep(self, claim: Claim, answer: Answer) -> None:
        """Remember what was answered."""
        self._kept[claim.user, claim.key] = (claim, answer)
        while len(self._kept) > _REMEMBERED:
            self._kept.popitem(last=False)


class _Turns:
    """One lock for each key in use: a duplicate in this process waits for the first to end."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def of(self, claim: Claim) -> asyncio.Lock:
        return self._locks.setdefault((claim.user, claim.key), asyncio.Lock())


class Guard:
    """What one application keeps for its idempotent routes; lies in ``app.state.idempotency``."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.turns = _Turns()


def _guard(request: Request) -> Guard:
    guard: Guard = request.app.state.idempotency
    return guard
