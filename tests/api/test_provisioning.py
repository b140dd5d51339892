"""A phone's settings: told once, stored as a digest, everything in the text and its QR code (B2, I3)."""

from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from callcenter.accounts.model import AccountRow
from callcenter.accounts.passwords import sip_ha1
from callcenter.accounts.phone_setup import phone_setup
from callcenter.api.deps import Services
from callcenter.audit.model import AuditRow
from callcenter.db import Database
from tests.api.conftest import Login


@pytest.fixture
def database(migrated_sqlite: Database) -> Database:
    """What is tested here is the same on every database."""
    return migrated_sqlite


async def test_given_an_account_when_its_phone_is_set_up_then_all_is_told_once_and_only_the_digest_is_stored(
    as_role: Login, services: Services, account: str
) -> None:
    async with services.database.transaction() as session:
        row = (await session.scalars(select(AccountRow).where(AccountRow.user == account))).one()
        id_, before = row.id, row.sip_ha1
    admin, path = await as_role("admin"), f"/api/v1/accounts/{id_}/provisioning"
    answer = await admin.post(path, headers={"Idempotency-Key": "once"})
    made = answer.json()
    assert made["uri"] == "sip:mei@test:5060;transport=udp"
    assert made["password"] in made["text"]
    assert made["password"] not in made["uri"]
    assert (await admin.post(path, headers={"Idempotency-Key": "once"})).status_code == 409, "shown once"
    async with services.database.transaction() as session:
        row = (await session.scalars(select(AccountRow).where(AccountRow.user == account))).one()
        trail = (await session.scalars(select(AuditRow).where(AuditRow.actor == "admin1"))).all()
    assert row.sip_ha1 == sip_ha1("mei", made["password"]) != before
    assert {entry.action for entry in trail} == {"update", "provision"}
    assert not any(made["password"] in entry.changes or row.sip_ha1 in entry.changes for entry in trail)
    await admin.patch(f"/api/v1/accounts/{id_}", json={"active": False})
    assert (await admin.post(path)).status_code == 409
    assert (await admin.post("/api/v1/accounts/none/provisioning")).status_code == 404
    assert (await (await as_role("supervisor")).post(path)).status_code == 403


def test_given_settings_when_drawn_then_the_code_is_an_image_and_a_loopback_is_told_of() -> None:
    made = phone_setup("op1", "梅 <&>", "p&<w", "2001:db8::1", 5060, "127.0.0.1")
    assert ElementTree.fromstring(made.qr_svg).tag.endswith("svg")
    assert made.uri == "sip:op1@[2001:db8::1]:5060;transport=udp"
    assert "连不上" in made.text
    assert "连不上" not in phone_setup("op1", "梅", "x", "host", 5060, "192.0.2.1").text
