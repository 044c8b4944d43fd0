"""What was said first before the last: a number that is on its way while a notice arrives means the one before.

Revision 0030, after 0029.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("conversation", sa.Column("pushed_before", sa.Text(), nullable=True))
    op.add_column("conversation", sa.Column("pushed_before_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_column("conversation", "pushed_before_at")
    op.drop_column("conversation", "pushed_before")
