"""Queues, seat skills and holidays over REST (B1, B7)."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from callcenter.api.app import create_app
from callcenter.api.deps import Services
from callcenter.bus import LocalBus
from callcenter.queues.keeper import BookKeeper
from tests.api.conftest import Login, with_controller
from tests.support.memory import MemoryJournal
from tests.support.world import Account

PATH = "/api/v1/queues"
DIALECT: dict[str, Any] = {
    "code": "dialect",
    "name": "吴语专席",
    "name_en": "Wu dialect",
    "skill": "吴语",
    "min_level": 3,
    "priority": 2,
    "hours": [{"days": [5, 1, 1], "from": "08:30", "to": "17:30"}],
    "holidays": "closed",
    "closed": {"to": "queue:general"},
    "overflow": [{"when": "wait", "over": 60, "to": "number:+86 512 8765 4321".replace(" ", "")}],
}


async def test_given_nothing_is_configured_then_there_is_one_queue_for_everybody(as_role: Login) -> None:
    operator = await as_role("operator")
    (general,) = (await operator.get(PATH)).json()["items"]
    assert (general["code"], general["skill"], general["open"], general["version"]) == ("general", "", True, 0)
    assert (general["service_level_seconds"], general["service_level_target"]) == (20, 0.8)
    assert general["closed"] == {"to": "stay"}
    assert (await operator.post(PATH, json=DIALECT)).status_code == 403


async def test_given_a_supervisor_when_they_make_and_change_a_queue_then_it_is_as_they_said(as_role: Login) -> None:
    supervisor = await as_role("supervisor")
    made = await supervisor.post(PATH, json=DIALECT)
    assert made.status_code == 201, made.text
    view = made.json()
    assert view["hours"] == [{"days": [1, 5], "from": "08:30", "to": "17:30"}]
    assert view["overflow"] == [{"when": "wait", "over": 60, "to": "number:051287654321"}]
    assert view["open"] is True  # Monday, 09:00
    assert (await supervisor.post(PATH, json=DIALECT)).status_code == 409
    settings = {name: value for name, value in DIALECT.items() if name != "code"} | {"priority": 5}
    stale = await supervisor.put(f"{PATH}/dialect", json=settings, headers={"If-Match": '"9"'})
    assert stale.status_code == 412
    changed = await supervisor.put(f"{PATH}/dialect", json=settings, headers={"If-Match": made.headers["etag"]})
    assert (changed.status_code, changed.json()["priority"]) == (200, 5)
    assert (await supervisor.get(f"{PATH}/nowhere")).status_code == 404


async def test_given_a_queue_when_another_leads_to_it_then_it_cannot_be_deleted(as_role: Login) -> None:
    admin = await as_role("admin")
    await admin.post(PATH, json=DIALECT)
    to_it = {"name": "综合", "closed": {"to": "queue:dialect"}}
    assert (await admin.put(f"{PATH}/general", json=to_it)).json()["version"] == 1
    assert (await admin.delete(f"{PATH}/dialect")).status_code == 409
    assert (await admin.delete(f"{PATH}/general")).status_code == 409
    assert (await admin.put(f"{PATH}/general", json={"name": "综合"})).status_code == 200
    assert (await admin.delete(f"{PATH}/dialect")).status_code == 204
    assert (await admin.get(f"{PATH}/dialect")).status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"closed": {"to": "queue:nowhere"}}, 409),
        ({"closed": {"to": "queue:dialect"}}, 409),
        ({"closed": {"to": "somewhere"}}, 422),
        ({"min_level": 6}, 422),
        ({"priority": 10}, 422),
        ({"hours": [{"days": [], "from": "08:00", "to": "09:00"}]}, 422),
        ({"hours": [{"days": [1], "from": "8", "to": "24:00"}]}, 422),
        ({"code": "Dialect"}, 422),
        ({"surprise": 1}, 422),
    ],
)
async def test_given_what_cannot_be_when_said_of_a_queue_then_it_is_refused(
    as_role: Login, change: dict[str, Any], status: int
) -> None:
    admin = await as_role("admin")
    assert (await admin.post(PATH, json=DIALECT | change)).status_code == status


async def test_given_own_days_when_said_then_they_stand_beside_the_countrys(as_role: Login) -> None:
    admin = await as_role("admin")
    path = "/api/v1/holidays"
    spring = (await admin.get(path, params={"year": 2025})).json()["items"]
    assert {"date": "2025-01-29", "kind": "closed", "name": "Spring Festival", "own": False} in spring
    assert {"date": "2025-01-26", "kind": "open", "name": "", "own": False} in spring
    days = [{"date": "2025-01-29", "kind": "open", "name": "值班"}, {"date": "2025-06-13", "kind": "closed"}]
    assert (await admin.put(path, json={"days": days})).status_code == 200
    both = {day["date"]: day for day in (await admin.get(path, params={"year": 2025})).json()["items"]}
    assert (both["2025-01-29"]["kind"], both["2025-01-29"]["own"]) == ("open", True)
    assert both["2025-06-13"]["own"] is True
    assert [day["date"] for day in (await admin.put(path, json={"days": days[1:]})).json()["items"]] == ["2025-06-13"]
    assert (await (await as_role("operator")).put(path, json={"days": []})).status_code == 403


@pytest.fixture
def live(services: Services) -> Services:
    live = with_controller(services, MemoryJournal())
    assert live.controller is not None
    live.controller.routing.staff([Account("op1"), Account("sup1", "supervisor")])
    return live


@pytest.fixture
def app(live: Services) -> FastAPI:
    return create_app(live)


async def test_given_a_seat_when_skills_are_said_then_the_seat_and_its_queues_show_it(as_role: Login) -> None:
    supervisor = await as_role("supervisor")
    await supervisor.post(PATH, json=DIALECT)
    answer = await supervisor.put("/api/v1/seats/op1/skills", json={"skills": {"吴语": 4}, "area": "姑苏区"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["skills"], answer.json()["area"]) == ({"吴语": 4}, "姑苏区")
    assert (await supervisor.put("/api/v1/seats/nobody/skills", json={"skills": {}})).status_code == 404
    assert (await supervisor.put("/api/v1/seats/op1/skills", json={"skills": {"吴语": 6}})).status_code == 422
    operator = await as_role("operator", "op1")
    assert (await operator.put("/api/v1/seats/op1/skills", json={"skills": {}})).status_code == 403


async def test_given_what_was_written_then_routing_has_it_and_a_start_without_the_database_too(
    as_role: Login, live: Services
) -> None:
    """A10: the book is on disk."""
    supervisor = await as_role("supervisor")
    await supervisor.post(PATH, json=DIALECT)
    await supervisor.put("/api/v1/seats/op1/skills", json={"skills": {"吴语": 4}})
    path = live.settings.data / "queues.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    keeper = BookKeeper(live.database, path, LocalBus())
    assert await keeper.refresh()
    assert not await keeper.refresh()
    again = BookKeeper(live.database, path, LocalBus())
    again.restore()
    for book in (keeper.book, again.book):
        assert book.queue("dialect").skill == "吴语"
        assert book.skills_of("op1").levels == {"吴语": 4}
        assert book.queue("unknown").code == "general"
    path.write_bytes(b"not this")
    damaged = BookKeeper(live.database, path, LocalBus())
    damaged.restore()
    assert set(damaged.book.queues) == {"general"}


async def test_given_a_seat_then_its_view_says_since_when_and_until_when(as_role: Login, live: Services) -> None:
    operator = await as_role("operator", "op1")
    seat = (await operator.get("/api/v1/seats/me")).json()
    assert (seat["state"], seat["phone"], seat["deadline"], seat["queues"]) == ("offline", None, None, ["general"])
    assert seat["state_since"] is None, "no fact has told: not since the machine was switched on"
    assert (await operator.put("/api/v1/seats/me/wrap-up", json={"done": True})).status_code == 409
    assert (await operator.put("/api/v1/seats/me/wrap-up", json={})).status_code == 422
    assert (await operator.get(f"{PATH}/general/callers")).json() == {"items": [], "next": None}
    missing: httpx.Response = await operator.get(f"{PATH}/nowhere/callers")
    assert missing.status_code == 404


@pytest.mark.parametrize("number", ["120", "+12025550123", "021120", "16812345", "1795100442071"])
@pytest.mark.parametrize("where", ["overflow", "closed"])
async def test_given_a_way_out_of_a_queue_when_it_costs_or_is_an_emergency_service_then_it_is_refused(
    as_role: Login, where: str, number: str
) -> None:
    """Whoever waits is sent on by itself: nobody may make the ambulance, or a number that earns, ring all day."""
    to = f"number:{number}"
    way = {"overflow": [{"when": "wait", "over": 1, "to": to}]} if where == "overflow" else {"closed": {"to": to}}
    answer = await (await as_role("supervisor")).post(PATH, json=DIALECT | {"closed": {"to": "stay"}} | way)
    assert answer.status_code == 422, answer.text


async def test_given_own_days_of_two_years_when_one_day_is_said_or_taken_back_then_the_others_stay(
    as_role: Login,
) -> None:
    """B1: a page that shows one year says one day; a list of that year in place of all would forget the others."""
    supervisor = await as_role("supervisor")
    path = "/api/v1/holidays"
    for day, name in (("2026-12-28", "检修"), ("2027-01-04", "盘点")):
        said = await supervisor.put(f"{path}/{day}", json={"kind": "closed", "name": name})
        assert (said.status_code, said.json()["name"], said.json()["own"]) == (200, name, True)
    assert (await supervisor.put(f"{path}/2027-01-04", json={"kind": "open"})).json()["kind"] == "open"

    async def own(year: int) -> list[str]:
        return [day["date"] for day in (await supervisor.get(f"{path}?year={year}")).json()["items"] if day["own"]]

    assert (await own(2026), await own(2027)) == (["2026-12-28"], ["2027-01-04"])
    for _ in range(2):
        assert (await supervisor.delete(f"{path}/2027-01-04")).status_code == 204
    assert (await own(2026), await own(2027)) == (["2026-12-28"], [])
    assert (await (await as_role("operator")).delete(f"{path}/2026-12-28")).status_code == 403


async def test_given_a_live_menu_leads_to_a_queue_then_it_cannot_be_deleted_until_another_menu_is_live(
    as_role: Login,
) -> None:
    """B1: nobody's key leads somewhere else than was said; the reason is one that a page has words for."""
    admin = await as_role("admin")
    await admin.post(PATH, json={"code": "dialect", "name": "吴语专席"})
    main = {"prompts": ["menu"], "choices": {"9": {"do": "emergency"}}, "otherwise": {"do": "queue", "to": "dialect"}}
    menu = (await admin.post("/api/v1/menus", json={"name": "春节菜单", "nodes": {"main": main}})).json()
    assert (await admin.post(f"/api/v1/menus/{menu['id']}/publish")).status_code == 200
    refused = await admin.delete(f"{PATH}/dialect")
    assert refused.status_code == 409
    assert (refused.json()["reason"], refused.json()["menu"]) == ("queue_in_menu", "春节菜单")
    copy = (await admin.post("/api/v1/menus/built-in/copy")).json()
    await admin.post(f"/api/v1/menus/{copy['id']}/publish")
    assert (await admin.delete(f"{PATH}/dialect")).status_code == 204
