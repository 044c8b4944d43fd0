"""The session by which others see that a slot's holder lives.

Revision 0019, after 0018.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("sender_slot", sa.Column("session", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_column("sender_slot", "session")
