"""The report of an incident: what it says in Chinese, and what is drawn of it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

import callcenter.app  # noqa: F401 - every kind of fact is known
from callcenter.calls.model import Role
from callcenter.calls.tables import LegRow
from callcenter.emergency.kinds import KINDS, Drill, Kind
from callcenter.emergency.model import Incident, IncidentState, Tick
from callcenter.emergency.plan import DEFAULT_PLAN, Target
from callcenter.facts import Body
from callcenter.ids import new_id
from callcenter.life.lines import DEAD
from callcenter.notifications.model import MessageState
from callcenter.reports import words
from callcenter.reports.codes import cause_name, load_codes, outcome_name
from callcenter.reports.document import Document, ReportFailed, Section, digest
from callcenter.reports.drawing import Drawing
from callcenter.reports.incident import MOST_FACTS, Record, document
from callcenter.reports.pdf import render
from callcenter.routing.acceptance import ALREADY_ANSWERED, NO_LIFE
from callcenter.telephony.events import HangupReason
from callcenter.timeline.model import FactRow
from tests.support.pdf import text_of

T = datetime(2026, 3, 2, 18, 12, 5, 120_000, tzinfo=UTC)
PLAN = msgspec.structs.replace(DEFAULT_PLAN, name="夜间跌倒预案", checklist=("询问是否受伤", "通知120"))
INCIDENT = Incident(
    id="0195f1c2-7b10-7abc-9def-0123456789ab",
    origin="press",
    room="room",
    opened_at=T,
    plan=PLAN,
    caller="051287654321",
    elder_id="e1",
    elder_name="王秀英",
    kind="fall",
    state=IncidentState.CLOSED,
    calls=("c1",),
    system_answer_ms=21,
    human_answer_ms=6_340,
    answered_by="op1",
    closed_at=T + timedelta(seconds=1834),
    outcome="hospital",
    cause="fall",
    summary="右髋疼痛，送往市立医院",
    ticks={"询问是否受伤": Tick(T, "op1")},
)


def leg(role: str, number: str, added: float, *, reason: str = "normal", wish: str = "", joined: bool = True) -> LegRow:
    at = T + timedelta(seconds=added)
    return LegRow(
        id=f"leg-{role}-{added}",
        role=role,
        number=number,
        name="女儿王芳" if role == "family" else "",
        route="trunk",
        wish_id=wish,
        reason=reason,
        added_at=at,
        ringing_at=None,
        answered_at=None,
        joined_at=at if joined else None,
        accepted_at=None,
        ended_at=at,
    )


def fact(after: float, kind: str, actor: str = "system", **data: Any) -> FactRow:
    return FactRow(id=new_id(), at=T + timedelta(seconds=after), kind=kind, actor=actor, data=data)


def record(incident: Incident = INCIDENT, facts: Sequence[FactRow] = (), legs: Sequence[LegRow] = ()) -> Record:
    names = {"op1": "赵敏"}
    return Record(
        incident=incident, elder=None, device=None, legs=legs, facts=facts, recordings=(), messages=(), names=names
    )


def report(given: Record) -> Document:
    return document(given, "应急中心", 5.0, T + timedelta(days=1), "op1")


def section(made: Document, title: str) -> Section:
    return next(part for part in (*made.sections, *made.appendix) if title in part.title)


# --- what it says -------------------------------------------------------------------------------------------


def test_given_a_late_answer_when_reported_then_both_times_and_the_verdict_are_told() -> None:
    """A1."""
    rows = section(report(record()), "应答时间").rows
    assert rows[0][:2] == ("系统应答", "21 毫秒")
    assert rows[1] == ("人工应答", "6.3 秒", "5 秒", "超时 1.3 秒", "赵敏(op1)")


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"human_answer_ms": 5_000}, "达标"),
        ({"human_answer_ms": None}, "无人应答"),
        ({"human_answer_ms": None, "state": IncidentState.OPEN}, "尚无人应答"),
    ],
)
def test_given_an_answer_when_judged_then_the_limit_itself_is_in_time(changes: dict[str, Any], verdict: str) -> None:
    assert section(report(record(replace(INCIDENT, **changes))), "应答时间").rows[1][3] == verdict


@pytest.mark.parametrize(
    ("named", "values"),
    [
        (words.ROLES, Role),
        (words.TARGETS, Target),
        (KINDS, Kind),
        (words.MESSAGES, MessageState),
        (words.WHYS, ["no_channel", "failed", "unconfirmed", "too_late", "not_wanted"]),
        (words.REASONS, [*HangupReason, "lost", "not_accepted", "preempted", NO_LIFE, ALREADY_ANSWERED, DEAD]),
    ],
)
def test_given_whatever_can_be_on_record_when_reported_then_it_has_a_name(
    named: dict[str, str], values: Iterable[str]
) -> None:
    assert {str(value) for value in values} - named.keys() == set()


@pytest.mark.parametrize(("origin", "since"), [("press", "首次呼入"), ("alarm", "接警"), ("desk", "坐席发起")])
def test_given_an_origin_when_reported_then_it_says_from_when_the_answer_counts(origin: str, since: str) -> None:
    made = report(record(replace(INCIDENT, origin=origin)))
    assert since in section(made, "应答时间").headings[1]


def test_given_a_frozen_plan_when_reported_then_each_step_says_what_was_done_at_it() -> None:
    """A6: what a human asked for by hand is no step's doing."""
    given = record(
        facts=[
            fact(5, "emergency.help_wanted", wish_id="w-duty", role="duty", target="duty"),
            fact(95, "emergency.help_wanted", "op1", wish_id="w-120", role="120"),
        ],
        legs=[
            leg("elder", "051287654321", 0),
            leg("seat", "op1", 0.2),
            leg("seat", "op2", 0.2, joined=False),
            leg("duty", "13800009001", 7, wish="w-duty", joined=False),
            leg("120", "120", 95, wish="w-120"),
        ],
    )
    steps = section(report(given), "夜间跌倒预案").rows
    assert [(row[1], row[3]) for row in steps] == [
        ("0 秒", "呼叫坐席 2 次，1 方进入通话"),
        ("3 秒", "无呼叫"),
        ("5 秒", "呼叫外线 1 次，0 方进入通话"),
        ("10 秒", "此前已人工应答，未启动"),
        ("20 秒", "此前已人工应答，未启动"),
        ("40 秒", "此前已人工应答，未启动"),
    ]


