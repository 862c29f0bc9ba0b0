"""Whose a name in a source's files is, as a person has said."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "person_match",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("school_id", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("class_key", sa.String(length=160), nullable=False),
        sa.Column("birth", sa.String(length=10), nullable=False),
        sa.Column("student_id", sa.String(length=32), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.school_id"], name=op.f("fk_person_match_school_id_school")
        ),
        sa.ForeignKeyConstraint(
            ["student_id"], ["student.student_id"], ondelete="CASCADE",
            name=op.f("fk_person_match_student_id_student"),
        ),
        sa.PrimaryKeyConstraint(
            "source", "school_id", "label", "class_key", "birth", name=op.f("pk_person_match")
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_person_match_student_id"), "person_match", ["student_id"])


def downgrade() -> None:
    op.drop_table("person_match")
