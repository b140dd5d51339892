"""Chinese words for what is in a report: roles, reasons, states, and a sentence for every kind of fact (A7)."""

from collections.abc import Callable, Mapping
from typing import Any

from callcenter.emergency.kinds import KINDS
from callcenter.reports.codes import cause_name, outcome_name

Data = Mapping[str, Any]

ROLES = {
    "elder": "老人", "seat": "坐席", "duty": "值班手机", "center": "上级/邻近中心", "120": "120急救", "family": "亲属",
    "doctor": "社区医生", "social_worker": "结对社工", "community": "社区", "guardian": "监护人",
    "group_leader": "组长", "village_cadre": "村(居)干部", "number": "其他号码",
    "monitor": "班长(旁听)",
}  # fmt: skip
TARGETS = ROLES | {
    "free_seats": "空闲坐席", "paused_seats": "小休坐席", "wrap_up_seats": "话后整理坐席", "busy_seats": "通话中坐席",
    "supervisors": "班长", "next_center": "邻近中心", "all_family": "全部亲属",
}  # fmt: skip
ORIGINS = {
    "press": "按键呼入", "menu": "热线转紧急", "alarm": "设备报警", "desk": "坐席发起", "drill": "演练",
    "synthetic": "系统自检呼叫",
}  # fmt: skip
BEGINNINGS = {"alarm": "接警", "menu": "选择按键9", "desk": "坐席发起", "drill": "演练开始"}
"""From what moment on answer times count; where nothing is said, from the first INVITE."""
DEVICES = {
    "pendant": "呼叫器", "terminal": "呼叫终端", "mobile_terminal": "移动终端", "smoke_detector": "烟感",
    "fall_detector": "跌倒探测器", "health_monitor": "健康监测", "door_sensor": "门磁",
}  # fmt: skip
REASONS = {
    "normal": "正常挂断", "busy": "占线", "no_answer": "无人接听", "rejected": "拒接", "cancelled": "取消呼叫",
    "unreachable": "无法接通", "failed": "呼叫失败", "lost": "连接丢失", "not_accepted": "接听后未按键确认",
    "preempted": "让位于紧急呼叫", "already_answered": "已由他人接听", "no_life": "自动接听后无人应声",
    "dead": "线路失去响应", "transferred": "已转接", "parked": "已驻留", "taken_over": "由班长接管",
    "changed": "改变方式", "park_timeout": "驻留超时", "operator_gone": "坐席已离开",
}  # fmt: skip
RECORDINGS = {"mix": "全程混音", "leg": "单方录音", "whisper": "督导耳语"}
STATUSES = {"pending": "待核验", "verified": "已核验", "degraded": "不完整", "gap": "缺失", "altered": "与核验时不符"}
MESSAGES = {
    "queued": "待发送", "sending": "发送中", "sent": "已发送", "delivered": "已送达", "given_up": "放弃",
}  # fmt: skip
WHYS = {
    "no_channel": "没有可用通道", "failed": "各通道均失败", "unconfirmed": "未收到回执", "too_late": "超过时限",
    "not_wanted": "已不需要",
}  # fmt: skip
PURPOSES = {"alert": "告警", "briefing": "情况通报", "battery": "电量提醒"}
CHANNELS = {"twilio": "短信(Twilio)", "twilio-voice": "语音(Twilio)", "gateway": "短信网关", "voice": "语音电话"}
ACTORS = {"system": "系统", "pbx": "交换机", "elder": "老人", "watchdog": "监护程序"}
MONITORING = {"listen": "旁听", "whisper": "密语指导", "join": "加入通话", "take_over": "接管通话"}
_HOW = {"click": "点击确认", "key": "按键", "speech": "说话"}


def role(name: str) -> str:
    """A role in Chinese; an unknown one by its own name."""
    return ROLES.get(name, name)


def reason(name: str) -> str:
    """Why a leg ended."""
    return REASONS.get(name, name)


def seconds(milliseconds: int | None) -> str:
    """A duration as people read it; nothing when there is none."""
    if milliseconds is None:
        return ""
    return f"{milliseconds / 1000:.1f} 秒" if milliseconds >= 1000 else f"{milliseconds} 毫秒"


def _named(table: Mapping[str, str], data: Data, field: str) -> str:
    """The word for a field's value; the value itself where there is none."""
    value = str(data.get(field, ""))
    return table.get(value, value)


def _who(data: Data) -> str:
    name, number = data.get("name", ""), data.get("number", "")
    return f"{role(data.get('role', ''))} {name} {number}".replace("  ", " ").strip()


def _role(data: Data) -> str:
    return role(data.get("role", ""))


def _person(data: Data) -> str:
    """Whose leg it is: ``person``, as the report knows it, else the role."""
    return str(data.get("person") or _role(data) or "一方")


