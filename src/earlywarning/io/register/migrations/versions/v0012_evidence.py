"""What was laid down before outcomes were known, for judging whether visits helped."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "impact_study",
        sa.Column("study_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("first_quarter", sa.String(length=10), nullable=False),
        sa.Column("last_quarter", sa.String(length=10), nullable=False),
        sa.Column("registered_at", sa.DateTime(), nullable=False),
        sa.Column("registered_by", sa.String(length=200), nullable=False),
        sa.Column("snapshot_id", sa.String(length=64), nullable=True),
        sa.Column("facts_until", sa.Date(), nullable=True),
        sa.Column("design", sa.LargeBinary(), nullable=False),
        sa.Column("design_sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("study_id", name=op.f("pk_impact_study")),
        sa.UniqueConstraint("name", name=op.f("uq_impact_study_name")),
    )
    op.create_table(
        "impact_result",
        sa.Column("result_sha256", sa.String(length=64), nullable=False),
        sa.Column("study_id", sa.String(length=32), nullable=True),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("result_sha256", name=op.f("pk_impact_result")),
    )
    op.create_index(op.f("ix_impact_result_study_id"), "impact_result", ["study_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_impact_result_study_id"), table_name="impact_result")
    op.drop_table("impact_result")
    op.drop_table("impact_study")