def test_given_attempts_when_reported_then_each_is_a_row_with_its_end_and_why() -> None:
    """A2, A7."""
    given = record(legs=[leg("family", "13700000001", 120, reason="not_accepted"), leg("seat", "op1", 1)])
    rows = section(report(given), "呼叫记录").rows
    assert rows[0][1:4] == ("亲属", "女儿王芳\n13700000001", "trunk")
    assert rows[0][-1] == "02:14:05 接听后未按键确认"
    assert rows[1][2] == "赵敏(op1)"


def test_given_a_checklist_when_reported_then_ticks_and_what_was_left_are_told() -> None:
    """A6."""
    rows = section(report(record()), "核对单").rows
    assert rows == (("询问是否受伤", "√", "2026-03-03 02:12:05", "赵敏(op1)"), ("通知120", "未做", "", ""))


def test_given_facts_when_reported_then_each_has_time_actor_and_sentence_and_unknown_kinds_their_name() -> None:
    """A7."""
    given = record(
        facts=[
            fact(0.02, "leg.answered", "pbx", leg_id="leg-seat-1", role="seat"),
            fact(1, "quake.sensed", "device:7", strength=3),
            fact(9, "emergency.closed", "op1", outcome="自行处理", cause="fall"),
        ],
        legs=[leg("seat", "op1", 1)],
    )
    assert section(report(given), "时间线").rows == (
        ("03-03 02:12:05.140", "交换机", "坐席 赵敏(op1) 接听"),
        ("03-03 02:12:06.120", "device:7", "quake.sensed"),
        ("03-03 02:12:14.120", "赵敏(op1)", "事件关闭，结果：自行处理，原因：跌倒"),
    )
    assert section(report(given), "处置结果").rows[1][1] == "赵敏(op1)"


def test_given_more_facts_than_fit_when_reported_then_it_says_so() -> None:
    made = section(report(record(facts=[fact(0, "leg.left")] * (MOST_FACTS + 1))), "时间线")
    assert len(made.rows) == MOST_FACTS
    assert "其余见系统" in made.note


