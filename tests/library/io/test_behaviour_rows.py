"""What an incident is, by the log, by the catalogue, or by its words; sums by hand."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from earlywarning.io.behaviour_rows import CATALOGUE_SCHEMA, catalogue, completed
from earlywarning.io.delivery import schema_of
from earlywarning.io.mapping import TableMapping


def entry(table: str = "behaviour", **keys: Any) -> TableMapping:
    return TableMapping(table, ("x.csv",), {}, **keys)


def log(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = schema_of("behaviour")
    usual = {"school_id": "S1", "_entry": 0}
    return pl.DataFrame(
        [{name: (usual | row).get(name) for name in schema} for row in rows], schema=schema
    )


def types(*rows: tuple[Any, ...], direction: Any = None) -> pl.DataFrame:
    """Rows of code, name, points, polarity, severity, attendance."""
    names = ("type_code", "name", "points", "polarity", "severity", "is_attendance_related")
    schema = schema_of("behaviour_type")
    whole = [{"school_id": "S1", "_entry": 0} | dict(zip(names, row, strict=False)) for row in rows]
    frame = pl.DataFrame([{n: row.get(n) for n in schema} for row in whole], schema=schema)
    return catalogue(frame, [entry("behaviour_type", direction=direction)])


NO_TYPES = pl.DataFrame(schema=CATALOGUE_SCHEMA)
BOOK = types(
    ("P01", "Merokok", 50.0, None, "serious"),
    ("P02", "Terlambat", 5.0, None, "minor", True),
    ("R01", "Juara lomba", 20.0, "merit"),
)


@pytest.mark.parametrize(
    ("row", "centi", "polarity", "severity", "attendance"),
    [
        ({"type_code": "P01"}, 5000, "offence", "serious", False),
        ({"type_code": " p01 "}, 5000, "offence", "serious", False),  # capitals apart
        ({"type_code": "merokok"}, 5000, "offence", "serious", False),  # by its name
        ({"type_code": "P02"}, 500, "offence", "minor", True),
        ({"type_code": "R01"}, -2000, "merit", "minor", False),
        ({"type_code": "P01", "points": 30.0}, 3000, "offence", "serious", False),  # the log wins
        ({"type_code": "P01", "polarity": "merit"}, -5000, "merit", "serious", False),
        ({"type_code": "P02", "is_attendance_related": False}, 500, "offence", "minor", False),
        ({"type_code": "P01", "severity": "minor"}, 5000, "offence", "minor", False),
    ],
)
def test_what_the_log_leaves_empty_comes_from_the_catalogue(
    row: dict[str, Any], centi: int, polarity: str, severity: str, attendance: bool
) -> None:
    rows, warnings = completed(log(row), BOOK, [entry()])
    found = rows.row(0, named=True)
    assert (found["centipoints"], found["polarity"]) == (centi, polarity)
    assert (found["severity"], found["is_attendance_related"]) == (severity, attendance)
    assert warnings == []


def test_a_type_of_another_school_is_not_used() -> None:
    rows, warnings = completed(log({"type_code": "P01", "school_id": "S2"}), BOOK, [entry()])
    assert rows["centipoints"].to_list() == [0]
    assert warnings == []


def test_a_name_that_two_types_have_decides_nothing() -> None:
    book = types(("A", "Ribut", 5.0), ("B", "Ribut", 10.0), ("C", "Lain", 1.0))
    rows, (said,) = completed(log({"type_code": "Ribut"}, {"type_code": "B"}), book, [entry()])
    assert rows["centipoints"].to_list() == [0, 1000]
    assert "1 rows have no points and types that the catalogue does not have (Ribut)" in said


@pytest.mark.parametrize(
    ("direction", "points", "centi", "polarity"),
    [
        ("add", 10.0, 1000, "offence"),
        ("add", -10.0, -1000, "merit"),
        ("subtract", -2.0, 200, "offence"),  # the balance falls
        ("subtract", 4.0, -400, "merit"),  # and rises
        ("subtract", 0.0, 0, "offence"),
    ],
)
def test_what_a_sign_means_is_said_by_the_direction(
    direction: str, points: float, centi: int, polarity: str
) -> None:
    one = log({"type_code": "X", "points": points})
    rows, warnings = completed(one, NO_TYPES, [entry(direction=direction)])
    assert rows["centipoints"].to_list() == [centi]
    assert rows["polarity"].to_list() == [polarity]
    assert warnings == []
    book = types(("X", "Rambut", points), direction=direction)
    assert book["centipoints"].to_list() == [centi]
    assert book["polarity"].to_list() == [polarity]
    rows, _ = completed(log({"type_code": "X"}), book, [entry()])
    assert rows["centipoints"].to_list() == [centi]


def test_two_logs_may_have_two_directions() -> None:
    one = log({"type_code": "X", "points": -2.0}, {"type_code": "X", "points": -2.0, "_entry": 1})
    rows, _ = completed(one, NO_TYPES, [entry(direction="subtract"), entry(direction="add")])
    assert rows["polarity"].to_list() == ["offence", "merit"]


@pytest.mark.parametrize(
    ("code", "attendance"),
    [
        ("Alpa", True), ("Membolos", True), ("datang terlambat 15 menit", True), ("TARDY", True),
        ("Tidak masuk tanpa izin", True), ("Late to class", True), ("alpa-3", True),
        ("Plate broken", False), ("Relate", False), ("Alphabet", False), ("Merokok", False),
    ],
)  # fmt: skip
def test_words_tell_an_offence_of_attendance(code: str, attendance: bool) -> None:
    rows, warnings = completed(log({"type_code": code, "points": 5.0}), NO_TYPES, [entry()])
    assert rows["is_attendance_related"].to_list() == [attendance]
    assert bool(warnings) is attendance
    if warnings:
        assert f'attendance_types = ["{code}"]' in warnings[0]


def test_the_words_of_the_catalogue_count_too_and_a_merit_is_never_absence() -> None:
    book = types(("P09", "Bolos pelajaran", 10.0), ("R02", "Tidak pernah terlambat", 5.0, "merit"))
    rows, (said,) = completed(log({"type_code": "P09"}, {"type_code": "R02"}), book, [entry()])
    assert rows["is_attendance_related"].to_list() == [True, False]
    assert 'attendance_types = ["P09"]' in said


@pytest.mark.parametrize(("listed", "expected"), [((), [False, False]), (("x9",), [False, True])])
def test_the_mapping_overrules_the_words(listed: tuple[str, ...], expected: list[bool]) -> None:
    one = log({"type_code": "Terlambat"}, {"type_code": "X9"})
    rows, warnings = completed(one, NO_TYPES, [entry(attendance_types=listed)])
    assert rows["is_attendance_related"].to_list() == expected
    assert warnings == []
