"""Draws a document as PDF (A4): run as a process of its own, so that no drawing holds up a call.

``python -m callcenter.reports.pdf`` reads an encoded `Document` from its input and writes the PDF to its output. The
font is embedded as far as it is used, so the text is shown everywhere and can be searched and copied.
"""

import logging
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from fpdf import FPDF, FontFace
from fpdf.enums import Align, TableBordersLayout, TextMode, VAlign, WrapMode, XPos, YPos
from pylopdf_fonts_zh_cn import sans_path

from callcenter.clock import SHANGHAI
from callcenter.reports.document import Document, Section, digest

_FONT = "sans"
_MARGIN, _LINE = 15.0, 5.0
_INK, _GREY, _RULE = (28, 39, 51), (96, 108, 118), (176, 184, 192)
_HEAD, _LABEL = (226, 233, 240), (240, 244, 247)
_STAMP = (251, 222, 222)
_RED = (190, 30, 30)
_GRID = (13, 41, 13, 33)
_PROSE: dict[str, Any] = {"wrapmode": WrapMode.CHAR, "new_x": XPos.LMARGIN, "new_y": YPos.NEXT, "align": Align.L}
_MOST_LINES = 30
"""Of one cell: a row must fit on a page."""
_WIDEST = 3.1
"""Millimetres that a Chinese character takes in a table."""
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


class _Page(FPDF):
    """A4 with head, foot and stamp."""

    def __init__(self, document: Document, hash_: str) -> None:
        super().__init__(format="A4")
        self._document = document
        self._hash = hash_
        self.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self.set_auto_page_break(True, 20)
        self.add_font(_FONT, "", sans_path())
        self.set_font(_FONT, size=9)
        self.set_title(f"{document.title} {document.number}")
        self.set_author(document.organisation)
        self.set_creation_date(document.made_at)
        self.set_lang("zh-CN")

    def header(self) -> None:
        document = self._document
        if document.stamp:
            self._stamp(document.stamp)
        self.set_font(_FONT, size=8)
        self.set_text_color(*_GREY)
        self.cell(0, 4, document.organisation, align=Align.L)
        self.set_x(_MARGIN)
        self.cell(0, 4, f"编号 {document.number}", align=Align.R, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_draw_color(*_RULE)
        self.line(_MARGIN, self.get_y() + 1, self.w - _MARGIN, self.get_y() + 1)
        self.ln(4)
        self.set_text_color(*_INK)

    def _stamp(self, word: str) -> None:
        """Behind everything else on the page, and again in its corner, where a print in grey shows it too."""
        with self.local_context(text_color=_STAMP, font_size_pt=150), self.rotation(40, self.w / 2, self.h / 2):
            self.text((self.w - self.get_string_width(word)) / 2, self.h / 2 + 20, word)
        with self.local_context(text_color=_RED, font_size_pt=11):
            self.text(self.w / 2 - self.get_string_width(f"【{word}】") / 2, _MARGIN + 3, f"【{word}】")

    def footer(self) -> None:
        self.set_y(-15)
        self.set_font(_FONT, size=7)
        self.set_text_color(*_GREY)
        made = self._document.made_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
        self.cell(0, 3.5, f"制表 {made}（北京时间） {self._document.made_by}", align=Align.L)
        self.set_x(_MARGIN)
        self.cell(0, 3.5, f"第 {self.page_no()} 页 共 {{nb}} 页", align=Align.R, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.cell(0, 3.5, f"内容摘要 SHA-256 {self._hash}", align=Align.L)
        self.set_text_color(*_INK)

    def strong(self, text: str, size: float, height: float, align: Align = Align.L) -> None:
        """A line in bold: the font has one weight, so its outline is drawn as well."""
        with self.local_context(text_mode=TextMode.FILL_STROKE, line_width=size / 150, draw_color=_INK):
            self.set_font(_FONT, size=size)
            self.cell(0, height, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font(_FONT, size=9)


def render(content: bytes) -> bytes:
    """The PDF of an encoded `Document`. Raises `msgspec.DecodeError` for anything else."""
    document = msgspec.json.decode(content, type=Document)
    page = _Page(document, digest(content))
    page.add_page()
    page.strong(document.title, 18, 11, Align.C)
    page.ln(2)
    for section in document.sections:
        _draw(page, section)
    if document.signatures:
        _sign(page, document.signatures)
    if document.appendix:
        page.add_page()
    for section in document.appendix:
        _draw(page, section)
    return bytes(page.output())


def _draw(page: _Page, section: Section) -> None:
    if page.will_page_break(24):
        page.add_page()
    page.ln(1.5)
    page.strong(_clean(section.title), 11.5, 7)
    if section.rows:
        _table(page, section)
    if section.text:
        page.ln(1)
        page.multi_cell(0, _LINE, _clean(section.text), **_PROSE)
    if section.note:
        page.ln(1)
        with page.local_context(text_color=_GREY, font_size_pt=8):
            page.multi_cell(0, 4.2, _clean(section.note), **_PROSE)
    page.ln(2)


def _table(page: _Page, section: Section) -> None:
    widths = section.widths or _GRID
    page.set_draw_color(*_RULE)
    page.set_line_width(0.15)
    with page.table(
        borders_layout=TableBordersLayout.ALL,
        col_widths=widths,
        first_row_as_headings=bool(section.headings),
        headings_style=FontFace(color=_INK, fill_color=_HEAD, size_pt=8.5),
        line_height=_LINE,
        padding=(0.6, 1.2),
        text_align=Align.L,
        v_align=VAlign.M,
        wrapmode=WrapMode.CHAR,
        width=page.epw,
    ) as table:
        if section.headings:
            table.row(_fit(section.headings, widths, page.epw))
        label, plain = FontFace(fill_color=_LABEL), FontFace(size_pt=8)
        for cells in section.rows:
            row = table.row()
            for number, cell in enumerate(_fit(cells, widths, page.epw)):
                grid = label if number % 2 == 0 else None
                row.cell(cell, style=plain if section.headings else grid)


def _fit(cells: Sequence[str], widths: Sequence[float], page_width: float) -> list[str]:
    """The cells' texts, each cut to as many lines as a row may have."""
    fitted = []
    for cell, share in zip(cells, widths, strict=True):
        in_line = max(1, int((share / sum(widths) * page_width - 2.4) / _WIDEST))
        left, kept = _MOST_LINES, []
        for line in _clean(cell).split("\n"):
            if left * in_line < len(line) or left == 0:
                kept.append(f"{line[: max(0, (left - 1) * in_line)]}……")
                break
            kept.append(line)
            left -= max(1, -(-len(line) // in_line))
        fitted.append("\n".join(kept))
    return fitted


def _sign(page: _Page, signatures: tuple[str, ...]) -> None:
    if page.will_page_break(26):
        page.add_page()
    page.ln(10)
    width = page.epw / len(signatures)
    for name in signatures:
        page.cell(width, 6, f"{name}：______________")
    page.ln(10)
    for _ in signatures:
        page.cell(width, 6, "日期：______________")


def _clean(text: str) -> str:
    """Without what cannot be seen: control characters, and those that turn the direction of writing."""
    return _UNSEEN.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def main() -> None:
    """The process: calls go first."""
    os.nice(10)
    logging.disable()
    sys.stdout.buffer.write(render(sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
