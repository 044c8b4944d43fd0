"""Rules by date, notice, cover and training of records; what is asked about them and corrected in them.

Revision 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this revision."""
    for column in (
        sa.Column("counts_as", sa.String(length=16), server_default="service", nullable=False),
        sa.Column("cover_before", sa.SmallInteger()),
        sa.Column("cover_after", sa.SmallInteger()),
    ):
        op.add_column("activity", column)
    for column in (
        sa.Column("training", sa.Integer(), server_default="0", nullable=False),
        sa.Column("settles", sa.BigInteger()),
        sa.Column("cover_starts", sa.BigInteger()),
        sa.Column("cover_ends", sa.BigInteger()),
        sa.Column("fresh", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    ):
        op.add_column("record", column)
    op.create_index(
        "ix_record_fresh", "record", ["made"], postgresql_where=sa.text("fresh"), sqlite_where=sa.text("fresh")
    )
    op.create_table(
        "matter",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("record", NUMBER, nullable=False),
        sa.Column("other", NUMBER),
        sa.Column("person", NUMBER, nullable=False),
        sa.Column("organisation", NUMBER, nullable=False),
        sa.Column("node", sa.Integer()),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("verdict", sa.String(length=16)),
        sa.Column("facts", sa.Text()),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger()),
        sa.ForeignKeyConstraint(["record"], ["record.id"], name="fk_matter_record"),
        sa.ForeignKeyConstraint(["other"], ["record.id"], name="fk_matter_other"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_matter_person"),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.id"], name="fk_matter_organisation"),
        sa.PrimaryKeyConstraint("id", name="pk_matter"),
        sa.UniqueConstraint("mark", name="uq_matter_mark"),
    )
    is_open = sa.text("state = 'open'")
    op.create_index("ix_matter_due", "matter", ["due"], postgresql_where=is_open, sqlite_where=is_open)
    for name in ("record", "other", "person", "organisation"):
        op.create_index(f"ix_matter_{name}", "matter", [name])
    op.create_table(
        "matter_word",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("matter", NUMBER, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person", NUMBER),
        sa.Column("organisation", NUMBER),
        sa.Column("node", sa.Integer()),
        sa.Column("said", sa.String(length=16), nullable=False),
        sa.Column("words", sa.LargeBinary()),
        sa.ForeignKeyConstraint(["matter"], ["matter.id"], name="fk_matter_word_matter"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_matter_word_person"),
        sa.PrimaryKeyConstraint("id", name="pk_matter_word"),
    )
    for name in ("matter", "person"):
        op.create_index(f"ix_matter_word_{name}", "matter_word", [name])
    op.create_table(
        "correction",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("record", NUMBER, nullable=False),
        sa.Column("person", NUMBER, nullable=False),
        sa.Column("second", NUMBER),
        sa.Column("matter", NUMBER),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("words", sa.LargeBinary()),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("decided", sa.BigInteger()),
        sa.ForeignKeyConstraint(["record"], ["record.id"], name="fk_correction_record"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_correction_person"),
        sa.ForeignKeyConstraint(["second"], ["person.id"], name="fk_correction_second"),
        sa.ForeignKeyConstraint(["matter"], ["matter.id"], name="fk_correction_matter"),
        sa.PrimaryKeyConstraint("id", name="pk_correction"),
    )
    for name in ("record", "person", "second"):
        op.create_index(f"ix_correction_{name}", "correction", [name])


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_table("correction")
    op.drop_table("matter_word")
    op.drop_table("matter")
    op.drop_index("ix_record_fresh", "record")
    for name in ("fresh", "cover_ends", "cover_starts", "settles", "training"):
        op.drop_column("record", name)
    for name in ("cover_after", "cover_before", "counts_as"):
        op.drop_column("activity", name)
