"""Seats whose phone picks up an emergency by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0008_auto_answer"
down_revision = "0007_roster"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("accounts", sa.Column("auto_answer", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Take back."""
    op.drop_column("accounts", "auto_answer")
