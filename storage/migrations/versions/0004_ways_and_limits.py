"""How messages go out: ways, consents to notices, quotas of an API, the window after a click.

Revision 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RECEIPT = sa.text("account = 'wechat' AND receipt IS NOT NULL")


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("identity", sa.Column("action_until", sa.BigInteger(), nullable=True))
    op.add_column("identity", sa.Column("action_left", sa.SmallInteger(), nullable=True))
    op.add_column("quota", sa.Column("paused_until", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("route", sa.String(length=16), nullable=True))
    op.add_column("outbox", sa.Column("keyed", sa.BigInteger(), nullable=True))
    op.add_column("outbox_done", sa.Column("route", sa.String(length=16), nullable=True))
    op.add_column("sender_slot", sa.Column("reason", sa.String(length=200), nullable=True))
    op.create_index(
        "ix_outbox_receipt", "outbox", ["receipt"], unique=False, postgresql_where=RECEIPT, sqlite_where=RECEIPT
    )
    op.create_table(
        "notice_grant",
        sa.Column("id", ID, nullable=False),
        sa.Column("person", ID, nullable=False),
        sa.Column("external", sa.String(length=64), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("left", sa.Integer(), server_default="0", nullable=False),
        sa.Column("declined", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("heard", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_notice_grant_person"),
        sa.PrimaryKeyConstraint("id", name="pk_notice_grant"),
        sa.UniqueConstraint("external", "template", name="uq_notice_grant_external_template"),
    )
    op.create_index("ix_notice_grant_person", "notice_grant", ["person"], unique=False)


def downgrade() -> None:
    """Go back."""
    op.drop_table("notice_grant")
    op.drop_index("ix_outbox_receipt", table_name="outbox")
    for table, name in (
        ("sender_slot", "reason"), ("outbox_done", "route"), ("outbox", "keyed"), ("outbox", "route"),
        ("quota", "paused_until"), ("identity", "action_left"), ("identity", "action_until"),
    ):  # fmt: skip
        op.drop_column(table, name)
