"""Evidence and claims.

Revision 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "claim",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("enrolment", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.LargeBinary(), nullable=True),
        sa.Column("photo", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("given_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("decided", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["enrolment"], ["enrolment.id"], name="fk_claim_enrolment"),
        sa.ForeignKeyConstraint(["given_by"], ["person.id"], name="fk_claim_given_by"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_claim_person"),
        sa.PrimaryKeyConstraint("id", name="pk_claim"),
    )
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.create_index("ix_claim_enrolment", ["enrolment"], unique=False)
        batch_op.create_index("ix_claim_given_by", ["given_by"], unique=False)
        batch_op.create_index("ix_claim_person", ["person"], unique=False)
        batch_op.create_index(
            "uq_claim_enrolment_open",
            ["enrolment"],
            unique=True,
            postgresql_where=sa.text("state = 'open'"),
            sqlite_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "evidence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("attendance", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("given_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=True),
        sa.Column("band", sa.String(length=16), nullable=True),
        sa.Column("accuracy", sa.Integer(), nullable=True),
        sa.Column("photo", sa.String(length=32), nullable=True),
        sa.Column("nonce", sa.String(length=64), nullable=True),
        sa.Column("sampled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["attendance"], ["attendance.id"], name="fk_evidence_attendance"),
        sa.ForeignKeyConstraint(["given_by"], ["person.id"], name="fk_evidence_given_by"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_evidence_person"),
        sa.PrimaryKeyConstraint("id", name="pk_evidence"),
        sa.UniqueConstraint("nonce", name="uq_evidence_nonce"),
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.create_index("ix_evidence_attendance", ["attendance"], unique=False)
        batch_op.create_index("ix_evidence_given_by", ["given_by"], unique=False)
        batch_op.create_index("ix_evidence_person", ["person"], unique=False)


def downgrade() -> None:
    """Go back to the one before."""
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.drop_index("ix_evidence_person")
        batch_op.drop_index("ix_evidence_given_by")
        batch_op.drop_index("ix_evidence_attendance")

    op.drop_table("evidence")
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_claim_enrolment_open",
            postgresql_where=sa.text("state = 'open'"),
            sqlite_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index("ix_claim_person")
        batch_op.drop_index("ix_claim_given_by")
        batch_op.drop_index("ix_claim_enrolment")

    op.drop_table("claim")
