"""What happened to each model, as rows that are only added, and its signature."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_REFUSAL = "rows of model_event are only added"


def upgrade() -> None:
    op.create_table(
        "model_signature",
        sa.Column("model_version_id", sa.String(length=32), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_version_id"], ["model_version.model_version_id"],
            name=op.f("fk_model_signature_model_version_id_model_version"),
        ),
        sa.PrimaryKeyConstraint("model_version_id", name=op.f("pk_model_signature")),
    )  # fmt: skip
    op.create_table(
        "model_event",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("model_version_id", sa.String(length=32), nullable=False),
        sa.Column("from_version_id", sa.String(length=32), nullable=True),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("override", sa.Boolean(), nullable=False),
        sa.Column("gates", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_version_id"], ["model_version.model_version_id"],
            name=op.f("fk_model_event_model_version_id_model_version"),
        ),
        sa.ForeignKeyConstraint(
            ["from_version_id"], ["model_version.model_version_id"],
            name=op.f("fk_model_event_from_version_id_model_version"),
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_model_event")),
    )  # fmt: skip
    op.create_index(op.f("ix_model_event_outcome"), "model_event", ["outcome"])
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER model_event_no_{change.lower()} BEFORE {change} ON model_event "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION model_event_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER model_event_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON model_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION model_event_refuse()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # Dropping a table deletes its rows first where foreign keys point at them.
        op.execute("DROP TRIGGER model_event_no_delete")
        op.execute("DROP TRIGGER model_event_no_update")
    op.drop_table("model_event")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION model_event_refuse()")
    op.drop_table("model_signature")
