"""Notes on calls and emergencies."""

import sqlalchemy as sa
from alembic import op

revision = "0009_notes"
down_revision = "0008_auto_answer"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for table in ("calls", "emergencies"):
        op.add_column(table, sa.Column("note", sa.Text(), nullable=False, server_default=""))
        op.add_column(table, sa.Column("note_revision", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Take back."""
    for table in ("calls", "emergencies"):
        op.drop_column(table, "note_revision")
        op.drop_column(table, "note")
