"""Replies that have been brought: a replica that gets the same message need not bring them again.

Revision 0031, after 0030.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("inbox", sa.Column("told", sa.Boolean(), nullable=True))


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_column("inbox", "told")
