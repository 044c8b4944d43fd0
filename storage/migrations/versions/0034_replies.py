"""A look into an index tells whether earlier replies of a chat wait with the sender.

Revision 0034, after 0033.
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    waits = sa.text("lane = 0 AND state <= 1")
    op.create_index("ix_outbox_reply", "outbox", ["person"], postgresql_where=waits, sqlite_where=waits)


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_index("ix_outbox_reply", table_name="outbox")
