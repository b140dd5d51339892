"""How often strangers may send something: by address, and all of them together (R22).

Every request is counted in memory, before anything is read of it. What was taken in is counted once more by what is
stored of it, so that neither a restart nor a second process gives anybody more.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.audit.model import AuditRow
from callcenter.errors import TooManyAttempts
from callcenter.intake.model import IntakeRow
from callcenter.intake.states import Channel
from callcenter.ports import network_of

PER_ADDRESS = 10
TOGETHER = 300
SECONDS = 600.0
_REMEMBERED = 10_000


class Limit:
    """At most `PER_ADDRESS` requests an address, and `TOGETHER` in all, within `SECONDS`."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque()

    def begin(self, address: str, now: float) -> None:
        """Count a request; ``now`` in monotonic seconds. Raises `TooManyAttempts` with ``retry_after``."""
        key = network_of(address)
        own = self._times.setdefault(key, deque())
        self._times.move_to_end(key)
        while len(self._times) > _REMEMBERED:
            self._times.popitem(last=False)
        for times in (own, self._all):
            while times and times[0] <= now - SECONDS:
                times.popleft()
        _check(own, self._all, now)
        own.append(now)
        self._all.append(now)


async def check_kept(session: AsyncSession, address: str, now: datetime) -> None:
    """The same bounds over what strangers' requests are stored; raises `TooManyAttempts` with ``retry_after``.

    The address is the audit trail's: it is kept nowhere else (I1).
    """
    kept = await session.execute(
        select(AuditRow.at, AuditRow.address)
        .join(IntakeRow, IntakeRow.id == AuditRow.subject_id)
        .where(
            IntakeRow.at > now - timedelta(seconds=SECONDS),
            IntakeRow.channel == Channel.WEB,
            AuditRow.subject == IntakeRow.__tablename__,
            AuditRow.action == "create",
        )
        .order_by(AuditRow.at)
    )
    every = [(at.timestamp(), network_of(whose)) for at, whose in kept]
    key = network_of(address)
    _check([at for at, whose in every if whose == key], [at for at, _ in every], now.timestamp())


def _check(own: Sequence[float], every: Sequence[float], now: float) -> None:
    """Whether there is room for one more beside those of the last `SECONDS`, oldest first."""
    for times, limit in ((own, PER_ADDRESS), (every, TOGETHER)):
        if len(times) >= limit:
            wait = max(1, int(times[-limit] + SECONDS - now) + 1)
            raise TooManyAttempts(
                f"too many requests from here; try again in {wait} seconds, or call the hotline", retry_after=wait
            )
