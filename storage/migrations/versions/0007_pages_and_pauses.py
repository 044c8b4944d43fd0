"""A message of several pages goes on where it failed; a paused intention says why.

Revision 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("outbox", sa.Column("page", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("fanout", sa.Column("reason", sa.String(length=200), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column("fanout", "reason")
    op.drop_column("outbox", "page")
