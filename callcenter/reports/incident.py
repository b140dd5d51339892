"""The report of one incident, section by section, gathered from the record (A6, A7)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.accounts.model import AccountRow
from callcenter.calls.model import Role
from callcenter.calls.tables import LegRow
from callcenter.clock import SHANGHAI
from callcenter.devices.model import DeviceRow
from callcenter.emergency.kinds import KINDS
from callcenter.emergency.model import Incident
from callcenter.emergency.plan import SEAT_TARGETS, Plan, Step
from callcenter.emergency.tables import EmergencyRow, to_incident
from callcenter.errors import NotFound
from callcenter.notifications.tables import MessageRow
from callcenter.people.model import ElderRow
from callcenter.recordings.model import RecordingKind, RecordingRow
from callcenter.reports import words
from callcenter.reports.codes import cause_name, outcome_name
from callcenter.reports.document import Document, Section
from callcenter.timeline.model import FactRow

MOST_FACTS = 5000


class Record(msgspec.Struct, frozen=True):
    """Everything the database holds of an incident. ``names``: of accounts by user name."""

    incident: Incident
    elder: ElderRow | None
    device: DeviceRow | None
    legs: Sequence[LegRow]
    facts: Sequence[FactRow]
    recordings: Sequence[RecordingRow]
    messages: Sequence[Any]
    names: Mapping[str, str]

    def name(self, user: str) -> str:
        """An actor as people know them, e.g. 赵敏(op1); the machine's parts in words."""
        full = self.names.get(user)
        return f"{full}({user})" if full else words.ACTORS.get(user, user)


async def gather(session: AsyncSession, incident_id: str) -> Record:
    """Read everything; raises `NotFound`."""
    row = await session.get(EmergencyRow, incident_id)
    if row is None:
        raise NotFound(f"no emergency has the id {incident_id}")
    incident = to_incident(row)
    legs = select(LegRow).where(LegRow.call_id.in_(incident.calls)).order_by(LegRow.added_at, LegRow.id)
    facts = select(FactRow).where(FactRow.incident_id == incident_id).order_by(FactRow.at, FactRow.id)
    of_incident = or_(RecordingRow.incident_id == incident_id, RecordingRow.call_id.in_(incident.calls))
    recordings = select(RecordingRow).where(of_incident).order_by(RecordingRow.started_at, RecordingRow.id)
    # Without the text: an address or a door code in it is for whom it was sent to.
    columns = (MessageRow.purpose, MessageRow.name, MessageRow.role, MessageRow.to, MessageRow.state, MessageRow.why)
    messages = select(MessageRow.requested_at, *columns).where(MessageRow.incident_id == incident_id)
    accounts = await session.execute(select(AccountRow.user, AccountRow.name))
    return Record(
        incident=incident,
        elder=await session.get(ElderRow, incident.elder_id) if incident.elder_id else None,
        device=await session.get(DeviceRow, incident.device_id) if incident.device_id else None,
        legs=(await session.scalars(legs)).all(),
        facts=(await session.scalars(facts.limit(MOST_FACTS + 1))).all(),
        recordings=(await session.scalars(recordings)).all(),
        messages=(await session.execute(messages.order_by(MessageRow.requested_at, MessageRow.id))).all(),
        names={row.user: row.name for row in accounts},
    )


def document(record: Record, organisation: str, limit_seconds: float, made_at: datetime, made_by: str) -> Document:
    """The report as it is drawn."""
    incident = record.incident
    return Document(
        title="紧急事件处置报告" if not incident.drill and incident.origin != "drill" else "紧急演练报告",
        number=incident.id,
        organisation=organisation,
        made_at=made_at,
        made_by=record.name(made_by),
        stamp="演练" if incident.drill is not None or incident.origin == "drill" else "",
        sections=(
            _overview(record),
            _answer_times(record, limit_seconds),
            _plan(record),
            _attempts(record),
            _checklist(record),
            _messages(record),
            _recordings(record),
            _conclusion(record),
        ),
        appendix=(_timeline(record),),
        signatures=("处置人", "班长", "站长"),
    )


