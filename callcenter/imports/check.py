"""Checks a table row by row against the columns of its kind and against what is registered already (pure)."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from callcenter.imports.columns import COLUMNS, MOST_ACCOUNTS, Column, Kind, by_header, header_key
from callcenter.imports.values import Value, Wrong

Rows = Sequence[tuple[int, Sequence[str]]]
Record = dict[str, Value]
MOST_CONTACTS = 40
SHOWN = 1000
"""Problems and warnings that are kept of one file; more are counted."""


class Finding(msgspec.Struct, frozen=True):
    """What is wrong, or odd, with a cell. ``row``: as the spreadsheet numbers it; ``column``: its header."""

    row: int
    column: str
    text: str
    text_en: str


class Known(msgspec.Struct, frozen=True):
    """Something registered already. ``contacts``: of an elder, each role, name and phone. ``gone``: taken off."""

    id: str
    version: int
    key: str
    area: str | None = None
    contacts: tuple[tuple[str, str, str], ...] = ()
    gone: bool = False


class Base(msgspec.Struct, frozen=True):
    """What is registered of all that a file names.

    ``by_key``: by code, serial or user name. ``by_identity``: elders by identity number. ``elders``: by code, for
    contacts and devices. ``holders``: by phone number, who has it: names of elders, serials of devices.
    """

    by_key: dict[str, Known] = {}
    by_identity: dict[str, Known] = {}
    elders: dict[str, Known] = {}
    holders: dict[str, list[str]] = {}


class Item(msgspec.Struct, frozen=True):
    """A row that can be written. ``id``, ``version``: of what it changes, None for what is new; ``elder_id``: whose."""

    row: int
    values: Record
    id: str | None = None
    version: int | None = None
    elder_id: str | None = None


class Report(msgspec.Struct, frozen=True):
    """Everything that was found. ``rows``: with something in them, the header not counted; ``ok``: without problems."""

    rows: int
    problems: list[Finding]
    warnings: list[Finding]
    items: list[Item]

    @property
    def ok(self) -> int:
        return len(self.items)

    @property
    def new(self) -> int:
        return sum(item.id is None for item in self.items)


class _Checker:
    def __init__(self, kind: Kind, rows: Rows, base: Base, area: str | None) -> None:
        self.kind, self.base, self.area = kind, base, area
        self.header, self.rows = rows[0], rows[1:]
        self.problems: list[Finding] = []
        self.warnings: list[Finding] = []
        self.items: list[Item] = []
        self.seen: dict[tuple[str, str], int] = {}
        self.wrong: set[int] = set()
        self.told: set[tuple[int, str]] = set()
        self.titles: dict[str, str] = {}
        """By key, the file's own header; of a column that it has not, the template's."""

    def problem(self, row: int, key: str, zh: str, en: str) -> None:
        self.wrong.add(row)
        self.told.add((row, key))
        self.problems.append(Finding(row, self.titles.get(key, key), zh, en))

    def warn(self, row: int, key: str, zh: str, en: str) -> None:
        self.warnings.append(Finding(row, self.titles.get(key, key), zh, en))

    def run(self) -> Report:
        columns = self.columns()
        if columns:
            check = _CHECKS[self.kind]
            for number, cells in self.rows:
                record = self.record(number, cells, columns)
                item = check(self, number, record)
                if item is not None and number not in self.wrong:
                    self.items.append(item)
        return Report(len(self.rows), self.problems, self.warnings, self.items)

    def columns(self) -> list[Column | None]:
        """The column of each cell; none at all when one that must be there is missing."""
        number, cells = self.header
        known = by_header(self.kind)
        english = all(cell.isascii() for cell in cells)
        self.titles = {column.key: column.names[english] for column in COLUMNS[self.kind]}
        found = [known.get(header_key(cell)) for cell in cells]
        for cell, column in zip(cells, found, strict=True):
            if column is not None:
                self.titles[column.key] = cell
            elif cell:
                self.warn(
                    number,
                    cell[:60],
                    "不认识的列，已忽略；要导入它，请照模板改列名",
                    "unknown column, ignored; to import it, name it as the template does",
                )
        twice = [key for key, times in Counter(column.key for column in found if column).items() if times > 1]
        for key in twice:
            self.problem(number, key, "有两列是同一内容，请删除一列", "two columns are the same; delete one")
        for column in COLUMNS[self.kind]:
            if column.required and column not in found:
                zh = f"缺少“{column.title}”列，请照模板补上"
                self.problem(
                    number, column.key, zh, f"column “{column.names[1]}” is missing; add it as in the template"
                )
        return [] if self.problems else found

    def record(self, number: int, cells: Sequence[str], columns: Sequence[Column | None]) -> Record:
        """The values of a row; what cannot be used is told. An empty cell says nothing."""
        record: Record = {}
        for column, cell in zip(columns, cells, strict=False):
            if column is None or not cell:
                continue
            try:
                record[column.key] = column.parse(cell)
            except Wrong as error:
                self.problem(number, column.key, error.zh, error.en)
        if len(cells) > len(columns):
            self.warn(
                number,
                "",
                "表头之外还有内容，已忽略；要导入它，请给该列写上列名",
                "cells beyond the header, ignored; to import them, name the column",
            )
        return record

    def need(self, number: int, record: Record, *keys: str) -> bool:
        """Whether these are given; what is missing, and was not wrong, is told."""
        for key in keys:
            if key not in record and (number, key) not in self.told:
                self.problem(number, key, "必填，请补上", "must be given; fill it in")
        return all(key in record for key in keys)

    def once(self, number: int, key: str, value: str) -> None:
        """A value that only one row may have."""
        first = self.seen.setdefault((key, value), number)
        if first != number:
            self.problem(number, key, f"与第 {first} 行重复，请删除一行", f"the same as row {first}; delete one")

    def mine(self, number: int, key: str, area: str | None) -> None:
        """Whoever serves one area writes of its elders alone (I3)."""
        if self.area is not None and area != self.area:
            zh = f"不属于您负责的区域“{self.area}”；请核对，或请中心导入"
            self.problem(number, key, zh, f"not of your area, {self.area}; compare, or ask the centre to import it")

    def elder(self, number: int, record: Record) -> Known | None:
        """The elder a contact or device belongs to."""
        code = str(record.get("elder", ""))
        if not code:
            return None
        known = self.base.elders.get(code)
        if known is None:
            self.problem(
                number,
                "elder",
                "没有这个编号的老人；请核对编号，或先导入老人",
                "no elder has this code; compare it, or import elders first",
            )
            return None
        self.mine(number, "elder", known.area)
        return known


def _elder(check: _Checker, number: int, record: Record) -> Item | None:
    code, identity = str(record.get("code", "")), str(record.get("id_number", ""))
    for key, value in (("code", code), ("id_number", identity)):
        if value:
            check.once(number, key, value)
    same = check.base.by_identity.get(identity) if identity else None
    known = check.base.by_key.get(code) if code else same
    if same is not None and (known is None or same.id != known.id):
        if check.area in (None, same.area):
            zh = f"该身份证号已登记为 {same.key}；要更新请填这个编号"
            check.problem(number, "id_number", zh, f"registered as {same.key}; give that code to change it")
        else:
            check.problem(number, "id_number", "该身份证号无法登记，请联系中心核实", "ask the centre about this number")
    if known is None:
        check.need(number, record, "name")
    else:
        check.once(number, "code", f"={known.id}")
        check.mine(number, "code", known.area)
    if known is not None and known.gone:
        check.problem(number, "code", "该编号属于已注销的老人，请换一个", "its elder was taken off; choose another")
    if known is None or "area" in record:
        check.mine(number, "area", str(record.get("area", "")) or None)
    if identity:
        _identity(check, number, record, identity)
    for phone in _numbers(record):
        first = check.seen.setdefault(("phone", phone), number)
        others = [name for name in check.base.holders.get(phone, ()) if known is None or name != known.key]
        if first != number:
            check.warn(
                number,
                "phones",
                f"电话与第 {first} 行相同：来电时会请话务员选人",
                f"as in row {first}; callers will be told apart by hand",
            )
        elif others:
            zh, en = _holders(check, others)
            check.warn(
                number,
                "phones",
                f"电话已登记给{zh}：来电时会请话务员选人",
                f"also of {en}; callers will be told apart by hand",
            )
    if not _numbers(record) and known is None:
        check.warn(
            number,
            "phones",
            "没有电话：来电时认不出；请补上本人电话",
            "no phone: callers will not be recognised; add one",
        )
    return Item(number, record, known.id if known else None, known.version if known else None)


def _holders(check: _Checker, names: Sequence[str]) -> tuple[str, str]:
    """Who has a number, in both languages; whoever serves one area is not told who of another (I3)."""
    return ("他人", "others") if check.area is not None else (f" {'、'.join(names[:3])}", ", ".join(names[:3]))


def _numbers(record: Record) -> list[str]:
    phones = record.get("phones", [])
    return phones if isinstance(phones, list) else []


def _identity(check: _Checker, number: int, record: Record, identity: str) -> None:
    """What the identity number says of birth and sex fills what is not given, and is compared with what is."""
    born = f"{identity[6:10]}-{identity[10:12]}-{identity[12:14]}"
    sex = "male" if int(identity[16]) % 2 else "female"
    for key, value in (("birth_date", born), ("sex", sex)):
        if record.setdefault(key, value) != value:
            check.warn(number, key, "与身份证号不符，请核对", "does not fit the identity number; compare")


def _contact(check: _Checker, number: int, record: Record) -> Item | None:
    given = check.need(number, record, "elder", "role", "name", "phone")
    known = check.elder(number, record)
    if not given or known is None:
        return None
    contact = (str(record["role"]), str(record["name"]), str(record["phone"]))
    check.once(number, "phone", "|".join((known.id, *contact)))
    if contact in known.contacts:
        check.warn(number, "phone", "该联系人已登记，不会重复添加", "already a contact; not added again")
    added = check.seen.get(("contacts", known.id), len(known.contacts)) + (contact not in known.contacts)
    check.seen["contacts", known.id] = added
    if added > MOST_CONTACTS:
        check.problem(
            number,
            "elder",
            f"一位老人最多 {MOST_CONTACTS} 个联系人，请删去多余的",
            f"at most {MOST_CONTACTS} contacts an elder; take the others out",
        )
    return Item(number, record, version=known.version, elder_id=known.id)


def _device(check: _Checker, number: int, record: Record) -> Item | None:
    if not check.need(number, record, "serial", "kind"):
        return None
    serial = str(record["serial"])
    check.once(number, "serial", serial)
    known, elder = check.base.by_key.get(serial), check.elder(number, record)
    if check.area is not None and known is not None and known.area != check.area:
        check.problem(
            number,
            "serial",
            "该设备不在您的区域；请核对序列号，或请中心导入",
            "this device is not of your area; compare, or ask the centre to import it",
        )
    if check.area is not None and known is None and "elder" not in record:
        check.problem(number, "elder", "请填写您区域的老人编号", "name an elder of your area")
    phone = str(record.get("number", ""))
    if phone:
        check.once(number, "number", phone)
        others = [name for name in check.base.holders.get(phone, ()) if name != serial]
        if others:
            zh, en = _holders(check, others)
            check.warn(
                number,
                "number",
                f"号码已登记给{zh}，请核对：报警时可能认错人",
                f"also of {en}; compare: an alarm may be taken for theirs",
            )
    whose = elder.id if elder else None
    return Item(number, record, known.id if known else None, known.version if known else None, whose)


def _account(check: _Checker, number: int, record: Record) -> Item | None:
    if not check.need(number, record, "user", "name", "role"):
        return None
    user = str(record["user"])
    check.once(number, "user", user)
    if user in check.base.by_key:
        check.problem(
            number,
            "user",
            "用户名已存在；请换一个，已有账号请在“员工与坐席”页修改",
            "taken; choose another, or change that account on its page",
        )
    if len(check.rows) > MOST_ACCOUNTS:
        check.problem(
            number,
            "user",
            f"一次最多 {MOST_ACCOUNTS} 个账号，请分成几个文件",
            f"at most {MOST_ACCOUNTS} accounts a file; split it",
        )
    return Item(number, record)


def _staff(check: _Checker, number: int, record: Record) -> Item | None:
    known = check.base.by_key.get(str(record.get("code", "")))
    if not check.need(number, record, *(("code",) if known else ("code", "name", "kind"))):
        return None
    check.once(number, "code", str(record["code"]))
    if known is not None:
        check.mine(number, "code", known.area)
    if "area" in record:
        check.mine(number, "area", str(record["area"]))
    if str(record.get("ends_on") or "9999") < str(record.get("starts_on", "")):
        check.problem(
            number, "ends_on", "离职日期早于入职日期，请核对两者", "before the day on which they begin; compare both"
        )
    return Item(number, record, known.id if known else None, known.version if known else None)


_CHECKS: Mapping[Kind, Callable[[_Checker, int, Record], Item | None]] = {
    Kind.ELDERS: _elder,
    Kind.CONTACTS: _contact,
    Kind.DEVICES: _device,
    Kind.ACCOUNTS: _account,
    Kind.STAFF: _staff,
}


def check(kind: Kind, rows: Rows, base: Base, area: str | None = None) -> Report:
    """The report on a table whose first row is the header. ``area``: of whoever imports; None: all."""
    return _Checker(kind, rows, base, area).run()


def named(kind: Kind, rows: Rows, key: str) -> list[str]:
    """What a file names in one column, in canonical form; what cannot be used is left out."""
    known = by_header(kind)
    found: dict[str, Any] = {}
    places = [place for place, cell in enumerate(rows[0][1]) if (c := known.get(header_key(cell))) and c.key == key]
    for _, cells in rows[1:]:
        for place in places:
            if place < len(cells) and cells[place]:
                found.update(dict.fromkeys(_parsed(known, rows, place, cells[place])))
    return list(found)


def _parsed(known: Mapping[str, Column], rows: Rows, place: int, cell: str) -> list[str]:
    try:
        value = known[header_key(rows[0][1][place])].parse(cell)
    except Wrong:
        return []
    return value if isinstance(value, list) else [str(value)]
