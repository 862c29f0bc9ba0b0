"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "facts_snapshot",
        sa.Column("snapshot_id", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", name=op.f("pk_facts_snapshot")),
    )
    with op.batch_alter_table("facts_snapshot", schema=None) as batch_op:
        batch_op.create_index(
            "uq_facts_snapshot_current",
            ["is_current"],
            unique=True,
            sqlite_where=sa.text("is_current"),
            postgresql_where=sa.text("is_current"),
        )

    op.create_table(
        "model_version",
        sa.Column("model_version_id", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("estimator", sa.String(length=32), nullable=False),
        sa.Column("is_champion", sa.Boolean(), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("artifact_uri", sa.String(), nullable=False),
        sa.Column("artifact_sha256", sa.String(length=64), nullable=False),
        sa.Column("snapshot_id", sa.String(length=64), nullable=False),
        sa.Column("trained_at", sa.DateTime(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("model_version_id", name=op.f("pk_model_version")),
        sa.UniqueConstraint("outcome", "version", name=op.f("uq_model_version_outcome_version")),
    )
    with op.batch_alter_table("model_version", schema=None) as batch_op:
        batch_op.create_index(
            "uq_model_version_champion",
            ["outcome"],
            unique=True,
            sqlite_where=sa.text("is_champion"),
            postgresql_where=sa.text("is_champion"),
        )

    op.create_table(
        "school",
        sa.Column("school_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("school_id", name=op.f("pk_school")),
    )
    op.create_table(
        "household",
        sa.Column("household_id", sa.String(length=32), nullable=False),
        sa.Column("school_id", sa.String(length=64), nullable=False),
        sa.Column("local_key", sa.String(), nullable=False),
        sa.Column("village", sa.String(), nullable=True),
        sa.Column("do_not_visit", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.school_id"], name=op.f("fk_household_school_id_school")
        ),
        sa.PrimaryKeyConstraint("household_id", name=op.f("pk_household")),
        sa.UniqueConstraint(
            "school_id", "local_key", name=op.f("uq_household_school_id_local_key")
        ),
    )
    with op.batch_alter_table("household", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_household_school_id"), ["school_id"], unique=False)

    op.create_table(
        "import_batch",
        sa.Column("import_id", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("delivered_on", sa.Date(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=False),
        sa.Column("mapping_hash", sa.String(length=64), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("snapshot_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["facts_snapshot.snapshot_id"],
            name=op.f("fk_import_batch_snapshot_id_facts_snapshot"),
        ),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_import_batch")),
    )
    with op.batch_alter_table("import_batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_batch_source"), ["source"], unique=False)

    op.create_table(
        "staff",
        sa.Column("staff_id", sa.String(length=32), nullable=False),
        sa.Column("school_id", sa.String(length=64), nullable=False),
        sa.Column("local_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sex", sa.String(length=8), nullable=True),
        sa.Column("role", sa.String(length=32), nullable=True),
        sa.Column("max_visits", sa.Integer(), nullable=True),
        sa.Column("companion_preference", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.school_id"], name=op.f("fk_staff_school_id_school")
        ),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_staff")),
        sa.UniqueConstraint("school_id", "local_id", name=op.f("uq_staff_school_id_local_id")),
    )
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_staff_school_id"), ["school_id"], unique=False)

    op.create_table(
        "visit_list",
        sa.Column("visit_list_id", sa.String(length=32), nullable=False),
        sa.Column("school_id", sa.String(length=64), nullable=False),
        sa.Column("quarter", sa.String(length=10), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("as_of_date", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("published_at", sa.DateTime(), nullable=True),
        sa.Column("published_by", sa.String(), nullable=True),
        sa.Column("snapshot_id", sa.String(length=64), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("header", sa.JSON(), nullable=False),
        sa.Column("frozen", sa.LargeBinary(), nullable=False),
        sa.Column("frozen_sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "status in ('draft', 'published', 'withdrawn')", name=op.f("ck_visit_list_status")
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.school_id"], name=op.f("fk_visit_list_school_id_school")
        ),
        sa.PrimaryKeyConstraint("visit_list_id", name=op.f("pk_visit_list")),
        sa.UniqueConstraint(
            "school_id",
            "quarter",
            "revision",
            name=op.f("uq_visit_list_school_id_quarter_revision"),
        ),
    )
    with op.batch_alter_table("visit_list", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_list_school_id"), ["school_id"], unique=False)
        batch_op.create_index(
            "uq_visit_list_published",
            ["school_id", "quarter"],
            unique=True,
            sqlite_where=sa.text("status = 'published'"),
            postgresql_where=sa.text("status = 'published'"),
        )

    op.create_table(
        "api_token",
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("school_id", sa.String(length=64), nullable=True),
        sa.Column("staff_id", sa.String(length=32), nullable=True),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.school_id"], name=op.f("fk_api_token_school_id_school")
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.staff_id"], name=op.f("fk_api_token_staff_id_staff")
        ),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_api_token_token_sha256")),
    )
    op.create_table(
        "class_group",
        sa.Column("class_id", sa.String(length=160), nullable=False),
        sa.Column("school_id", sa.String(length=64), nullable=False),
        sa.Column("school_year", sa.String(length=7), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("grade_level", sa.Integer(), nullable=True),
        sa.Column("homeroom_staff_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["homeroom_staff_id"],
            ["staff.staff_id"],
            name=op.f("fk_class_group_homeroom_staff_id_staff"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.school_id"], name=op.f("fk_class_group_school_id_school")
        ),
        sa.PrimaryKeyConstraint("class_id", name=op.f("pk_class_group")),
    )
    with op.batch_alter_table("class_group", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_class_group_school_id"), ["school_id"], unique=False)

    op.create_table(
        "visit_list_item",
        sa.Column("item_id", sa.String(length=32), nullable=False),
        sa.Column("visit_list_id", sa.String(length=32), nullable=False),
        sa.Column("household_key", sa.String(length=64), nullable=False),
        sa.Column("household_id", sa.String(length=32), nullable=True),
        sa.Column("lead_staff_id", sa.String(length=32), nullable=True),
        sa.Column("class_id", sa.String(length=160), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("track", sa.String(length=16), nullable=True),
        sa.Column("band", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["visit_list_id"],
            ["visit_list.visit_list_id"],
            name=op.f("fk_visit_list_item_visit_list_id_visit_list"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_visit_list_item")),
        sa.UniqueConstraint(
            "visit_list_id",
            "household_key",
            name=op.f("uq_visit_list_item_visit_list_id_household_key"),
        ),
    )
    with op.batch_alter_table("visit_list_item", schema=None) as batch_op:
        batch_op.create_index(
            "ix_visit_list_item_class", ["visit_list_id", "class_id", "position"], unique=False
        )
        batch_op.create_index(
            "ix_visit_list_item_page", ["visit_list_id", "position"], unique=False
        )

    op.create_table(
        "student",
        sa.Column("student_id", sa.String(length=32), nullable=False),
        sa.Column("school_id", sa.String(length=64), nullable=False),
        sa.Column("local_id", sa.String(), nullable=False),
        sa.Column("national_id", sa.String(length=32), nullable=True),
        sa.Column("full_name", sa.String(), nullable=False),
        sa.Column("sex", sa.String(length=8), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=True),
        sa.Column("household_id", sa.String(length=32), nullable=True),
        sa.Column("class_id", sa.String(length=160), nullable=True),
        sa.ForeignKeyConstraint(
            ["class_id"], ["class_group.class_id"], name=op.f("fk_student_class_id_class_group")
        ),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["household.household_id"],
            name=op.f("fk_student_household_id_household"),
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.school_id"], name=op.f("fk_student_school_id_school")
        ),
        sa.PrimaryKeyConstraint("student_id", name=op.f("pk_student")),
        sa.UniqueConstraint("school_id", "local_id", name=op.f("uq_student_school_id_local_id")),
    )
    with op.batch_alter_table("student", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_student_class_id"), ["class_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_student_household_id"), ["household_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_student_national_id"), ["national_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_student_school_id"), ["school_id"], unique=False)

    op.create_table(
        "visit_list_student",
        sa.Column("item_id", sa.String(length=32), nullable=False),
        sa.Column("student_id", sa.String(length=32), nullable=False),
        sa.Column("class_id", sa.String(length=160), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("completeness", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["visit_list_item.item_id"],
            name=op.f("fk_visit_list_student_item_id_visit_list_item"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("item_id", "student_id", name=op.f("pk_visit_list_student")),
    )
    with op.batch_alter_table("visit_list_student", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_visit_list_student_class_id"), ["class_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_visit_list_student_student_id"), ["student_id"], unique=False
        )

    op.create_table(
        "guardian",
        sa.Column("guardian_id", sa.String(length=32), nullable=False),
        sa.Column("student_id", sa.String(length=32), nullable=False),
        sa.Column("relation", sa.String(length=32), nullable=False),
        sa.Column("full_name", sa.String(), nullable=True),
        sa.Column("sex", sa.String(length=8), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.Column("vital", sa.String(length=16), nullable=True),
        sa.Column("available", sa.String(), nullable=True),
        sa.Column("lives_with", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["student_id"],
            ["student.student_id"],
            name=op.f("fk_guardian_student_id_student"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("guardian_id", name=op.f("pk_guardian")),
        sa.UniqueConstraint("student_id", "relation", name=op.f("uq_guardian_student_id_relation")),
    )
    with op.batch_alter_table("guardian", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_guardian_student_id"), ["student_id"], unique=False)


def downgrade() -> None:

    with op.batch_alter_table("guardian", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_guardian_student_id"))

    op.drop_table("guardian")
    with op.batch_alter_table("visit_list_student", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_list_student_student_id"))
        batch_op.drop_index(batch_op.f("ix_visit_list_student_class_id"))

    op.drop_table("visit_list_student")
    with op.batch_alter_table("student", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_student_school_id"))
        batch_op.drop_index(batch_op.f("ix_student_national_id"))
        batch_op.drop_index(batch_op.f("ix_student_household_id"))
        batch_op.drop_index(batch_op.f("ix_student_class_id"))

    op.drop_table("student")
    with op.batch_alter_table("visit_list_item", schema=None) as batch_op:
        batch_op.drop_index("ix_visit_list_item_page")
        batch_op.drop_index("ix_visit_list_item_class")

    op.drop_table("visit_list_item")
    with op.batch_alter_table("class_group", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_class_group_school_id"))

    op.drop_table("class_group")
    op.drop_table("api_token")
    with op.batch_alter_table("visit_list", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_visit_list_published",
            sqlite_where=sa.text("status = 'published'"),
            postgresql_where=sa.text("status = 'published'"),
        )
        batch_op.drop_index(batch_op.f("ix_visit_list_school_id"))

    op.drop_table("visit_list")
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_staff_school_id"))

    op.drop_table("staff")
    with op.batch_alter_table("import_batch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_import_batch_source"))

    op.drop_table("import_batch")
    with op.batch_alter_table("household", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_household_school_id"))

    op.drop_table("household")
    op.drop_table("school")
    with op.batch_alter_table("model_version", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_model_version_champion",
            sqlite_where=sa.text("is_champion"),
            postgresql_where=sa.text("is_champion"),
        )

    op.drop_table("model_version")
    with op.batch_alter_table("facts_snapshot", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_facts_snapshot_current",
            sqlite_where=sa.text("is_current"),
            postgresql_where=sa.text("is_current"),
        )

    op.drop_table("facts_snapshot")
