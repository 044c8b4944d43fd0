"""Where a sign-up stood before its arrival, so that an arrival that is taken back leaves it as it was.

Revision 0029, after 0028.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("attendance", sa.Column("stood", sa.String(length=16), nullable=True))


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_column("attendance", "stood")
