"""Imports over REST: a spreadsheet is uploaded and reported on row by row; applied only when somebody says so.

Elders, contacts, devices, accounts, staff. Reading, checking and writing happen in processes of their own.
"""

from typing import Annotated, Any

from fastapi import Body, Depends, Form, Query, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import defer

from callcenter.accounts.permissions import Permission, Principal
from callcenter.accounts.service import CHANGED as ACCOUNTS_CHANGED
from callcenter.api import idempotency
from callcenter.api.deps import Services, ServicesDep, SessionDep, client_address, require, transaction
from callcenter.api.elders import masked
from callcenter.api.files import FILES
from callcenter.api.paging import PageDep, fetch_page
from callcenter.api.problems import responses
from callcenter.api.types import Id, Moment, Page
from callcenter.errors import InvalidInput
from callcenter.imports import service
from callcenter.imports.columns import COLUMNS, Kind, by_header, header_key
from callcenter.imports.desk import ImportDesk
from callcenter.imports.model import ImportRow, ImportState
from callcenter.imports.work import Order
from callcenter.people.keeper import CHANGED
from callcenter.shapes import Flag
from callcenter.sheets.office import Office
from callcenter.sheets.reading import MAX_BYTES, MAX_ROWS

# Live: the process that writes must not wait for a transaction of ours.
router = idempotency.router("/imports", "imports", live=True)

Importer = Annotated[Principal, Depends(require("elders:write"))]
PREVIEW = 20


class Finding(BaseModel):
    """What is wrong, or odd, with a cell, and what to do. ``row``: as the spreadsheet numbers it."""

    row: int
    column: str
    text: str
    text_en: str


class ImportSummary(BaseModel):
    """An import. ``ok``: rows that can be written, ``new`` of them for the first time."""

    id: str
    kind: Kind
    state: ImportState
    file_name: str
    rows: int
    ok: int
    new: int
    changed: int
    problem_count: int
    warning_count: int
    created_by: str
    created_at: Moment
    applied_by: str | None
    applied_at: Moment | None
    result: dict[str, int] = Field(description="What was written: new and changed.")


class Preview(BaseModel):
    """A row as it was read."""

    row: int
    cells: list[str]


class Import(ImportSummary):
    """An import with its report; at most 1000 problems and warnings are listed."""

    problems: list[Finding]
    warnings: list[Finding]
    header: list[str]
    preview: list[Preview] = Field(description=f"The first {PREVIEW} rows, while it is a draft.")


class AccountSecret(BaseModel):
    """A new account's passwords; shown this once."""

    user: str
    password: str
    sip_password: str | None


class AppliedImport(Import):
    """An import that was applied, with the passwords of new accounts."""

    secrets: list[AccountSecret]


class ApplyInput(BaseModel):
    """``skip_errors``: write the rows without problems, and leave the others out."""

    model_config = ConfigDict(extra="forbid")

    skip_errors: Flag = False


def _desk(request: Request) -> ImportDesk:
    desk: ImportDesk = request.app.state.import_desk
    return desk


DeskDep = Annotated[ImportDesk, Depends(_desk)]


def _summary(row: ImportRow) -> dict[str, Any]:
    plain = ImportSummary.model_fields.keys() - {"changed"}
    return {name: getattr(row, name) for name in plain} | {"changed": row.ok - row.new}


def shown(row: ImportRow, who: Principal) -> Import:
    """The import with its report; identity numbers masked for those who may not see them whole."""
    rows = [Preview(row=number, cells=list(cells)) for number, cells in row.content[: PREVIEW + 1]]
    header = rows[0].cells if rows else []
    known = by_header(Kind(row.kind))
    secret = [place for place, name in enumerate(header) if (c := known.get(header_key(name))) and c.key == "id_number"]
    if not who.may(Permission.ELDERS_IDENTITY):
        for one in rows[1:]:
            one.cells = [masked(cell) or "" if place in secret else cell for place, cell in enumerate(one.cells)]
    findings = {name: [Finding(**one) for one in getattr(row, name)] for name in ("problems", "warnings")}
    return Import(**_summary(row), **findings, header=header, preview=rows[1:])


