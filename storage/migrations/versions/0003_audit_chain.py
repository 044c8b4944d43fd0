"""A chain through the log of moves.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    with op.batch_alter_table("audit") as table:
        table.add_column(sa.Column("seal", sa.String(length=48)))
        table.add_column(sa.Column("chain", NUMBER))
        table.add_column(sa.Column("hash", sa.String(length=64)))
        table.create_unique_constraint("uq_audit_chain", ["chain"])


def downgrade() -> None:
    """Go back to the one before."""
    with op.batch_alter_table("audit") as table:
        table.drop_constraint("uq_audit_chain", type_="unique")
        table.drop_column("hash")
        table.drop_column("chain")
        table.drop_column("seal")
    op.drop_table("audit_head")
