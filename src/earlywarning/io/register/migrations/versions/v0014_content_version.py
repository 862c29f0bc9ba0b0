"""How often the content has changed."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = op.create_table(
        "content_version",
        sa.Column("only", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("only", name=op.f("pk_content_version")),
    )
    op.bulk_insert(table, [{"only": 1, "number": 0}])


def downgrade() -> None:
    op.drop_table("content_version")
