"""Writes down what terminals say of themselves: positions for some days, each device's last word (A4, F1).

Into the database when it is there, in pieces; into a file for a start without it (A10). Nothing of it is ever waited
for by an alarm or a call.
"""

import asyncio
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import bindparam, delete, update

from callcenter.calls.tables import upsert
from callcenter.clock import Clock
from callcenter.db import Database
from callcenter.devices.model import DeviceRow
from callcenter.devices.presence import Heard, Presence
from callcenter.ids import derived_id
from callcenter.location.model import PositionRow
from callcenter.location.service import Located, Location

log = structlog.get_logger(__name__)

EVERY_SECONDS = 5.0
SAVE_SECONDS = 30.0
PIECE = 200
"""Rows a transaction: the event loop is free between them."""
PRUNE_SECONDS = 3600.0


class _Line(msgspec.Struct, omit_defaults=True):
    """One line of the file: what is known of a device."""

    device: str
    located: Located | None = None
    heard: Heard | None = None


class Telemetry:
    """One writer, in the worker."""

    def __init__(
        self, database: Database, path: Path, location: Location, presence: Presence, clock: Clock, *, days: float
    ) -> None:
        """``days``: how long positions are kept (GB/T 35273: no longer than they are needed)."""
        self._database = database
        self._path = path
        self._location = location
        self._presence = presence
        self._clock = clock
        self._kept = timedelta(days=days)
        self._prune_at = self._save_at = 0.0

    def restore(self) -> None:
        """Take up what the file holds; never fails, since an emergency must not wait for it. Blocks.

        A damaged line costs its device only (R28).
        """
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        except OSError as error:
            log.error("telemetry cannot be read; terminals stay unknown until heard", problem=type(error).__name__)
            return
        known = [line for raw in lines if (line := _decoded(raw)) is not None]
        if len(known) < len(lines):
            log.error("telemetry is damaged; some terminals stay unknown until heard", lines=len(lines) - len(known))
        self._location.restore({line.device: line.located for line in known if line.located is not None})
        self._presence.restore({line.device: line.heard for line in known if line.heard is not None})

    async def run(self) -> None:
        """Write until cancelled; survives the database and the disk."""
        try:
            while True:
                try:
                    await self.step()
                except Exception as error:
                    log.warning("telemetry waits for the database", problem=type(error).__name__)
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            self.save()

    async def step(self) -> None:
        """Write what is new; raises what the database raises, and then nothing is lost."""
        if self._clock.monotonic() >= self._save_at:
            self._save_at = self._clock.monotonic() + SAVE_SECONDS
            await asyncio.to_thread(self._save, dict(self._location.everybody), dict(self._presence.everybody))
        fixes, heard = self._location.take_news(), self._presence.take_news()
        try:
            while fixes:
                await self._write_fixes(fixes[:PIECE])
                del fixes[:PIECE]
            while heard:
                piece = dict(list(heard.items())[:PIECE])
                await self._write_heard(piece)
                for device_id in piece:
                    del heard[device_id]
        finally:
            self._location.give_back(fixes)
            self._presence.give_back(heard)
        if self._clock.monotonic() >= self._prune_at:
            self._prune_at = self._clock.monotonic() + PRUNE_SECONDS
            async with self._database.transaction() as session:
                await session.execute(delete(PositionRow).where(PositionRow.at < self._clock.now() - self._kept))

    async def _write_fixes(self, fixes: list[Located]) -> None:
        rows = {}
        for one in fixes:
            fix = one.fix
            # The same fix sent twice is one row.
            row_id = derived_id(fix.at, one.device_id, f"{fix.latitude:.7f},{fix.longitude:.7f}")
            rows[row_id] = {
                "id": row_id,
                "elder_id": one.elder_id,
                "device_id": one.device_id,
                "at": fix.at,
                "received_at": one.received_at,
                "latitude": fix.latitude,
                "longitude": fix.longitude,
                "accuracy_m": fix.accuracy_m,
                "dated": fix.dated,
            }
        async with self._database.transaction() as session:
            await upsert(session, PositionRow, list(rows.values()))

    async def _write_heard(self, heard: Mapping[str, Heard]) -> None:
        devices = DeviceRow.__table__
        # Not through the rows: no new version, since nobody edited them, and the directory stays as it is.
        statement = (
            update(devices)  # type: ignore[arg-type]
            .where(devices.c.id == bindparam("device"))
            .values(last_seen_at=bindparam("seen"), battery=bindparam("percent"))
        )
        async with self._database.transaction() as session:
            connection = await session.connection()
            await connection.execute(
                statement,
                [{"device": device_id, "seen": one.at, "percent": one.battery} for device_id, one in heard.items()],
            )

    def save(self) -> None:
        """Write the file now. Blocks."""
        self._save(self._location.everybody, self._presence.everybody)

    def _save(self, latest: Mapping[str, Located], heard: Mapping[str, Heard]) -> None:
        draft = self._path.with_name(f"{self._path.name}.new")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                # Line by line: encoding everybody at once would hold the interpreter's lock, and the calls with it.
                for device in latest.keys() | heard.keys():
                    file.write(msgspec.json.encode(_Line(device, latest.get(device), heard.get(device))) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            log.error("telemetry cannot be saved; a restart would not know it", problem=type(error).__name__)


def _decoded(raw: bytes) -> _Line | None:
    try:
        return msgspec.json.decode(raw, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
