"""The directory: who calls, kept in memory and on disk, whatever the database does (A4, A8, A10, R5, R20, R28)."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, text

from callcenter.bus import LocalBus
from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.devices.model import DeviceRow
from callcenter.devices.service import DeviceInput, create_device
from callcenter.emergency.plan import DEFAULT_PLAN, Plan, Step
from callcenter.people.directory import Contact, Device, Directory, Elder
from callcenter.people.keeper import CHANGED, DirectoryKeeper
from callcenter.people.loader import load_directory
from callcenter.people.model import ContactRow, ElderPhoneRow, ElderRow
from callcenter.people.plans import create_plan
from callcenter.people.roster import OnCall, Shift
from callcenter.people.schemas import ContactInput, ElderInput, ElderPatch, PlanInput, StepInput
from callcenter.people.service import change_elder, create_elder, delete_elder
from callcenter.people.snapshot_file import restore, save
from tests.support.database import (  # noqa: F401 - pytest finds fixtures by their names here
    migrated,
    migrated_postgres,
    migrated_sqlite,
    postgres_template,
    sqlite_template,
)
from tests.support.sipp import until

CLOCK = ManualClock(datetime(2026, 3, 2, 1, 0, tzinfo=UTC))
DAUGHTER = Contact("family", "陈晓燕", "13800001101")
SON = Contact("family", "陈建国", "13800001201")
DOCTOR = Contact("doctor", "林医生", "13800001301")
MOTHER = Elder(
    "e1", "SZ-1", "陈桂英", phones=("13800001001",), contacts=(DAUGHTER, DOCTOR, SON),
    devices=(Device("d1", "pendant", "13800003001"),), plan_id="p1",
)  # fmt: skip
FATHER = Elder("e2", "SZ-2", "陈福生", phones=("13800001002",), contacts=(DAUGHTER, DOCTOR))
PLAN = Plan("p1", "跌倒", (Step(0, ("free_seats",)),))


@pytest.mark.parametrize("number", ["13800003001", "+8613800003001", "0086 138 0000 3001", "sip:013800003001@trunk"])
def test_given_a_pendant_when_it_calls_in_any_spelling_then_the_elder_and_the_device_are_known(number: str) -> None:
    caller = Directory([MOTHER, FATHER]).find_caller(number)
    assert caller is not None
    assert (caller.elder, caller.device_id, caller.contact, caller.ambiguous) == (MOTHER, "d1", None, False)


def test_given_a_relative_of_one_elder_when_they_call_then_elder_and_contact_are_known() -> None:
    caller = Directory([MOTHER, FATHER]).find_caller(SON.phone)
    assert caller is not None
    assert (caller.elder, caller.contact, caller.device_id) == (MOTHER, SON, None)


def test_given_a_relative_of_two_elders_when_they_call_then_a_human_decides() -> None:
    caller = Directory([MOTHER, FATHER]).find_caller(DAUGHTER.phone)
    assert caller is not None
    assert (caller.elder, caller.ambiguous, caller.contact) == (None, True, DAUGHTER)
    assert caller.candidates == (MOTHER, FATHER)


def test_given_a_number_that_a_doctor_serves_many_with_when_it_calls_then_it_identifies_nobody() -> None:
    assert Directory([MOTHER]).find_caller(DOCTOR.phone) is None


def test_given_an_elder_who_is_also_anothers_contact_when_she_calls_then_it_is_she() -> None:
    wife = Elder("e3", "SZ-3", "王秀兰", phones=("13800001003",))
    husband = Elder("e4", "SZ-4", "王德", contacts=(Contact("family", "王秀兰", "13800001003"),))
    for order in ([wife, husband], [husband, wife]):
        caller = Directory(order).find_caller("13800001003")
        assert caller is not None
        assert caller.elder == wife


def test_given_a_device_number_that_is_also_a_phone_when_it_calls_then_the_device_is_surer() -> None:
    other = Elder("e5", "SZ-5", "李德明", phones=("13800003001",))
    caller = Directory([other, MOTHER]).find_caller("13800003001")
    assert caller is not None
    assert (caller.elder, caller.device_id) == (MOTHER, "d1")


def test_given_a_number_shared_by_a_whole_village_when_it_calls_then_twenty_candidates_are_enough() -> None:
    village = [Elder(str(n), str(n), f"老人{n}", phones=("051265001001",)) for n in range(3000)]
    caller = Directory(village).find_caller("051265001001")
    assert caller is not None
    assert len(caller.candidates) == 20


@given(st.one_of(st.none(), st.text(max_size=30)))
def test_given_anything_as_a_number_when_looked_up_then_it_never_fails(raw: str | None) -> None:
    """R20: an unknown caller still reaches a human."""
    assert Directory([MOTHER]).find_caller(raw) in (None, Directory([MOTHER]).find_caller(MOTHER.phones[0]))


def test_given_contacts_when_asked_by_role_then_in_order() -> None:
    assert MOTHER.contacts_in("family") == (DAUGHTER, SON)
    assert MOTHER.contacts_in("community") == ()


def test_given_an_elder_or_nobody_when_a_plan_is_asked_then_there_is_always_one() -> None:
    directory = Directory([MOTHER, FATHER], [PLAN])
    assert directory.plan_for(MOTHER) == PLAN
    assert directory.plan_for(FATHER) == directory.plan_for(None) == DEFAULT_PLAN
    assert Directory([MOTHER]).plan_for(MOTHER) == DEFAULT_PLAN
    own = Plan("default", "本中心默认", (Step(0, ("duty",)),))
    assert Directory([], [own]).plan_for(None) == own


def test_given_a_directory_when_saved_and_restored_then_it_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "directory.json"
    many = [
        Elder(f"m{n}", f"c{n}", f"老人{n}", phones=(f"1380000{n:04}",), medical_notes="高血压") for n in range(1203)
    ]
    for elders in ([], [MOTHER], [MOTHER, *many]):
        save(Directory(elders, [PLAN]), path)
        again = restore(path)
        assert list(again.elders.values()) == elders
        assert again.plans == {"p1": PLAN}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["directory.json"]


def test_given_a_saved_directory_when_it_is_cut_or_altered_anywhere_then_it_is_empty_and_nothing_fails(
    tmp_path: Path,
) -> None:
    """R28: damage is noticed, never believed."""
    path = tmp_path / "directory.json"
    save(Directory([MOTHER], [PLAN]), path)
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        assert not restore(path).elders
    for at in range(0, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert not restore(path).elders
    path.write_bytes(whole)
    assert restore(path).elders


def test_given_no_file_or_a_folder_in_its_place_when_restored_then_empty(tmp_path: Path) -> None:
    assert not restore(tmp_path / "none.json").elders
    assert not restore(tmp_path).elders


async def _mother(database: Database) -> str:
    async with database.transaction() as session:
        plan = await create_plan(
            session, CLOCK, PlanInput(name="跌倒", steps=[StepInput(at_seconds=0, targets=["duty"])])
        )
        contacts = [
            ContactInput(role="family", name="陈建国", phone="13800001201"),
            ContactInput(role="family", name="陈晓燕", phone="13800001101"),
        ]
        row = await create_elder(
            session,
            CLOCK,
            ElderInput(
                name="陈桂英", phones=["13800001001", "051265001001"], contacts=contacts, plan_id=plan.id,
                groups=["独居"], door_code="3012#", medical_notes="高血压",
            ),
        )  # fmt: skip
        await create_device(
            session, CLOCK, DeviceInput(kind="pendant", serial="P", number="13800003001", elder_id=row.id)
        )
        return row.id


async def _load(database: Database) -> Directory:
    async with database.transaction() as session:
        return await load_directory(session)


async def test_given_people_in_the_database_when_loaded_then_all_of_it_is_in_memory(
    migrated: Database,  # noqa: F811
) -> None:
    elder_id = await _mother(migrated)
    directory = await _load(migrated)
    elder = directory.elder(elder_id)
    assert elder is not None
    assert elder.phones == ("13800001001", "051265001001")
    assert [contact.name for contact in elder.contacts] == ["陈建国", "陈晓燕"]
    assert (elder.groups, elder.door_code, elder.medical_notes) == (("独居",), "3012#", "高血压")
    assert directory.plan_for(elder).name == "跌倒"
    caller = directory.find_caller("+8613800003001")
    assert caller is not None
    assert caller.elder == elder
    assert caller.device_id == elder.devices[0].id


async def test_given_a_plan_row_that_cannot_be_read_when_loaded_then_the_default_plan_serves(
    migrated: Database,  # noqa: F811
) -> None:
    elder_id = await _mother(migrated)
    async with migrated.transaction() as session:
        await session.execute(text("""UPDATE response_plans SET steps = '[{"at": 1}]'"""))
    directory = await _load(migrated)
    assert directory.plan_for(directory.elder(elder_id)) == DEFAULT_PLAN


async def test_given_a_keeper_when_anything_changes_then_it_sees_it_and_else_loads_nothing(
    migrated: Database,  # noqa: F811
    tmp_path: Path,
) -> None:
    keeper = DirectoryKeeper(migrated, tmp_path / "directory.json")
    elder_id = await _mother(migrated)
    assert await keeper.refresh()
    assert not await keeper.refresh()

    async def change(**fields: object) -> None:
        async with migrated.transaction() as session:
            elder = await session.get_one(ElderRow, elder_id)
            await change_elder(session, CLOCK, elder, ElderPatch.model_validate(fields))
        assert await keeper.refresh(), fields

    await change(door_code="1")
    await change(phones=["13800009999"])
    assert keeper.directory.find_caller("13800009999") is not None
    assert keeper.directory.find_caller("13800001001") is None
    await change(contacts=[])
    async with migrated.transaction() as session:
        await delete_elder(session, CLOCK, await session.get_one(ElderRow, elder_id))
    assert await keeper.refresh()
    assert keeper.directory.find_caller("13800009999") is None
    assert restore(tmp_path / "directory.json").elders == {}


async def test_given_a_running_keeper_when_hinted_on_the_bus_then_the_change_is_known_at_once(
    migrated: Database,  # noqa: F811
    tmp_path: Path,
) -> None:
    bus = LocalBus()
    keeper = DirectoryKeeper(migrated, tmp_path / "directory.json", bus, seconds=600)
    task = asyncio.create_task(keeper.run())
    await until(lambda: keeper.healthy)
    await _mother(migrated)
    bus.publish(CHANGED, b"")
    await until(lambda: keeper.directory.find_caller("13800001001"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_given_the_database_goes_away_when_the_keeper_runs_then_the_last_directory_stays(
    migrated_sqlite: Database,  # noqa: F811
    tmp_path: Path,
) -> None:
    """R5: and a restart without the database finds it on disk."""
    await _mother(migrated_sqlite)
    path = tmp_path / "directory.json"
    keeper = DirectoryKeeper(migrated_sqlite, path, seconds=0.01)
    task = asyncio.create_task(keeper.run())
    await until(lambda: keeper.directory.elders)
    async with migrated_sqlite.transaction() as session:
        await session.execute(text("ALTER TABLE elders RENAME TO away"))
    await until(lambda: not keeper.healthy)
    assert keeper.directory.find_caller("13800001001") is not None
    async with migrated_sqlite.transaction() as session:
        await session.execute(text("ALTER TABLE away RENAME TO elders"))
    await until(lambda: keeper.healthy)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    gone = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    restarted = DirectoryKeeper(gone, path)
    restarted.restore()
    assert restarted.directory.find_caller("13800001001") is not None
    with pytest.raises(OSError, match="Connect call failed"):
        await restarted.refresh()
    assert restarted.directory.find_caller("13800001001") is not None
    await gone.close()


async def test_given_a_disk_that_refuses_when_the_directory_changes_then_memory_has_it_all_the_same(
    migrated_sqlite: Database,  # noqa: F811
    tmp_path: Path,
) -> None:
    """R8: a full or read-only disk costs the copy, not the directory."""
    (tmp_path / "file").write_text("a file where a folder should be")
    keeper = DirectoryKeeper(migrated_sqlite, tmp_path / "file" / "directory.json")
    await _mother(migrated_sqlite)
    assert await keeper.refresh()
    assert keeper.directory.find_caller("13800001001") is not None


async def _city(database: Database, count: int) -> None:
    """``count`` elders with three contacts, a phone and a pendant each, straight into the tables."""
    now = CLOCK.now()
    ids = [f"e{n:06}" for n in range(count)]
    stamps = {"version": 1, "created_at": now, "updated_at": now}
    tables: Sequence[tuple[type, list[dict[str, object]]]] = (
        (
            ElderRow,
            [
                {"id": i, "code": i, "name": "老人", "groups": ("独居",), "active": True, "area": "姑苏区"}
                | {"address": "苏州市姑苏区平江路 128 号 3 幢 301 室", "medical_notes": "高血压、冠心病"}
                | stamps
                for i in ids
            ],
        ),
        (ElderPhoneRow, [{"elder_id": i, "number": f"138{n:08}", "position": 0} for n, i in enumerate(ids)]),
        (
            ContactRow,
            [
                {"id": f"{i}-{k}", "elder_id": i, "role": "family", "name": "女儿", "position": k}
                | {"phone": f"13{k}{n:08}"}
                for n, i in enumerate(ids)
                for k in range(3)
            ],
        ),
        (
            DeviceRow,
            [
                {"id": f"d{i}", "kind": "pendant", "serial": i, "number": f"139{n:08}", "elder_id": i}
                | {"state": "in_service", **stamps}
                for n, i in enumerate(ids)
            ],
        ),
    )
    async with database.transaction() as session:
        for table, rows in tables:
            await session.execute(insert(table), rows)


async def test_given_20_000_elders_when_loaded_then_the_event_loop_stays_free(
    migrated_sqlite: Database,  # noqa: F811
    tmp_path: Path,
) -> None:
    """A10: calls are answered by the same event loop while the directory is read."""
    await _city(migrated_sqlite, 20_000)
    keeper = DirectoryKeeper(migrated_sqlite, tmp_path / "directory.json")
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    ticking = asyncio.create_task(tick())
    assert await keeper.refresh()
    ticking.cancel()
    assert len(keeper.directory.elders) == 20_000
    caller = keeper.directory.find_caller("+8613900000777")
    assert caller is not None
    assert caller.device_id == "de000777"
    # Read and built in one piece on the loop it would have had a handful.
    assert turns > 200


async def test_given_plans_in_the_database_when_their_rows_go_then_elders_still_have_a_plan(
    migrated: Database,  # noqa: F811
) -> None:
    elder_id = await _mother(migrated)
    async with migrated.transaction() as session:
        (await session.get_one(ElderRow, elder_id)).plan_id = None
        await session.flush()
        await session.execute(text("DELETE FROM response_plans"))
    directory = await _load(migrated)
    assert directory.plan_for(directory.elder(elder_id)) == DEFAULT_PLAN


def test_given_a_shift_that_ends_when_asked_each_second_then_the_answer_is_never_an_old_one() -> None:
    """A9, R21: worked out once a second for each area, not for each of hundreds who ask."""
    noon = datetime(2026, 3, 2, 4, tzinfo=UTC)
    near = Shift(
        id="1", name="张", phone="13900000001", area="东区", starts_at=noon, ends_at=noon + timedelta(seconds=1)
    )
    far = Shift(id="2", name="李", phone="13900000002", starts_at=noon, ends_at=noon + timedelta(hours=1))
    directory = Directory(shifts=[near, far])
    people = [OnCall("张", "13900000001"), OnCall("李", "13900000002")]
    assert list(directory.on_call(noon + timedelta(seconds=0.9), "东区")) == people
    assert directory.on_call(noon + timedelta(seconds=0.95), "东区") is directory.on_call(noon, "东区")
    assert list(directory.on_call(noon, "")) == people[1:]
    assert list(directory.on_call(noon + timedelta(seconds=1), "东区")) == people[1:]
    assert list(directory.on_call(noon, "东区")) == people
