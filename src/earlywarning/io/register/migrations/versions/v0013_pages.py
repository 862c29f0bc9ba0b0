"""What pages show and lists do not hold: a student's year, week by week."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "student_timeline",
        sa.Column("student_id", sa.String(32), nullable=False),
        sa.Column("snapshot_id", sa.String(64), nullable=False),
        sa.Column("as_of_date", sa.Date(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["student_id"], ["student.student_id"], name="fk_student_timeline_student_id_student",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("student_id", name="pk_student_timeline"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("student_timeline")
