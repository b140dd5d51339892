"""Rows of alarms, and the day of a device's last test, out of the facts; written by the relay."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.alarms.facts import AlarmReceived
from callcenter.alarms.kinds import AlarmKind, state_of
from callcenter.alarms.model import AlarmRow
from callcenter.calls.tables import upsert
from callcenter.devices.model import DeviceRow
from callcenter.facts import Fact

_SAME = ("source", "reference", "at", "device", "device_id", "elder_id", "caller", "on_test", "battery",
         "latitude", "longitude", "accuracy_m", "fix_at")  # fmt: skip


def values_of(fact: Fact, body: AlarmReceived) -> dict[str, Any]:
    """An alarm's row, as the list shows it as well."""
    return {name: getattr(body, name) for name in _SAME} | {
        "id": body.alarm_id,
        "kind": body.event,
        "state": state_of(body.event).value,
        "received_at": fact.at,
        "incident_id": fact.incident_id,
    }


class AlarmProjector:
    """Keeps the rows of alarms."""

    async def apply(self, session: AsyncSession, facts: Sequence[Fact]) -> None:
        """Write a row for each alarm."""
        alarms = [(fact, fact.body) for fact in facts if isinstance(fact.body, AlarmReceived)]
        await upsert(session, AlarmRow, [values_of(fact, body) for fact, body in alarms])
        devices = DeviceRow.__table__
        for fact, body in alarms:
            if body.event == AlarmKind.TEST and body.device_id is not None:
                # Not through the row: no new version, since nobody edited it.
                await session.execute(
                    update(devices).where(devices.c.id == body.device_id).values(last_test_at=fact.at)  # type: ignore[arg-type]
                )
