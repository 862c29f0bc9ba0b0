"""Contact attempts, visits, follow-ups, and changes people made to a list."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "contact_attempt",
        sa.Column("attempt_id", sa.String(length=32), nullable=False),
        sa.Column("school_id", sa.String(length=64), nullable=False),
        sa.Column("household_key", sa.String(length=64), nullable=False),
        sa.Column("student_id", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(length=32), nullable=True),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "channel in ('whatsapp', 'telephone', 'letter')",
            name=op.f("ck_contact_attempt_channel"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.school_id"], name=op.f("fk_contact_attempt_school_id_school")
        ),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_contact_attempt")),
    )
    op.create_index("ix_contact_attempt_family", "contact_attempt", ["household_key", "at"])
    op.create_index(op.f("ix_contact_attempt_school_id"), "contact_attempt", ["school_id"])
    op.create_index(op.f("ix_contact_attempt_student_id"), "contact_attempt", ["student_id"])
    op.create_table(
        "visit_request",
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column("school_id", sa.String(length=64), nullable=False),
        sa.Column("household_key", sa.String(length=64), nullable=False),
        sa.Column("student_id", sa.String(length=32), nullable=False),
        sa.Column("asked_by", sa.String(length=16), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("wish", sa.String(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "asked_by in ('family', 'student', 'staff')", name=op.f("ck_visit_request_asked_by")
        ),
        sa.CheckConstraint(
            "status in ('open', 'met', 'dropped')", name=op.f("ck_visit_request_status")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.school_id"], name=op.f("fk_visit_request_school_id_school")
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_visit_request")),
    )
    op.create_index("ix_visit_request_family", "visit_request", ["household_key", "status"])
    op.create_index(op.f("ix_visit_request_school_id"), "visit_request", ["school_id"])
    op.create_index(op.f("ix_visit_request_student_id"), "visit_request", ["student_id"])
    op.create_table(
        "item_override",
        sa.Column("item_id", sa.String(length=32), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("visit_list_id", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("reason_code", sa.String(length=32), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("original_position", sa.Integer(), nullable=True),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "action in ('move_up', 'defer', 'remove', 'add', 'withdrawn')",
            name=op.f("ck_item_override_action"),
        ),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["visit_list_item.item_id"],
            name=op.f("fk_item_override_item_id_visit_list_item"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["visit_list_id"],
            ["visit_list.visit_list_id"],
            name=op.f("fk_item_override_visit_list_id_visit_list"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("item_id", "revision", name=op.f("pk_item_override")),
    )
    op.create_index("ix_item_override_list", "item_override", ["visit_list_id"])
    op.create_table(
        "visit",
        sa.Column("visit_id", sa.String(length=32), nullable=False),
        sa.Column("school_id", sa.String(length=64), nullable=False),
        sa.Column("household_key", sa.String(length=64), nullable=False),
        sa.Column("item_id", sa.String(length=32), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("track", sa.String(length=16), nullable=False),
        sa.Column("lead_staff_id", sa.String(length=32), nullable=True),
        sa.Column("companion_staff_id", sa.String(length=32), nullable=True),
        sa.Column("met", sa.JSON(), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("causes", sa.JSON(), nullable=False),
        sa.Column("observations", sa.JSON(), nullable=False),
        sa.Column("agreement", sa.String(), nullable=True),
        sa.Column("family_requests", sa.String(), nullable=True),
        sa.Column("danger", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "status in ('planned', 'done', 'no_one_home', 'moved', 'declined', 'rescheduled', "
            "'cancelled')",
            name=op.f("ck_visit_status"),
        ),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["visit_list_item.item_id"],
            name=op.f("fk_visit_item_id_visit_list_item"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.school_id"], name=op.f("fk_visit_school_id_school")
        ),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_visit")),
    )
    op.create_index("ix_visit_family", "visit", ["household_key", "day"])
    op.create_index(op.f("ix_visit_item_id"), "visit", ["item_id"])
    op.create_index(op.f("ix_visit_lead_staff_id"), "visit", ["lead_staff_id"])
    op.create_index("ix_visit_school_day", "visit", ["school_id", "day"])
    op.create_table(
        "follow_up",
        sa.Column("follow_up_id", sa.String(length=32), nullable=False),
        sa.Column("school_id", sa.String(length=64), nullable=False),
        sa.Column("household_key", sa.String(length=64), nullable=False),
        sa.Column("student_id", sa.String(length=32), nullable=False),
        sa.Column("visit_id", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(), nullable=True),
        sa.Column("owner_staff_id", sa.String(length=32), nullable=True),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint("kind in ('agreed', 'protection')", name=op.f("ck_follow_up_kind")),
        sa.CheckConstraint(
            "status in ('open', 'done', 'dropped')", name=op.f("ck_follow_up_status")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.school_id"], name=op.f("fk_follow_up_school_id_school")
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"],
            ["visit.visit_id"],
            name=op.f("fk_follow_up_visit_id_visit"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("follow_up_id", name=op.f("pk_follow_up")),
    )
    op.create_index("ix_follow_up_family", "follow_up", ["household_key", "status"])
    op.create_index(op.f("ix_follow_up_owner_staff_id"), "follow_up", ["owner_staff_id"])
    op.create_index("ix_follow_up_school_due", "follow_up", ["school_id", "status", "due"])
    op.create_index(op.f("ix_follow_up_student_id"), "follow_up", ["student_id"])
    op.create_index(op.f("ix_follow_up_visit_id"), "follow_up", ["visit_id"])
    op.create_table(
        "visit_note",
        sa.Column("visit_id", sa.String(length=32), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("written_by", sa.String(), nullable=False),
        sa.Column("written_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["visit_id"],
            ["visit.visit_id"],
            name=op.f("fk_visit_note_visit_id_visit"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_visit_note")),
    )
    op.create_table(
        "visit_student",
        sa.Column("visit_id", sa.String(length=32), nullable=False),
        sa.Column("student_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["visit_id"],
            ["visit.visit_id"],
            name=op.f("fk_visit_student_visit_id_visit"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("visit_id", "student_id", name=op.f("pk_visit_student")),
    )
    op.create_index(op.f("ix_visit_student_student_id"), "visit_student", ["student_id"])


def downgrade() -> None:
    op.drop_table("visit_student")
    op.drop_table("visit_note")
    op.drop_table("follow_up")
    op.drop_table("visit")
    op.drop_table("item_override")
    op.drop_table("visit_request")
    op.drop_table("contact_attempt")
