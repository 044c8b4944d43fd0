"""Every table of the first release.

Revision 0001, after nothing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("door", sa.String(length=16), server_default="", nullable=False),
        sa.Column("deed", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=48), nullable=False),
        sa.Column("before", sa.String(length=48), nullable=True),
        sa.Column("after", sa.String(length=48), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_target", "audit", ["target"], unique=False)
    op.create_table(
        "fanout",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("source", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("offset", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("state", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("cursor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("upper", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("made", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_fanout"),
        sa.UniqueConstraint("kind", "source", "revision", "offset", name="uq_fanout_kind_source_revision_offset"),
    )
    op.create_index("ix_fanout_state_not_before", "fanout", ["state", "not_before"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("door", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("external", sa.String(length=64), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=True),
        sa.Column("error", sa.String(length=400), nullable=True),
        sa.PrimaryKeyConstraint("door", "key", name="pk_inbox"),
    )
    op.create_index("ix_inbox_state_at", "inbox", ["state", "at"], unique=False)
    op.create_table(
        "letter",
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("who", sa.String(length=4), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address", "sequence", name="pk_letter"),
        sa.UniqueConstraint("address", "key", name="uq_letter_address_key"),
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("english", sa.String(length=160), server_default="", nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="active", nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organisation"),
    )
    op.create_table(
        "outbox_done",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("fanout", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account", sa.String(length=16), nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("repeated", sa.SmallInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("receipt", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_done"),
    )
    op.create_index("ix_outbox_done_fanout", "outbox_done", ["fanout"], unique=False)
    op.create_index("ix_outbox_done_person", "outbox_done", ["person", "id"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("elder", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("quiet_from", sa.SmallInteger(), nullable=True),
        sa.Column("quiet_until", sa.SmallInteger(), nullable=True),
        sa.Column("district", sa.Integer(), nullable=True),
        sa.Column("born", sa.SmallInteger(), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.String(length=32), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=True),
        sa.Column("erasing", sa.BigInteger(), nullable=True),
        sa.Column("merged", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("number", name="uq_person_number"),
    )
    op.create_index("ix_person_phone_index", "person", ["phone_index"], unique=False)
    op.create_table(
        "quota",
        sa.Column("account", sa.String(length=16), nullable=False),
        sa.Column("api", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("allowed", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("account", "api", "day", name="pk_quota"),
    )
    op.create_table(
        "sender_slot",
        sa.Column("account", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("owner", sa.String(length=64), server_default="", nullable=False),
        sa.Column("lease_until", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("blocked_until", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("account", name="pk_sender_slot"),
    )
    op.create_table(
        "token",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Text(), server_default="", nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.Column("fetching_until", sa.BigInteger(), nullable=True),
        sa.Column("fetcher", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_token"),
    )
    op.create_table(
        "wrong_code",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("activity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_wrong_code"),
    )
    op.create_index("ix_wrong_code_activity_at", "wrong_code", ["activity", "at"], unique=False)
    op.create_index("ix_wrong_code_person_at", "wrong_code", ["person", "at"], unique=False)
    op.create_table(
        "activity",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("english", sa.String(length=240), server_default="", nullable=False),
        sa.Column("about", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("risk", sa.String(length=8), server_default="low", nullable=False),
        sa.Column("minimum_age", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("district", sa.Integer(), nullable=False),
        sa.Column("street", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="open", nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name="fk_activity_created_by"),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.id"], name="fk_activity_organisation"),
        sa.PrimaryKeyConstraint("id", name="pk_activity"),
    )
    op.create_index("ix_activity_district_starts", "activity", ["district", "starts"], unique=False)
    op.create_index("ix_activity_organisation", "activity", ["organisation"], unique=False)
    op.create_index("ix_activity_state_starts", "activity", ["state", "starts"], unique=False)
    op.create_table(
        "certificate",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=28), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("volunteer", sa.String(length=16), nullable=False),
        sa.Column("organisation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("issuer", sa.String(length=120), nullable=False),
        sa.Column("issuer_english", sa.String(length=160), server_default="", nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Text(), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("responsible", sa.LargeBinary(), nullable=True),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="valid", nullable=False),
        sa.Column("reason", sa.String(length=16), server_default="", nullable=False),
        sa.Column("withdrawn", sa.BigInteger(), nullable=True),
        sa.Column("replaces", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("content", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.id"], name="fk_certificate_organisation"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_certificate_person"),
        sa.PrimaryKeyConstraint("id", name="pk_certificate"),
        sa.UniqueConstraint("number", name="uq_certificate_number"),
    )
    op.create_index("ix_certificate_organisation", "certificate", ["organisation"], unique=False)
    op.create_index("ix_certificate_person", "certificate", ["person"], unique=False)
    op.create_index("ix_certificate_person_content", "certificate", ["person", "content"], unique=False)
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("door", sa.String(length=16), nullable=False),
        sa.Column("given", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_consent_person"),
        sa.PrimaryKeyConstraint("id", name="pk_consent"),
    )
    op.create_index("ix_consent_person_purpose", "consent", ["person", "purpose"], unique=False)
    op.create_table(
        "conversation",
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("pushed", sa.Text(), nullable=True),
        sa.Column("pushed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_conversation_person"),
        sa.PrimaryKeyConstraint("person", name="pk_conversation"),
    )
    op.create_table(
        "erasure",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("identity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("door", sa.String(length=16), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("undone", sa.BigInteger(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=True),
        sa.Column("scrubbed", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_erasure_person"),
        sa.PrimaryKeyConstraint("id", name="pk_erasure"),
    )
    op.create_index(
        "ix_erasure_due",
        "erasure",
        ["due"],
        unique=False,
        postgresql_where=sa.text("undone IS NULL AND scrubbed IS NULL"),
        sqlite_where=sa.text("undone IS NULL AND scrubbed IS NULL"),
    )
    op.create_index("ix_erasure_person", "erasure", ["person"], unique=False)
    op.create_table(
        "identity",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("door", sa.String(length=16), nullable=False),
        sa.Column("external", sa.String(length=64), nullable=False),
        sa.Column("open", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("inbound", sa.BigInteger(), nullable=True),
        sa.Column("window_until", sa.BigInteger(), nullable=True),
        sa.Column("window_left", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_identity_person"),
        sa.PrimaryKeyConstraint("id", name="pk_identity"),
        sa.UniqueConstraint("door", "external", name="uq_identity_door_external"),
    )
    op.create_index("ix_identity_person", "identity", ["person"], unique=False)
    op.create_table(
        "link_code",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_link_code_person"),
        sa.PrimaryKeyConstraint("code", name="pk_link_code"),
    )
    op.create_index("ix_link_code_person", "link_code", ["person"], unique=False)
    op.create_table(
        "link_offer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shower", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("typer", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["shower"], ["person.id"], name="fk_link_offer_shower"),
        sa.ForeignKeyConstraint(["typer"], ["person.id"], name="fk_link_offer_typer"),
        sa.PrimaryKeyConstraint("id", name="pk_link_offer"),
    )
    op.create_index("ix_link_offer_shower", "link_offer", ["shower"], unique=False)
    op.create_index("ix_link_offer_typer", "link_offer", ["typer"], unique=False)
    op.create_table(
        "link_try",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_link_try_person"),
        sa.PrimaryKeyConstraint("id", name="pk_link_try"),
    )
    op.create_index("ix_link_try_person_at", "link_try", ["person", "at"], unique=False)
    op.create_table(
        "membership",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("organisation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.id"], name="fk_membership_organisation"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_membership_person"),
        sa.PrimaryKeyConstraint("id", name="pk_membership"),
        sa.UniqueConstraint(
            "person", "role", "organisation", "place", name="uq_membership_person_role_organisation_place"
        ),
    )
    op.create_index("ix_membership_person", "membership", ["person"], unique=False)
    op.create_table(
        "merge",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kept", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("gone", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("door", sa.String(length=16), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("undone", sa.BigInteger(), nullable=True),
        sa.Column("settled", sa.BigInteger(), nullable=True),
        sa.Column("before", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["gone"], ["person.id"], name="fk_merge_gone"),
        sa.ForeignKeyConstraint(["kept"], ["person.id"], name="fk_merge_kept"),
        sa.PrimaryKeyConstraint("id", name="pk_merge"),
    )
    op.create_index("ix_merge_gone", "merge", ["gone"], unique=False)
    op.create_index("ix_merge_kept", "merge", ["kept"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fanout", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account", sa.String(length=16), server_default="", nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("attempt", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("repeated", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("receipt", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["fanout"], ["fanout.id"], name="fk_outbox_fanout"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("fanout", "person", name="uq_outbox_fanout_person"),
    )
    op.create_index(
        "ix_outbox_attention",
        "outbox",
        ["state", "id"],
        unique=False,
        postgresql_where=sa.text("state = 4 OR state = 6 OR repeated = 1"),
        sqlite_where=sa.text("state = 4 OR state = 6 OR repeated = 1"),
    )
    op.create_index(
        "ix_outbox_campaign",
        "outbox",
        ["account", "fanout", "id"],
        unique=False,
        postgresql_where=sa.text("state = 0 AND lane = 9"),
        sqlite_where=sa.text("state = 0 AND lane = 9"),
    )
    op.create_index(
        "ix_outbox_done",
        "outbox",
        ["done"],
        unique=False,
        postgresql_where=sa.text("state > 1"),
        sqlite_where=sa.text("state > 1"),
    )
    op.create_index(
        "ix_outbox_held",
        "outbox",
        ["person"],
        unique=False,
        postgresql_where=sa.text("state = 0 AND account = ''"),
        sqlite_where=sa.text("state = 0 AND account = ''"),
    )
    op.create_index("ix_outbox_person", "outbox", ["person", "id"], unique=False)
    op.create_index(
        "ix_outbox_ready",
        "outbox",
        ["account", "lane", "due", "id"],
        unique=False,
        postgresql_where=sa.text("state = 0"),
        sqlite_where=sa.text("state = 0"),
    )
    op.create_index(
        "ix_outbox_sending",
        "outbox",
        ["account", "epoch"],
        unique=False,
        postgresql_where=sa.text("state = 1"),
        sqlite_where=sa.text("state = 1"),
    )
    op.create_table(
        "subscription",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("topic", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=32), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_subscription_person"),
        sa.PrimaryKeyConstraint("id", name="pk_subscription"),
        sa.UniqueConstraint("person", "topic", "value", name="uq_subscription_person_topic_value"),
    )
    op.create_index("ix_subscription_topic_value", "subscription", ["topic", "value", "person"], unique=False)
    op.create_table(
        "takeaway",
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_takeaway_person"),
        sa.PrimaryKeyConstraint("token", name="pk_takeaway"),
    )
    op.create_index("ix_takeaway_person", "takeaway", ["person"], unique=False)
    op.create_table(
        "shift",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("activity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_queue", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seated", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("taken <= capacity", name="ck_shift_never_oversold"),
        sa.CheckConstraint("taken >= 0", name="ck_shift_never_negative"),
        sa.ForeignKeyConstraint(["activity"], ["activity.id"], name="fk_shift_activity"),
        sa.PrimaryKeyConstraint("id", name="pk_shift"),
    )
    op.create_index("ix_shift_activity", "shift", ["activity"], unique=False)
    op.create_index("ix_shift_starts", "shift", ["starts"], unique=False)
    op.create_table(
        "verification",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("certificate", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["certificate"], ["certificate.id"], name="fk_verification_certificate"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_verification_person"),
        sa.PrimaryKeyConstraint("id", name="pk_verification"),
    )
    op.create_index("ix_verification_certificate_at", "verification", ["certificate", "at"], unique=False)
    op.create_table(
        "enrolment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shift", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("queue", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("coming", sa.Boolean(), nullable=True),
        sa.Column("joined", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_enrolment_person"),
        sa.ForeignKeyConstraint(["shift"], ["shift.id"], name="fk_enrolment_shift"),
        sa.PrimaryKeyConstraint("id", name="pk_enrolment"),
        sa.UniqueConstraint("shift", "person", name="uq_enrolment_shift_person"),
        sa.UniqueConstraint("shift", "queue", name="uq_enrolment_shift_queue"),
    )
    op.create_index("ix_enrolment_person_state", "enrolment", ["person", "state"], unique=False)
    op.create_index(
        "ix_enrolment_waiting",
        "enrolment",
        ["shift", "queue"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
        sqlite_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "attendance",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("enrolment", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.Column("left", sa.BigInteger(), nullable=True),
        sa.Column("arrived_by", sa.String(length=16), nullable=False),
        sa.Column("left_by", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["enrolment"], ["enrolment.id"], name="fk_attendance_enrolment"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_attendance_person"),
        sa.PrimaryKeyConstraint("id", name="pk_attendance"),
        sa.UniqueConstraint("enrolment", name="uq_attendance_enrolment"),
    )
    op.create_index("ix_attendance_person", "attendance", ["person"], unique=False)
    op.create_table(
        "record",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("attendance", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("activity", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("grade", sa.String(length=1), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("rules", sa.String(length=32), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["activity"], ["activity.id"], name="fk_record_activity"),
        sa.ForeignKeyConstraint(["attendance"], ["attendance.id"], name="fk_record_attendance"),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.id"], name="fk_record_organisation"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_record_person"),
        sa.PrimaryKeyConstraint("id", name="pk_record"),
        sa.UniqueConstraint("attendance", name="uq_record_attendance"),
    )
    op.create_index("ix_record_person_starts", "record", ["person", "starts"], unique=False)


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_index("ix_record_person_starts", table_name="record")
    op.drop_table("record")
    op.drop_index("ix_attendance_person", table_name="attendance")
    op.drop_table("attendance")
    op.drop_index(
        "ix_enrolment_waiting",
        table_name="enrolment",
        postgresql_where=sa.text("state = 'waiting'"),
        sqlite_where=sa.text("state = 'waiting'"),
    )
    op.drop_index("ix_enrolment_person_state", table_name="enrolment")
    op.drop_table("enrolment")
    op.drop_index("ix_verification_certificate_at", table_name="verification")
    op.drop_table("verification")
    op.drop_index("ix_shift_starts", table_name="shift")
    op.drop_index("ix_shift_activity", table_name="shift")
    op.drop_table("shift")
    op.drop_index("ix_takeaway_person", table_name="takeaway")
    op.drop_table("takeaway")
    op.drop_index("ix_subscription_topic_value", table_name="subscription")
    op.drop_table("subscription")
    op.drop_index(
        "ix_outbox_sending",
        table_name="outbox",
        postgresql_where=sa.text("state = 1"),
        sqlite_where=sa.text("state = 1"),
    )
    op.drop_index(
        "ix_outbox_ready", table_name="outbox", postgresql_where=sa.text("state = 0"), sqlite_where=sa.text("state = 0")
    )
    op.drop_index("ix_outbox_person", table_name="outbox")
    op.drop_index(
        "ix_outbox_held",
        table_name="outbox",
        postgresql_where=sa.text("state = 0 AND account = ''"),
        sqlite_where=sa.text("state = 0 AND account = ''"),
    )
    op.drop_index(
        "ix_outbox_done", table_name="outbox", postgresql_where=sa.text("state > 1"), sqlite_where=sa.text("state > 1")
    )
    op.drop_index(
        "ix_outbox_campaign",
        table_name="outbox",
        postgresql_where=sa.text("state = 0 AND lane = 9"),
        sqlite_where=sa.text("state = 0 AND lane = 9"),
    )
    op.drop_index(
        "ix_outbox_attention",
        table_name="outbox",
        postgresql_where=sa.text("state = 4 OR state = 6 OR repeated = 1"),
        sqlite_where=sa.text("state = 4 OR state = 6 OR repeated = 1"),
    )
    op.drop_table("outbox")
    op.drop_index("ix_merge_kept", table_name="merge")
    op.drop_index("ix_merge_gone", table_name="merge")
    op.drop_table("merge")
    op.drop_index("ix_membership_person", table_name="membership")
    op.drop_table("membership")
    op.drop_index("ix_link_try_person_at", table_name="link_try")
    op.drop_table("link_try")
    op.drop_index("ix_link_offer_typer", table_name="link_offer")
    op.drop_index("ix_link_offer_shower", table_name="link_offer")
    op.drop_table("link_offer")
    op.drop_index("ix_link_code_person", table_name="link_code")
    op.drop_table("link_code")
    op.drop_index("ix_identity_person", table_name="identity")
    op.drop_table("identity")
    op.drop_index("ix_erasure_person", table_name="erasure")
    op.drop_index(
        "ix_erasure_due",
        table_name="erasure",
        postgresql_where=sa.text("undone IS NULL AND scrubbed IS NULL"),
        sqlite_where=sa.text("undone IS NULL AND scrubbed IS NULL"),
    )
    op.drop_table("erasure")
    op.drop_table("conversation")
    op.drop_index("ix_consent_person_purpose", table_name="consent")
    op.drop_table("consent")
    op.drop_index("ix_certificate_person_content", table_name="certificate")
    op.drop_index("ix_certificate_person", table_name="certificate")
    op.drop_index("ix_certificate_organisation", table_name="certificate")
    op.drop_table("certificate")
    op.drop_index("ix_activity_state_starts", table_name="activity")
    op.drop_index("ix_activity_organisation", table_name="activity")
    op.drop_index("ix_activity_district_starts", table_name="activity")
    op.drop_table("activity")
    op.drop_index("ix_wrong_code_person_at", table_name="wrong_code")
    op.drop_index("ix_wrong_code_activity_at", table_name="wrong_code")
    op.drop_table("wrong_code")
    op.drop_table("token")
    op.drop_table("sender_slot")
    op.drop_table("quota")
    op.drop_index("ix_person_phone_index", table_name="person")
    op.drop_table("person")
    op.drop_index("ix_outbox_done_person", table_name="outbox_done")
    op.drop_index("ix_outbox_done_fanout", table_name="outbox_done")
    op.drop_table("outbox_done")
    op.drop_table("organisation")
    op.drop_table("letter")
    op.drop_index("ix_inbox_state_at", table_name="inbox")
    op.drop_table("inbox")
    op.drop_index("ix_fanout_state_not_before", table_name="fanout")
    op.drop_table("fanout")
    op.drop_index("ix_audit_target", table_name="audit")
    op.drop_table("audit")
