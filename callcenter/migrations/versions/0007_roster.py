"""The roster: who is on call, and when."""

import sqlalchemy as sa
from alembic import op

from callcenter import db

revision = "0007_roster"
down_revision = "0006_alarms"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "roster_shifts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("phone", sa.String(length=24), nullable=False),
        sa.Column("area", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("starts_at", db.UtcDateTime(), nullable=True),
        sa.Column("ends_at", db.UtcDateTime(), nullable=True),
        sa.Column("weekdays", sa.JSON(), nullable=False),
        sa.Column("from_time", sa.String(length=5), nullable=False),
        sa.Column("to_time", sa.String(length=5), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_shifts")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("roster_shifts")
