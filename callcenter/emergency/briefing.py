"""What is texted about an emergency: a short alert to whom the ladder calls, a full briefing on one click (A2, A4)."""

from dataclasses import dataclass
from datetime import datetime

from callcenter.clock import SHANGHAI
from callcenter.emergency.help import File
from callcenter.emergency.kinds import KINDS, Kind
from callcenter.emergency.model import Incident
from callcenter.notifications.model import LONGEST_TEXT


@dataclass(frozen=True, slots=True)
class LastSeen:
    """Where her terminal was last seen: WGS-84 degrees, accuracy in metres (None when unknown), when."""

    latitude: float
    longitude: float
    accuracy_m: float | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What every text begins and ends with. ``map_url``: a map's address with {latitude} and {longitude}."""

    center: str
    phone: str
    map_url: str


def map_link(map_url: str, latitude: float, longitude: float) -> str:
    """A map that opens in any browser; ``map_url`` as in the settings, WGS-84 degrees."""
    return map_url.format(latitude=f"{latitude:.6f}", longitude=f"{longitude:.6f}")


def alert(incident: Incident, letterhead: Letterhead) -> str:
    """The text to whom the ladder calls: who, when, what, and whom to call. Nothing that only responders need."""
    return (
        f"{_head(incident, letterhead)}{_who(incident)}于{_clock(incident.opened_at)}发出{_kind(incident)}，"
        f"正在联系您，请接听来电并按1，或致电{letterhead.phone}。"
    )


def parameters(incident: Incident, letterhead: Letterhead) -> dict[str, str]:
    """The same for providers that only send texts made from templates they know. ``place``: no more than her area."""
    return {
        "center": letterhead.center,
        "phone": letterhead.phone,
        "elder": _who(incident),
        "kind": _kind(incident),
        "time": _clock(incident.opened_at),
        "place": incident.area,
    }


def briefing_parameters(
    incident: Incident, file: File | None, fix: LastSeen | None, letterhead: Letterhead
) -> dict[str, str]:
    """What a responder needs, for such providers; ``text``: all of it in one piece. What is not known is empty."""
    keys = f"{file.key_holder_name or ''}{file.key_holder_phone or ''}" if file is not None else ""
    return parameters(incident, letterhead) | {
        "place": (file.address if file is not None else "") or incident.area,
        "door_code": (file.door_code if file is not None else "") or "",
        "key_holder": keys,
        "notes": (file.medical_notes if file is not None else "") or "",
        "map": _map(file, fix, letterhead),
        "text": briefing(incident, file, fix, letterhead),
    }


def briefing(incident: Incident, file: File | None, fix: LastSeen | None, letterhead: Letterhead) -> str:
    """Everything a responder needs: address, door code, key holder, medical notes, place and map link (A4).

    Notes that are too long for a text are cut: nobody may go without the address because of them.
    """
    before = [f"{_head(incident, letterhead)}{_who(incident)}于{_clock(incident.opened_at)}发出{_kind(incident)}。"]
    if file is not None:
        before += [
            f"地址：{file.address}。" if file.address else "",
            f"门锁密码：{file.door_code}。" if file.door_code else "",
            f"钥匙：{file.key_holder_name or ''}{file.key_holder_phone or ''}。"
            if file.key_holder_name or file.key_holder_phone
            else "",
        ]
    after: list[str] = []
    if fix is not None:
        about = f"，误差约{fix.accuracy_m:.0f}米" if fix.accuracy_m is not None else ""
        after.append(f"定位（{_clock(fix.at)}{about}）：{_map(file, fix, letterhead)} ")
    elif link := _map(file, None, letterhead):
        after.append(f"地图：{link} ")
    if incident.caller:
        after.append(f"老人电话：{incident.caller}。")
    after.append(f"应急中心：{letterhead.phone}。")
    room = LONGEST_TEXT - sum(map(len, (*before, *after)))
    return "".join((*before, _notes(file, room), *after))


def _notes(file: File | None, room: int) -> str:
    """The medical notes as a sentence of at most ``room`` characters."""
    if file is None or not file.medical_notes:
        return ""
    whole = f"病情：{file.medical_notes}。"
    return whole if len(whole) <= room else f"{whole[: room - 1]}…"


def _head(incident: Incident, letterhead: Letterhead) -> str:
    return f"【{letterhead.center}】" + ("（演练，无需救援）" if incident.drill is not None else "")


def _map(file: File | None, fix: LastSeen | None, letterhead: Letterhead) -> str:
    if fix is not None:
        return map_link(letterhead.map_url, fix.latitude, fix.longitude)
    if file is not None and file.latitude is not None and file.longitude is not None:
        return map_link(letterhead.map_url, file.latitude, file.longitude)
    return ""


def _who(incident: Incident) -> str:
    age = f"（{incident.age}岁）" if incident.age else ""
    return f"{incident.elder_name}{age}" if incident.elder_name else f"来电{incident.caller or '未知号码'}"


def _kind(incident: Incident) -> str:
    return KINDS.get(incident.kind, KINDS[Kind.MANUAL])


def _clock(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%m月%d日%H:%M}"
