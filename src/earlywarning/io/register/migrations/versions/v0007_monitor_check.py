"""What watching found."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "monitor_check",
        sa.Column("check_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.String(length=10), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("limit", sa.Double(), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.CheckConstraint("status in ('ok', 'look', 'act')", name=op.f("ck_monitor_check_status")),
        sa.PrimaryKeyConstraint("check_id", name=op.f("pk_monitor_check")),
    )
    op.create_index(op.f("ix_monitor_check_at"), "monitor_check", ["at"])


def downgrade() -> None:
    op.drop_table("monitor_check")
