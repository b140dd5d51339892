"""For domain tests: databases, SQLite and PostgreSQL, both real and migrated and empty; a simulated world of calls."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import callcenter.models  # noqa: F401 - relationships find each other's tables
from callcenter.db import Database
from tests.support.database import (  # noqa: F401 - pytest finds fixtures by their names here
    migrated,
    migrated_postgres,
    migrated_sqlite,
    postgres,
    postgres_template,
    sqlite_template,
)
from tests.support.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A controller on a simulated switchboard; see `tests.support.world`."""
    world = World(tmp_path)
    yield world
    world.close()


@pytest.fixture
def database(migrated: Database) -> Database:  # noqa: F811
    """One test on both databases."""
    return migrated


@pytest.fixture
def sqlite_database(migrated_sqlite: Database) -> Database:  # noqa: F811
    return migrated_sqlite


@pytest.fixture
def postgres_database(migrated_postgres: Database) -> Database:  # noqa: F811
    return migrated_postgres
