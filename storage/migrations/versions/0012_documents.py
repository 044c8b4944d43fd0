"""Document numbers where an insurance needs them, and whose list an address is for.

Revision 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "document_need",
        sa.Column("activity", ID, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["activity"], ["activity.id"], name="fk_document_need_activity"),
        sa.PrimaryKeyConstraint("activity", name="pk_document_need"),
    )
    op.create_table(
        "document",
        sa.Column("id", ID, nullable=False),
        sa.Column("person", ID, nullable=False),
        sa.Column("enrolment", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("given", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["enrolment"], ["enrolment.id"], name="fk_document_enrolment"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_document_person"),
        sa.PrimaryKeyConstraint("id", name="pk_document"),
        sa.UniqueConstraint("enrolment", name="uq_document_enrolment"),
    )
    op.create_index("ix_document_person", "document", ["person"], unique=False)
    op.add_column("takeaway", sa.Column("activity", ID, nullable=True))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_column("takeaway", "activity")
    op.drop_index("ix_document_person", table_name="document")
    op.drop_table("document")
    op.drop_table("document_need")
