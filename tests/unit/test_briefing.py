"""What a responder is texted, in one piece and in the pieces that template-only providers ask for (A2, A4)."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from callcenter.emergency.briefing import LastSeen, Letterhead, briefing_parameters, parameters
from callcenter.emergency.model import Incident
from callcenter.emergency.plan import DEFAULT_PLAN
from callcenter.notifications.model import LONGEST_TEXT

AT = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
HEAD = Letterhead("中心", "95120", "https://map/{longitude},{latitude}")
INCIDENT = Incident(
    "i", "press", "r", AT, DEFAULT_PLAN, elder_name="陈桂英", age=85, area="姑苏区", caller="13800003001"
)
FILE = cast(
    "Any",
    SimpleNamespace(
        address="平江路 128 号", door_code="3012#", key_holder_name="徐阿姨", key_holder_phone="13800002001",
        medical_notes="青霉素过敏", latitude=31.3, longitude=120.6,
    ),
)  # fmt: skip


def test_given_a_provider_of_templates_when_a_responder_is_briefed_then_nothing_he_needs_is_left_out() -> None:
    given = briefing_parameters(INCIDENT, FILE, None, HEAD)
    pieces = {name: given[name] for name in ("elder", "place", "door_code", "key_holder", "notes", "map")}
    assert pieces == {
        "elder": "陈桂英（85岁）",
        "place": "平江路 128 号",
        "door_code": "3012#",
        "key_holder": "徐阿姨13800002001",
        "notes": "青霉素过敏",
        "map": "https://map/120.600000,31.300000",
    }
    assert all(piece in given["text"] for piece in pieces.values())


def test_a4_given_notes_longer_than_a_text_when_briefed_then_they_are_cut_and_all_else_is_there() -> None:
    file = SimpleNamespace(**{**vars(FILE), "medical_notes": "高血压；" * 1000})
    text = briefing_parameters(INCIDENT, cast("Any", file), LastSeen(31.4, 120.7, 15, AT), HEAD)["text"]
    assert len(text) == LONGEST_TEXT
    assert "…" in text
    for needed in ("平江路 128 号", "3012#", "徐阿姨13800002001", "https://map/120.700000,31.400000", "13800003001"):
        assert needed in text


def test_given_a_fix_when_briefed_then_the_map_shows_where_she_is_and_not_where_she_lives() -> None:
    given = briefing_parameters(INCIDENT, FILE, LastSeen(31.4, 120.7, 15, AT), HEAD)
    assert given["map"] == "https://map/120.700000,31.400000"
    assert given["map"] in given["text"]


def test_given_a_stranger_when_briefed_then_what_is_not_known_is_empty() -> None:
    given = briefing_parameters(INCIDENT, None, None, HEAD)
    assert (given["place"], given["door_code"], given["map"]) == ("姑苏区", "", "")


def test_given_an_alert_then_its_pieces_say_no_more_than_the_area() -> None:
    given = parameters(INCIDENT, HEAD)
    assert (given["place"], given["elder"]) == ("姑苏区", "陈桂英（85岁）")
    assert not {"door_code", "key_holder", "notes", "map", "text"} & given.keys()
