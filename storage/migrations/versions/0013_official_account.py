"""Codes that open an activity in WeChat, tags of its mass messages and who is under them.

Revision 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "scene",
        sa.Column("link", sa.String(length=64), nullable=False),
        sa.Column("url", sa.String(length=200), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("link", name="pk_scene"),
    )
    op.create_table(
        "mass",
        sa.Column("id", ID, nullable=False),
        sa.Column("fanout", ID, nullable=False),
        sa.Column("tag", sa.Integer(), nullable=False),
        sa.Column("state", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["fanout"], ["fanout.id"], name="fk_mass_fanout"),
        sa.PrimaryKeyConstraint("id", name="pk_mass"),
        sa.UniqueConstraint("fanout", name="uq_mass_fanout"),
    )
    op.create_table(
        "tagged",
        sa.Column("id", ID, nullable=False),
        sa.Column("mass", ID, nullable=False),
        sa.Column("person", ID, nullable=False),
        sa.Column("external", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["mass"], ["mass.id"], name="fk_tagged_mass"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_tagged_person"),
        sa.PrimaryKeyConstraint("id", name="pk_tagged"),
        sa.UniqueConstraint("mass", "external", name="uq_tagged_mass_external"),
    )
    op.create_index("ix_tagged_person", "tagged", ["person"], unique=False)


def downgrade() -> None:
    """Go back."""
    op.drop_table("tagged")
    op.drop_table("mass")
    op.drop_table("scene")
