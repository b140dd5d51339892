"""``python -m callcenter.imports.work``: checks or applies one import, and ends.

In a process of its own, for thousands of rows take seconds that the calls' event loop has not. Standard input: an
`Order` as JSON. Standard output: a `Done` as JSON.
"""

import asyncio
import os
import sys
from datetime import datetime

import msgspec
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

import callcenter.models  # noqa: F401  every table is known
from callcenter.accounts.passwords import Passwords
from callcenter.accounts.permissions import Principal
from callcenter.audit import trail
from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.errors import CallCenterError, Conflict
from callcenter.imports.columns import Kind
from callcenter.imports.service import Applied, apply, draft
from callcenter.imports.writing import Secret

NICENESS = 10
LOCKED = (
    "数据库忙，或该导入正在写入，请稍后再试 / the database is busy, or this import is being applied already; try again"
)


class Order(msgspec.Struct, frozen=True):
    """What to do. ``id``: the import to apply; None: check ``rows`` and keep them as a draft."""

    database: str
    who: Principal
    address: str
    request_id: str
    now: datetime
    id: str | None = None
    skip_errors: bool = False
    kind: str = Kind.ELDERS
    file_name: str = ""
    rows: list[tuple[int, list[str]]] = []


class Done(msgspec.Struct, frozen=True):
    """What came of it; or why nothing did: ``error`` is the code of a `CallCenterError`, ``text`` its sentence."""

    id: str = ""
    secrets: list[Secret] = []
    error: str = ""
    text: str = ""


async def work(order: Order, passwords: Passwords) -> Done:
    """Do what is asked for, in one audited transaction."""
    clock = ManualClock(order.now)
    database = Database(order.database)
    origin = trail.Origin(order.who.user, order.address, order.request_id)
    try:
        async with database.transaction() as session:
            trail.attribute(session, clock, lambda: origin)
            if order.id is None:
                kind = Kind(order.kind)
                done = Applied(await draft(session, clock, order.who, kind, order.file_name, order.rows))
            else:
                skip = order.skip_errors
                done = await apply(session, clock, passwords, order.who, order.id, skip_errors=skip)
    except (IntegrityError, StaleDataError, OperationalError):
        return Done(error=Conflict.code, text=LOCKED)
    except CallCenterError as error:
        return Done(error=error.code, text=error.message)
    finally:
        await database.close()
    return Done(done.id, done.secrets)


def main() -> None:
    """Read the order, do it, tell what came of it."""
    os.nice(NICENESS)
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(work(order, Passwords()))))


if __name__ == "__main__":
    main()
