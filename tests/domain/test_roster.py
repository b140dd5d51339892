"""The roster: who is on call at a moment in Shanghai, over midnight, in gaps and overlaps; and its way into memory."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from callcenter.clock import SHANGHAI, ManualClock
from callcenter.db import Database
from callcenter.people.directory import Directory
from callcenter.people.keeper import DirectoryKeeper
from callcenter.people.loader import load_directory
from callcenter.people.roster import OnCall, Shift, gaps, on_call
from callcenter.people.shifts import ShiftInput, ShiftPatch, change_shift, create_shift
from callcenter.people.snapshot_file import restore, save


def at(text: str) -> datetime:
    """A moment of March 2026 in Shanghai, e.g. ``2 09:00``: the 2nd is a Monday."""
    day, _, clock = text.partition(" ")
    return datetime.fromisoformat(f"2026-03-{int(day):02}T{clock}").replace(tzinfo=SHANGHAI).astimezone(UTC)


DAY = Shift(id="day", name="白班", phone="13800000001", weekdays=(1, 2, 3, 4, 5), from_time="08:00", to_time="20:00")
NIGHT = Shift(
    id="night", name="夜班", phone="13800000002", weekdays=(1, 2, 3, 4, 5), from_time="20:00", to_time="08:00"
)
SUNDAY = Shift(id="sunday", name="周日", phone="13800000003", weekdays=(7,), from_time="08:00", to_time="08:00")
HOLIDAY = Shift(
    id="holiday", name="节日", phone="13800000004", starts_at=at("4 22:00"), ends_at=at("5 02:00"), position=-1
)
ALL = (DAY, NIGHT, SUNDAY, HOLIDAY)


@pytest.mark.parametrize(
    ("moment", "names"),
    [
        ("2 07:59", ["周日"]),  # Sunday's 24 hours end on Monday at eight
        ("2 08:00", ["白班"]),
        ("2 19:59:59", ["白班"]),
        ("2 20:00", ["夜班"]),
        ("3 00:00", ["夜班"]),  # midnight
        ("3 07:59:59", ["夜班"]),
        ("4 22:30", ["节日", "夜班"]),  # an overlap, by position
        ("5 02:00", ["夜班"]),  # the end is not included
        ("7 07:59", ["夜班"]),  # Friday's night ends on Saturday
        ("7 08:00", []),  # a gap
        ("8 07:59", []),
        ("8 08:00", ["周日"]),
    ],
)
def test_given_a_week_when_asked_at_a_moment_then_those_of_that_moment_are_on_call(
    moment: str, names: list[str]
) -> None:
    """A9: weekly patterns are those of Shanghai, over midnight too."""
    assert [person.name for person in on_call(ALL, at(moment))] == names


def test_given_two_shifts_of_one_phone_when_asked_then_it_is_rung_once() -> None:
    """R10: nobody is dialled twice."""
    twice = (DAY, Shift(id="x", name="同一人", phone=DAY.phone, starts_at=at("2 00:00"), ends_at=at("3 00:00")))
    assert len(on_call(twice, at("2 09:00"))) == 1


@pytest.mark.parametrize(
    ("area", "names"),
    [("姑苏区", ["姑苏", "总值班"]), ("吴中区", ["总值班"]), ("", ["总值班"])],
)
def test_given_shifts_of_areas_when_asked_for_one_then_its_own_come_first(area: str, names: list[str]) -> None:
    span = {"starts_at": at("2 00:00"), "ends_at": at("3 00:00")}
    shifts = [
        Shift(id="1", name="总值班", phone="1", **span),  # type: ignore[arg-type]
        Shift(id="2", name="姑苏", phone="2", area="姑苏区", position=9, **span),  # type: ignore[arg-type]
    ]
    assert [person.name for person in on_call(shifts, at("2 09:00"), area)] == names


def test_given_nobody_for_an_area_when_asked_then_whoever_is_on_call_is_rung() -> None:
    """A8: a hole in one roster, or a caller whose area nobody knows, does not leave an elder without a human."""
    other = Shift(id="1", name="吴中", phone="1", area="吴中区", starts_at=at("2 00:00"), ends_at=at("3 00:00"))
    for area in ("", "姑苏区"):
        assert on_call([other], at("2 09:00"), area) == (OnCall("吴中", "1"),)


def test_given_a_week_when_searched_then_its_gaps_are_named_whole() -> None:
    """GS 4.3.11.2: 24 hours a day."""
    assert gaps(ALL, at("2 00:00"), at("9 00:00")) == [(at("7 08:00"), at("8 08:00"))]
    assert gaps([], at("2 00:00"), at("3 00:00")) == [(at("2 00:00"), at("3 00:00"))]
    assert gaps([HOLIDAY], at("4 21:00"), at("5 03:00")) == [
        (at("4 21:00"), at("4 22:00")),
        (at("5 02:00"), at("5 03:00")),
    ]


async def test_given_a_roster_when_loaded_then_it_is_asked_without_the_database_and_after_a_restart(
    database: Database, tmp_path: Path
) -> None:
    """A10: on-call people are known while the database is away, and at a start without it."""
    clock = ManualClock(at("2 00:00"))
    async with database.transaction() as session:
        for shift in (NIGHT, HOLIDAY):
            fields = {name: getattr(shift, name) for name in ShiftInput.model_fields} | {"position": 3}
            await create_shift(session, clock, ShiftInput(**fields))
    async with database.transaction() as session:
        directory = await load_directory(session)
    expected = (OnCall("夜班", NIGHT.phone), OnCall("节日", HOLIDAY.phone))
    assert directory.on_call(at("4 22:30")) == expected
    save(directory, tmp_path / "directory.json")
    assert restore(tmp_path / "directory.json").on_call(at("4 22:30")) == expected
    save(Directory(), tmp_path / "empty.json")
    assert restore(tmp_path / "empty.json").on_call(at("4 22:30")) == ()


async def test_given_a_changed_shift_when_the_keeper_looks_then_it_takes_it_and_leaves_out_what_cannot_be_read(
    database: Database, tmp_path: Path
) -> None:
    """A10: a row that cannot be read is left out, and the rest stays."""
    clock = ManualClock(at("2 00:00"))
    keeper = DirectoryKeeper(database, tmp_path / "directory.json")
    assert await keeper.refresh()
    fields = {name: getattr(DAY, name) for name in ShiftInput.model_fields}
    async with database.transaction() as session:
        row = await create_shift(session, clock, ShiftInput(**fields))
        bad = await create_shift(session, clock, ShiftInput(**fields))
    assert await keeper.refresh()
    assert not await keeper.refresh()
    async with database.transaction() as session:
        row = await session.merge(row)
        await change_shift(session, clock, row, ShiftPatch(phone="13800000009"))
        await session.execute(text("UPDATE roster_shifts SET weekdays = '\"x\"' WHERE id = :id"), {"id": bad.id})
    assert await keeper.refresh()
    assert keeper.directory.on_call(at("2 09:00")) == (OnCall("白班", "13800000009"),)
