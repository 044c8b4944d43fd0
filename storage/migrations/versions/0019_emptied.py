"""When the conversation of somebody who fell silent was emptied.

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
    op.add_column("conversation", sa.Column("emptied", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_column("conversation", "emptied")
