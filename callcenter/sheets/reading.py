"""Reads the first sheet of an .xlsx, or a CSV, into rows of text. Whoever wrote the file is not trusted (R22).

Bounded: bytes that a ZIP unfolds to, rows, columns, characters of a cell. Entities and external parts are refused by
defusedxml, which openpyxl uses where it is installed; nothing of a formula is run, its last value is read.
"""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from datetime import time as day_time
from xml.etree.ElementTree import ParseError

import openpyxl
from defusedxml.common import DefusedXmlException
from openpyxl.utils.exceptions import InvalidFileException

MAX_BYTES = 5 * 1024 * 1024
"""Of the file as it comes."""
MAX_UNPACKED = 64 * 1024 * 1024
MAX_PARTS = 500
MAX_ROWS = 5_000
"""Rows with something in them, the header not counted."""
MAX_BLANK = 100_000
MAX_COLUMNS = 60
MAX_CELL = 4_000
MAX_TEXT = MAX_BYTES
"""Characters of all cells: an .xlsx says a long text once, and names it in as many cells as it likes."""
EXACT = 10**15
"""A spreadsheet keeps 15 digits of a number."""

Rows = list[tuple[int, list[str]]]
"""Numbered as the spreadsheet numbers them, from 1; blank ones left out, the first is the header."""


class Unreadable(Exception):
    """The file cannot be read; the text says why and what to do, in Chinese and English."""


def read(content: bytes) -> Rows:
    """The rows of a file; raises `Unreadable`."""
    if len(content) > MAX_BYTES:
        raise Unreadable(f"文件超过 {MAX_BYTES // 2**20} MB，请分成几个文件 / the file is too large; split it")
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable("旧版 .xls 或加密的文件，请另存为不加密的 .xlsx / old or encrypted; save it as plain .xlsx")
    found = _kept(_xlsx(content) if content.startswith(b"PK") else _csv(content))
    if not found:
        raise Unreadable("文件是空的，请照模板填写 / the file is empty; fill in the template")
    return found


def _kept(rows: Iterable[Sequence[str]]) -> Rows:
    found: Rows = []
    letters = 0
    for number, row in enumerate(rows, 1):
        if number - len(found) > MAX_BLANK:
            raise Unreadable("空行太多，请删除空行 / too many blank rows; delete them")
        cells = [cell.strip() for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        if len(found) > MAX_ROWS:
            raise Unreadable(f"超过 {MAX_ROWS} 行，请分成几个文件 / more than {MAX_ROWS} rows; split the file")
        if len(cells) > MAX_COLUMNS:
            raise Unreadable(
                f"超过 {MAX_COLUMNS} 列，请删去多余的列 / more than {MAX_COLUMNS} columns; delete the others"
            )
        if any(len(cell) > MAX_CELL for cell in cells):
            raise Unreadable(
                f"第 {number} 行有单元格超过 {MAX_CELL} 字，请缩短 / row {number} has a cell too long; shorten it"
            )
        letters += sum(map(len, cells))
        if letters > MAX_TEXT:
            raise Unreadable("文字总量过大，请分成几个文件 / too much text in all; split the file")
        found.append((number, cells))
    return found


def _xlsx(content: bytes) -> Iterator[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            # Python's reader stops at the size that a part declares, so the sum of them is a bound.
            if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
                raise Unreadable("文件解压后过大，请分成几个文件 / the file unfolds to too much; split it")
            if "[Content_Types].xml" not in archive.namelist():
                raise Unreadable(
                    "不是 .xlsx 文件，请用 Excel 或 WPS 另存为 .xlsx / this is no .xlsx file; save it as one"
                )
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a file says of its own size is not believed
        for row in sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS + 1):
            yield [_text(value) for value in row]
    except Unreadable:
        raise
    except (
        *(
            zipfile.BadZipFile,
            zlib.error,
            InvalidFileException,
            ParseError,
            DefusedXmlException,
            KeyError,
            ValueError,
            TypeError,
        ),
        *(
            IndexError,
            AttributeError,
            OverflowError,
            EOFError,
            OSError,
            NotImplementedError,
            RuntimeError,
            AssertionError,
        ),
    ) as error:
        raise Unreadable("文件已损坏，请用 Excel 或 WPS 重新保存 / the file is damaged; save it again") from error


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "是" if value else "否"
        case datetime():
            return value.date().isoformat() if value.time() == day_time() else value.isoformat(" ", "minutes")
        case date():
            return value.isoformat()
        case int() | float() if abs(value) >= EXACT:
            return f"{value:.14e}"  # its last digits are gone already: shown so that nobody takes it for whole
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def _csv(content: bytes) -> Iterator[list[str]]:
    text = _decoded(content)
    if "\x00" in text:
        raise Unreadable("不是表格文件，请上传 .xlsx 或 CSV / this is no spreadsheet; upload .xlsx or CSV")
    head = text[:4096].partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    csv.field_size_limit(MAX_CELL * 4)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise Unreadable(
            "CSV 有误，如引号不成对；请用 Excel 或 WPS 重新保存 / the CSV is broken, e.g. an open quote; save it again"
        ) from error


def _decoded(content: bytes) -> str:
    """UTF-8 with or without a mark, UTF-16 with one, else GB18030, which what Excel in China writes is part of."""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("编码不是 UTF-8 或 GB18030，请另存为 UTF-8 的 CSV / unknown encoding; save as UTF-8")
