"""Agree in writing.

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "agreement_text",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("activity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("offered_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("offered", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["activity"], ["activity.id"], name="fk_agreement_text_activity"),
        sa.ForeignKeyConstraint(["offered_by"], ["person.id"], name="fk_agreement_text_offered_by"),
        sa.PrimaryKeyConstraint("id", name="pk_agreement_text"),
        sa.UniqueConstraint("activity", "digest", name="uq_agreement_text_activity_digest"),
    )
    op.create_table(
        "terms",
        sa.Column("activity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("insurance", sa.String(length=64), server_default="", nullable=False),
        sa.Column("risks", sa.Text(), server_default="", nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("stated_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stated", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["activity"], ["activity.id"], name="fk_terms_activity"),
        sa.ForeignKeyConstraint(["stated_by"], ["person.id"], name="fk_terms_stated_by"),
        sa.PrimaryKeyConstraint("activity", name="pk_terms"),
    )
    op.create_table(
        "agreement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("accepted_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("door", sa.String(length=16), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["accepted_by"], ["person.id"], name="fk_agreement_accepted_by"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_agreement_person"),
        sa.ForeignKeyConstraint(["text"], ["agreement_text.id"], name="fk_agreement_text"),
        sa.PrimaryKeyConstraint("id", name="pk_agreement"),
        sa.UniqueConstraint("text", "person", name="uq_agreement_text_person"),
    )
    with op.batch_alter_table("agreement", schema=None) as batch_op:
        batch_op.create_index("ix_agreement_person", ["person"], unique=False)


def downgrade() -> None:
    """Go back to the one before."""
    with op.batch_alter_table("agreement", schema=None) as batch_op:
        batch_op.drop_index("ix_agreement_person")

    op.drop_table("agreement")
    op.drop_table("terms")
    op.drop_table("agreement_text")
