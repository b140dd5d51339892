"""Demo data: what outside tests rely on, and loading it twice changes nothing."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from callcenter import demo
from callcenter.accounts.model import AccountRow
from callcenter.accounts.passwords import Passwords, sip_ha1
from callcenter.accounts.secrets import secrets_dir
from callcenter.accounts.service import seat_accounts
from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.people.loader import load_directory
from callcenter.people.model import ContactRole
from callcenter.phone import normalise
from callcenter.settings import Settings, load_settings
from tests.support.database import (  # noqa: F401 - pytest finds fixtures by their names here
    migrated,
    migrated_postgres,
    migrated_sqlite,
    postgres_template,
    sqlite_template,
)

CLOCK = ManualClock(datetime(2026, 3, 2, 1, 0, tzinfo=UTC))
FAST = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data=tmp_path / "var", _env_file=None)


async def test_given_an_empty_database_when_demo_is_loaded_twice_then_it_is_there_once(
    migrated: Database,  # noqa: F811
    settings: Settings,
) -> None:
    await demo.load_demo(migrated, settings, CLOCK, FAST)
    first = await demo.elders(migrated), demo.credentials(settings)
    await demo.load_demo(migrated, settings, CLOCK, FAST)
    assert (await demo.elders(migrated), demo.credentials(settings)) == first


async def test_given_demo_when_credentials_are_printed_then_they_have_the_shape_of_the_contract(
    migrated: Database,  # noqa: F811
    settings: Settings,
) -> None:
    await demo.load_demo(migrated, settings, CLOCK, FAST)
    known = demo.credentials(settings)
    assert [(seat["user"], seat["role"]) for seat in known["seats"]] == [
        *((f"op{n}", "operator") for n in range(1, 6)),
        ("sup1", "supervisor"),
        ("qa1", "qa"),
        ("qa2", "qa"),
    ]
    assert all(set(seat) == {"user", "role", "sip_password", "web_password"} for seat in known["seats"])
    assert {account["user"]: account["role"] for account in known["accounts"]} == {
        "admin": "admin",
        "station1": "station",
    }
    path = secrets_dir(settings) / "credentials.json"
    assert path.stat().st_mode & 0o777 == 0o600
    async with migrated.transaction() as session:
        seats = await seat_accounts(session)
        rows = {row.user: row for row in await session.scalars(select(AccountRow))}
    assert {seat.user: seat.sip_ha1 for seat in seats} == {
        seat["user"]: sip_ha1(seat["user"], seat["sip_password"]) for seat in known["seats"]
    }
    for given in (*known["seats"], *known["accounts"]):
        assert await FAST.verify(rows[given["user"]].password_hash, given["web_password"])


async def test_given_the_passwords_file_is_lost_when_demo_is_loaded_then_the_new_passwords_hold(
    migrated: Database,  # noqa: F811
    settings: Settings,
) -> None:
    await demo.load_demo(migrated, settings, CLOCK, FAST)
    (secrets_dir(settings) / "credentials.json").unlink()
    await demo.load_demo(migrated, settings, CLOCK, FAST)
    known = demo.credentials(settings)
    async with migrated.transaction() as session:
        rows = {row.user: row for row in await session.scalars(select(AccountRow))}
    assert rows["op1"].sip_ha1 == sip_ha1("op1", known["seats"][0]["sip_password"])
    assert await FAST.verify(rows["admin"].password_hash, known["accounts"][0]["web_password"])


async def test_given_demo_when_elders_are_printed_then_every_number_is_as_dialled_and_stands_for_one_person(
    migrated: Database,  # noqa: F811
    settings: Settings,
) -> None:
    await demo.load_demo(migrated, settings, CLOCK, FAST)
    printed = json.loads(json.dumps(await demo.elders(migrated)))
    elders = printed["elders"]
    assert len(elders) == 8
    numbers = []
    for elder in elders:
        assert set(elder) == {"id", "name", "phones", "pendant", "contacts"}
        assert {"family", "doctor", "social_worker", "community"} <= {c["role"] for c in elder["contacts"]}
        numbers += [*elder["phones"], elder["pendant"], *(contact["phone"] for contact in elder["contacts"])]
    assert all(normalise(number) == number for number in numbers)
    assert len(numbers) == len(set(numbers))
    full = [elder for elder in elders if {c["role"] for c in elder["contacts"]} == set(ContactRole)]
    assert len(full) >= 2


async def test_given_demo_when_the_directory_is_loaded_then_each_pendant_and_phone_is_known(
    migrated: Database,  # noqa: F811
    settings: Settings,
) -> None:
    await demo.load_demo(migrated, settings, CLOCK, FAST)
    async with migrated.transaction() as session:
        directory = await load_directory(session)
    for elder in (await demo.elders(migrated))["elders"]:
        for number in (elder["pendant"], *elder["phones"], elder["contacts"][0]["phone"]):
            caller = directory.find_caller(f"+86{number.lstrip('0')}")
            assert caller is not None
            assert caller.elder is not None
            assert caller.elder.id == elder["id"]
            assert caller.elder.door_code
            assert caller.elder.key_holder_phone
            assert directory.plan_for(caller.elder).checklist
