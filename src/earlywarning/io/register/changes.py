"""How often the register's content has changed: what was made from it is good while this stands.

One number, moved on in the same transaction as any change, by whatever process: so an answer that
was made before can be given again without making it anew, and never after a change. Signing in and
the audit of reads change nothing that is shown, and do not move it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from earlywarning.io.register.models import Base

SILENT = frozenset({"audit_event", "user_session", "sign_in_attempt", "idempotency_key"})
"""Tables whose rows no list, page or answer shows to be kept."""

_TOUCHED = "register_content_changed"
_MOVE_ON_SQL = "UPDATE content_version SET number = number + 1"
_MOVE_ON = text(_MOVE_ON_SQL)
_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


class ContentVersion(Base):
    """The one number."""

    __tablename__ = "content_version"
    only: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]


_NUMBER = select(ContentVersion.number)


def number(connection: Connection | Session) -> int:
    """The number as this transaction sees it; read it before the content."""
    return connection.execute(_NUMBER).scalar_one()


def watch(engine: Engine) -> None:
    """Move the number on at each commit that changed content."""

    @event.listens_for(engine, "before_cursor_execute")
    def looked_at(
        connection: Connection, _: Any, statement: str, __: Any, context: Any, ___: bool
    ) -> None:
        if _TOUCHED not in connection.info and _changes(statement, context):
            connection.info[_TOUCHED] = True

    @event.listens_for(engine, "commit")
    def move_on(connection: Connection) -> None:
        if connection.info.pop(_TOUCHED, False):
            connection.execute(_MOVE_ON)

    @event.listens_for(engine, "rollback")
    def forget(connection: Connection) -> None:
        # A connection that broke took the mark with it, and has no more to ask for.
        if not connection.invalidated:
            connection.info.pop(_TOUCHED, None)


def leave_out(connection: Connection) -> None:
    """Let the transaction that runs pass unnoticed: a migration, which may remove the number."""
    connection.info[_TOUCHED] = False


def _changes(statement: str, context: Any) -> bool:
    """Whether a statement changes content; one that cannot be told counts as a change."""
    if context is not None and (context.isinsert or context.isupdate or context.isdelete):
        table = getattr(context.compiled and context.compiled.statement, "table", None)
        return getattr(table, "name", None) not in SILENT
    return statement != _MOVE_ON_SQL and statement.lstrip()[:7].upper().startswith(_WRITES)
