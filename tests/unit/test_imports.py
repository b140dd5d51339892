"""Imports, the pure part: what a cell may hold, and the report on a table, row by row (R22, A8)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.asterisk_config import REPO
from callcenter.imports import values as v
from callcenter.imports.check import Base, Finding, Known, check, named
from callcenter.imports.columns import COLUMNS, Kind, by_header, header_key
from callcenter.people.schemas import ElderInput


def with_check(digits: str) -> str:
    return digits + v.check_digit(digits)


_FREE = frozenset({"name", "area", "address", "door_code", "key_holder_name", "medical_notes", "station"})
"""Columns that take any text."""

GOOD_ID = with_check("32050219450312002")


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (v.phone, "138 0000-1001", "13800001001"),
        (v.phone, "+86 13800001001", "13800001001"),
        (v.phone, "１３８００００１００１", "13800001001"),
        (v.phone, "0512-87654321", "051287654321"),
        (v.phone, "(0512) 8765 4321", "051287654321"),
        (v.several(v.phone, 10), "13800001001；13800001002、13800001001", ["13800001001", "13800001002"]),
        (v.day, "1941-03-12", "1941-03-12"),
        (v.day, "1941/3/12", "1941-03-12"),
        (v.day, "1941.3.12", "1941-03-12"),
        (v.day, "1941年3月12日", "1941-03-12"),
        (v.day, "19410312", "1941-03-12"),
        (v.day, "１９４１－０３－１２", "1941-03-12"),
        (v.id_number, "11010519491231002x", "11010519491231002X"),
        (v.id_number, " 110105 19491231 002X ", "11010519491231002X"),
        (v.flag, "是", True),
        (v.flag, "N", False),
        (v.number(-90, 90), "31.3", 31.3),
        (v.whole(10, 60), "30", 30),
        (v.line(5), "a\tb", "a b"),
        (v.prose, "高血压\r\n青霉素过敏", "高血压\n青霉素过敏"),
    ],
)
def test_given_a_cell_in_any_spelling_when_read_then_it_is_the_value(
    parse: Callable[[str], Any], text: str, value: Any
) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "why"),
    [
        (v.phone, "1380000100", "11 位"),
        (v.phone, "138000010011", "11 位"),
        (v.phone, "1.38E+10", "文本"),
        (v.phone, "没有", "电话"),
        (v.phone, "120", "电话"),
        (v.several(v.phone, 1), "13800001001、13800001002", "最多 1"),
        (v.day, "1941-02-30", "没有这一天"),
        (v.day, "12/3/1941", "1941-03-12"),
        (v.day, "14966", "1941-03-12"),
        (v.id_number, "110105194912310021", "校验位"),
        (v.id_number, "110105491231002", "15 位"),
        (v.id_number, "3.20502194103120e+17", "文本"),
        (v.id_number, "11010519491231", "18 位"),
        (v.id_number, with_check("32050219450230002"), "没有这一天"),
        (v.flag, "也许", "是"),
        (v.number(-90, 90), "91", "90"),
        (v.number(-90, 90), "nan", "90"),
        (v.whole(10, 60), "30.5", "整数"),
        (v.line(3), "abcd", "3 字"),
    ],
)
def test_given_a_cell_of_no_use_when_read_then_it_is_said_what_is_wrong(
    parse: Callable[[str], Any], text: str, why: str
) -> None:
    with pytest.raises(v.Wrong, match=why) as raised:
        parse(text)
    assert raised.value.en


@given(st.text(max_size=30))
def test_given_any_text_when_any_column_reads_it_then_a_value_or_a_reason(text: str) -> None:
    for columns in COLUMNS.values():
        for column in columns:
            try:
                value = column.parse(text)
            except v.Wrong as error:
                assert error.zh  # noqa: PT017 - both outcomes are right
            else:
                assert value is not None


@given(st.text(min_size=1, max_size=20).filter(str.strip), st.sampled_from(COLUMNS[Kind.ELDERS]))
def test_given_what_a_column_lets_through_when_the_register_reads_it_then_it_is_let_through(
    text: str, column: Any
) -> None:
    """No row that the report calls good fails when it is written."""
    try:
        value = column.parse(text)
    except v.Wrong:
        return
    ElderInput.model_validate({"name": "陈", column.key: value})


@pytest.mark.parametrize("text", ["电话", "电话（必填）", " 电 话 *", "Phone", "PHONES", "手机:"])
def test_given_a_header_in_any_dress_when_matched_then_it_is_the_column(text: str) -> None:
    assert by_header(Kind.ELDERS)[header_key(text)].key == "phones"


def test_given_every_column_when_its_own_names_are_looked_up_then_it_is_found() -> None:
    for kind in Kind:
        for column in COLUMNS[kind]:
            for name in column.names:
                assert by_header(kind)[header_key(name)] is column


HEADER = (1, ["编号", "姓名", "电话", "身份证号", "性别", "区域"])
BASE = Base(
    by_key={"E1": Known("id-1", 3, "E1", "姑苏区"), "E9": Known("id-9", 1, "E9", gone=True)},
    by_identity={GOOD_ID: Known("id-2", 1, "E2", "姑苏区")},
    holders={"13800001009": ["E5"]},
)


def said(findings: list[Finding]) -> list[tuple[int, str]]:
    return [(one.row, one.column) for one in findings]


def test_given_a_table_when_checked_then_each_row_has_its_own_verdict() -> None:
    rows = [
        HEADER,
        (2, ["E3", "陈桂英", "13800001001"]),
        (3, ["E1", "", "13800001002"]),
        (4, ["E4", "", "13800001003"]),
        (5, ["E3", "王", "138"]),
        (6, ["", "李", "13800001001", "110105194912310021"]),
        (7, ["E7", "赵", "13800001009", GOOD_ID]),
        (8, ["E9", "钱", ""]),
        (9, ["", "孙", "13800001009", "11010519491231002X", "男"]),
        (10, ["", "", "", GOOD_ID]),
    ]
    report = check(Kind.ELDERS, rows, BASE)
    assert said(report.problems) == [
        (4, "姓名"),
        (5, "电话"),
        (5, "编号"),
        (6, "身份证号"),
        (7, "身份证号"),
        (8, "编号"),
        (10, "身份证号"),
    ]
    assert [(item.row, item.id) for item in report.items] == [(2, None), (3, "id-1"), (9, None)]
    assert (report.rows, report.ok, report.new) == (9, 3, 2)
    assert (9, "性别") in said(report.warnings), "GB 11643: the 17th digit says female"
    assert (9, "电话") in said(report.warnings)
    assert report.items[2].values["birth_date"] == "1949-12-31"
    assert all(one.text and one.text_en for one in (*report.problems, *report.warnings))


def test_given_an_area_of_ones_own_when_checked_then_others_are_refused() -> None:
    rows = [HEADER, (2, ["", "陈", "13800001001", "", "", "姑苏区"]), (3, ["", "王", "13800001002", "", "", "吴中区"])]
    rows += [(4, ["E1", "", "", "", "", "吴中区"]), (5, ["", "李", "13800001003"])]
    report = check(Kind.ELDERS, rows, BASE, "姑苏区")
    assert said(report.problems) == [(3, "区域"), (4, "区域"), (5, "区域")]


def test_given_an_area_of_ones_own_when_checked_then_nothing_is_told_of_anothers() -> None:
    """I3: a list of identity numbers or phones must not tell who is cared for elsewhere."""
    rows = [HEADER, (2, ["E3", "陈", "13800001009", GOOD_ID, "", "吴中区"])]
    told = str(check(Kind.ELDERS, rows, BASE, "吴中区"))
    assert "E2" not in told
    assert "E5" not in told
    device = [(1, ["序列号", "类型", "电话号码", "老人编号"]), (2, ["S1", "呼叫器", "13800001009", ""])]
    assert "E5" not in str(check(Kind.DEVICES, device, BASE, "吴中区"))
    assert "E5" in str(check(Kind.ELDERS, rows, BASE))


def test_given_headers_that_are_missing_twice_or_unknown_when_checked_then_said_and_no_row_is_taken() -> None:
    report = check(Kind.CONTACTS, [(1, ["老人编号", "姓名", "联系人", "星座"]), (2, ["E1", "a", "b", "c"])], Base())
    assert said(report.problems) == [(1, "联系人"), (1, "关系"), (1, "电话")]
    assert said(report.warnings) == [(1, "星座")]
    assert report.ok == 0


def test_given_contacts_devices_accounts_when_checked_then_their_own_rules_hold() -> None:
    known = Known("id-1", 3, "E1", contacts=(("family", "女儿", "13700000001"),))
    rows = [(1, ["老人编号", "关系", "姓名", "电话"]), (2, ["E1", "家属", "女儿", "13700000001"])]
    rows += [
        (3, ["E1", "医生", "张", "13700000002"]),
        (4, ["E1", "医生", "张", "13700000002"]),
        (5, ["E2", "社工", "李", "13700000003"]),
    ]
    rows += [(6, ["E1", "朋友", "李", "13700000003"])]
    report = check(Kind.CONTACTS, rows, Base(elders={"E1": known}))
    assert said(report.problems) == [(4, "电话"), (5, "老人编号"), (6, "关系")]
    assert said(report.warnings) == [(2, "电话")]
    assert [item.row for item in report.items] == [2, 3]
    rows = [(1, ["序列号", "类型", "号码", "老人编号", "心跳(秒)"]), (2, ["P-1", "呼叫器", "13800001009", "E1", "60"])]
    rows += [(3, ["P-1", "烟感"]), (4, ["P-2", "飞碟"]), (5, ["P-3", "pendant", "", "E7"])]
    report = check(Kind.DEVICES, rows, Base(elders={"E1": known}, holders={"13800001009": ["X"]}))
    assert said(report.problems) == [(3, "序列号"), (4, "类型"), (5, "老人编号")]
    assert report.items[0].elder_id == "id-1"
    rows = [
        (1, ["用户名", "姓名", "角色", "坐席"]),
        (2, ["op1", "甲", "话务员", "是"]),
        (3, ["op7", "乙", "operator", ""]),
    ]
    report = check(Kind.ACCOUNTS, rows, Base(by_key={"op1": Known("a", 1, "op1")}))
    assert said(report.problems) == [(2, "用户名")]
    assert report.items[0].values == {"user": "op7", "name": "乙", "role": "operator"}


def test_given_a_table_when_asked_what_it_names_then_in_canonical_form_and_once() -> None:
    rows = [
        HEADER,
        (2, ["E1", "", "138 0000 1001；+8613800001002"]),
        (3, ["E1", "", "13800001001"]),
        (4, ["E 1", "", "x"]),
    ]
    assert named(Kind.ELDERS, rows, "phones") == ["13800001001", "13800001002"]
    assert named(Kind.ELDERS, rows, "code") == ["E1"]


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (v.phone, "不知道"),
        (v.phone, "1380000100"),
        (v.phone, "1.38E+10"),
        (v.several(v.phone, 1), "13800001001、13800001002"),
        (v.line(2), "太长了"),
        (v.day, "去年"),
        (v.day, "1941-02-30"),
        (v.id_number, "1.1E+17"),
        (v.id_number, "110105491231002"),
        (v.id_number, "12"),
        (v.id_number, "110105194912310021"),
        (v.flag, "也许"),
        (v.number(-90, 90), "北"),
        (v.whole(10, 604_800), "10.5"),
        *((column.parse, "☎") for kind in Kind for column in COLUMNS[kind] if column.key not in _FREE),
    ],
)
def test_i4_given_a_cell_that_cannot_be_used_then_both_languages_say_what_to_write_instead(
    parse: Callable[[str], Any], text: str
) -> None:
    """I4: whoever reads the report mends the cell without asking; English stays English, but for the words to write."""
    with pytest.raises(v.Wrong) as told:
        parse(text)
    assert "请" in told.value.zh
    assert any(word in told.value.en for word in ("write", "give", "compare", "take", "shorten", "format"))


@pytest.mark.parametrize(("header", "unsaid"), [(["编号", "姓名"], "电话"), (["code", "name"], "phones")])
def test_i4_given_what_is_told_of_a_column_that_the_file_has_not_then_it_is_named_in_the_files_language(
    header: list[str], unsaid: str
) -> None:
    """I4: never by a word of our own program."""
    warned = check(Kind.ELDERS, [(1, header), (2, ["E3", "陈桂英"])], BASE).warnings
    assert said(warned) == [(2, unsaid)]
    told = check(Kind.DEVICES, [(1, header)], BASE).problems
    assert ["类型" in told[-1].text, "kind" in told[-1].text_en] == [True, True]


def test_i4_given_columns_named_as_the_console_names_its_fields_then_they_are_known() -> None:
    """I4: what somebody copies out of a page goes in again; a column that is not known is left out."""
    words = json.loads((REPO / "callcenter/console/src/i18n/zh-CN/admin.json").read_text("utf-8"))
    fields = words["field"]
    for kind, keys in {
        Kind.ELDERS: ("area", "door_code", "key_holder_name", "key_holder_phone", "medical_notes", "groups", "active"),
        Kind.DEVICES: ("serial", "kind", "number"),
        Kind.ACCOUNTS: ("user", "name", "role", "area", "seat"),
        Kind.STAFF: ("code", "kind", "phone", "station", "area", "starts_on", "ends_on"),
    }.items():
        assert [by_header(kind)[header_key(fields[key])].key for key in keys] == list(keys)
    read = {column.key: column.parse for column in COLUMNS[Kind.DEVICES]}["kind"]
    assert [read(word) for word in words["deviceKind"].values()] == list(words["deviceKind"])
