"""What the figures of hotline and seats are made from."""

import sqlalchemy as sa
from alembic import op

from callcenter import db

revision = "0011_figures"
down_revision = "0010_sounds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "hotline_calls",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("opened_at", db.UtcDateTime(), nullable=False),
        sa.Column("queue", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("operator", sa.String(length=64), nullable=False),
        sa.Column("queued_at", db.UtcDateTime(), nullable=True),
        sa.Column("answered_at", db.UtcDateTime(), nullable=True),
        sa.Column("ended_at", db.UtcDateTime(), nullable=True),
        sa.Column("held_since", db.UtcDateTime(), nullable=True),
        sa.Column("waited_ms", sa.Integer(), nullable=True),
        sa.Column("talk_ms", sa.Integer(), nullable=False),
        sa.Column("hold_ms", sa.Integer(), nullable=False),
        sa.Column("transfers", sa.Integer(), nullable=False),
        sa.Column("legs", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotline_calls")),
    )
    op.create_index(op.f("ix_hotline_calls_queued_at"), "hotline_calls", ["queued_at"])
    op.create_table(
        "hotline_offers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=36), nullable=False),
        sa.Column("user", sa.String(length=64), nullable=False),
        sa.Column("at", db.UtcDateTime(), nullable=False),
        sa.Column("answered_at", db.UtcDateTime(), nullable=True),
        sa.Column("ended_at", db.UtcDateTime(), nullable=True),
        sa.Column("missed", sa.Boolean(), nullable=False),
        sa.Column("rang_ms", sa.Integer(), nullable=False),
        sa.Column("talk_ms", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotline_offers")),
    )
    op.create_index(op.f("ix_hotline_offers_at"), "hotline_offers", ["at"])
    op.create_table(
        "seat_clocks",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("since", db.UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("phones", sa.JSON(), nullable=False),
        sa.Column("page", sa.Boolean(), nullable=False),
        sa.Column("declared", sa.String(length=16), nullable=False),
        sa.Column("declared_reason", sa.String(length=60), nullable=False),
        sa.Column("paused_until", db.UtcDateTime(), nullable=True),
        sa.Column("wrap_up_until", db.UtcDateTime(), nullable=True),
        sa.Column("legs", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat_clocks")),
    )
    op.create_table(
        "seat_spans",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("user", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=60), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat_spans")),
    )
    op.create_index(op.f("ix_seat_spans_user"), "seat_spans", ["user"])
    op.create_index(op.f("ix_seat_spans_day"), "seat_spans", ["day"])


def downgrade() -> None:
    """Take back."""
    for table in ("seat_spans", "seat_clocks", "hotline_offers", "hotline_calls"):
        op.drop_table(table)
