"""Spreadsheets that people and attackers send, and those we write (R22)."""

import io
import zipfile
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.errors import InvalidInput
from callcenter.sheets import reading
from callcenter.sheets.office import Office
from callcenter.sheets.reading import Unreadable, read
from callcenter.sheets.writing import write


def xlsx(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(content: bytes, name: str, part: bytes) -> bytes:
    """The same file with one part replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, part if info.filename == name else old.read(info))
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        "姓名,电话\n陈桂英,13800001001\n".encode(),
        "姓名,电话\r\n陈桂英,13800001001".encode("utf-8-sig"),
        "姓名;电话\n陈桂英;13800001001\n".encode("gb18030"),
        "姓名\t电话\n陈桂英\t13800001001\n".encode("utf-16"),
        xlsx(["姓名", "电话"], ["陈桂英", "13800001001"]),
        xlsx(["姓名", "电话"], [" 陈桂英 ", 13800001001]),
        xlsx(["姓名", "电话"], ["陈桂英", 13800001001.0]),
    ],
)
def test_given_the_same_table_in_any_clothes_when_read_then_its_rows_are_the_same(content: bytes) -> None:
    assert read(content) == [(1, ["姓名", "电话"]), (2, ["陈桂英", "13800001001"])]


def test_given_typed_cells_when_read_then_they_are_text_and_a_number_too_long_is_not_taken_for_whole() -> None:
    moment = datetime(2026, 3, 1, 9, 30)  # noqa: DTZ001 - a spreadsheet knows no time zone
    (_, cells), (number, _) = read(
        xlsx([date(1941, 3, 12), moment, True, 2.5, 320502194103120021, None, "x"], [None], ["y"])
    )
    assert cells == ["1941-03-12", "2026-03-01 09:30", "是", "2.5", "3.20502194103120e+17", "", "x"]
    assert number == 3, "blank rows are left out, numbers are the spreadsheet's"


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "x")
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            for _ in range(70):
                part.write(b" " * 2**20)
    return out.getvalue()


ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&b;</t></si></sst>'
)
GOOD = xlsx(["a"], ["b"])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "空的"),
        (b"\n \n,,\n", "空的"),
        (b"PK\x03\x04garbage", "损坏"),
        (GOOD[: len(GOOD) // 2], "损坏"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
        (bomb(), "过大"),
        (repacked(GOOD, "xl/worksheets/sheet1.xml", ENTITIES), "损坏"),
        (repacked(GOOD, "xl/workbook.xml", b"<workbook/>"), "损坏"),
        (b"\xff\x81\x00\xff", "编码"),
        (b"a,b\x00\n", "表格"),
        (b'"a\n', "CSV"),
        (b"a\n" + b"x\n" * (reading.MAX_ROWS + 1), "行"),
        (b"," * 60 + b"x", "列"),
        (b"x" * 5000, "字"),
        (b"x" * (reading.MAX_BYTES + 1), "MB"),
        (b"a\n" + b"\n" * (reading.MAX_BLANK + 2) + b"b", "空行"),
    ],
)
def test_given_a_file_of_no_use_when_read_then_it_is_said_why(content: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(content)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255))
def test_given_any_byte_of_a_file_changed_when_read_then_it_is_rows_or_a_reason(at: int, byte: int) -> None:
    with suppress(Unreadable):
        assert read(GOOD[:at] + bytes([byte]) + GOOD[at + 1 :])


HOSTILE = ["=1+1", "+86", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "\t=1", "a\x00b\x1fc", "x" * 40_000, "\ud800"]


def test_given_one_long_text_in_very_many_cells_when_read_then_it_is_refused_before_it_fills_the_memory() -> None:
    """R22: a few KB that are 80 MB of text; whoever reads them answers calls as well."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    book = openpyxl.Workbook()
    made = io.BytesIO()
    book.save(made)
    cells = '<c t="s"><v>0</v></c>' * 10
    rows = "".join(f'<row r="{number}">{cells}</row>' for number in range(1, 2_001))
    parts = {
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{main}"><si><t>{"x" * reading.MAX_CELL}</t></si></sst>',
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
        types = old.read("[Content_Types].xml").decode()
        override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
        parts["[Content_Types].xml"] = types.replace("</Types>", override)
        for name in {*old.namelist(), *parts}:
            new.writestr(name, parts.get(name) or old.read(name))
    assert len(packed.getvalue()) < 100_000
    with pytest.raises(Unreadable, match="too much text"):
        read(packed.getvalue())


def test_given_texts_that_a_spreadsheet_would_run_when_written_then_they_are_text() -> None:
    made = write("a[b]:*", ["名", "=数"], [[text, 1] for text in HOSTILE], ["=note"])
    for sheet in openpyxl.load_workbook(io.BytesIO(made)).worksheets:
        for row in sheet.iter_rows():
            assert all(cell.data_type in ("s", "n") for cell in row if cell.value is not None)
    assert read(write("x", ["a"], [["=1+1", 1]]))[1][1] == ["=1+1", "1"]


async def test_given_the_process_apart_when_asked_then_rows_come_back_and_a_bad_file_is_refused() -> None:
    office = Office()
    made = await office.xlsx("表", ["姓名"], [["陈"], ["=1"]])
    assert await office.read(made) == [(1, ["姓名"]), (2, ["陈"]), (3, ["=1"])]
    with pytest.raises(InvalidInput, match="过大"):
        await office.read(bomb())
