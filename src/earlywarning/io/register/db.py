"""Opening the register: SQLite by default, PostgreSQL by URL, brought to the newest schema.

Alembic is imported only when there is something to migrate, so that the service starts light.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from earlywarning.errors import ConfigError
from earlywarning.io.register import changes
from earlywarning.io.register.audit_log import HEAD_FILE
from earlywarning.io.register.migrations import HEAD, VERSION_TABLE
from earlywarning.io.register.models import FactsSnapshot

if TYPE_CHECKING:
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_SECONDS = 30
"""How long a writer waits for another one before it gives up."""

_MIGRATION_LOCK = 7_310_926_451
"""Any number that only this project uses: PostgreSQL's advisory lock around a migration."""


class Register:
    """The open register.

    Attributes
    ----------
    engine : sqlalchemy.Engine
    head_file : Path or None
        Where the head of the audit is copied to at each commit.
    """

    def __init__(self, engine: Engine, head_file: Path | None = None) -> None:
        self.engine = engine
        self.head_file = head_file
        self._writing = engine.execution_options(register_writes=True)

    def session(self, *, writing: bool = False) -> Session:
        """A session; commit it to keep what it wrote.

        Parameters
        ----------
        writing : bool
            Take SQLite's write lock at once, and wait for it. Say so wherever a transaction reads
            before it writes: otherwise a second writer in between makes it fail without waiting.
        """
        bind = self._writing if writing else self.engine
        return Session(bind, expire_on_commit=False, info={HEAD_FILE: self.head_file})

    def begin(self) -> AbstractContextManager[Connection]:
        """A transaction that writes, on a plain connection: committed at the block's end."""
        return self._writing.begin()

    def current_snapshot(self) -> str | None:
        """Id of the facts that are current; None before the first import."""
        with self.session() as session:
            return session.scalar(select(FactsSnapshot.snapshot_id).where(FactsSnapshot.is_current))

    def schema_is_current(self) -> bool:
        """Whether the database can be reached and has the schema of this program; cheap."""
        return _version(self.engine) == HEAD

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_register(url: str, *, migrate: bool = True, head_file: Path | None = None) -> Register:
    """Open the register and bring it to the newest schema.

    Parameters
    ----------
    url : str
        SQLAlchemy URL: `sqlite:///path/register.db` or `postgresql://user@host/name`.
    migrate : bool
        Whether an older schema may be changed; if not, an older one is refused.
    head_file : Path, optional
        Where the head of the audit is copied to; beside an SQLite file if left out.

    Raises
    ------
    ConfigError
        The URL is of another kind, the database cannot be reached, or its schema is newer than
        this program (or older, with `migrate=False`).
    """
    engine = _engine(url)
    if head_file is None and engine.dialect.name == "sqlite" and engine.url.database:
        head_file = Path(engine.url.database).with_name("audit-head")
    register = Register(engine, head_file)
    changes.watch(engine)
    try:
        found = _version(engine)
        if found != HEAD:
            if not migrate:
                raise ConfigError(
                    f"register: its schema is {found or 'empty'}, this program needs {HEAD}; "
                    "run any `earlywarning` command once to bring it up"
                )
            _upgrade(engine)
    except SQLAlchemyError as error:
        register.close()
        # The driver's own text can hold the address with its password; the first line is enough.
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise ConfigError(
            f"register: cannot open {engine.url.render_as_string(hide_password=True)}: {reason}; "
            "check EARLYWARNING_DATABASE_URL and that the database runs"
        ) from error
    except ConfigError:
        register.close()
        raise
    return register


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(
            "register: the database URL cannot be read; write it like sqlite:///register.db or "
            "postgresql://user@host/name"
        ) from error
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    if parsed.get_backend_name() == "postgresql":
        # pool_pre_ping: a restarted server costs one new connection, not one failed request.
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    raise ConfigError(
        f"register: {parsed.get_backend_name()!r} is not supported; allowed: sqlite, postgresql"
    )


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        _private_file(Path(url.database))
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        # SQLAlchemy begins transactions (below), not the driver, which would begin too late.
        connection.isolation_level = None
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",  # NORMAL may lose an acknowledged publication at power loss
            "foreign_keys = ON",
            "recursive_triggers = ON",  # else INSERT OR REPLACE walks past delete triggers
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("register_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _private_file(path: Path) -> None:
    """Create the file readable by its owner alone: it holds names. WAL files inherit the mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConfigError(
            f"register: cannot open {path}: {error.strerror}; the folder must exist and be writable"
        ) from error


def _version(bind: Engine | Connection) -> str | None:
    """The schema's version in the database; None if there is no schema yet."""
    if not inspect(bind).has_table(VERSION_TABLE):
        return None
    query = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant of ours
    if isinstance(bind, Connection):
        return bind.execute(query).scalar()
    with bind.connect() as connection:
        return connection.execute(query).scalar()


def is_full(error: BaseException) -> bool:
    """Whether a database refused to write because its disk, or its allowed size, is full."""
    origin = getattr(error, "orig", error)
    return (
        getattr(origin, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        or getattr(origin, "sqlstate", None) == "53100"
    )


def alembic_config(connection: Connection) -> Any:
    """Alembic's configuration for an open connection; also for `revision --autogenerate`."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "earlywarning.io.register:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def migrate_to(engine: Engine, revision: str) -> None:
    """Move the schema up or down to a revision, in one transaction: all of it or nothing."""
    from alembic import command
    from alembic.util import CommandError

    with engine.execution_options(register_writes=True).connect() as connection:
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:
            # SQLite changes a table by copying it; with foreign keys on, dropping the old one would
            # delete the rows that point at it. Outside a transaction, or it has no effect.
            _pragma(connection, "foreign_keys = OFF")
        try:
            with connection.begin():
                changes.leave_out(connection)
                if not sqlite:
                    connection.execute(
                        text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}
                    )
                config = alembic_config(connection)
                going_down = revision == "base" or revision < (_version(connection) or "")
                (command.downgrade if going_down else command.upgrade)(config, revision)
                if sqlite:
                    _check_foreign_keys(connection)
        except CommandError as error:
            raise ConfigError(
                "register: its schema is newer than this program; install the newer earlywarning"
            ) from error
        finally:
            if sqlite:
                _pragma(connection, "foreign_keys = ON")


def _upgrade(engine: Engine) -> None:
    migrate_to(engine, HEAD)


def _pragma(connection: Connection, setting: str) -> None:
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.execute(f"PRAGMA {setting}").close()


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise ConfigError(
            f"register: the migration would leave {len(broken)} rows of {broken[0][0]} without "
            "the row they point at; nothing was changed"
        )
