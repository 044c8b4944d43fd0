"""Call for cover.

Revision 0016, after 0015.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "cover",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shift", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), server_default="cover", nullable=False),
        sa.Column("state", sa.String(length=16), server_default="off", nullable=False),
        sa.Column("automatic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rounds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name="fk_cover_created_by"),
        sa.ForeignKeyConstraint(["shift"], ["shift.id"], name="fk_cover_shift"),
        sa.PrimaryKeyConstraint("id", name="pk_cover"),
        sa.UniqueConstraint("shift", "kind", name="uq_cover_shift_kind"),
    )
    with op.batch_alter_table("cover", schema=None) as batch_op:
        batch_op.create_index(
            "ix_cover_running",
            ["next_at"],
            unique=False,
            postgresql_where=sa.text("state = 'running'"),
            sqlite_where=sa.text("state = 'running'"),
        )


def downgrade() -> None:
    """Go back to the one before."""
    with op.batch_alter_table("cover", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_cover_running", postgresql_where=sa.text("state = 'running'"), sqlite_where=sa.text("state = 'running'")
        )

    op.drop_table("cover")
