"""The register's schema: migrations and models agree, and data survives a change of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, MetaData, Table, inspect, select, text

import postgres
from earlywarning.errors import ConfigError
from earlywarning.io.register import db
from earlywarning.io.register.changes import ContentVersion
from earlywarning.io.register.db import Register, migrate_to, open_register
from earlywarning.io.register.migrations import HEAD, VERSION_TABLE
from earlywarning.io.register.schema import Base

COUNTER = ContentVersion.__tablename__
"""Has its one row from the start, and counts what the tests do."""
AT = datetime(2026, 10, 5, 7, 30)  # noqa: DTZ001 - the register keeps UTC without zone


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with postgres.server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'register.db'}"
    return postgres.new_database(request.getfixturevalue("server"))


@pytest.fixture
def register(url: str) -> Iterator[Register]:
    with open_register(url) as opened:
        yield opened


def revisions(connection: Connection) -> list[str]:
    scripts = ScriptDirectory.from_config(db.alembic_config(connection))
    return [one.revision for one in reversed(list(scripts.walk_revisions()))]


def test_models_and_migrations_agree(register: Register) -> None:
    with register.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "version_table": VERSION_TABLE}
        )
        assert compare_metadata(context, Base.metadata) == []
        found = inspect(connection)
        for table in Base.metadata.tables.values():
            checks = {one["name"] for one in found.get_check_constraints(table.name)}
            told = {one.name for one in table.constraints if isinstance(one, CheckConstraint)}
            assert checks == told


def test_the_newest_revision_is_the_one_that_the_program_needs(register: Register) -> None:
    with register.engine.connect() as connection:
        names = revisions(connection)
    assert names == sorted(names)
    assert names[-1] == HEAD
    assert register.schema_is_current()


def test_partial_indexes_are_there(register: Register) -> None:
    """Exactly one snapshot is current, one version serves, one list is published."""
    fill(register)
    for table, change in (
        ("facts_snapshot", {"snapshot_id": "b" * 64}),
        ("model_version", {"model_version_id": "b" * 32, "version": 2}),
        ("visit_list", {"visit_list_id": "b" * 32, "revision": 2}),
    ):
        model = Base.metadata.tables[table]
        with register.engine.connect() as connection:
            found = connection.execute(select(model)).mappings().one()
            row = {str(name): value for name, value in found.items()} | change
            with pytest.raises(Exception, match=r"(?i)unique"):
                connection.execute(model.insert(), row)


def fill(register: Register) -> None:
    """A row in every table, values in every column."""
    numbers = itertools.count(1)
    tables = [table for table in Base.metadata.sorted_tables if table.name != COUNTER]
    given: dict[str, Any] = allowed_values(tables) | {"visit_list.status": "published"}
    with register.engine.begin() as connection:
        for table in tables:
            row = {}
            for column in table.columns:
                (key,) = column.foreign_keys or {None}
                name = f"{table.name}.{column.name}"
                if key is not None:
                    value = given[f"{key.column.table.name}.{key.column.name}"]
                elif name in given:
                    value = given[name]
                else:
                    value = a_value(column, numbers)
                row[column.name] = given[name] = value
            connection.execute(table.insert(), row)


def allowed_values(tables: list[Table]) -> dict[str, str]:
    """The first value that a check lets into each column that has one."""
    found = {}
    for table in tables:
        for check in table.constraints:
            if isinstance(check, CheckConstraint):
                column, _, values = str(check.sqltext).partition(" in ('")
                if values:
                    found[f"{table.name}.{column}"] = values.partition("'")[0]
    return found


def a_value(column: Any, numbers: Iterator[int]) -> Any:
    kind = column.type.python_type
    made: dict[type, Callable[[], Any]] = {
        str: lambda: f"x{next(numbers)}", int: lambda: next(numbers), bool: lambda: True,
        float: lambda: 2.5,
        date: lambda: date(2026, 10, 5), datetime: lambda: AT, bytes: lambda: b"\0\xff",
        object: lambda: {"a": [1, None, "é", 2.5]},
    }  # fmt: skip
    return made[kind]()


def content(register: Register) -> dict[str, list[Any]]:
    """Every row of every table that the database has, by its own description of them."""
    there = MetaData()
    with register.engine.connect() as connection:
        there.reflect(connection)
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in there.sorted_tables
            if table.name not in (VERSION_TABLE, COUNTER)
        }


def test_data_survives_the_way_down_and_up(register: Register) -> None:
    fill(register)
    whole = content(register)
    assert all(len(rows) == 1 for rows in whole.values())
    with register.engine.connect() as connection:
        names = revisions(connection)
    below = whole
    for lower in reversed(names[:-1]):
        migrate_to(register.engine, lower)
        below = content(register)
        # A table of the lower revision keeps its rows; one that came later is gone.
        assert below == {name: rows for name, rows in whole.items() if name in below}
        assert not register.schema_is_current()
    for upper in names[1:]:
        migrate_to(register.engine, upper)
    after = content(register)
    assert after == {name: whole[name] if name in below else [] for name in whole}
    assert register.schema_is_current()
    migrate_to(register.engine, "base")
    assert content(register) == {}


def test_a_migration_that_fails_changes_nothing(register: Register) -> None:
    fill(register)
    whole = content(register)
    with register.engine.begin() as connection:
        # The way down drops this table last, after all the others.
        connection.execute(text("ALTER TABLE facts_snapshot RENAME TO elsewhere"))
    with pytest.raises(Exception, match="facts_snapshot"):
        migrate_to(register.engine, "base")
    with register.engine.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO facts_snapshot"))
    assert content(register) == whole
    assert register.schema_is_current()


def test_an_older_schema_is_brought_up_or_refused(url: str) -> None:
    with open_register(url) as register:
        migrate_to(register.engine, "0001")
    with pytest.raises(ConfigError, match=r"its schema is 0001, this program needs .* run any"):
        open_register(url, migrate=False)
    with open_register(url) as register:
        assert register.schema_is_current()


def test_a_newer_schema_is_refused(url: str) -> None:
    with open_register(url) as register, register.engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))  # noqa: S608
    with pytest.raises(ConfigError, match="newer than this program"):
        open_register(url)


def test_two_programs_that_migrate_at_once(url: str) -> None:
    def opened(_: int) -> bool:
        with open_register(url) as register:
            return register.schema_is_current()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(opened, range(4))) == [True] * 4


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u@h/x", "'mysql' is not supported; allowed: sqlite, postgresql"),
        ("nonsense", "the database URL cannot be read; write it like sqlite:///register.db"),
        ("sqlite:////no/such/folder/register.db", "the folder must exist and be writable"),
        ("postgresql://u:geheim@localhost:1/x", r"cannot open postgresql\+psycopg://u:\*\*\*@"),
    ],
)
def test_an_address_that_leads_nowhere(url: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        open_register(url)
    assert "geheim" not in str(caught.value)


def test_only_the_owner_can_read_the_register(tmp_path: Path) -> None:
    path = tmp_path / "register.db"
    with open_register(f"sqlite:///{path}"):
        assert {one.stat().st_mode & 0o777 for one in tmp_path.iterdir()} == {0o600}
