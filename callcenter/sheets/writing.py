"""Writes one sheet as .xlsx. Every text is stored as text: no cell is a formula, whatever it begins with."""

import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

Cell = str | int | float | bool | None

LONGEST = 32_000
"""Characters of one cell; Excel takes 32,767."""
_UNSHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write(title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], notes: Sequence[str] = ()) -> bytes:
    """The file: a header that stays in sight, one row each, ``notes`` on a second sheet."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", title)[:31] or "1")
    sheet.freeze_panes = "A2"
    for number, name in enumerate(header, 1):
        sheet.column_dimensions[get_column_letter(number)].width = min(60, 6 + 2 * len(name))

    def cell(value: Cell, *, bold: bool = False) -> Any:
        text = isinstance(value, str)
        made = WriteOnlyCell(sheet, _UNSHOWN.sub(" ", value)[:LONGEST] if isinstance(value, str) else value)
        if text:
            made.data_type = "s"  # the library takes "=1" for a formula
            made.number_format = "@"
        if bold:
            made.font = Font(bold=True)
        return made

    sheet.append([cell(name, bold=True) for name in header])
    for row in rows:
        sheet.append([None if value is None or value == "" else cell(value) for value in row])
    if notes:
        help_sheet = book.create_sheet("说明 Help")
        help_sheet.column_dimensions["A"].width = 120
        for line in notes:
            help_sheet.append([cell(line)])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
