"""Campaigns: what an author wrote and to whom, and the picture that goes with it.

Revision 0017, after 0016.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "campaign",
        sa.Column("id", ID, nullable=False),
        sa.Column("author", ID, nullable=False),
        sa.Column("organisation", ID, nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("texts", sa.Text(), nullable=False),
        sa.Column("timing", sa.Text(), nullable=False),
        sa.Column("activity", ID, nullable=True),
        sa.Column("standing", sa.String(length=16), nullable=False),
        sa.Column("people", sa.Integer(), server_default="0", nullable=False),
        sa.Column("step", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", ID, nullable=True),
        sa.Column("reason", sa.String(length=200), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["activity"], ["activity.id"], name="fk_campaign_activity"),
        sa.ForeignKeyConstraint(["author"], ["person.id"], name="fk_campaign_author"),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name="fk_campaign_decided_by"),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.id"], name="fk_campaign_organisation"),
        sa.PrimaryKeyConstraint("id", name="pk_campaign"),
    )
    op.create_index("ix_campaign_author", "campaign", ["author"], unique=False)
    op.create_index("ix_campaign_standing", "campaign", ["standing"], unique=False)
    op.create_index("ix_campaign_organisation", "campaign", ["organisation", "id"], unique=False)
    op.create_table(
        "campaign_picture",
        sa.Column("campaign", ID, nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["campaign"], ["campaign.id"], name="fk_campaign_picture_campaign"),
        sa.PrimaryKeyConstraint("campaign", name="pk_campaign_picture"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("campaign_picture")
    op.drop_index("ix_campaign_organisation", table_name="campaign")
    op.drop_index("ix_campaign_standing", table_name="campaign")
    op.drop_index("ix_campaign_author", table_name="campaign")
    op.drop_table("campaign")
