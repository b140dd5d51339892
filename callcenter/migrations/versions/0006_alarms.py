"""Alarms and their sources, fences, positions; what devices say of themselves."""

import sqlalchemy as sa
from alembic import op

from callcenter import db

revision = "0006_alarms"
down_revision = "0005_messages"
branch_labels = None
depends_on = None

_OF_DEVICES: tuple[sa.Column[object], ...] = (
    sa.Column("heartbeat_seconds", sa.Integer(), nullable=True),
    sa.Column("last_seen_at", db.UtcDateTime(), nullable=True),
    sa.Column("last_test_at", db.UtcDateTime(), nullable=True),
    sa.Column("battery", sa.Integer(), nullable=True),
)


def upgrade() -> None:
    """Apply."""
    for column in _OF_DEVICES:
        op.add_column("devices", column)
    op.create_table(
        "alarms",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("received_at", db.UtcDateTime(), nullable=False),
        sa.Column("at", db.UtcDateTime(), nullable=True),
        sa.Column("device", sa.String(length=60), nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=True),
        sa.Column("elder_id", sa.String(length=36), nullable=True),
        sa.Column("caller", sa.String(length=32), nullable=False),
        sa.Column("incident_id", sa.String(length=36), nullable=True),
        sa.Column("on_test", sa.Boolean(), nullable=False),
        sa.Column("battery", sa.Integer(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("accuracy_m", sa.Float(), nullable=True),
        sa.Column("fix_at", db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
    )
    op.create_index("ix_alarms_source_reference", "alarms", ["source", "reference"])
    for indexed in ("device_id", "elder_id", "incident_id"):
        op.create_index(op.f(f"ix_alarms_{indexed}"), "alarms", [indexed])
    op.create_table(
        "alarm_sources",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("auth", sa.String(length=8), nullable=False),
        sa.Column("area", sa.String(length=60), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=True),
        sa.Column("previous_until", db.UtcDateTime(), nullable=True),
        *_versioned(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_sources")),
        sa.UniqueConstraint("name", name=op.f("uq_alarm_sources_name")),
    )
    op.create_table(
        "fences",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("elder_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("radius_m", sa.Float(), nullable=True),
        sa.Column("points", sa.JSON(), nullable=False),
        sa.Column("alarm_on", sa.String(length=8), nullable=False),
        sa.Column("margin_m", sa.Float(), nullable=False),
        sa.Column("fixes", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("tell", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        *_versioned(),
        sa.ForeignKeyConstraint(["elder_id"], ["elders.id"], name=op.f("fk_fences_elder_id_elders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fences")),
    )
    op.create_index(op.f("ix_fences_elder_id"), "fences", ["elder_id"])
    op.create_table(
        "positions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("elder_id", sa.String(length=36), nullable=False),
        sa.Column("device_id", sa.String(length=36), nullable=False),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.Column("received_at", db.UtcDateTime(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("accuracy_m", sa.Float(), nullable=True),
        sa.Column("dated", sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_positions")),
    )
    op.create_index("ix_positions_elder_at", "positions", ["elder_id", "at"])
    op.create_index("ix_positions_at", "positions", ["at"])


def _versioned() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    for table in ("positions", "fences", "alarm_sources", "alarms"):
        op.drop_table(table)
    for column in reversed(_OF_DEVICES):
        op.drop_column("devices", column.name)
