"""People of a delivery, in the register: matched by the school's own numbers, never deleted."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import select

from earlywarning.io.delivery import schema_of
from earlywarning.io.register import keys, people
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import (
    ClassGroup,
    Guardian,
    Household,
    InstallationKey,
    School,
    Staff,
    Student,
)

COLUMNS = {
    "school": ("school_id", "name"),
    "staff": ("school_id", "staff", "name", "max_visits"),
    "class_group": ("school_id", "school_year", "class_name", "grade_level", "homeroom_staff"),
    "student": ("school_id", "student", "full_name", "household", "village"),
    "enrollment": ("school_id", "student", "school_year", "class_name", "grade_level"),
    "guardian": ("school_id", "student", "relation", "full_name", "phone"),
}
NO_CLASSES = pl.DataFrame(schema={"student_id": pl.String, "class_id": pl.String})
SCHOOL = {
    "school": [("S1", "SMP Contoh")],
    "staff": [("S1", "t1", "Bu Ratna", 6), ("S1", "t2", "Pak Budi", None)],
    "class_group": [("S1", "2026-27", "7A", 7, "t1"), ("S1", "2026-27", "7B", 7, None)],
    "student": [("S1", "01", "Siti", "K1", "Desa A"), ("S1", "02", "Yusuf", "K1", None),
                ("S1", "03", "Dewi", None, "Desa B")],
    "guardian": [("S1", "01", "mother", "Ibu Siti", "0811")],
}  # fmt: skip


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as opened:
        yield opened


@pytest.fixture
def next_id() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{next(numbers):032x}"


def tables(told: Mapping[str, Sequence[Sequence[Any]]]) -> dict[str, pl.DataFrame]:
    return {
        name: pl.DataFrame(
            [dict(zip(COLUMNS[name], row, strict=True)) for row in rows], schema=schema_of(name)
        )
        for name, rows in told.items()
    }


def save(
    register: Register, told: Mapping[str, Any], next_id: Callable[[], str],
    classes: pl.DataFrame = NO_CLASSES,
) -> dict[str, tuple[int, int, int]]:  # fmt: skip
    with register.session() as session:
        planned = people.plan(session, tables(told), id_source=next_id)
    with register.session(writing=True) as session:
        people.write(session, planned, classes)
        session.commit()
    return planned.counts


def everybody(register: Register, model: Any) -> dict[str, Any]:
    key = people.KEYS[model][-1]
    with register.session() as session:
        return {getattr(row, key): row for row in session.scalars(select(model))}


def test_everybody_is_saved_with_their_place(register: Register, next_id: Any) -> None:
    counts = save(register, SCHOOL, next_id)
    assert counts == {
        "school": (1, 0, 0), "staff": (2, 0, 0), "class_group": (2, 0, 0), "household": (1, 0, 0),
        "student": (3, 0, 0), "guardian": (1, 0, 0),
    }  # fmt: skip
    students = everybody(register, Student)
    (home,) = everybody(register, Household).values()
    assert (home.local_key, home.village, home.do_not_visit) == ("K1", "Desa A", False)
    # Siblings share a household; a student without one has none.
    assert students["01"].household_id == students["02"].household_id == home.household_id
    assert students["03"].household_id is None
    classes = everybody(register, ClassGroup)
    staff = everybody(register, Staff)
    assert classes["S1/2026-27/7A"].homeroom_staff_id == staff["t1"].staff_id
    assert classes["S1/2026-27/7B"].homeroom_staff_id is None
    assert (staff["t1"].max_visits, staff["t2"].max_visits) == (6, None)
    assert everybody(register, Guardian)["mother"].student_id == students["01"].student_id


def test_the_same_again_changes_nothing(register: Register, next_id: Any) -> None:
    save(register, SCHOOL, next_id)
    assert save(register, SCHOOL, next_id) == {
        "school": (0, 0, 1), "staff": (0, 0, 2), "class_group": (0, 0, 2), "household": (0, 0, 1),
        "student": (0, 0, 3), "guardian": (0, 0, 1),
    }  # fmt: skip


def test_what_is_empty_keeps_what_there_is_and_ids_stay(register: Register, next_id: Any) -> None:
    save(register, SCHOOL, next_id)
    before = everybody(register, Student)
    counts = save(
        register,
        {
            "student": [("S1", "01", "Siti Aminah", None, None), ("S1", "04", "Ahmad", "K2", None)],
            "class_group": [("S1", "2026-27", "7B", None, "t2")],
            "guardian": [("S1", "01", "mother", None, "0812"), ("S1", "04", "father", None, None)],
        },
        next_id,
    )
    assert counts == {
        "school": (0, 0, 1), "class_group": (0, 1, 0), "household": (1, 0, 0),
        "student": (1, 1, 0), "guardian": (1, 1, 0),
    }  # fmt: skip
    after = everybody(register, Student)
    assert set(after) == {"01", "02", "03", "04"}
    assert after["01"].full_name == "Siti Aminah"
    for name in ("student_id", "household_id"):
        assert getattr(after["01"], name) == getattr(before["01"], name)
    mother = everybody(register, Guardian)["mother"]
    assert (mother.full_name, mother.phone) == ("Ibu Siti", "0812")
    seventh = everybody(register, ClassGroup)["S1/2026-27/7B"]
    assert seventh.grade_level == 7
    assert seventh.homeroom_staff_id == everybody(register, Staff)["t2"].staff_id


def test_a_wish_not_to_be_visited_outlives_every_import(register: Register, next_id: Any) -> None:
    save(register, SCHOOL, next_id)
    with register.session(writing=True) as session:
        session.scalars(select(Household)).one().do_not_visit = True
        session.commit()
    save(register, {"student": [("S1", "01", "Siti", "K1", "Desa C")]}, next_id)
    (home,) = everybody(register, Household).values()
    assert (home.village, home.do_not_visit) == ("Desa C", True)


def test_classes_of_a_roster_without_a_class_list(register: Register, next_id: Any) -> None:
    save(
        register,
        {"student": SCHOOL["student"],
         "enrollment": [("S1", "01", "2026-27", "7A", 7), ("S1", "02", "2026-27", "7A", None),
                        ("S1", "03", "2025-26", "7A", None)]},
        next_id,
    )  # fmt: skip
    classes = everybody(register, ClassGroup)
    assert {name: (row.name, row.grade_level) for name, row in classes.items()} == {
        # Where nobody says the grade level, the name of the class does.
        "S1/2026-27/7A": ("7A", 7), "S1/2025-26/7A": ("7A", 7),
    }  # fmt: skip
    # Without a list of schools a school is called by its number.
    assert everybody(register, School)["S1"].name == "S1"
    save(register, {"school": SCHOOL["school"]}, next_id)
    save(register, {"student": SCHOOL["student"]}, next_id)
    assert everybody(register, School)["S1"].name == "SMP Contoh"


def test_a_student_moves_to_another_class(register: Register, next_id: Any) -> None:
    save(register, SCHOOL, next_id)
    who = everybody(register, Student)["01"].student_id
    place = pl.DataFrame({"student_id": [who], "class_id": ["S1/2026-27/7A"]})
    save(register, {}, next_id, place)
    assert everybody(register, Student)["01"].class_id == "S1/2026-27/7A"
    place = place.with_columns(class_id=pl.lit("S1/2026-27/7B"))
    save(register, {"student": [("S1", "01", "Siti A.", None, None)]}, next_id, place)
    assert everybody(register, Student)["01"].class_id == "S1/2026-27/7B"
    # A file of names alone moves nobody.
    save(register, {"student": SCHOOL["student"]}, next_id)
    assert everybody(register, Student)["01"].class_id == "S1/2026-27/7B"


def test_the_same_number_in_two_schools_is_two_children(register: Register, next_id: Any) -> None:
    save(register, SCHOOL, next_id)
    other = {"student": [("S2", "01", "Siti", "K1", None)]}
    assert save(register, other, next_id)["student"] == (1, 0, 0)
    with register.session() as session:
        known = people.known_students(session)
    assert known.sort("school_id", "student").select("school_id", "student").rows() == [
        ("S1", "01"), ("S1", "02"), ("S1", "03"), ("S2", "01"),
    ]  # fmt: skip
    assert known["student_id"].n_unique() == 4


def test_planning_writes_nothing(register: Register, next_id: Any) -> None:
    with register.session() as session:
        planned = people.plan(session, tables(SCHOOL), id_source=next_id)
        session.commit()
    assert planned.students.height == 3
    assert planned.grade_levels.rows() == [("S1/2026-27/7A", 7), ("S1/2026-27/7B", 7)]
    assert everybody(register, Student) == {}


def test_ids_cannot_be_guessed() -> None:
    made = {people.random_id() for _ in range(100)}
    assert len(made) == 100
    assert {len(one) for one in made} == {32}


def test_a_key_is_made_once(register: Register, next_id: Any) -> None:
    with register.session(writing=True) as session:
        assert keys.stored(session, keys.EVENTS) is None
        first = keys.new(next_id)
        keys.keep(session, keys.EVENTS, first)
        session.commit()
    with register.session(writing=True) as session:
        keys.keep(session, keys.EVENTS, keys.new(next_id))
        session.commit()
        assert keys.stored(session, keys.EVENTS) == first
        assert len(session.scalars(select(InstallationKey)).all()) == 1
    assert len(first) == 32
