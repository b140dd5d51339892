"""Rows of incidents for tests of what is made from them."""

from datetime import datetime
from typing import Any

import msgspec

from callcenter.emergency.plan import DEFAULT_PLAN
from callcenter.ids import new_id


def incident_values(opened_at: datetime, **changes: Any) -> dict[str, Any]:
    """The values of an `EmergencyRow`: a closed press that nobody answered, unless ``changes`` say otherwise."""
    return {
        "id": new_id(),
        "state": "closed",
        "origin": "press",
        "room": "room",
        "caller": "13800000001",
        "elder_id": None,
        "elder_name": "",
        "priority": 0,
        "plan": msgspec.to_builtins(DEFAULT_PLAN),
        "calls": [],
        "opened_at": opened_at,
        "system_answer_ms": None,
        "human_answer_ms": None,
        "answered_by": "",
        "late": False,
        "closed_at": None,
        "outcome": "",
        "cause": "",
        "summary": "",
        "kind": "manual",
        "device_id": None,
        "area": "",
        "age": 0,
        "voice_by": None,
        "drill": None,
        "ticks": {},
    } | changes
