"""Offers, admission, answers and conditions of a sign-up; roles of a shift.

Revision 0008, after 0007. “Still coming?” answered with yes becomes a stand of the sign-up instead of a mark beside it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.execute("UPDATE enrolment SET state = 'confirmed' WHERE state = 'joined' AND coming")
    op.drop_column("enrolment", "coming")
    for column in (
        sa.Column("offered_until", sa.BigInteger(), nullable=True),
        sa.Column("offers", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lapses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("admitted", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("ended_by", sa.String(length=16), nullable=True),
        sa.Column("late", sa.Integer(), nullable=True),
        sa.Column("answers", sa.LargeBinary(), nullable=True),
        sa.Column("why", sa.LargeBinary(), nullable=True),
    ):
        op.add_column("enrolment", column)
    offered = sa.text("state = 'offered'")
    op.create_index(
        "ix_enrolment_offered", "enrolment", ["offered_until"], postgresql_where=offered, sqlite_where=offered
    )
    for column in (
        sa.Column("approval", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("questions", sa.Text(), nullable=True),
        sa.Column("leave_before", sa.Integer(), server_default="0", nullable=False),
    ):
        op.add_column("activity", column)
    for column in (
        sa.Column("role", sa.String(length=60), server_default="", nullable=False),
        sa.Column("role_english", sa.String(length=80), server_default="", nullable=False),
        sa.Column("minimum_age", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("needs", sa.Text(), nullable=True),
    ):
        op.add_column("shift", column)


def downgrade() -> None:
    """Go back to the one before: a seat that is offered was given, an excused absence is an absence, a draft is
    called off."""
    op.execute("UPDATE activity SET state = 'cancelled' WHERE state IN ('draft', 'gone')")
    for name in ("needs", "minimum_age", "role_english", "role"):
        op.drop_column("shift", name)
    for name in ("leave_before", "questions", "approval"):
        op.drop_column("activity", name)
    op.drop_index("ix_enrolment_offered", "enrolment")
    for name in ("why", "answers", "late", "ended_by", "admitted", "lapses", "offers", "offered_until"):
        op.drop_column("enrolment", name)
    op.add_column("enrolment", sa.Column("coming", sa.Boolean(), nullable=True))
    op.execute("UPDATE enrolment SET state = 'joined', coming = true WHERE state = 'confirmed'")
    op.execute("UPDATE enrolment SET state = 'joined' WHERE state = 'offered'")
    op.execute("UPDATE enrolment SET state = 'absent' WHERE state = 'excused'")
