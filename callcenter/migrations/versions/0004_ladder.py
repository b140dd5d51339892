"""The ladder: acceptance and routes of legs; kind, area, drill and checklist of incidents; plans by area."""

import sqlalchemy as sa
from alembic import op

from callcenter import db

revision = "0004_ladder"
down_revision = "0003_records"
branch_labels = None
depends_on = None

_NEW: dict[str, tuple[sa.Column[object], ...]] = {
    "legs": (
        sa.Column("cause", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("wish_id", sa.String(length=36), nullable=False, server_default=""),
        sa.Column("route", sa.String(length=16), nullable=False, server_default=""),
        sa.Column("auto", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("accepted_at", db.UtcDateTime(), nullable=True),
    ),
    "emergencies": (
        sa.Column("cause", sa.String(length=40), nullable=False, server_default=""),
        sa.Column("kind", sa.String(length=16), nullable=False, server_default="manual"),
        sa.Column("device_id", sa.String(length=36), nullable=True),
        sa.Column("area", sa.String(length=60), nullable=False, server_default=""),
        sa.Column("age", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("voice_by", db.UtcDateTime(), nullable=True),
        sa.Column("drill", sa.JSON(), nullable=True),
        sa.Column("ticks", sa.JSON(), nullable=False, server_default="{}"),
    ),
    "response_plans": (
        sa.Column("area", sa.String(length=60), nullable=False, server_default=""),
        sa.Column("priority", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("checklists", sa.JSON(), nullable=False, server_default="{}"),
    ),
}


def upgrade() -> None:
    """Apply. Legs that were in a room before there was acceptance had been picked up by hand."""
    for table, columns in _NEW.items():
        for column in columns:
            op.add_column(table, column)
    op.execute("UPDATE legs SET accepted_at = joined_at")


def downgrade() -> None:
    """Take back."""
    for table, columns in reversed(_NEW.items()):
        for column in reversed(columns):
            op.drop_column(table, column.name)
