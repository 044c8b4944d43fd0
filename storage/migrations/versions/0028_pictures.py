"""When a campaign's picture was kept: its address changes with it.

Revision 0028, after 0027.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("campaign_picture", sa.Column("kept", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_column("campaign_picture", "kept")
