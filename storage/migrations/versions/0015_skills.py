"""Skills with their proof.

Revision 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "skill",
        sa.Column("id", ID, nullable=False),
        sa.Column("person", ID, nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("organisation", ID, nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("expires", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("proposed", sa.BigInteger(), nullable=False),
        sa.Column("decided", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.id"], name="fk_skill_organisation"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_skill_person"),
        sa.PrimaryKeyConstraint("id", name="pk_skill"),
    )
    op.create_index("ix_skill_person", "skill", ["person"], unique=False)
    op.create_index("ix_skill_organisation_state", "skill", ["organisation", "state"], unique=False)
    op.create_index("ix_skill_state_expires", "skill", ["state", "expires"], unique=False)


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_table("skill")
