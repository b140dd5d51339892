"""What must be true before anything starts: a folder to write in, free ports, a migrated database, a configuration."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import asyncpg
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from callcenter import migrations
from callcenter.accounts.model import AccountRow, SeatAccount
from callcenter.accounts.service import seat_accounts
from callcenter.asterisk_config import Layout, layout, render
from callcenter.asterisk_runtime import AsteriskRuntime
from callcenter.clock import SystemClock
from callcenter.db import Database
from callcenter.errors import CallCenterError, Unavailable
from callcenter.ports import holder, is_taken
from callcenter.settings import Settings

DATABASE_SECONDS = 20.0
DATABASE_TROUBLE = (OSError, TimeoutError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a database that is down, full, locked or not there raises, before and after SQLAlchemy wraps it."""
Say = Callable[[str], None]


def prepare_data(settings: Settings) -> Layout:
    """Make the data folder. Raises `Unavailable` naming the remedy when it cannot be written."""
    place = layout(settings)
    try:
        for folder in (place.run, place.logs):
            folder.mkdir(parents=True, exist_ok=True)
        probe = place.run / f"probe.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Unavailable(
            f"The data folder {place.data} cannot be written ({error.strerror}): make it writable for this user, or"
            " set CALLCENTER_DATA to a folder that is."
        ) from error
    return place


def port_settings(settings: Settings, *, asterisk: bool) -> dict[str, tuple[str, int, bool]]:
    """The ports that Asterisk takes, or those of our own process, by setting: address, number, whether UDP too."""
    web, control = settings.web_address, settings.control_bind
    if asterisk:
        return {
            "CALLCENTER_SIP_PORT": (settings.bind, settings.sip_port, True),
            "CALLCENTER_AMI_PORT": (control, settings.ami_port, False),
            "CALLCENTER_WS_PORT": (web, settings.ws_port, False),
        }
    return {
        "CALLCENTER_HTTP_PORT": (web, settings.http_port, False),
        "CALLCENTER_AGI_PORT": (control, settings.agi_port, False),
    }


def _bound_by(port: str) -> str:
    """The setting of the address that goes with a port's."""
    own = {"CALLCENTER_AMI_PORT": "CONTROL_BIND", "CALLCENTER_AGI_PORT": "CONTROL_BIND"}
    web = dict.fromkeys(("CALLCENTER_HTTP_PORT", "CALLCENTER_WS_PORT"), "BIND, or CALLCENTER_WEB_BIND,")
    return f"CALLCENTER_{(own | web).get(port, 'BIND')}"


def check_ports(settings: Settings, *, asterisk: bool) -> None:
    """Raises `Unavailable` naming every port we cannot have, its setting and, where it can be seen, who holds it."""
    taken = []
    for name, (address, port, udp) in port_settings(settings, asterisk=asterisk).items():
        try:
            if is_taken(address, port) or (udp and is_taken(address, port, udp=True)):
                who = holder(port)
                taken.append(f"port {port} is taken{' by ' + who if who else ''} (set {name} to a free one)")
        except PermissionError as error:
            raise Unavailable(f"Port {port} is for root only: set {name} to one above 1023.") from error
        except OSError as error:
            raise Unavailable(
                f"{address} is not an address of this machine ({error.strerror}): set {_bound_by(name)} to one."
            ) from error
    if taken:
        raise Unavailable(f"{'; '.join(taken)}, or end what holds it.")


def prepare_database(settings: Settings, say: Say) -> list[SeatAccount] | None:
    """Migrate, load the demo at the first run, read the seats; None when the database cannot be reached (A10).

    The emergency line does not wait for a database: it starts on the configuration that was in force.
    """
    try:
        return asyncio.run(asyncio.wait_for(_database(settings, say), DATABASE_SECONDS))
    except DATABASE_TROUBLE as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        say(f"! the database does not answer ({type(error).__name__}: {reason[0][:160]}); going on without it")
        return None


async def _database(settings: Settings, say: Say) -> list[SeatAccount]:
    await migrations.upgrade_async(settings.database)
    database = Database(settings.database)
    try:
        async with database.transaction() as session:
            accounts = (await session.execute(select(func.count()).select_from(AccountRow))).scalar_one()
        if settings.demo and not accounts:
            from callcenter.demo import load_demo  # noqa: PLC0415  only the first run needs it

            say("loading the demo seats and elders")
            await load_demo(database, settings, SystemClock())
        async with database.transaction() as session:
            return await seat_accounts(session)
    finally:
        await database.close()


def prepare_config(settings: Settings, seats: Sequence[SeatAccount] | None, runtime: AsteriskRuntime, say: Say) -> Path:
    """Render Asterisk's configuration; where that is refused or the seats are unknown, what was in force stays (R24).

    Raises `CallCenterError` when there is none to fall back on.
    """
    etc = layout(settings).etc
    in_force = (etc / "asterisk.conf").exists()
    if seats is None:
        if in_force:
            say("! seats and Asterisk configuration are those of the last start")
            return etc
        raise Unavailable(
            "The database does not answer and there is no Asterisk configuration of an earlier start: check"
            " CALLCENTER_DATABASE_URL and start the database."
        )
    try:
        return render(settings, seats, runtime)
    except CallCenterError as error:
        if not in_force:
            raise
        say(f"! {error.message}")
        return etc
