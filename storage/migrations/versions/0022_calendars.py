"""Calendar feeds.

Revision 0022, after 0021.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "calendar",
        sa.Column("person", ID, autoincrement=False, nullable=False),
        sa.Column("serial", sa.Integer(), server_default="1", nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_calendar_person"),
        sa.PrimaryKeyConstraint("person", name="pk_calendar"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("calendar")
