"""Students must be known, by their whole number."""

from __future__ import annotations

import polars as pl

from earlywarning.records.references import renumbered_students, unknown_students


def people(*numbers: str, school: str = "S") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "school_id": [school] * len(numbers),
            "student": list(numbers),
            "_file": ["f.csv"] * len(numbers),
            "_sheet": [None] * len(numbers),
            "_row": list(range(2, len(numbers) + 2)),
        },
        schema_overrides={
            "_sheet": pl.String,
            "_row": pl.Int32,
            **dict.fromkeys(("school_id", "student", "_file"), pl.String),
        },
    )


def test_an_unknown_student_is_refused_and_lost_zeros_are_named() -> None:
    known = people("0101", "0102", "S7")
    rows, refused = unknown_students(
        people("0101", "101", "0999", "S7", "102"), known, table="attendance", label="NIS"
    )
    assert rows["student"].to_list() == ["0101", "S7"]
    assert refused.select("row", "column", "found", "reason").rows() == [
        (3, "NIS", "101", "lost_zeros"),
        (6, "NIS", "102", "lost_zeros"),
        (4, "NIS", "0999", "unknown_student"),
    ]
    assert refused["allowed"][0] == "a known number; 0101 is one"


def test_another_schools_student_is_unknown() -> None:
    rows, refused = unknown_students(people("0101"), people("0101", school="T"), table="grade")
    assert rows.is_empty()
    assert refused["reason"].to_list() == ["unknown_student"]


def test_a_number_without_its_zeros_makes_no_second_child() -> None:
    rows, refused = renumbered_students(people("0101", "101", "7", "0102"), people("0102"))
    assert rows["student"].to_list() == ["0101", "7", "0102"]
    assert refused.select("row", "reason").rows() == [(3, "lost_zeros")]
    rows, refused = renumbered_students(people("0102", "102"), people("0102"))
    assert refused.select("row", "reason").rows() == [(3, "lost_zeros")]


def test_nobody_known_and_nobody_given() -> None:
    rows, refused = renumbered_students(people("1", "2"), people())
    assert (rows.height, refused.height) == (2, 0)
    rows, refused = unknown_students(people(), people("1"), table="grade")
    assert (rows.height, refused.height) == (0, 0)
