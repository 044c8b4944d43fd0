"""Replies that have been brought stand beside the inbox: to mark its row was to write the row whole a second time.

Revision 0035, after 0034.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "brought",
        sa.Column("door", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("door", "key", name="pk_brought"),
    )
    # No moment but the reply's own is known; not before it, so that it counts as this reply's.
    op.execute("INSERT INTO brought (door, key, at) SELECT door, key, at FROM inbox WHERE told")
    op.create_index("ix_brought_at", "brought", ["at"], unique=False)
    op.drop_column("inbox", "told")


def downgrade() -> None:
    """Go back to the one before."""
    op.add_column("inbox", sa.Column("told", sa.Boolean(), nullable=True))
    # Brought before the reply was given: that was an earlier one, to a message that had been forgotten.
    op.execute(
        "UPDATE inbox SET told = true WHERE EXISTS"
        " (SELECT 1 FROM brought b WHERE b.door = inbox.door AND b.key = inbox.key AND b.at >= inbox.at)"
    )
    op.drop_index("ix_brought_at", table_name="brought")
    op.drop_table("brought")
