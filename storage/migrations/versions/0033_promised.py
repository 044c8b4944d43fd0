"""Whether somebody said yes to their seat as it is now: one that was given near the start, or moved, is no promise yet.

Revision 0033, after 0032.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("enrolment", sa.Column("promised", sa.Boolean(), server_default=sa.text("true"), nullable=False))


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_column("enrolment", "promised")
