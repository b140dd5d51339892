"""2026-03-09, 10:00: a new elder out of a spreadsheet calls the hotline; wall and record say the same (B1, B3)."""

from typing import Any

from tests.support.instance import Api, Instance
from tests.support.sipp import until

FILE = "编号,姓名,电话,区域\nX-1,周阿婆,138 1234 5678,姑苏区\n,错一行,12,\n"


async def test_an_imported_elder_calls_and_wallboard_and_record_agree_also_after_a_restart(center: Instance) -> None:
    """Import, calls that know her at once, live figures, history, the wallboard rebuilt from the journal."""
    admin = await center.sign_in("admin")
    op1 = await center.seat("op1")
    files = {"file": ("名单.csv", FILE.encode("gb18030"))}
    draft = await admin.call("POST", "/imports", data={"kind": "elders"}, files=files, timeout=90)
    assert [(one["row"], one["column"]) for one in draft["problems"]] == [(3, "电话")]
    await admin.post(f"/imports/{draft['id']}/apply", {}, status=409, timeout=90)
    done = await admin.post(f"/imports/{draft['id']}/apply", {"skip_errors": True}, timeout=90)
    assert done["result"] == {"new": 1, "changed": 0}

    await center.until(lambda: _ready(admin), what="a ready seat")
    await admin.call("PUT", "/seats/op1/state", json={"state": "paused", "reason": "培训"})
    caller = await center.dial("12349", "13812345678", seconds=90)
    await caller.answered(1)
    await until(lambda: caller.media.last_heard_at > 0, 5, "the welcome")
    caller.media.key("1")
    wall = await center.until(lambda: _wall(admin, waiting=1), 20, "her on the wallboard")
    assert wall["seats"].get("paused") == 1
    assert wall["complete"] is True
    assert wall["ratios"]["operators"]["have"] is not None
    call = (await admin.get("/calls"))["items"][0]
    assert call["elder_name"] == "周阿婆", "calls know her at once"
    await admin.call("PUT", "/seats/op1/state", json={"state": "ready"})
    desk = await (await op1.call(seconds=5)).answer()
    wall = await center.until(lambda: _wall(admin, answered=1), 5, "the answer on the wallboard")
    assert (wall["offered"], wall["waiting"], wall["connection_rate"]) == (1, 0, 1.0)
    await desk.goodbye()
    await until(lambda: any(event.startswith("ended") for event in caller.events), 5, "the end of the call")

    record = await center.until(lambda: _recorded(admin), 20, "the call in the history")
    shared = ("offered", "answered", "answered_within", "abandoned", "average_wait_seconds", "connection_rate")
    assert {name: record["total"][name] for name in shared} == {name: wall[name] for name in shared}
    assert [(one["key"], one["answered"]) for one in record["operators"]] == [("op1", 1)]
    file = await admin.raw("/statistics/hotline.csv")
    assert "合计" in file.content.decode("utf-8-sig")

    center.kill()
    await center.serve()
    admin = await center.sign_in("admin")
    again = await center.until(lambda: _wall(admin, answered=1), 20, "the wallboard after a restart")
    assert {name: again[name] for name in shared} == {name: wall[name] for name in shared}


async def _ready(api: Api) -> bool:
    return any(seat["state"] == "ready" for seat in (await api.get("/seats"))["items"])


async def _wall(api: Api, **wanted: int) -> Any:
    wall = await api.get("/wallboard")
    return wall if all(wall[name] == value for name, value in wanted.items()) else None


async def _recorded(api: Api) -> Any:
    answer = await api.get("/statistics/hotline?by=operator")
    return answer if answer["operators"] and answer["operators"][0]["answered"] else None
