"""A school's catalogue of offences and merits."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "behaviour_type",
        sa.Column("school_id", sa.String(length=64), nullable=False),
        sa.Column("type_code", sa.String(length=500), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("centipoints", sa.Integer(), nullable=True),
        sa.Column("polarity", sa.String(length=16), nullable=True),
        sa.Column("severity", sa.String(length=16), nullable=True),
        sa.Column("is_attendance_related", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["school_id"], ["school.school_id"], name=op.f("fk_behaviour_type_school_id_school")
        ),
        sa.PrimaryKeyConstraint("school_id", "type_code", name=op.f("pk_behaviour_type")),
    )


def downgrade() -> None:
    op.drop_table("behaviour_type")
