"""Queues a webhook delivery for every fact that somebody subscribed to, in the transaction that stores the fact."""

from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.emergency.in_earnest import in_earnest
from callcenter.facts import Fact
from callcenter.webhooks.model import SubscriptionRow
from callcenter.webhooks.service import enqueue


class WebhookProjector:
    """Costs one query a batch while nobody has subscribed to anything."""

    async def apply(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        """Enqueue new facts, in order; a press of the watchdog's own is nobody's business outside."""
        if await session.scalar(select(exists().where(SubscriptionRow.active))):
            for fact in await in_earnest(session, facts):
                await enqueue(session, fact)
