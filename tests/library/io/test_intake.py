"""From a school's rows to facts, by hand: scales, signs, days, and what hides a child."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from deliveries import STUDENTS, a_day, delivery, intake, student_id
from earlywarning.district import District, ImportRules, Visits
from earlywarning.io import stretches
from earlywarning.io.intake import Intake
from earlywarning.io.roster import Roster, enrolled_on
from earlywarning.records.tables import FACT_TABLES

NO_STAYS = pl.DataFrame(
    schema={
        "student_id": pl.String, "class_id": pl.String, "school_id": pl.String,
        "entry_day": pl.Int32, "exit_day": pl.Int32, "known_day": pl.Int32,
    }
)  # fmt: skip

NOBODY = Roster(NO_STAYS, NO_STAYS)


def stay(student: str, name: str, first: str, end: str) -> tuple[Any, ...]:
    return (student_id(student), f"S1/2026-27/{name}", "S1", a_day(first), a_day(end), 0)


def stays(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=NO_STAYS.schema, orient="row")


def grades(*rows: tuple[Any, ...], on: str = "12-31", known: pl.DataFrame = NO_STAYS) -> list[dict]:
    frames = intake(delivery({"grade": rows}), on).grade(known)
    return pl.concat(frames).to_dicts()


@pytest.mark.parametrize(
    ("score", "scale", "pass_mark", "centi", "pass_centi"),
    [
        (77.5, None, None, 7750, None),  # of 100, unless the source says otherwise
        (77.5, 100.0, 75.0, 7750, 7500),
        (3.0, 4.0, 2.0, 7500, 5000),
        (12.0, 20.0, 9.5, 6000, 4750),  # a scale of 20, as in the files of UCI
        (107.0, 110.0, 60.0, 9727, 5455),  # extra credit; to the nearest hundredth
        (0.0, 100.0, 75.0, 0, 7500),
    ],
)
def test_grades_are_shares_of_their_scale(
    score: float, scale: float | None, pass_mark: float | None, centi: int, pass_centi: int | None
) -> None:
    (row,) = grades(("01", "IPA", "2026-27-Q1", score, scale, pass_mark))
    assert (row["score_centi"], row["pass_centi"]) == (centi, pass_centi)
    assert row["max_score"] == (scale or 100.0)


def test_a_grade_without_a_date_belongs_to_the_last_day_of_its_quarter() -> None:
    (row,) = grades(("01", "IPA", "2026-27-Q1", 70.0))
    assert (row["day"], row["kind"], row["class_id"]) == (a_day("09-30"), "final", None)
    assert row["known_day"] == a_day("10-07")  # a week's lag
    (row,) = grades(("01", "IPA", "2026-27-Q1", 70.0, None, None, "midterm", "08-28"))
    assert (row["day"], row["kind"]) == (a_day("08-28"), "midterm")
    # Delivered in mid-quarter, it is known then; a list that is made later sees it.
    (row,) = grades(("01", "IPA", "2026-27-Q1", 70.0), on="08-31")
    assert (row["day"], row["known_day"]) == (a_day("09-30"), a_day("08-31"))


def test_a_grade_belongs_to_the_class_of_its_day() -> None:
    known = stays(stay("1", "7A", "07-13", "09-01"), stay("1", "7B", "09-01", "27-07-01"))
    rows = [("01", subject, "2026-27-Q1", 70.0, None, None, None, day)
            for subject, day in (("IPA", "08-31"), ("MTK", "09-01"), ("PKN", "07-12"))]  # fmt: skip
    found = {row["subject"]: row["class_id"] for row in grades(*rows, known=known)}
    assert found == {"IPA": "S1/2026-27/7A", "MTK": "S1/2026-27/7B", "PKN": None}


def test_offences_are_positive_and_merits_negative_whatever_the_sign() -> None:
    rows = [
        ("e1", "01", "08-03", 10.0, "offence"), ("e2", "01", "08-03", -10.0, "offence"),
        ("e3", "01", "08-03", 2.5, "merit"), ("e4", "01", "08-03", -2.5, "merit"),
        ("e5", "01", "08-03", None, "merit"),
    ]  # fmt: skip
    source = intake(delivery({"behaviour": rows}), "08-31")
    found = pl.concat(source.behaviour_event())
    assert found["centipoints"].to_list() == [1000, 1000, -250, -250, 0]
    assert source.warnings == []


def test_without_a_polarity_the_sign_decides_and_it_is_said() -> None:
    rows = [("e1", "01", "08-03", 10.0), ("e2", "01", "08-03", -5.0), ("e3", "01", "08-03", None)]
    source = intake(delivery({"behaviour": rows}), "08-31")
    found = pl.concat(source.behaviour_event())
    assert found["polarity"].to_list() == ["offence", "merit", "offence"]
    assert found["centipoints"].to_list() == [1000, -500, 0]
    assert found["severity"].to_list() == ["minor"] * 3
    (said,) = source.warnings
    assert "1 rows have points below 0 and no polarity" in said
    assert 'polarity = "offence"' in said


def test_the_number_of_an_incident_leads_nobody_to_the_child() -> None:
    rows = [("01/2026-08-03", "01", "08-03", 10.0), ("02/2026-08-03", "02", "08-03", 10.0)]
    first, again = (
        pl.concat(intake(delivery({"behaviour": rows}), on).behaviour_event())["event_id"].to_list()
        for on in ("08-31", "09-15")
    )
    assert first == again
    assert len({*first}) == 2
    assert all(len(one) == 32 and "2026" not in one for one in first)
    made = delivery({"behaviour": rows})
    district = District(visits=Visits(lottery=False))
    other = Intake(made, district, STUDENTS, delivery_day=a_day("08-31"), event_key=b"x" * 32)
    assert not {*first} & {*pl.concat(other.behaviour_event())["event_id"]}


def test_totals_of_a_quarter_and_of_a_whole_year() -> None:
    rows = [
        ("01", "2026-27-Q1", 1, 2, 3, None, 60), ("01", "2025-26", 4, None, 6, None, None),
        ("02", "2026-27-Q1", None, None, None, 7, 60), ("03", "2026-27-Q1", 1, 1, 1, 5, 60),
    ]  # fmt: skip
    source = intake(delivery({"attendance_summary": rows}), "12-31")
    found = {
        (int(row["student_id"], 16), row["period"]): row
        for row in pl.concat(source.attendance_summary()).to_dicts()
    }
    assert {key: row["absent"] for key, row in found.items()} == {
        (1, "2026-27-Q1"): 6, (1, "2025-26"): 10, (2, "2026-27-Q1"): 7, (3, "2026-27-Q1"): 5,
    }  # fmt: skip
    year = found[1, "2025-26"]
    assert (year["start_day"], year["day"]) == (a_day("2025-07-01"), a_day("06-30"))
    assert year["known_day"] == a_day("07-07")
    quarter = found[1, "2026-27-Q1"]
    assert (quarter["start_day"], quarter["day"]) == (a_day("07-01"), a_day("09-30"))


def test_totals_of_a_semester_belong_to_neither_of_its_quarters() -> None:
    rows = [("01", "2026-27-S1", 1, 2, 3, None, 114), ("01", "2026-27-S2", 0, 0, 1, None, None)]
    source = intake(delivery({"attendance_summary": rows}), "2027-07-31")
    found = {row["period"]: row for row in pl.concat(source.attendance_summary()).to_dicts()}
    first, second = found["2026-27-S1"], found["2026-27-S2"]
    assert (first["start_day"], first["day"]) == (a_day("07-01"), a_day("12-31"))
    assert (second["start_day"], second["day"]) == (a_day("2027-01-01"), a_day("2027-06-30"))
    assert [first["absent"], second["absent"]] == [6, 1]


def test_a_visit_is_known_by_child_and_day() -> None:
    rows = [("01", "08-03", "done"), ("01", "08-04", "no_one_home"), ("02", "08-03", "done")]
    found = pl.concat(intake(delivery({"visit": rows}), "08-31").visit()).to_dicts()
    assert len({row["visit_id"] for row in found}) == 3
    assert found[0]["visit_id"] == f"S1/{student_id('1')}/2026-08-03"
    assert {row["track"] for row in found} == {"concern"}
    assert [row["known_day"] - row["day"] for row in found] == [3, 3, 3]


def test_who_is_not_in_the_register_has_no_facts() -> None:
    assert grades(("99", "IPA", "2026-27-Q1", 70.0)) == []
    made = delivery({"attendance": [("99", "08-03", "sick")]})
    assert list(intake(made, "08-31").marks(NOBODY)) == []


def marks(made: Any, on: str = "08-31", **rules: Any) -> pl.DataFrame:
    district = District(visits=Visits(lottery=False), **rules)
    return pl.concat([rows for _, rows in intake(made, on, district=district).marks(NOBODY)])


def test_since_when_a_mark_is_known() -> None:
    rows = [
        ("01", "08-03", "sick"),  # the district's lag
        ("02", "08-03", "sick", "08-10"),  # as recorded
        ("03", "08-03", "sick", "09-30"),  # never after the delivery
        ("04", "08-31", "sick"),
    ]
    days = marks(delivery({"attendance": rows}))["known_day"].to_list()
    assert days == [a_day(day) for day in ("08-04", "08-10", "08-31", "08-31")]
    lag = ImportRules(lag_days={**ImportRules().lag_days, "attendance": 5})
    own = marks(delivery({"attendance": rows[:1]}), imports=lag)
    assert own["known_day"].to_list() == [a_day("08-08")]
    # The mapping's lag goes before the district's.
    told = marks(delivery({"attendance": rows[:1]}, lag_days=0), imports=lag)
    assert told["known_day"].to_list() == [a_day("08-03")]


def test_marks_come_school_year_by_school_year() -> None:
    rows = [("01", day, "sick") for day in ("27-07-01", "07-20", "08-03", "27-06-30", "06-30")]
    made = delivery({"attendance": rows})
    source = intake(made, "27-08-01")
    assert [(year, frame.height) for year, frame in source.marks(NOBODY)] == [
        ("2025-26", 1), ("2026-27", 1), ("2026-27", 1), ("2026-27", 1), ("2027-28", 1),
    ]  # fmt: skip


def test_assumed_days_are_those_of_schools_that_deliver_absences_only() -> None:
    made = delivery({"attendance": [("01", "08-20", "sick")]}, coverage="exceptions")
    ((_, rows),) = intake(made, "08-25").marks(NOBODY)
    known = pl.concat([
        stays(stay("1", "7A", "07-13", "27-07-01"), stay("2", "7B", "07-13", "27-07-01")),
        stays((student_id("3"), "S2/2026-27/7A", "S2", a_day("07-13"), a_day("27-07-01"), 0)),
    ])  # fmt: skip
    five = District(visits=Visits(lottery=False))
    days = intake(made, "08-25", district=five).assumed_days(rows, known)
    assert days is not None
    assert set(days["class_id"]) == {"S1/2026-27/7A", "S1/2026-27/7B"}
    assert days["day"].min() == a_day("08-01")
    assert days["day"].max() == a_day("08-24")
    assert a_day("08-16") not in set(days["day"])  # a Sunday
    assert intake(made, "08-25").assumed_days(rows.with_columns(complete=True), known) is None


def test_in_which_class_a_student_is_now() -> None:
    known = stays(
        stay("1", "7A", "07-13", "09-01"), stay("1", "7B", "09-01", "27-07-01"),
        stay("2", "7A", "07-13", "08-01"), stay("2", "7C", "07-20", "07-20"),
        stay("3", "7A", "10-01", "27-07-01"), stay("3", "7B", "09-15", "10-01"),
    )  # fmt: skip

    def on(day: str) -> dict[int, str]:
        rows = stretches.on_day(known, a_day(day)).rows()
        return {int(student, 16): name.split("/")[-1] for student, name in rows}

    assert on("08-31") == {1: "7A", 2: "7A", 3: "7B"}  # 2 has left, 3 will come
    assert on("09-01") == {1: "7B", 2: "7A", 3: "7B"}
    assert on("2028-01-01") == {1: "7B", 2: "7A", 3: "7A"}


def test_how_many_are_in_a_class_on_a_day() -> None:
    here = pl.DataFrame(
        [(0, 10, 20), (0, 15, 30), (1, 12, 13)],
        schema={"cid": pl.UInt32, "entry_day": pl.Int32, "exit_day": pl.Int32}, orient="row",
    )  # fmt: skip
    days = pl.DataFrame(
        [(0, 9), (0, 10), (1, 12), (0, 15), (0, 20), (0, 30), (1, 13), (2, 12), (0, 19)],
        schema={"cid": pl.UInt32, "day": pl.Int32}, orient="row",
    )  # fmt: skip
    assert enrolled_on(days, here).to_list() == [0, 1, 1, 2, 1, 0, 0, 0, 2]


def test_every_column_of_the_facts_is_filled_by_name() -> None:
    source = intake(
        delivery(
            {
                "grade": [("01", "IPA", "2026-27-Q1", 70.0)],
                "behaviour": [("e1", "01", "08-03", 5.0)],
                "visit": [("01", "08-03", "done")],
                "attendance_summary": [("01", "2026-27-Q1", 1, 2, 3)],
            }
        ),
        "12-31",
    )
    for table, batches in (
        ("grade", source.grade(NO_STAYS)),
        ("behaviour_event", source.behaviour_event()),
        ("visit", source.visit()),
        ("attendance_summary", source.attendance_summary()),
    ):
        (frame,) = batches
        assert tuple(frame.columns) == FACT_TABLES[table].names[:-1]
        required = [c.name for c in FACT_TABLES[table].columns[:-1] if c.required]
        assert frame.select(pl.col(required).is_null().any()).row(0) == (False,) * len(required)
