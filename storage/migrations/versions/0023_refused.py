"""Which sorts of messages somebody refuses.

Revision 0023, after 0022.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("person", sa.Column("refuses", sa.SmallInteger(), nullable=True))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_column("person", "refuses")
