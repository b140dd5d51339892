"""Databases for domain tests: SQLite and PostgreSQL, both real and migrated, empty at the start of each test."""

import pytest

from callcenter.db import Database
from tests.support.database import (  # noqa: F401 - pytest finds fixtures by their names here
    migrated,
    migrated_postgres,
    migrated_sqlite,
    postgres,
    postgres_template,
    sqlite_template,
)


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
