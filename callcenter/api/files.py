"""Answers that are files for spreadsheets: CSV or .xlsx, from the same header and rows."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Path, Request, Response

from callcenter.errors import InvalidInput
from callcenter.reports import csv_file
from callcenter.sheets.office import Office
from callcenter.sheets.writing import Cell

MOST_ROWS = 20_000
"""Of one exported list."""


class Format(StrEnum):
    """What a spreadsheet file may be."""

    CSV = "csv"
    XLSX = "xlsx"


FormatPath = Annotated[Format, Path(description="csv: UTF-8 with a byte order mark; xlsx: Excel, WPS.")]

_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file. No text in it runs as a formula.",
        "content": {media.partition(";")[0]: {"schema": {"type": "string"}} for media in _TYPES.values()},
    }
}
"""For ``responses=``."""


async def answer(
    request: Request, form: Format, name: str, title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]]
) -> Response:
    """The file as an answer. ``name``: of the file, ASCII, without its ending."""
    if form is Format.CSV:
        content = csv_file.write(header, rows)
    else:
        office: Office = request.app.state.office
        content = await office.xlsx(title, header, rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(content, media_type=_TYPES[form], headers=headers)


def bounded(rows: Sequence[Any]) -> None:
    """Raises `InvalidInput` for more rows than one file may have; ask the database for one more than that."""
    if len(rows) > MOST_ROWS:
        raise InvalidInput(f"more than {MOST_ROWS} rows; narrow the period or another filter", reason="too_many_rows")
