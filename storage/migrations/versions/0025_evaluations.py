"""What people say of an activity after it.

Revision 0025, after 0024.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "evaluation",
        sa.Column("id", ID, nullable=False),
        sa.Column("enrolment", ID, nullable=False),
        sa.Column("person", ID, nullable=False),
        sa.Column("stars", sa.SmallInteger(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["enrolment"], ["enrolment.id"], name="fk_evaluation_enrolment"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_evaluation_person"),
        sa.PrimaryKeyConstraint("id", name="pk_evaluation"),
        sa.UniqueConstraint("enrolment", name="uq_evaluation_enrolment"),
    )
    op.create_index("ix_evaluation_person", "evaluation", ["person"], unique=False)


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_evaluation_person", table_name="evaluation")
    op.drop_table("evaluation")
