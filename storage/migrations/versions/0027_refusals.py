"""Why a claim was declined, sealed: an organiser's words about a person.

What was written before goes: a migration has no key to seal it with.

Revision 0027, after 0026.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.drop_column("claim", "reason")
    op.add_column("claim", sa.Column("reason", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_column("claim", "reason")
    op.add_column("claim", sa.Column("reason", sa.String(length=200), nullable=True))
