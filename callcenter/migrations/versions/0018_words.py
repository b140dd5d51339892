"""What elders are found by, in a table of its own with an index over it."""

import sqlalchemy as sa
from alembic import op

from callcenter.people.words import rewrite

revision = "0018_words"
down_revision = "0017_staff"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply; the words of the elders who are there are written."""
    word = sa.String(length=32).with_variant(sa.String(length=32, collation="C"), "postgresql")
    op.create_table(
        "elder_words",
        sa.Column("elder_id", sa.String(length=36), nullable=False),
        sa.Column("word", word, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("elder_id", "word", "kind", name=op.f("pk_elder_words")),
        sa.ForeignKeyConstraint(
            ["elder_id"], ["elders.id"], name=op.f("fk_elder_words_elder_id_elders"), ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    elders = sa.table("elders", sa.column("id", sa.String))
    rewrite(connection, list(connection.scalars(sa.select(elders.c.id))))
    op.create_index("ix_elder_words_word", "elder_words", ["word", "kind", "elder_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("elder_words")