def test_given_every_kind_of_fact_of_an_incident_when_looked_up_then_it_has_a_sentence() -> None:
    """A7: a station manager reads sentences. A new kind of fact gets one in callcenter/reports/words.py."""
    families = {"call", "leg", "emergency", "alarm", "fence", "message", "recording", "hotline"}
    ours = [body.KIND for body in Body.__subclasses__() if body.__module__.startswith("callcenter.")]
    assert len(ours) > 40
    told = {kind for kind in ours if kind.partition(".")[0] in families}
    assert told - set(words.SENTENCES) == set()


@pytest.mark.parametrize("kind", words.SENTENCES)
def test_given_a_kind_with_words_when_its_body_is_empty_or_strange_then_it_is_still_told(kind: str) -> None:
    """A body of another release may lack or change any field."""
    assert words.sentence(kind, {}) != kind
    strange = {name: object() for name in ("seconds", "milliseconds", "priority", "plan", "candidates", "metres")}
    assert words.sentence(kind, strange)


def test_given_the_codes_when_read_then_they_are_unique_and_named_in_both_languages() -> None:
    """A7: outcome and cause codes."""
    codes = load_codes()
    for several in (codes.outcomes, codes.causes):
        assert len({code.code for code in several}) == len(several)
        assert all(code.zh and code.en for code in several)
    assert (outcome_name("hospital"), outcome_name("自行处理"), cause_name("x")) == ("送医", "自行处理", "x")


# --- what is drawn ------------------------------------------------------------------------------------------


def drawn(made: Document) -> list[str]:
    return text_of(render(made.encoded()))


def test_given_a_report_when_drawn_then_its_chinese_can_be_read_and_copied_on_numbered_pages() -> None:
    """A7: embedded font, selectable text, page x of y, who made it when, the digest on every page."""
    made = report(record(facts=[fact(n, "leg.left") for n in range(60)]))
    pages = drawn(made)
    assert "紧急事件处置报告" in pages[0]
    for word in ("王秀英", "夜间跌倒预案", "人工应答", "超时 1.3 秒", "送医", "右髋疼痛", "站长"):
        assert word in "".join(pages), word
    for number, page in enumerate(pages, start=1):
        assert f"第 {number} 页" in page
        assert f"共 {len(pages)} 页" in page
        assert "赵敏(op1)" in page
        assert digest(made.encoded()) in page
        assert "演练" not in page


def test_given_a_drill_when_drawn_then_every_page_says_so() -> None:
    """A6: drills are recorded as drills."""
    made = report(record(replace(INCIDENT, drill=Drill()), [fact(n, "leg.left") for n in range(60)]))
    assert made.title == "紧急演练报告"
    pages = drawn(made)
    assert len(pages) > 2
    assert all("【演练】" in page for page in pages)


def test_given_hostile_text_when_drawn_then_it_is_drawn_as_text() -> None:
    """R22: what people type cannot break the document; signs nobody sees are left out."""
    summary = "a\x00b\u202egnp.exe **粗** <b> {nb} \\n 𠮷\r\n第二行" + "长" * 3000
    pages = drawn(report(record(replace(INCIDENT, summary=summary))))
    assert "第二行" in "".join(pages)
    assert "**粗**" in "".join(pages)
    assert "\u202e" not in "".join(pages)


def test_given_a_cell_too_long_for_a_page_when_drawn_then_it_is_cut_and_shows_it() -> None:
    """R22: a row that is higher than a page could not be drawn at all."""
    facts = [fact(0, "recording.gap", status="gap", problem=text) for text in ("长" * 5000, "行\n" * 500, "短")]
    ticks = {"做" * 900: Tick(T, "x" * 900)}
    pages = drawn(report(record(replace(INCIDENT, ticks=ticks, area="区" * 60, caller="1" * 64), facts)))
    assert sum(page.count("……") for page in pages) == 4
    assert "短" in "".join(pages)


async def test_given_a_document_when_drawn_by_the_other_process_then_it_is_a_pdf_and_nonsense_is_refused() -> None:
    drawing = Drawing()
    assert (await drawing.pdf(report(record()).encoded())).startswith(b"%PDF-")
    with pytest.raises(ReportFailed):
        await drawing.pdf(b"nonsense")