def _opened(data: Data) -> str:
    who = data.get("elder_name") or data.get("caller") or "未知来电者"
    kind = _named(KINDS, {"kind": "manual", **data}, "kind")
    plan = (data.get("plan") or {}).get("name", "")
    return f"紧急事件开始（{_named(ORIGINS, data, 'origin')}，{kind}）：{who}，启用预案「{plan}」"


def _pressed(data: Data) -> str:
    return f"事件未结束时再次呼入或报警（第 {data.get('priority', 0) + 1} 次），并入本事件并提升优先级"


def _answered(data: Data) -> str:
    return f"人工应答：{data.get('by', '')} 与老人通话，距首次呼入 {seconds(data.get('milliseconds'))}"


def _call_opened(data: Data) -> str:
    if data.get("via") == "callback":
        return "系统回拨老人"
    return f"呼叫到达 {data.get('did', '')}，主叫 {data.get('caller', '') or '未显示'}"


def _message(data: Data) -> str:
    purpose = PURPOSES.get(data.get("purpose", ""), "")
    return f"向 {data.get('name', '')} {data.get('to', '')} 发送{purpose}消息"


def _closed(data: Data) -> str:
    cause = f"，原因：{cause_name(data['cause'])}" if data.get("cause") else ""
    return f"事件关闭，结果：{outcome_name(data.get('outcome', ''))}{cause}"


def _ticked(data: Data) -> str:
    return f"{'完成' if data.get('done', True) else '撤销'}核对项「{data.get('sentence', '')}」"


def _help(data: Data) -> str:
    names = "、".join(f"{one.get('name', '')}{one.get('number', '')}" for one in data.get("candidates", ()))
    what = TARGETS.get(data.get("target", ""), "") or _role(data)
    return f"请求援助：{what}" + (f"（{names}）" if names else "")


def _alarm(data: Data) -> str:
    battery = f"，电量 {data['battery']}%" if data.get("battery") is not None else ""
    event = _named(KINDS, data, "event")
    return f"收到报警：{event}，来源 {data.get('source', '')}{battery}{'（设备测试中）' if data.get('on_test') else ''}"


