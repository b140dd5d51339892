"""Menus, uploaded prompts, call-backs and voicemails."""

import sqlalchemy as sa
from alembic import op

from callcenter import db

revision = "0014_menus"
down_revision = "0013_desk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "menus",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("line", sa.String(length=16), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("root", sa.String(length=40), nullable=False),
        sa.Column("nodes", sa.JSON(), nullable=False),
        sa.Column("published_at", db.UtcDateTime(), nullable=True),
        sa.Column("published_by", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("updated_at", db.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_menus")),
    )
    op.create_index(op.f("ix_menus_line"), "menus", ["line"])
    op.create_index(op.f("ix_menus_state"), "menus", ["state"])
    op.create_table(
        "prompts",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", db.UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_prompts")),
    )
    op.create_table(
        "callbacks",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("caller", sa.String(length=32), nullable=False),
        sa.Column("queue", sa.String(length=40), nullable=False),
        sa.Column("since", db.UtcDateTime(), nullable=False),
        sa.Column("asked_at", db.UtcDateTime(), nullable=False),
        sa.Column("next_at", db.UtcDateTime(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("elder_id", sa.String(length=36), nullable=True),
        sa.Column("elder_name", sa.String(length=100), nullable=False),
        sa.Column("by_caller", sa.Boolean(), nullable=False),
        sa.Column("asked_in", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.JSON(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("hastened", sa.Boolean(), nullable=False),
        sa.Column("call_id", sa.String(length=36), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("ended_at", db.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
    )
    op.create_index(op.f("ix_callbacks_elder_id"), "callbacks", ["elder_id"])
    op.create_index(op.f("ix_callbacks_number"), "callbacks", ["number"])
    op.create_index(op.f("ix_callbacks_state"), "callbacks", ["state"])
    op.create_table(
        "voicemails",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("caller", sa.String(length=32), nullable=False),
        sa.Column("elder_id", sa.String(length=36), nullable=True),
        sa.Column("elder_name", sa.String(length=100), nullable=False),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("offset_seconds", sa.Float(), nullable=False),
        sa.Column("ended", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("handled_by", sa.String(length=32), nullable=False),
        sa.Column("handled_at", db.UtcDateTime(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voicemails")),
    )
    op.create_index(op.f("ix_voicemails_at"), "voicemails", ["at"])
    op.create_index(op.f("ix_voicemails_call_id"), "voicemails", ["call_id"])
    op.create_index(op.f("ix_voicemails_elder_id"), "voicemails", ["elder_id"])
    op.create_index(op.f("ix_voicemails_state"), "voicemails", ["state"])


def downgrade() -> None:
    """Take back."""
    for table in ("voicemails", "callbacks", "prompts", "menus"):
        op.drop_table(table)
