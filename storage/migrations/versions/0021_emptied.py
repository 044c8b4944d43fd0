"""When the conversation of somebody who fell silent was emptied.

Revision 0021, after 0020.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("conversation", sa.Column("emptied", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_column("conversation", "emptied")
