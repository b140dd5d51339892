"""Imports: a draft that writes nothing but itself, and its application in one transaction, once.

Between the two the register may change: the application checks every row again and is refused when what it was checked
against is no longer what is registered.
"""

import hashlib
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.passwords import Passwords
from callcenter.accounts.permissions import Permission, Principal
from callcenter.clock import Clock
from callcenter.errors import Conflict, NotFound
from callcenter.ids import new_id
from callcenter.imports.check import SHOWN, Base, Finding, Report, Rows, check
from callcenter.imports.columns import Kind
from callcenter.imports.known import base_of
from callcenter.imports.model import ImportRow, ImportState
from callcenter.imports.writing import Secret, write

KEPT = timedelta(hours=24)
"""How long the rows of a draft are kept: they are personal data that nobody needs any more (I1)."""

NEEDED = {
    Kind.ELDERS: Permission.ELDERS_WRITE,
    Kind.CONTACTS: Permission.ELDERS_WRITE,
    Kind.DEVICES: Permission.DEVICES_WRITE,
    Kind.ACCOUNTS: Permission.ACCOUNTS_WRITE,
    Kind.STAFF: Permission.STAFF_WRITE,
}
"""The right that each kind takes."""


BULKY = (ImportRow.content, ImportRow.problems, ImportRow.warnings)
"""Columns that only a single import needs."""


class Applied(msgspec.Struct, frozen=True):
    """What came of it. ``secrets``: fresh passwords of accounts, told this once."""

    id: str
    secrets: list[Secret] = []


def imports_query(who: Principal) -> Select[ImportRow]:
    """The imports that ``who`` may see: of the kinds that they may write, and of their area."""
    kinds = [kind for kind, permission in NEEDED.items() if who.may(permission)]
    query = select(ImportRow).where(ImportRow.kind.in_(kinds))
    return query if who.area is None else query.where(ImportRow.area == who.area)


async def get_import(session: AsyncSession, id: str, who: Principal) -> ImportRow:
    """The import of that id, or `NotFound`."""
    row = (await session.scalars(imports_query(who).where(ImportRow.id == id))).one_or_none()
    if row is None:
        raise NotFound("no import has this id")
    return row


async def draft(session: AsyncSession, clock: Clock, who: Principal, kind: Kind, file_name: str, rows: Rows) -> str:
    """Check a table and keep it with its report; returns the id. Nothing else is written."""
    who.check(NEEDED[kind])
    base = await base_of(session, kind, rows)
    report = check(kind, rows, base, who.area)
    now = clock.now()
    row = ImportRow(
        id=new_id(),
        kind=kind.value,
        state=ImportState.DRAFT.value,
        file_name=file_name[:120],
        sha256=hashlib.sha256(msgspec.json.encode(rows)).hexdigest(),
        area=who.area,
        rows=report.rows,
        ok=report.ok,
        new=report.new,
        base=_digest(base),
        content=msgspec.to_builtins(rows),
        problems=_kept(report.problems),
        warnings=_kept(report.warnings),
        problem_count=len(report.problems),
        warning_count=len(report.warnings),
        created_by=who.user,
        result={},
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    await session.flush()
    return row.id


def _kept(findings: list[Finding]) -> list[dict[str, object]]:
    return [msgspec.to_builtins(one) for one in findings[:SHOWN]]


def _digest(base: Base) -> str:
    return hashlib.sha256(msgspec.json.encode(base, order="sorted")).hexdigest()


async def apply(
    session: AsyncSession, clock: Clock, passwords: Passwords, who: Principal, id: str, *, skip_errors: bool
) -> Applied:
    """Write every row without problems, in this transaction.

    An import that was applied already is answered as it was, without secrets. Raises `Conflict` when it was discarded,
    when rows have problems and ``skip_errors`` is not said, when nothing would be written, and when what was registered
    has changed since the check.
    """
    row = await get_import(session, id, who)
    if row.state == ImportState.APPLIED:
        return Applied(row.id)
    if row.state == ImportState.DISCARDED:
        raise Conflict(
            "该导入已放弃或超过一天，请重新上传文件 / "
            "this import was discarded, or waited for more than a day; upload the file again"
        )
    if row.problem_count and not skip_errors:
        raise Conflict(
            f"还有 {row.problem_count} 处错误，请改好文件再上传，或勾选跳过这些行 / "
            f"{row.problem_count} problems remain; mend the file, or leave those rows out by skip_errors"
        )
    kind, rows = Kind(row.kind), [(int(number), list(cells)) for number, cells in row.content]
    # First of all, so that of two at once one waits, or fails, before anything is written.
    row.state, row.applied_by, row.applied_at, row.updated_at = _APPLIED, who.user, clock.now(), clock.now()
    await session.flush()
    base = await base_of(session, kind, rows)
    report = check(kind, rows, base, row.area)
    if _digest(base) != row.base or report.ok != row.ok:
        raise Conflict(
            "检查之后档案有变动，请重新上传文件 / "
            "what is registered has changed since this file was checked; upload it again"
        )
    if not report.items:
        raise Conflict(
            "没有可以导入的行，请按报告改好文件再上传 / "
            "there is no row that could be written; mend the file as the report says, and upload it again"
        )
    row.result, secrets = await write(session, clock, passwords, kind, report.items, who)
    _forget(row)
    await session.flush()
    return Applied(row.id, secrets)


_APPLIED = ImportState.APPLIED.value


def discard(clock: Clock, row: ImportRow) -> None:
    """Throw a draft away; an import that was applied stays what it is."""
    if row.state == ImportState.APPLIED:
        raise Conflict(
            "该导入已写入，要改请到各列表中修改 / "
            "this import was applied already; what it wrote is changed in the lists themselves"
        )
    row.state, row.updated_at = ImportState.DISCARDED.value, clock.now()
    _forget(row)


def _forget(row: ImportRow) -> None:
    row.content = []


async def expire(session: AsyncSession, now: datetime) -> None:
    """Discard drafts that are older than a day; for the worker's timer."""
    old = select(ImportRow).where(ImportRow.state == ImportState.DRAFT.value, ImportRow.created_at < now - KEPT)
    for row in await session.scalars(old):
        row.state, row.updated_at = ImportState.DISCARDED.value, now
        _forget(row)


def report_of(row: ImportRow) -> Report:
    """The report that a row keeps, without its items."""
    problems, warnings = (msgspec.convert(found, list[Finding]) for found in (row.problems, row.warnings))
    return Report(row.rows, problems, warnings, [])
