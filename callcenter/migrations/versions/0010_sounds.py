"""The pinyin of elders' names, for searching."""

import sqlalchemy as sa
from alembic import op

from callcenter.people.sounds import sounds

revision = "0010_sounds"
down_revision = "0009_notes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply; the names that are there are spelled out."""
    op.add_column("elders", sa.Column("sounds", sa.String(length=400), nullable=False, server_default=""))
    elders = sa.table(
        "elders", sa.column("id", sa.String), sa.column("name", sa.String), sa.column("sounds", sa.String)
    )
    connection = op.get_bind()
    spelled = [
        {"elder": elder_id, "spelled": sounds(name)}
        for elder_id, name in connection.execute(sa.select(elders.c.id, elders.c.name)).all()
    ]
    if spelled:
        change = sa.update(elders).where(elders.c.id == sa.bindparam("elder"))
        connection.execute(change.values(sounds=sa.bindparam("spelled")), spelled)


def downgrade() -> None:
    """Take back."""
    op.drop_column("elders", "sounds")
