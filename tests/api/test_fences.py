"""Fences over REST: drawn, changed, refused, taken down; the directory follows (A5)."""

from typing import Any

import pytest

from callcenter.api.deps import Services
from callcenter.location.fences import Fence
from tests.api.conftest import Login

CENTRE = {"latitude": 31.3175, "longitude": 120.6353}
CIRCLE: dict[str, Any] = {"name": "小区", "centre": CENTRE, "radius_m": 300}
CORNERS = [{"latitude": a, "longitude": b} for a, b in ((31.31, 120.63), (31.31, 120.64), (31.32, 120.64))]
TRIANGLE: dict[str, Any] = {"name": "河边", "points": CORNERS, "alarm_on": "enter", "tell": ["guardian", "family"]}


@pytest.fixture
async def path(as_role: Login) -> str:
    made = await (await as_role("admin")).post("/api/v1/elders", json={"name": "张玉珍", "area": "虎丘区"})
    return f"/api/v1/elders/{made.json()['id']}/fences"


async def fences(services: Services) -> tuple[Fence, ...]:
    await services.directory.refresh()
    (elder,) = services.directory.directory.elders.values()
    return elder.fences


async def test_given_a_fence_when_drawn_then_it_reads_back_and_the_directory_has_it(
    path: str, as_role: Login, services: Services
) -> None:
    station = await as_role("station")
    circle = (await station.post(path, json=CIRCLE)).json()
    # GeoJSON closes its rings; here the first corner is not wanted again.
    triangle = (await station.post(path, json=TRIANGLE | {"points": [*CORNERS, CORNERS[0]]})).json()
    assert (circle["centre"], circle["points"], circle["tell"], circle["margin_m"]) == (CENTRE, [], ["family"], 30)
    assert (triangle["centre"], triangle["points"], triangle["alarm_on"]) == (None, CORNERS, "enter")
    assert (await station.get(path)).json()["items"] == [circle, triangle]
    assert (await station.get(f"{path}/{circle['id']}")).json() == circle
    first, second = await fences(services)
    assert (first.centre, first.radius_m, first.tell) == ((31.3175, 120.6353), 300, ("family",))
    assert (second.points[1], second.alarm_on, second.tell) == ((31.31, 120.64), "enter", ("guardian", "family"))


async def test_given_a_fence_when_changed_or_taken_down_then_the_directory_follows(
    path: str, as_role: Login, services: Services
) -> None:
    station = await as_role("station")
    made = await station.post(path, json=CIRCLE)
    one = f"{path}/{made.json()['id']}"
    etag = made.headers["etag"]
    changed = await station.patch(one, json={"radius_m": 500, "fixes": 3}, headers={"If-Match": etag})
    assert (changed.json()["radius_m"], changed.json()["fixes"], changed.json()["centre"]) == (500, 3, CENTRE)
    assert (await station.patch(one, json={"radius_m": 600}, headers={"If-Match": etag})).status_code == 412
    assert (await fences(services))[0].radius_m == 500
    reshaped = (await station.patch(one, json={"points": CORNERS})).json()
    assert (reshaped["centre"], reshaped["radius_m"], reshaped["points"]) == (None, None, CORNERS)
    again = (await station.patch(one, json={"centre": CENTRE, "radius_m": 100})).json()
    assert (again["points"], again["radius_m"]) == ([], 100)
    await station.patch(one, json={"active": False})
    assert await fences(services) == ()
    await station.patch(one, json={"active": True})
    assert len(await fences(services)) == 1
    assert (await station.delete(one)).status_code == 204
    assert await fences(services) == ()
    assert (await station.get(one)).status_code == 404


@pytest.mark.parametrize(
    "broken",
    [
        {"radius_m": 10},
        {"radius_m": None},
        {"points": CORNERS},
        {"centre": None},
        {"centre": None, "radius_m": None, "points": CORNERS[:2]},
        {"centre": None, "radius_m": None, "points": [CORNERS[0], CORNERS[1], CORNERS[0], CORNERS[2]]},
        {"tell": ["120"]},
        {"tell": ["free_seats"]},
        {"fixes": 0},
        {"name": ""},
        {"centre": {"latitude": 91, "longitude": 0}},
        {"colour": "red"},
    ],
)
async def test_given_a_fence_that_cannot_be_watched_when_drawn_then_422(
    path: str, as_role: Login, broken: dict[str, Any]
) -> None:
    answer = await (await as_role("station")).post(path, json=CIRCLE | broken)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), answer.text


async def test_given_twenty_fences_when_one_more_is_drawn_then_409(path: str, as_role: Login) -> None:
    station = await as_role("station")
    for number in range(20):
        assert (await station.post(path, json=CIRCLE | {"name": f"{number}"})).status_code == 201
    assert (await station.post(path, json=CIRCLE)).status_code == 409


async def test_i3_fences_are_written_by_those_who_write_elders_and_seen_in_their_area(
    path: str, as_role: Login
) -> None:
    station = await as_role("station", area="虎丘区")
    made = (await station.post(path, json=CIRCLE)).json()
    assert (await (await as_role("operator")).post(path, json=CIRCLE)).status_code == 403
    assert (await (await as_role("operator")).get(path)).status_code == 200
    elsewhere = await as_role("station", area="吴中区")
    assert (await elsewhere.get(path)).status_code == 404
    assert (await elsewhere.delete(f"{path}/{made['id']}")).status_code == 404
    other = await (await as_role("admin")).post("/api/v1/elders", json={"name": "别人"})
    assert (await station.get(f"/api/v1/elders/{other.json()['id']}/fences/{made['id']}")).status_code == 404
