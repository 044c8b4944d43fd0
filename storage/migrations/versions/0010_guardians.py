"""Ask the guardians of whoever is under age.

Revision 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "guardian_code",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("child", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["child"], ["person.id"], name="fk_guardian_code_child"),
        sa.PrimaryKeyConstraint("code", name="pk_guardian_code"),
    )
    with op.batch_alter_table("guardian_code", schema=None) as batch_op:
        batch_op.create_index("ix_guardian_code_child", ["child"], unique=False)

    op.create_table(
        "guardianship",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("guardian", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("child", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("door", sa.String(length=16), nullable=False),
        sa.Column("given", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["child"], ["person.id"], name="fk_guardianship_child"),
        sa.ForeignKeyConstraint(["guardian"], ["person.id"], name="fk_guardianship_guardian"),
        sa.PrimaryKeyConstraint("id", name="pk_guardianship"),
        sa.UniqueConstraint("guardian", "child", name="uq_guardianship_guardian_child"),
    )
    with op.batch_alter_table("guardianship", schema=None) as batch_op:
        batch_op.create_index("ix_guardianship_child", ["child"], unique=False)

    op.create_table(
        "permission",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("child", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shift", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("guardian", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("door", sa.String(length=16), server_default="", nullable=False),
        sa.Column("round", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["child"], ["person.id"], name="fk_permission_child"),
        sa.ForeignKeyConstraint(["guardian"], ["person.id"], name="fk_permission_guardian"),
        sa.ForeignKeyConstraint(["shift"], ["shift.id"], name="fk_permission_shift"),
        sa.PrimaryKeyConstraint("id", name="pk_permission"),
        sa.UniqueConstraint("child", "shift", name="uq_permission_child_shift"),
    )
    with op.batch_alter_table("permission", schema=None) as batch_op:
        batch_op.create_index("ix_permission_guardian", ["guardian"], unique=False)
        batch_op.create_index("ix_permission_shift", ["shift"], unique=False)

    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.add_column(sa.Column("guardian", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        batch_op.create_foreign_key("fk_consent_guardian", "person", ["guardian"], ["id"])


def downgrade() -> None:
    """Go back to the one before."""
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.drop_constraint("fk_consent_guardian", type_="foreignkey")
        batch_op.drop_column("guardian")

    with op.batch_alter_table("permission", schema=None) as batch_op:
        batch_op.drop_index("ix_permission_shift")
        batch_op.drop_index("ix_permission_guardian")

    op.drop_table("permission")
    with op.batch_alter_table("guardianship", schema=None) as batch_op:
        batch_op.drop_index("ix_guardianship_child")

    op.drop_table("guardianship")
    with op.batch_alter_table("guardian_code", schema=None) as batch_op:
        batch_op.drop_index("ix_guardian_code_child")

    op.drop_table("guardian_code")
