"""Staff without accounts: care workers and managers."""

import sqlalchemy as sa
from alembic import op

from callcenter import db

revision = "0017_staff"
down_revision = "0016_imports"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "care_staff",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("phone", sa.String(length=24), nullable=True),
        sa.Column("station", sa.String(length=60), nullable=True),
        sa.Column("area", sa.String(length=60), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_staff")),
        sa.UniqueConstraint("code", name=op.f("uq_care_staff_code")),
    )
    op.create_index(op.f("ix_care_staff_area"), "care_staff", ["area"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("care_staff")
