"""Save the people of a delivery: schools, staff, classes, households, students, guardians.

Rows are matched by the school's own numbers. A value that a delivery leaves empty keeps what the
register has; nobody is deleted because a file no longer names them.

First it is planned what to write, then it is written: between the two an import takes its time over
the facts, and nobody else has to wait for the register meanwhile.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from earlywarning.errors import NotFound
from earlywarning.io.behaviour_rows import CATALOGUE_SCHEMA
from earlywarning.io.delivery import schema_of
from earlywarning.io.known_days import CALENDAR_SCHEMA
from earlywarning.io.register.models import (
    Base,
    BehaviourType,
    CalendarDay,
    ClassGroup,
    Guardian,
    Household,
    School,
    Staff,
    Student,
)
from earlywarning.records.class_names import canonical

IdSource = Callable[[], str]
SCHOOLS_A_QUERY = 500
ROWS_A_STATEMENT = 50_000


def random_id() -> str:
    """A new id: 32 hexadecimal digits, unguessable."""
    return uuid.UUID(bytes=secrets.token_bytes(16)).hex


def known_students(session: Session) -> pl.DataFrame:
    """Columns `school_id`, `student` (the school's own number), `student_id`."""
    return _read(
        session,
        select(Student.school_id, Student.local_id.label("student"), Student.student_id),
        {"school_id": pl.String, "student": pl.String, "student_id": pl.String},
    )


def student_id_of(session: Session, text: str) -> str:
    """The id of a student, named by it or by the school's own number.

    Raises
    ------
    NotFound
        If nobody, or several students of different schools, have it.
    """
    query = select(Student.student_id).where(
        (Student.student_id == text) | (Student.local_id == text)
    )
    found = list(session.scalars(query))
    if len(found) != 1:
        raise NotFound(
            f"{len(found)} students have the number {text!r}"
            + (
                "; give the student's id instead"
                if found
                else " or that id; give the number of the school's student list, or the id that "
                "stands in the student's address on the pages"
            )
        )
    return found[0]


@dataclass(frozen=True)
class Change:
    """Rows of one register table to write.

    Attributes
    ----------
    model : type
    added, changed : DataFrame
        Whole rows.
    unchanged : int
    """

    model: type[Base]
    added: pl.DataFrame
    changed: pl.DataFrame
    unchanged: int


@dataclass(frozen=True)
class People:
    """What a delivery changes in the register.

    Attributes
    ----------
    changes : dict of register table to Change
        In the order in which they must be written.
    students : DataFrame
        `school_id`, `student`, `student_id` of everybody, old and new.
    grade_levels : DataFrame
        `class_id`, `grade_level` of every class of the delivery's schools.
    behaviour_types : DataFrame
        `behaviour_rows.CATALOGUE_SCHEMA`: every school's catalogue, as it will be.
    calendar_days : DataFrame
        `known_days.CALENDAR_SCHEMA`: every school's calendar, as it will be.
    """

    changes: dict[str, Change]
    students: pl.DataFrame
    grade_levels: pl.DataFrame
    behaviour_types: pl.DataFrame
    calendar_days: pl.DataFrame

    @property
    def counts(self) -> dict[str, tuple[int, int, int]]:
        """Added, changed, unchanged rows of each table that the delivery touches."""
        found = {
            name: (change.added.height, change.changed.height, change.unchanged)
            for name, change in self.changes.items()
        }
        return {name: numbers for name, numbers in found.items() if any(numbers)}


def plan(
    session: Session, tables: Mapping[str, pl.DataFrame], *, id_source: IdSource = random_id
) -> People:
    """Compare the people of a delivery with the register; writes nothing.

    Parameters
    ----------
    tables : mapping of source table to DataFrame
        As `Delivery.frame` gives them, `behaviour_type` as `behaviour_rows.catalogue` does; a
        table may be missing.
    id_source : callable
        Makes the ids of new people.
    """
    rows = {
        name: tables[name] if name in tables else pl.DataFrame(schema=schema_of(name))
        for name in (
            "school",
            "staff",
            "class_group",
            "student",
            "enrollment",
            "guardian",
            "calendar_day",
        )
    }
    schools = sorted(
        {school for table in tables.values() for school in table["school_id"].unique()}
    )
    planner = _Planner(session, schools, id_source)
    changes = {"school": planner.compare(School, _schools(rows["school"], schools, session))}
    staff = planner.compare(Staff, rows["staff"].rename({"staff": "local_id"}), "staff_id")
    changes["staff"] = staff
    classes = _classes(rows, planner.ids(Staff, staff))
    classes = _with_levels(classes, planner.stored(ClassGroup))
    changes["class_group"] = planner.compare(ClassGroup, classes)
    homes = planner.compare(Household, _households(rows["student"]), "household_id")
    changes["household"] = homes
    students = planner.compare(
        Student, _students(rows["student"], planner.ids(Household, homes)), "student_id"
    )
    changes["student"] = students
    known = known_students(session)
    new = students.added.select("school_id", student="local_id", student_id="student_id")
    everybody = pl.concat([known, new])
    guardians = rows["guardian"].join(everybody, on=["school_id", "student"])
    changes["guardian"] = planner.compare(Guardian, guardians, "guardian_id")
    types = tables.get("behaviour_type", pl.DataFrame(schema=CATALOGUE_SCHEMA))
    changes["behaviour_type"] = planner.compare(BehaviourType, types)
    days = rows["calendar_day"].rename({"date": "day"})
    changes["calendar_day"] = planner.compare(CalendarDay, days)
    levels = [planner.stored(ClassGroup), changes["class_group"].added]
    levels.append(changes["class_group"].changed)
    return People(
        changes,
        everybody,
        pl.concat([frame.select("class_id", "grade_level") for frame in levels])
        .drop_nulls()
        .unique("class_id", keep="last", maintain_order=True),
        _whole(session, changes["behaviour_type"], CATALOGUE_SCHEMA),
        _whole(session, changes["calendar_day"], CALENDAR_SCHEMA),
    )


def write(session: Session, people: People, classes: pl.DataFrame) -> None:
    """Write what was planned; the caller commits.

    Parameters
    ----------
    classes : DataFrame
        student_id, class_id: the class in which each student is now.
    """
    for name, change in people.changes.items():
        rows = [change.added, change.changed]
        if name == "student":
            rows = [_placed(frame, classes) for frame in rows]
        table = change.model.metadata.tables[change.model.__tablename__]
        for some in rows[0].iter_slices(ROWS_A_STATEMENT):
            session.connection().execute(insert(table), some.to_dicts())
        for some in rows[1].iter_slices(ROWS_A_STATEMENT):
            session.execute(update(change.model), some.to_dicts())
    _move(session, classes)


class _Planner:
    """Compares frames with the register's tables, as far as they belong to some schools."""

    def __init__(self, session: Session, schools: Sequence[str], id_source: IdSource) -> None:
        self._session = session
        self._schools = schools
        self._id_source = id_source
        self._stored: dict[type[Base], pl.DataFrame] = {}

    def stored(self, model: type[Base]) -> pl.DataFrame:
        """The rows of the schools."""
        if model not in self._stored:
            frames = [pl.DataFrame(schema=_schema(model))]
            for start in range(0, len(self._schools), SCHOOLS_A_QUERY):
                some = self._schools[start : start + SCHOOLS_A_QUERY]
                query = select(*model.__table__.columns)
                if model is Guardian:
                    query = query.join(Student).where(Student.school_id.in_(some))
                else:
                    query = query.where(model.__table__.c["school_id"].in_(some))
                frames.append(_read(self._session, query, _schema(model)))
            self._stored[model] = pl.concat(frames)
        return self._stored[model]

    def ids(self, model: type[Base], change: Change) -> pl.DataFrame:
        """The key and the id of every row of a table, new ones too."""
        names = [*KEYS[model], _id_of(model)]
        return pl.concat([self.stored(model).select(names), change.added.select(names)])

    def compare(
        self, model: type[Base], rows: pl.DataFrame, id_column: str | None = None
    ) -> Change:
        """What is new, and what differs; empty values change nothing."""
        schema, key = _schema(model), list(KEYS[model])
        stored = self.stored(model)
        names = [name for name in rows.columns if name in schema]
        both = rows.select(pl.col(name).cast(schema[name]) for name in names).join(
            stored.with_columns(_known=True), on=key, how="left", suffix="_now",
            maintain_order="left",
        )  # fmt: skip
        news = both.filter(pl.col("_known").is_null())
        if id_column:
            ids = pl.Series([self._id_source() for _ in range(news.height)], dtype=pl.String)
            news = news.with_columns(ids.alias(id_column))
        values = [name for name in names if name not in key]
        differs = [pl.col(name).ne_missing(pl.col(f"{name}_now")) & pl.col(name).is_not_null()
                   for name in values]  # fmt: skip
        told = both.filter(pl.col("_known"))
        changed = told.filter(pl.any_horizontal(pl.lit(value=False), *differs))
        changed = changed.with_columns(pl.coalesce(name, f"{name}_now") for name in values)
        defaults = [pl.lit(value=False).alias("do_not_visit")] if model is Household else []
        return Change(
            model,
            news.with_columns(defaults).select(
                pl.col(name).cast(kind) for name, kind in schema.items()
            ),
            changed.select(pl.col(name).cast(kind) for name, kind in schema.items()),
            told.height - changed.height,
        )


KEYS: Mapping[type[Base], tuple[str, ...]] = {
    School: ("school_id",),
    Staff: ("school_id", "local_id"),
    ClassGroup: ("class_id",),
    Household: ("school_id", "local_key"),
    Student: ("school_id", "local_id"),
    Guardian: ("student_id", "relation"),
    BehaviourType: ("school_id", "type_code"),
    CalendarDay: ("school_id", "day"),
}
"""By which columns a delivery's rows are matched with the register's."""

_TYPES = {str: pl.String, int: pl.Int32, bool: pl.Boolean, date: pl.Date}


def _id_of(model: type[Base]) -> str:
    (name,) = (column.key for column in model.__table__.columns if column.primary_key)
    return name


def _schema(model: type[Base]) -> dict[str, Any]:
    return {column.key: _TYPES[column.type.python_type] for column in model.__table__.columns}


def _read(session: Session, query: Any, schema: Mapping[str, Any]) -> pl.DataFrame:
    found = [tuple(row) for row in session.execute(query)]
    return pl.DataFrame(found, schema=dict(schema), orient="row")


def _whole(session: Session, change: Change, schema: Mapping[str, Any]) -> pl.DataFrame:
    """A table of every school as it will be, for events may come without it."""
    stored = _read(session, select(*change.model.__table__.columns), schema)
    key = list(KEYS[change.model])
    return pl.concat([stored, change.added, change.changed]).unique(
        key, keep="last", maintain_order=True
    )


def _schools(named: pl.DataFrame, schools: Sequence[str], session: Session) -> pl.DataFrame:
    """Every school that the delivery speaks of; one without a name is called by its number."""
    known = set(session.scalars(select(School.school_id)))
    numbers = pl.DataFrame({"school_id": schools}, schema={"school_id": pl.String})
    return numbers.join(named.select("school_id", "name"), on="school_id", how="left").with_columns(
        name=pl.when(pl.col("name").is_null() & ~pl.col("school_id").is_in(list(known)))
        .then("school_id")
        .otherwise("name")
    )


def _classes(rows: Mapping[str, pl.DataFrame], staff: pl.DataFrame) -> pl.DataFrame:
    """Classes of the class list and of the roster."""
    names = ["school_id", "school_year", "class_name", "grade_level"]
    return (
        pl.concat(
            [
                rows["enrollment"].select(names).unique(maintain_order=True),
                rows["class_group"].select(*names, "homeroom_staff"),
            ],
            how="diagonal",
        )
        .join(
            staff.rename({"local_id": "homeroom_staff", "staff_id": "homeroom_staff_id"}),
            on=["school_id", "homeroom_staff"],
            how="left",
            maintain_order="left",
        )
        .group_by("school_id", "school_year", "class_name", maintain_order=True)
        .agg(pl.col("grade_level", "homeroom_staff_id").drop_nulls().last())
        .with_columns(class_id=pl.format("{}/{}/{}", "school_id", "school_year", "class_name"))
        .rename({"class_name": "name"})
    )


def _with_levels(classes: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Where neither delivery nor register gives a grade level, the class's name tells it."""
    told = stored.select("class_id", _level="grade_level")
    named = pl.col("name").map_elements(lambda name: canonical(name).grade_level, pl.Int32)
    return (
        classes.join(told, on="class_id", how="left", maintain_order="left")
        .with_columns(
            grade_level=pl.when(pl.col("grade_level").is_null() & pl.col("_level").is_null())
            .then(named)
            .otherwise("grade_level")
        )
        .drop("_level")
    )


def _households(students: pl.DataFrame) -> pl.DataFrame:
    return (
        students.filter(pl.col("household").is_not_null())
        .group_by("school_id", local_key="household", maintain_order=True)
        .agg(pl.col("village").drop_nulls().first())
    )


def _students(rows: pl.DataFrame, homes: pl.DataFrame) -> pl.DataFrame:
    return rows.rename({"student": "local_id"}).join(
        homes.rename({"local_key": "household"}),
        on=["school_id", "household"],
        how="left",
        maintain_order="left",
    )


def _placed(students: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """Students with the class in which they are now."""
    now = classes.rename({"class_id": "_class_id"})
    return (
        students.join(now, on="student_id", how="left", maintain_order="left")
        .with_columns(class_id=pl.coalesce("_class_id", "class_id"))
        .drop("_class_id")
    )


def _move(session: Session, classes: pl.DataFrame) -> None:
    """Students whose class is another one now."""
    stored = _read(
        session,
        select(Student.student_id, Student.class_id),
        {"student_id": pl.String, "_stored": pl.String},
    )
    moved = classes.join(stored, on="student_id").filter(
        pl.col("class_id").ne_missing(pl.col("_stored"))
    )
    if moved.height:
        table = Student.metadata.tables[Student.__tablename__]
        session.connection().execute(
            update(table)
            .where(table.c["student_id"] == bindparam("_student"))
            .values(class_id=bindparam("_class")),
            moved.select(_student="student_id", _class="class_id").to_dicts(),
        )
