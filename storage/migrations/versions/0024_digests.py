"""Weekly letters of what is new.

Revision 0024, after 0023.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "digest",
        sa.Column("person", ID, autoincrement=False, nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_digest_person"),
        sa.PrimaryKeyConstraint("person", name="pk_digest"),
    )
    op.create_index("ix_digest_weekday_hour", "digest", ["weekday", "hour", "person"], unique=False)


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_digest_weekday_hour", table_name="digest")
    op.drop_table("digest")