def _moment(at: datetime | None, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    return at.astimezone(SHANGHAI).strftime(form) if at else ""


def _clock(at: datetime | None) -> str:
    return _moment(at, "%H:%M:%S")


def _overview(record: Record) -> Section:
    incident, elder, device = record.incident, record.elder, record.device
    age = f"{incident.age} 岁" if incident.age else "不详"
    kind = KINDS.get(incident.kind, incident.kind)
    terminal = incident.device_id or "无"
    if device is not None:
        terminal = f"{words.DEVICES.get(device.kind, device.kind)} {device.serial}"
    place = (elder.address if elder else "") or "未登记"
    return Section(
        title="一、基本情况",
        rows=(
            ("事件编号", incident.id, "状态", "处置中" if incident.open else "已关闭"),
            ("老人", incident.elder_name or "身份未确认", "年龄", age),
            ("所属区域", incident.area or "不详", "来电号码", incident.caller or "未显示"),
            ("登记地址", place, "设备", terminal),
            ("事件类型", kind, "来源", words.ORIGINS.get(incident.origin, incident.origin)),
            ("开始时间", _moment(incident.opened_at), "关闭时间", _moment(incident.closed_at) or "未关闭"),
        ),
        note="登记地址为制表时档案所载。" if elder else "",
    )  # fmt: skip


def _answer_times(record: Record, limit_seconds: float) -> Section:
    incident = record.incident
    human = incident.human_answer_ms
    if human is None:
        verdict = "无人应答" if not incident.open else "尚无人应答"
    else:
        verdict = "达标" if human <= limit_seconds * 1000 else f"超时 {human / 1000 - limit_seconds:.1f} 秒"
    answered_by = record.name(incident.answered_by)
    began = words.BEGINNINGS.get(incident.origin, "首次呼入(INVITE)")
    return Section(
        title="二、应答时间",
        headings=("项目", f"距{began}", "时限", "结论", "应答人"),
        widths=(20, 24, 14, 20, 22),
        rows=(
            ("系统应答", words.seconds(incident.system_answer_ms) or "—", "—", "—", "系统"),
            ("人工应答", words.seconds(human) or "—", f"{limit_seconds:g} 秒", verdict, answered_by),
        ),
    )  # fmt: skip


def _plan(record: Record) -> Section:
    plan: Plan = record.incident.plan
    ends = [later.at_seconds for _, later in pairwise(plan.steps)]
    wishes = (fact.data for fact in record.facts if fact.kind == "emergency.help_wanted")
    targets_of = {str(wish.get("wish_id")): str(wish["target"]) for wish in wishes if wish.get("target")}
    rows = []
    for number, (step, end) in enumerate(zip(plan.steps, [*ends, None], strict=True), start=1):
        targets = "、".join(words.TARGETS.get(target, target) for target in step.targets)
        rows.append((str(number), f"{step.at_seconds:g} 秒", targets, _done_at(record, step, end, targets_of)))
    return Section(
        title=f"三、启用预案：{plan.name}（事件开始时冻结）",
        headings=("步", "时刻", "通知对象", "实际执行"),
        widths=(7, 13, 35, 45),
        rows=tuple(rows),
    )


def _done_at(record: Record, step: Step, end: float | None, targets_of: Mapping[str, str]) -> str:
    """What was dialled for this step, or why nothing was. What a human asked for is no step's doing."""
    incident = record.incident
    begin = incident.opened_at + timedelta(seconds=step.at_seconds)
    until = incident.opened_at + timedelta(seconds=end) if end is not None else None

    def belongs(leg: LegRow) -> bool:
        if leg.role != Role.SEAT:
            return targets_of.get(leg.wish_id, "") in step.targets
        in_time = leg.added_at is not None and begin <= leg.added_at and (until is None or leg.added_at < until)
        return in_time and not SEAT_TARGETS.isdisjoint(step.targets)

    dialled = [leg for leg in record.legs if belongs(leg)]
    if dialled:
        joined = sum(leg.joined_at is not None for leg in dialled)
        seats = sum(leg.role == Role.SEAT for leg in dialled)
        what = [f"坐席 {seats} 次"] if seats else []
        what += [f"外线 {len(dialled) - seats} 次"] if len(dialled) > seats else []
        return f"呼叫{'、'.join(what)}，{joined} 方进入通话"
    if incident.human_answer_ms is not None and incident.human_answer_ms <= step.at_seconds * 1000:
        return "此前已人工应答，未启动"
    if incident.closed_at is not None and incident.closed_at <= begin:
        return "此前事件已关闭，未启动"
    return "无呼叫"


def _attempts(record: Record) -> Section:
    rows = []
    for number, leg in enumerate(record.legs, start=1):
        who = record.name(leg.number) if leg.role == "seat" else "\n".join(filter(None, (leg.name, leg.number)))
        still = "通话中" if leg.joined_at else "呼叫中"
        ended = f"{_clock(leg.ended_at)} {words.reason(leg.reason)}" if leg.ended_at else still
        rows.append(
            (
                str(number),
                words.role(leg.role),
                who,
                leg.route,
                _clock(leg.added_at),
                _clock(leg.ringing_at),
                _clock(leg.answered_at),
                _clock(leg.accepted_at or leg.joined_at),
                ended,
            )
        )
    return Section(
        title="四、呼叫记录（每次尝试一行）",
        headings=("序", "角色", "姓名/号码", "线路", "呼出", "振铃", "接听", "确认", "结束及原因"),
        widths=(5, 10, 20, 8, 10, 10, 10, 10, 17),
        rows=tuple(rows),
        note="" if rows else "无呼叫记录。",
    )


def _checklist(record: Record) -> Section:
    incident = record.incident
    sentences = [*incident.plan.checklist_for(incident.kind)]
    sentences += [sentence for sentence in incident.ticks if sentence not in sentences]
    rows = []
    for sentence in sentences:
        tick = incident.ticks.get(sentence)
        done = ("√", _moment(tick.at), record.name(tick.by)) if tick else ("未做", "", "")
        rows.append((sentence, *done))
    return Section(
        title="五、处置核对单",
        headings=("内容", "完成", "时间", "操作人"),
        widths=(48, 9, 23, 20),
        rows=tuple(rows),
        note="" if rows else "本预案没有核对单。",
    )


def _messages(record: Record) -> Section:
    rows = []
    for sent in record.messages:
        state = words.MESSAGES.get(sent.state, sent.state) + (
            f"（{words.WHYS.get(sent.why, sent.why)}）" if sent.why else ""
        )
        to = " ".join(filter(None, (words.role(sent.role), sent.name, sent.to)))
        rows.append((_moment(sent.requested_at), words.PURPOSES.get(sent.purpose, sent.purpose), to, state))
    return Section(
        title="六、已发消息（内容不载入本报告）",
        headings=("时间", "用途", "接收人", "状态"),
        widths=(23, 17, 38, 22),
        rows=tuple(rows),
        note="" if rows else "没有发送消息。",
    )


def _recordings(record: Record) -> Section:
    people = {leg.id: _person(record, leg) for leg in record.legs}
    rows = tuple(
        (
            _whose(row, people),
            _moment(row.started_at),
            f"{row.seconds:.1f} 秒" if row.seconds is not None else "",
            words.STATUSES.get(row.status, row.status) + (f"：{row.problem}" if row.problem else ""),
            row.sha256 or "",
        )
        for row in record.recordings
    )
    return Section(
        title="七、录音",
        headings=("类别", "开始", "时长", "状态", "SHA-256"),
        widths=(19, 20, 9, 14, 38),
        rows=rows,
        note="" if rows else "没有录音记录。",
    )


def _whose(row: RecordingRow, people: Mapping[str, str]) -> str:
    """What was recorded; a mix is everybody's."""
    kind = words.RECORDINGS.get(row.kind, row.kind)
    person = people.get(row.leg_id or "") if row.kind == RecordingKind.LEG else None
    return f"{kind}\n{person}" if person else kind


def _conclusion(record: Record) -> Section:
    incident = record.incident
    closing = next((fact.actor for fact in reversed(record.facts) if fact.kind == "emergency.closed"), "")
    took = incident.closed_at - incident.opened_at if incident.closed_at else None
    return Section(
        title="八、处置结果",
        rows=(
            ("结果", outcome_name(incident.outcome) or "未关闭", "原因", cause_name(incident.cause) or "未填"),
            ("关闭人", record.name(closing) if closing else "", "历时", _span(took) if took else ""),
        ),
        text=f"小结：{incident.summary or '未填'}" + (f"\n处置记录：{incident.note}" if incident.note else ""),
    )


def _span(took: timedelta) -> str:
    minutes, seconds = divmod(int(took.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} 小时 {minutes} 分 {seconds} 秒" if hours else f"{minutes} 分 {seconds} 秒"


def _timeline(record: Record) -> Section:
    people = {leg.id: _person(record, leg) for leg in record.legs}
    rows = []
    # A note is saved while it is written: the last of each writer says all of it.
    noted = {(fact.kind, fact.actor): fact.id for fact in record.facts if fact.kind.endswith(".noted")}
    for fact in record.facts[:MOST_FACTS]:
        if fact.kind.endswith(".noted") and noted[fact.kind, fact.actor] != fact.id:
            continue
        known = {"person": people.get(str(fact.data.get("leg_id", "")), "")}
        if "by" in fact.data:
            known["by"] = record.name(str(fact.data["by"]))
        at = _moment(fact.at, "%m-%d %H:%M:%S.") + f"{fact.at.microsecond // 1000:03}"
        rows.append((at, record.name(fact.actor), words.sentence(fact.kind, {**fact.data, **known})))
    cut = f"记录超过 {MOST_FACTS} 条，其余见系统。" if len(record.facts) > MOST_FACTS else ""
    return Section(
        title="附：时间线（全部记录）",
        headings=("时间", "操作者", "事项"),
        widths=(21, 17, 62),
        rows=tuple(rows),
        note=cut or ("" if rows else "没有记录。"),
    )


def _person(record: Record, leg: LegRow) -> str:
    """Whose leg it is, e.g. 坐席 赵敏(op1), 亲属 王芳."""
    name = record.name(leg.number) if leg.role == Role.SEAT else leg.name or leg.number
    return f"{words.role(leg.role)} {name}".strip() if leg.role != Role.ELDER else words.role(leg.role)
