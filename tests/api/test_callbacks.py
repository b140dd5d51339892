"""Call-backs and voicemails over REST (B1, B5)."""

import pytest
from sqlalchemy import select

from callcenter.api.deps import Services
from callcenter.callbacks.tables import CallBackProjector
from callcenter.facts import record
from callcenter.ids import new_id
from callcenter.people.directory import Directory, Elder
from callcenter.timeline.model import FactRow
from callcenter.voicemail import facts as vf
from callcenter.voicemail.tables import VoicemailProjector
from tests.api.conftest import Login, with_controller
from tests.support.memory import MemoryJournal

NUMBER = "13800001001"


@pytest.fixture
def services(services: Services, journal: MemoryJournal) -> Services:
    """With a controller: it is where call-backs live."""
    return with_controller(services, journal)


async def test_the_desk_asks_hastens_and_cancels(as_role: Login, services: Services, journal: MemoryJournal) -> None:
    operator = await as_role("operator")
    made = await operator.post("/api/v1/callbacks", json={"number": "+86 138 0000 1001", "priority": 2})
    assert made.status_code == 201, made.text
    one = made.json()
    assert (one["number"], one["state"], one["queue"], one["by_caller"]) == (NUMBER, "waiting", "general", False)
    again = (await operator.post("/api/v1/callbacks", json={"number": NUMBER})).json()
    assert again["id"] == one["id"]
    assert (await operator.post(f"/api/v1/callbacks/{one['id']}/now")).status_code == 200
    assert [item["id"] for item in (await operator.get("/api/v1/callbacks?state=waiting")).json()["items"]] == [
        one["id"]
    ]
    gone = await operator.delete(f"/api/v1/callbacks/{one['id']}")
    assert (gone.status_code, gone.json()["state"], gone.json()["next_at"]) == (200, "cancelled", None)
    assert (await operator.delete(f"/api/v1/callbacks/{one['id']}")).status_code == 409
    assert (await operator.get("/api/v1/callbacks/nobody")).status_code == 404
    # The record says the same as memory.
    async with services.database.transaction() as session:
        await CallBackProjector().apply(session, journal.facts())
    assert services.controller is not None
    services.controller.callbacks._over.clear()
    stored = (await operator.get(f"/api/v1/callbacks/{one['id']}")).json()
    assert stored == gone.json()
    assert [item["id"] for item in (await operator.get("/api/v1/callbacks")).json()["items"]] == [one["id"]]


async def test_numbers_that_cost_are_refused(as_role: Login) -> None:
    operator = await as_role("operator")
    for number in ("120", "16812345678", "+12025550123", "4008001234"):
        assert (await operator.post("/api/v1/callbacks", json={"number": number})).status_code == 422


async def test_an_account_of_one_area_sees_no_strangers_call_backs(as_role: Login) -> None:
    """I3."""
    made = (await (await as_role("operator")).post("/api/v1/callbacks", json={"number": NUMBER})).json()
    narrow = await as_role("operator", user="narrow", area="A")
    assert (await narrow.get("/api/v1/callbacks")).json()["items"] == []
    assert (await narrow.get(f"/api/v1/callbacks/{made['id']}")).status_code == 404
    assert (await narrow.delete(f"/api/v1/callbacks/{made['id']}")).status_code == 404


async def test_asking_for_a_number_tells_an_account_of_one_area_nothing_of_anothers_elder(
    as_role: Login, services: Services
) -> None:
    """I3: her name and id came back to whoever named her number."""
    north, south = (Elder(id=one, code=one, name=f"{one}老人", area=one) for one in ("north", "south"))
    services.directory._directory = Directory([north, south])
    everywhere = await as_role("operator")
    body = {"number": NUMBER, "elder_id": "north"}
    assert (await everywhere.post("/api/v1/callbacks", json=body)).status_code == 201
    narrow = await as_role("operator", user="narrow", area="south")
    answer = await narrow.post("/api/v1/callbacks", json={"number": NUMBER, "elder_id": "south"})
    assert answer.status_code == 409
    assert "north" not in answer.text


async def test_a_voicemail_is_new_until_somebody_deals_with_it(as_role: Login, services: Services) -> None:
    call_id = new_id()
    left = vf.VoicemailLeft(voicemail_id=new_id(), caller=NUMBER, seconds=7.5, offset_seconds=12.0, ended="key")
    fact = record(left, services.clock.now(), "elder", call_id=call_id)
    async with services.database.transaction() as session:
        await VoicemailProjector().apply(session, [fact])
    operator = await as_role("operator", user="mei")
    (one,) = (await operator.get("/api/v1/voicemails?state=new")).json()["items"]
    assert (one["call_id"], one["seconds"], one["offset_seconds"], one["recording_id"]) == (call_id, 7.5, 12.0, None)
    done = await operator.post(f"/api/v1/voicemails/{one['id']}/done", json={"note": "已回电"})
    assert done.status_code == 200
    assert (done.json()["state"], done.json()["handled_by"], done.json()["note"]) == ("done", "mei", "已回电")
    assert (await operator.post(f"/api/v1/voicemails/{one['id']}/done", json={})).status_code == 409
    assert (await operator.get("/api/v1/voicemails?state=new")).json()["items"] == []
    async with services.database.transaction() as session:
        kinds = list(await session.scalars(select(FactRow.kind).where(FactRow.call_id == call_id)))
    assert kinds == ["voicemail.done"]
    narrow = await as_role("operator", user="narrow", area="A")
    assert (await narrow.get(f"/api/v1/voicemails/{one['id']}")).status_code == 404
