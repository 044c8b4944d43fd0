"""Replies that have been brought: a replica that gets the same message need not bring them again.

Revision 0032, after 0031.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("inbox", sa.Column("told", sa.Boolean(), nullable=True))


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_column("inbox", "told")
