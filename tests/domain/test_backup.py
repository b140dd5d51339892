"""A backup holds the database whole, whichever it is, and only grows (I2)."""

import os
import shutil
import subprocess
from pathlib import Path
from secrets import token_hex

import pytest
from sqlalchemy import insert, select

from callcenter.backup import back_up
from callcenter.db import Database
from callcenter.errors import Unavailable
from callcenter.settings import load_settings
from callcenter.timeline.model import CursorRow
from tests.support.postgres import PostgresServer


async def test_i2_given_postgresql_when_its_dump_is_restored_then_a_new_database_has_all(
    migrated_postgres: Database, postgres: PostgresServer, tmp_path: Path
) -> None:
    async with migrated_postgres.transaction() as session:
        await session.execute(insert(CursorRow).values(node="node1", segment=7, offset=11))
    url = str(migrated_postgres.engine.url)
    dump = back_up(load_settings(data=tmp_path / "var", database_url=url, _env_file=None), tmp_path / "backup")
    name = f"restored_{token_hex(4)}"
    restored = postgres.create(name)
    put_back(dump, name, postgres.port)
    database = Database(restored)
    async with database.transaction() as session:
        row = (await session.scalars(select(CursorRow))).one()
        assert (row.node, row.segment, row.offset) == ("node1", 7, 11)
    await database.close()


def test_i2_given_an_earlier_backup_then_only_what_is_new_is_copied_and_what_is_gone_stays(
    sqlite_template: Path, tmp_path: Path
) -> None:
    data, backup = tmp_path / "var", tmp_path / "backup"
    (data / "recordings" / "2026").mkdir(parents=True)
    shutil.copy(sqlite_template, data / "callcenter.db")
    settings = load_settings(data=data, _env_file=None)
    old, new = (data / "recordings" / "2026" / name for name in ("old.wav", "new.wav"))
    old.write_bytes(b"said")
    back_up(settings, backup)
    kept = backup / "recordings" / "2026" / "old.wav"
    first = kept.stat().st_ino
    new.write_bytes(b"said later")
    back_up(settings, backup)
    assert kept.stat().st_ino == first
    old.unlink()
    back_up(settings, backup)
    assert kept.read_bytes() == b"said"
    assert (backup / "recordings" / "2026" / "new.wav").read_bytes() == b"said later"
    assert backup.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_i2_given_a_database_that_is_away_then_it_is_said_and_the_last_copy_stays(
    database: str, sqlite_template: Path, tmp_path: Path
) -> None:
    data, backup = tmp_path / "var", tmp_path / "backup"
    data.mkdir()
    backup.mkdir()
    kept = backup / ("callcenter.db" if database == "sqlite" else "callcenter.dump")
    kept.write_bytes(b"the last one")
    away = {"sqlite": "", "postgresql": "postgresql+asyncpg://cc:s3cret@127.0.0.1:1/cc"}[database]
    with pytest.raises(Unavailable) as told:
        back_up(load_settings(data=data, database_url=away, _env_file=None), backup)
    assert "s3cret" not in told.value.message
    assert kept.read_bytes() == b"the last one"


def put_back(dump: Path, database: str, port: int) -> None:
    """As docs/deployment.md says."""
    server = {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "callcenter"}
    subprocess.run(["pg_restore", "--no-owner", f"--dbname={database}", str(dump)], check=True, env=os.environ | server)
