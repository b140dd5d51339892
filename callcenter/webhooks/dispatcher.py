"""Sends what the outbox holds: signed, a few at a time, tried again with growing pauses (H3)."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import httpx
import structlog
from sqlalchemy import select

from callcenter.clock import Clock
from callcenter.db import Database
from callcenter.webhooks.model import DeliveryRow, DeliveryState, SubscriptionRow
from callcenter.webhooks.service import sign

log = structlog.get_logger(__name__)

PAUSES = (5, 30, 120, 600, 1800, 7200, 21600, 43200)
"""Seconds after the first, second… failure; after the last of them the delivery has failed for good."""

LEASE_SECONDS = 60
"""While an attempt is under way nobody else takes it; if we die in it, it is taken again after this."""


@dataclass(frozen=True, slots=True)
class _Due:
    id: str
    attempt: int
    url: str
    secret: str
    body: bytes


class WebhookDispatcher:
    """One dispatcher, in the worker. Every delivery is made at least once; receivers drop repeats by ``webhook-id``."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        pauses: Sequence[float] = PAUSES,
        poll_seconds: float = 2,
        timeout_seconds: float = 10,
        at_once: int = 10,
    ) -> None:
        self._database = database
        self._clock = clock
        self._pauses = pauses
        self._poll = poll_seconds
        self._timeout = timeout_seconds
        self._at_once = at_once
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something was enqueued: look at once."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled; survives the database and every receiver."""
        async with httpx.AsyncClient(timeout=self._timeout, follow_redirects=False, trust_env=False) as client:
            while True:
                self._wake.clear()
                try:
                    busy = await self.deliver_due(client)
                except Exception as error:
                    log.warning("webhooks wait for the database", error=type(error).__name__)
                    busy = False
                if not busy:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._poll):
                            await self._wake.wait()

    async def deliver_due(self, client: httpx.AsyncClient) -> bool:
        """Try all deliveries that are due, `at_once` of them; False when there were none."""
        due = await self._claim()
        outcomes = await asyncio.gather(*(self._post(client, item) for item in due))
        for item, (status, error) in zip(due, outcomes, strict=True):
            await self._record(item, status, error)
        return bool(due)

    async def _claim(self) -> list[_Due]:
        now = self._clock.now()
        query = (
            select(DeliveryRow, SubscriptionRow)
            .join(SubscriptionRow, SubscriptionRow.id == DeliveryRow.subscription_id)
            .where(DeliveryRow.state == DeliveryState.PENDING, DeliveryRow.next_at <= now, SubscriptionRow.active)
            .order_by(DeliveryRow.next_at)
            .limit(self._at_once)
            .with_for_update(skip_locked=True, of=DeliveryRow)
        )
        due = []
        async with self._database.transaction() as session:
            for delivery, subscription in (await session.execute(query)).all():
                delivery.next_at = now + timedelta(seconds=LEASE_SECONDS)
                delivery.attempts += 1
                body = delivery.body.encode()
                due.append(_Due(delivery.id, delivery.attempts, subscription.url, subscription.secret, body))
        return due

    async def _post(self, client: httpx.AsyncClient, due: _Due) -> tuple[int | None, str | None]:
        timestamp = int(self._clock.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "callcenter-webhooks/1",
            "webhook-id": due.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(due.secret, due.id, timestamp, due.body),
        }
        try:
            # The deadline is for the whole exchange: httpx's own starts anew with every byte of a slow receiver.
            async with (
                asyncio.timeout(self._timeout),
                client.stream("POST", due.url, content=due.body, headers=headers) as response,
            ):
                return response.status_code, None
        except TimeoutError:
            return None, "no answer in time"
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return None, type(error).__name__

    async def _record(self, due: _Due, status: int | None, error: str | None) -> None:
        now = self._clock.now()
        async with self._database.transaction() as session:
            delivery = await session.get_one(DeliveryRow, due.id)
            delivery.last_status, delivery.last_error = status, error
            if status is not None and 200 <= status < 300:
                delivery.state, delivery.delivered_at = DeliveryState.DELIVERED, now
            elif due.attempt > len(self._pauses):
                delivery.state = DeliveryState.FAILED
            else:
                delivery.next_at = now + timedelta(seconds=self._pauses[due.attempt - 1])
        log.info("webhook attempt", delivery_id=due.id, attempt=due.attempt, status=status, error=error)
