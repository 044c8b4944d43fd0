"""Reminders at the moments that an organiser chose.

Revision 0020, after 0019.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "reminding",
        sa.Column("activity", ID, nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["activity"], ["activity.id"], name="fk_reminding_activity"),
        sa.PrimaryKeyConstraint("activity", "minutes", name="pk_reminding"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("reminding")
