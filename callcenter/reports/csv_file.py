"""CSV for spreadsheets: UTF-8 with a byte order mark, CRLF (RFC 4180), and no cell that runs as a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

Cell = str | int | float | None


def write(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The file. A text that a spreadsheet would run is shown with an apostrophe before it; None is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip().startswith(_FORMULA) else cell
