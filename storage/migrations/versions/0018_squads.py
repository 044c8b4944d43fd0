"""One professional for so many.

Revision 0018, after 0017.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "squad",
        sa.Column("shift", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("skill", sa.String(length=24), nullable=False),
        sa.Column("per", sa.SmallInteger(), nullable=False),
        sa.Column("frozen", sa.BigInteger(), nullable=True),
        sa.Column("times", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["shift"], ["shift.id"], name="fk_squad_shift"),
        sa.PrimaryKeyConstraint("shift", name="pk_squad"),
    )


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_table("squad")
