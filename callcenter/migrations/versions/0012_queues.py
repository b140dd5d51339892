"""The hotline's queues, what seats know, and the centre's own days."""

import sqlalchemy as sa
from alembic import op

from callcenter import db

revision = "0012_queues"
down_revision = "0011_figures"
branch_labels = None
depends_on = None


def _versioned() -> list[sa.Column[object]]:
    return [
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
    ]


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "queues",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.Column("skill", sa.String(length=40), nullable=False),
        sa.Column("min_level", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("service_level_seconds", sa.Float(), nullable=False),
        sa.Column("service_level_target", sa.Float(), nullable=False),
        sa.Column("wrap_up_seconds", sa.Float(), nullable=True),
        sa.Column("ring_seconds", sa.Integer(), nullable=True),
        sa.Column("sticky_seconds", sa.Float(), nullable=False),
        sa.Column("area_first", sa.Boolean(), nullable=False),
        sa.Column("ageing_seconds", sa.Float(), nullable=False),
        sa.Column("announce_position", sa.Boolean(), nullable=False),
        sa.Column("announce_wait", sa.Boolean(), nullable=False),
        sa.Column("max_length", sa.Integer(), nullable=False),
        sa.Column("hours", sa.JSON(), nullable=False),
        sa.Column("holidays", sa.String(length=10), nullable=False),
        sa.Column("closed_to", sa.String(length=60), nullable=False),
        sa.Column("overflow", sa.JSON(), nullable=False),
        *_versioned(),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_queues")),
    )
    op.create_table(
        "seat_skills",
        sa.Column("user", sa.String(length=32), nullable=False),
        sa.Column("levels", sa.JSON(), nullable=False),
        sa.Column("area", sa.String(length=60), nullable=False),
        *_versioned(),
        sa.PrimaryKeyConstraint("user", name=op.f("pk_seat_skills")),
    )
    op.create_table(
        "own_days",
        sa.Column("date", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        *_versioned(),
        sa.PrimaryKeyConstraint("date", name=op.f("pk_own_days")),
    )


def downgrade() -> None:
    """Take back."""
    for table in ("own_days", "seat_skills", "queues"):
        op.drop_table(table)