@router.get("", responses=responses())
async def list_imports(
    who: Importer, session: SessionDep, part: PageDep, kind: Annotated[Kind | None, Query()] = None
) -> Page[ImportSummary]:
    """Imports of the kinds that one may write, newest first."""
    query = service.imports_query(who)
    query = query if kind is None else query.where(ImportRow.kind == kind)
    # What was read of the files is megabytes, which no list shows: calls must not wait while it is decoded.
    query = query.options(*(defer(column, raiseload=True) for column in service.BULKY))
    rows, following = await fetch_page(session, query, ImportRow.id, part, newest_first=True)
    return Page(items=[ImportSummary(**_summary(row)) for row in rows], next=following)


@router.get("/templates/{kind}.xlsx", response_class=Response, responses={**responses(), **FILES})
async def get_template(request: Request, kind: Kind, _: Importer) -> Response:
    """An empty file with the right columns; the second sheet says what each holds."""
    office: Office = request.app.state.office
    columns = COLUMNS[kind]
    notes = [f"最多 {MAX_ROWS} 行，{MAX_BYTES // 2**20} MB。空单元格不改动已有内容。Empty cells change nothing.", ""]
    for column in columns:
        needed = "（必填 required）" if column.required else ""
        notes.append(f"{column.names[0]} / {column.names[1]}{needed}：{column.hint}")
    content = await office.xlsx("导入", [column.title for column in columns], [], notes)
    media = next(media for media in FILES[200]["content"] if media != "text/csv")
    headers = {"Content-Disposition": f'attachment; filename="{kind}.xlsx"'}
    return Response(content, media_type=media, headers=headers)


@router.post("", status_code=201, responses=responses(409, 413))
async def upload(
    request: Request,
    services: ServicesDep,
    desk: DeskDep,
    who: Importer,
    kind: Annotated[Kind, Form()],
    file: UploadFile,
) -> Import:
    """Read and check a file: .xlsx, or CSV in UTF-8 or GB18030. Nothing is written but the draft, kept for a day.

    A file that cannot be read at all is 422, with the reason; one with wrong rows is a draft that lists them.
    """
    who.check(service.NEEDED[kind])
    content = await file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"a file may have {MAX_BYTES // 2**20} MB; split it")
    office: Office = request.app.state.office
    rows = await office.read(content)
    name = "".join(letter for letter in file.filename or "" if letter.isprintable())[-120:]
    done = await desk.do(_order(request, services, who, kind=kind, file_name=name, rows=rows))
    return await _read(request, services, who, done.id)


def _order(request: Request, services: Services, who: Principal, **more: Any) -> Order:
    return Order(
        database=services.database.url,
        who=who,
        address=client_address(request),
        request_id=request.state.request_id,
        now=services.clock.now(),
        **more,
    )


async def _read(request: Request, services: Services, who: Principal, id: str) -> Import:
    async with transaction(request, services) as session:
        return shown(await service.get_import(session, id, who), who)


@router.get("/{id}", responses=responses(404))
async def get_import(id: Id, who: Importer, session: SessionDep) -> Import:
    """One import with its report."""
    return shown(await service.get_import(session, id, who), who)


@router.post("/{id}/apply", responses=responses(404, 409))
async def apply(
    request: Request,
    id: Id,
    services: ServicesDep,
    desk: DeskDep,
    who: Importer,
    body: Annotated[ApplyInput | None, Body()] = None,
) -> AppliedImport:
    """Write it, all in one transaction; calls know new elders and numbers at once. Done again, it is answered alike.

    409 while problems remain and skip_errors is not said, and when what is registered has changed since the check.
    """
    skip = body.skip_errors if body is not None else False
    done = await desk.do(_order(request, services, who, id=id, skip_errors=skip))
    if services.bus is not None:
        for topic in (CHANGED, ACCOUNTS_CHANGED):
            services.bus.publish(topic, b"")
    request.state.answer_is_secret = bool(done.secrets)
    applied = await _read(request, services, who, id)
    secrets = [AccountSecret(user=s.user, password=s.password, sip_password=s.sip_password) for s in done.secrets]
    return AppliedImport(**applied.model_dump(), secrets=secrets)


@router.delete("/{id}", status_code=204, responses=responses(404, 409))
async def discard(id: Id, who: Importer, session: SessionDep, services: ServicesDep) -> None:
    """Throw a draft away; what was read of the file is forgotten."""
    service.discard(services.clock, await service.get_import(session, id, who))
