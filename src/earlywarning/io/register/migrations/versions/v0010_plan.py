"""When each listed family is to be visited, by whom and with whom."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "item_place",
        sa.Column("item_id", sa.String(length=32), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("excluded", sa.String(length=32), nullable=True),
        sa.Column("occasion", sa.JSON(), nullable=True),
        sa.Column("others_told", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["visit_list_item.item_id"],
            name=op.f("fk_item_place_item_id_visit_list_item"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_item_place")),
    )
    op.create_table(
        "plan",
        sa.Column("plan_id", sa.String(length=32), nullable=False),
        sa.Column("visit_list_id", sa.String(length=32), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("conflicts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["visit_list_id"],
            ["visit_list.visit_list_id"],
            name=op.f("fk_plan_visit_list_id_visit_list"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_plan")),
        sa.UniqueConstraint("visit_list_id", name=op.f("uq_plan_visit_list_id")),
    )
    op.create_table(
        "planned_visit",
        sa.Column("planned_visit_id", sa.String(length=32), nullable=False),
        sa.Column("plan_id", sa.String(length=32), nullable=False),
        sa.Column("item_id", sa.String(length=32), nullable=False),
        sa.Column("lead_staff_id", sa.String(length=32), nullable=True),
        sa.Column("companion_staff_id", sa.String(length=32), nullable=True),
        sa.Column("companion_needed", sa.Boolean(), nullable=False),
        sa.Column("week", sa.Date(), nullable=True),
        sa.Column("slot", sa.String(length=16), nullable=True),
        sa.Column("on_date", sa.Date(), nullable=True),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("loosened", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("letter_school_id", sa.String(length=64), nullable=True),
        sa.Column("letter_year", sa.Integer(), nullable=True),
        sa.Column("letter_number", sa.Integer(), nullable=True),
        sa.Column("letter_date", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "status in ('planned', 'done', 'cancelled')", name=op.f("ck_planned_visit_status")
        ),
        sa.CheckConstraint(
            "slot in ('morning', 'afternoon', 'evening', 'saturday', 'sunday')",
            name=op.f("ck_planned_visit_slot"),
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["plan.plan_id"],
            name=op.f("fk_planned_visit_plan_id_plan"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["visit_list_item.item_id"],
            name=op.f("fk_planned_visit_item_id_visit_list_item"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("planned_visit_id", name=op.f("pk_planned_visit")),
        sa.UniqueConstraint("item_id", name=op.f("uq_planned_visit_item_id")),
        sa.UniqueConstraint(
            "letter_school_id",
            "letter_year",
            "letter_number",
            name=op.f("uq_planned_visit_letter_school_id_letter_year_letter_number"),
        ),
    )
    op.create_index("ix_planned_visit_lead", "planned_visit", ["lead_staff_id"])
    op.create_index("ix_planned_visit_companion", "planned_visit", ["companion_staff_id"])
    op.create_index(op.f("ix_planned_visit_plan_id"), "planned_visit", ["plan_id"])
    op.create_table(
        "letter_series",
        sa.Column("school_id", sa.String(length=64), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id"],
            ["school.school_id"],
            name=op.f("fk_letter_series_school_id_school"),
        ),
        sa.PrimaryKeyConstraint("school_id", "year", name=op.f("pk_letter_series")),
    )


def downgrade() -> None:
    op.drop_table("letter_series")
    op.drop_table("planned_visit")
    op.drop_table("plan")
    op.drop_table("item_place")
