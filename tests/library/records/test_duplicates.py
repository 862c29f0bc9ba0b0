"""One row a fact, and one mark a day out of several."""

from __future__ import annotations

from datetime import date

import polars as pl

from earlywarning.records.codes import ATTENDANCE_STATUSES
from earlywarning.records.duplicates import SEVERITY, repeated_rows, roll_up, settle
from earlywarning.records.tables import SOURCE_TABLES

TABLE = SOURCE_TABLES["attendance"]


def marks(*rows: tuple[str, int, str]) -> pl.DataFrame:
    """Rows of (student, day of September, status); the first is row 2."""
    return pl.DataFrame(
        {
            "school_id": ["S"] * len(rows),
            "student": [row[0] for row in rows],
            "date": [date(2026, 9, row[1]) for row in rows],
            "code": [row[2][:1].upper() for row in rows],
            "class_name": ["VII-A"] * len(rows),
            "late_minutes": [None] * len(rows),
            "recorded_on": [None] * len(rows),
            "status": [row[2] for row in rows],
            "namespace": ["id"] * len(rows),
            "_file": ["f.csv"] * len(rows),
            "_sheet": [None] * len(rows),
            "_row": list(range(2, len(rows) + 2)),
            "_entry": [0] * len(rows),
        },
        schema_overrides={
            "late_minutes": pl.Int32, "recorded_on": pl.Date, "_sheet": pl.String,
            "_row": pl.Int32, "_entry": pl.Int32,
        },
    )  # fmt: skip


def test_rows_that_agree_are_kept_once_and_rows_that_disagree_not_at_all() -> None:
    rows = marks(
        ("A", 1, "sick"), ("A", 1, "sick"), ("B", 1, "present"), ("B", 1, "unexcused"),
        ("A", 2, "present"),
    )  # fmt: skip
    settled = settle(rows, TABLE, labels={"status": "Kode"})
    assert settled.rows.select("student", "date", "_row").rows() == [
        ("A", date(2026, 9, 1), 2), ("A", date(2026, 9, 2), 6)
    ]  # fmt: skip
    assert settled.rows.columns == rows.columns
    listed = settled.refused.sort("row")
    assert listed.select("row", "reason").rows() == [
        (3, "duplicate"), (4, "duplicates_disagree"), (5, "duplicates_disagree")
    ]  # fmt: skip
    assert listed["allowed"].to_list() == [
        "the same as row 2; kept once",
        "one row a student and day; row 5 of f.csv says otherwise",
        "one row a student and day; row 4 of f.csv says otherwise",
    ]
    assert listed["found"].to_list()[1:] == ["P, present", "U, unexcused"]


def test_of_rows_that_agree_the_one_recorded_first_stays() -> None:
    rows = marks(("A", 1, "sick"), ("A", 1, "sick"), ("A", 1, "sick")).with_columns(
        pl.Series("recorded_on", [None, date(2026, 9, 5), date(2026, 9, 3)])
    )
    settled = settle(rows, TABLE)
    assert settled.rows["_row"].to_list() == [4]
    assert settled.refused["reason"].to_list() == ["duplicate", "duplicate"]


def test_expected_repetitions_are_not_reported() -> None:
    rows = marks(("A", 1, "sick"), ("A", 1, "sick"), ("B", 1, "sick"), ("B", 1, "late"))
    settled = settle(rows, TABLE, expected=[0])
    assert settled.rows["_row"].to_list() == [2]
    assert settled.refused["reason"].to_list() == ["duplicates_disagree"] * 2


def test_without_duplicates_nothing_changes() -> None:
    rows = marks(("A", 1, "sick"), ("A", 2, "sick"))
    assert settle(rows, TABLE).rows.equals(rows)


def test_the_worst_lesson_or_most_lessons() -> None:
    rows = marks(
        *[("A", 1, status) for status in ("present", "present", "unexcused")],
        *[("B", 1, status) for status in ("present", "sick", "sick", "present")],
        *[("C", 1, status) for status in ("unrecorded", "unrecorded", "late")],
        *[("D", 1, status) for status in ("unrecorded", "no_school")],
    )
    worst = roll_up(rows, TABLE, "worst")
    assert worst["status"].to_list() == ["unexcused", "sick", "late", "no_school"]
    most = roll_up(rows, TABLE, "majority")
    # B was away half of the day: of equally frequent statuses the gravest counts.
    assert most["status"].to_list() == ["present", "sick", "late", "no_school"]
    assert most["_row"].to_list() == [2, 5, 9, 12]
    assert most["code"].to_list() == ["P", "S", "L", "N"]


def test_minutes_and_the_day_of_recording_are_the_largest() -> None:
    rows = marks(("A", 1, "present"), ("A", 1, "present"), ("A", 1, "late")).with_columns(
        pl.Series("late_minutes", [None, None, 10], dtype=pl.Int32),
        pl.Series("recorded_on", [date(2026, 9, 1), date(2026, 9, 4), None]),
    )
    (row,) = roll_up(rows, TABLE, "majority").to_dicts()
    assert (row["status"], row["late_minutes"], row["recorded_on"]) == (
        "present", 10, date(2026, 9, 4)
    )  # fmt: skip


def test_every_status_has_its_gravity() -> None:
    assert sorted(SEVERITY) == sorted(ATTENDANCE_STATUSES)


def test_a_source_row_given_twice_votes_once() -> None:
    rows = marks(("A", 1, "sick"), ("A", 1, "sick"), ("A", 1, "present")).with_columns(
        pl.Series("_hash", [7, 7, 8], dtype=pl.UInt64)
    )
    settled = repeated_rows(rows, TABLE)
    assert settled.rows["_row"].to_list() == [2, 4]
    assert settled.refused.select("row", "reason", "allowed").rows() == [
        (3, "duplicate", "the same as row 2; kept once")
    ]
