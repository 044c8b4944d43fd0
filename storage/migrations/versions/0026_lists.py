"""Of which campaign a list is that an address is for.

Revision 0026, after 0025.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("takeaway", sa.Column("campaign", ID, nullable=True))


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_column("takeaway", "campaign")