def _short(text: str) -> str:
    """The beginning of a long text, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:80]}…"


def _recorded(data: Data) -> str:
    return RECORDINGS.get(data.get("kind", ""), "录音")


SENTENCES: Mapping[str, Callable[[Data], str]] = {
    "emergency.opened": _opened,
    "emergency.pressed": _pressed,
    "emergency.press_heard": lambda d: f"再次报警后人工接听：{d.get('by', '')}",
    "emergency.kind_said": lambda d: f"事件类型确定为「{_named(KINDS, d, 'event')}」",
    "emergency.ticked": _ticked,
    "emergency.answered": _answered,
    "emergency.answer_late": lambda d: f"超过 {d.get('limit_seconds', 0):g} 秒仍无人工应答，记为超时",
    "emergency.help_wanted": _help,
    "emergency.help_failed": lambda d: f"请求的{_role(d)}未能到场：{reason(d.get('why', ''))}",
    "emergency.help_silent": lambda d: f"{_person(d)} 接听后 {d.get('seconds', 0):g} 秒没有声音",
    "emergency.line_dropped": lambda _: "老人线路中断，系统回拨",
    "emergency.silent": lambda _: "老人一直没有声音",
    "emergency.spoke": lambda _: "听到老人说话",
    "emergency.mass_began": lambda d: f"进入大规模呼入模式，等待 {d.get('waiting', 0)} 人",
    "emergency.mass_ended": lambda _: "大规模呼入模式结束",
    "emergency.broadcast": lambda d: f"向等待中的 {d.get('waiting', 0)} 人播放录音通知",
    "emergency.noted": lambda d: f"处置记录：{_short(d.get('text', ''))}",
    "emergency.closed": _closed,
    "call.opened": _call_opened,
    "call.line_changed": lambda _: "热线来电转为紧急呼叫",
    "call.fell_back": lambda _: "控制程序无响应，由交换机自行接管呼叫",
    "call.taken_over": lambda _: "控制程序恢复，接回呼叫",
    "call.menu_chosen": lambda d: f"来电者在语音菜单按 {d.get('digit', '')}",
    "call.elder_matched": lambda d: f"人工确认来电者为 {d.get('elder_name', '')}",
    "call.noted": lambda d: f"通话记录：{_short(d.get('text', ''))}",
    "hotline.overflowed": lambda d: f"排队来电转往 {d.get('to', '')}",
    "hotline.left": lambda _: "来电者离开排队",
    "call.held": lambda d: f"{d.get('by', '')} 将来电者置于等待，播放音乐",
    "call.resumed": lambda _: "来电者结束等待，回到通话",
    "call.transfer_started": lambda d: f"{d.get('by', '')} 发起转接，目标 {d.get('to', '')}",
    "call.transferred": lambda d: f"{d.get('by', '')} 已将来电转接至 {d.get('to', '')}",
    "call.transfer_failed": lambda d: f"转接 {d.get('to', '')} 未成：{reason(d.get('why', ''))}",
    "call.parked": lambda d: f"{d.get('by', '')} 将来电驻留在 {d.get('slot', '')} 号位",
    "call.retrieved": lambda d: f"{d.get('by', '')} 取回 {d.get('slot', '')} 号位的来电",
    "call.returned": lambda d: f"来电退回 {d.get('to', '')}：{reason(d.get('why', ''))}",
    "call.muted": lambda d: f"{'静音' if d.get('muted') else '取消静音'}：{_person(d)}",
    "call.monitored": lambda d: f"班长 {d.get('user', '')} {_named(MONITORING, d, 'mode')}",
    "call.monitor_ended": lambda d: f"班长 {d.get('user', '')} 离开通话",
    "call.ended": lambda d: f"通话结束，历时 {d.get('seconds', 0):.0f} 秒",
    "call.dispositioned": lambda d: f"通话归类：{d.get('disposition', '')}",
    "leg.added": lambda d: f"呼叫 {_who(d)}",
    "leg.ringing": lambda d: f"{_person(d)} 振铃",
    "leg.answered": lambda d: f"{_person(d)} 接听",
    "leg.joined": lambda d: f"{_person(d)} 进入通话",
    "leg.accepted": lambda d: f"{_person(d)} 确认应答（{_HOW.get(d.get('how', ''), d.get('how', ''))}）",
    "leg.left": lambda d: f"{_person(d)} 离开通话",
    "leg.muted": lambda d: f"{_person(d)} {'被静音' if d.get('muted', True) else '解除静音'}",
    "leg.removed": lambda d: f"{_person(d)} 被移出通话",
    "leg.resumed": lambda d: f"{_person(d)} 恢复有声",
    "leg.stalled": lambda d: f"{_person(d)} 长时间没有声音数据",
    "leg.ended": lambda d: f"{_person(d)} 结束：{reason(d.get('reason', ''))}",
    "alarm.received": _alarm,
    "alarm.test_acknowledged": lambda _: "测试报警，系统已确认",
    "device.battery_low": lambda d: f"设备电量低（{d.get('percent', '?')}%）",
    "fence.crossed": lambda d: f"电子围栏报警，越界约 {d.get('metres', 0):.0f} 米",
    "fence.returned": lambda _: "已回到电子围栏允许范围",
    "message.requested": _message,
    "message.attempted": lambda d: f"经 {_named(CHANNELS, d, 'channel')} 发送消息",
    "message.sent": lambda _: "消息已发出",
    "message.delivered": lambda _: "消息已送达",
    "message.failed": lambda d: f"消息发送失败（{d.get('why', '')}）",
    "message.given_up": lambda d: f"消息放弃发送（{_named(WHYS, d, 'why')}）",
    "recording.started": lambda d: f"开始{_recorded(d)}",
    "recording.stopped": lambda _: "录音停止",
    "recording.verified": lambda d: f"{_recorded(d)}核验完整，{d.get('seconds', 0):.1f} 秒",
    "recording.gap": lambda d: f"录音{STATUSES.get(d.get('status', ''), '')}：{d.get('problem', '')}",
    "hotline.queued": lambda _: "进入热线排队",
    "hotline.offered": lambda d: f"排队来电分配给坐席 {d.get('seat', '')}",
    "hotline.held": lambda d: f"坐席 {d.get('seat', '')} 让位于紧急呼叫",
    "watchdog.raised": lambda d: f"监护程序发现异常：{d.get('check', '')}",
    "watchdog.cleared": lambda d: f"异常已解除：{d.get('check', '')}",
    "work_order.created": lambda d: f"生成工单 {d.get('number', '')}",
    "work_order.moved": lambda d: f"工单 {d.get('number', '')} 状态变更",
    "follow_up.due": lambda _: "生成回访任务",
    "follow_up.attempted": lambda _: "回访未接通",
    "follow_up.completed": lambda d: f"回访完成，评分 {d.get('rating') or '无'}",
    "follow_up.cancelled": lambda _: "回访取消",
}  # fmt: skip


def sentence(kind: str, data: Data) -> str:
    """What happened, in a sentence; a kind this release has no words for is shown by its name."""
    say = SENTENCES.get(kind)
    if say is None:
        return kind
    try:
        return say(data)
    except (TypeError, ValueError, AttributeError, KeyError):  # a body of another release has other fields
        return kind
