"""Stars, objections to them, and small steps.

Revision 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "star",
        sa.Column("id", ID, nullable=False),
        sa.Column("person", ID, nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("rules", sa.String(length=32), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("settled", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=16), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_star_person"),
        sa.PrimaryKeyConstraint("id", name="pk_star"),
    )
    op.create_index("ix_star_person", "star", ["person"], unique=False)
    op.create_index("ix_star_state_until", "star", ["state", "until"], unique=False)
    op.create_table(
        "objection",
        sa.Column("id", ID, nullable=False),
        sa.Column("star", ID, nullable=False),
        sa.Column("person", ID, nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("dismissed", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_objection_person"),
        sa.ForeignKeyConstraint(["star"], ["star.id"], name="fk_objection_star"),
        sa.PrimaryKeyConstraint("id", name="pk_objection"),
        sa.UniqueConstraint("star", "person", name="uq_objection_star_person"),
    )
    op.create_index("ix_objection_person", "objection", ["person"], unique=False)
    op.create_table(
        "step",
        sa.Column("id", ID, nullable=False),
        sa.Column("person", ID, nullable=False),
        sa.Column("hours", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_step_person"),
        sa.PrimaryKeyConstraint("id", name="pk_step"),
        sa.UniqueConstraint("person", "hours", name="uq_step_person_hours"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("step")
    op.drop_index("ix_objection_person", table_name="objection")
    op.drop_table("objection")
    op.drop_index("ix_star_state_until", table_name="star")
    op.drop_index("ix_star_person", table_name="star")
    op.drop_table("star")
