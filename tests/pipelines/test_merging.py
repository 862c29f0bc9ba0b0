"""What deliveries become, by hand: marks, registers and classes over several deliveries."""

from __future__ import annotations

from pathlib import Path

import pytest

from deliveries import Facts

A = [("01", "7A", "07-13"), ("02", "7A", "07-13"), ("03", "7A", "07-13")]
H = "present"


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    return Facts(tmp_path)


def test_exceptions_are_kept_and_present_is_not(facts: Facts) -> None:
    facts.take(
        "08-10",
        enrollment=A,
        attendance=[("01", "08-03", H), ("02", "08-03", "sick"), ("03", "08-03", "late")],
    )
    assert facts.registers() == {("7A", "08-03"): "taken"}
    assert facts.marks() == {("02", "08-03"): "sick", ("03", "08-03"): "late"}
    # Known the day after, so seen from the day after that.
    assert facts.marks("08-04") == {}
    assert facts.marks("08-05") == facts.marks()
    assert facts.counted("attendance_event") == (2, 0, 0)


def test_without_a_mark_on_a_taken_day_a_student_is_unrecorded(facts: Facts) -> None:
    facts.take("08-10", enrollment=A, attendance=[("01", "08-03", H), ("02", "08-03", "sick")])
    assert facts.marks() == {("02", "08-03"): "sick", ("03", "08-03"): "unrecorded"}


def test_a_class_of_empty_marks_took_no_register(facts: Facts) -> None:
    facts.take(
        "08-10",
        enrollment=A,
        attendance=[(student, "08-03", "unrecorded") for student in ("01", "02", "03")]
        + [(student, "08-04", "no_school") for student in ("01", "02", "03")],
    )
    assert facts.registers() == {}
    assert facts.marks() == {}


def test_a_mark_entered_late_was_unrecorded_until_then(facts: Facts) -> None:
    facts.take(
        "08-30",
        enrollment=A,
        attendance=[
            ("01", "08-03", H), ("02", "08-03", H, "08-20"), ("03", "08-03", "sick", "08-12"),
        ],
    )  # fmt: skip
    assert facts.marks("08-05") == {("02", "08-03"): "unrecorded", ("03", "08-03"): "unrecorded"}
    assert facts.marks("08-12") == facts.marks("08-05")
    assert facts.marks("08-13") == {("02", "08-03"): "unrecorded", ("03", "08-03"): "sick"}
    assert facts.marks("08-20") == facts.marks("08-13")
    assert facts.marks("08-21") == {("02", "08-03"): "present", ("03", "08-03"): "sick"}
    assert facts.counted("attendance_event") == (2, 0, 0)


def test_a_register_wholly_entered_late_was_not_taken_before(facts: Facts) -> None:
    facts.take(
        "08-30", enrollment=A[:2],
        attendance=[("01", "08-03", H, "08-12"), ("02", "08-03", "sick", "08-12")],
    )  # fmt: skip
    assert facts.registers("08-12") == {}
    assert facts.marks("08-12") == {}
    assert facts.registers("08-13") == {("7A", "08-03"): "taken"}
    assert facts.marks("08-13") == {("02", "08-03"): "sick"}


def test_nothing_is_known_later_than_its_delivery(facts: Facts) -> None:
    facts.take(
        "08-04", enrollment=A[:1], lag_days=30, attendance=[("01", "08-03", "sick", "09-09")]
    )
    assert facts.marks("08-05") == {("01", "08-03"): "sick"}


def test_a_correction_is_known_from_its_delivery_on(facts: Facts) -> None:
    facts.take(
        "08-10", enrollment=A,
        attendance=[("01", "08-03", H), ("02", "08-03", "sick"), ("03", "08-03", H)],
    )  # fmt: skip
    # Only the corrected marks are delivered; the third student's stays as it is.
    facts.take("08-20", attendance=[("01", "08-03", "unexcused"), ("02", "08-03", H)])
    assert facts.counted("attendance_event") == (0, 2, 0)
    assert facts.marks("08-20") == {("02", "08-03"): "sick"}
    assert facts.marks("08-21") == {("01", "08-03"): "unexcused", ("02", "08-03"): "present"}
    assert facts.registers("08-21") == {("7A", "08-03"): "taken"}
    # And back again.
    facts.take("08-25", attendance=[("01", "08-03", H), ("02", "08-03", "sick")])
    assert facts.marks("08-26") == {("01", "08-03"): "present", ("02", "08-03"): "sick"}
    assert facts.marks("08-21") == {("01", "08-03"): "unexcused", ("02", "08-03"): "present"}


def test_the_same_marks_again_change_nothing(facts: Facts) -> None:
    marks = [("01", "08-03", H), ("02", "08-03", "sick"), ("03", "08-04", H, "08-09")]
    before = facts.take("08-10", enrollment=A, attendance=marks).snapshot
    assert facts.take("08-20", enrollment=A, attendance=marks).snapshot == before
    # Nor does another recording date of the same mark.
    later = [(*mark[:3], "08-15") for mark in marks]
    assert facts.take("08-20", enrollment=A, attendance=later).snapshot == before


def test_a_late_mark_for_somebody_who_was_unrecorded(facts: Facts) -> None:
    facts.take("08-05", enrollment=A, attendance=[("01", "08-03", H), ("02", "08-03", H)])
    assert facts.marks() == {("03", "08-03"): "unrecorded"}
    facts.take("08-10", attendance=[("03", "08-03", "sick")])
    assert facts.marks("08-10") == {("03", "08-03"): "unrecorded"}
    assert facts.marks("08-11") == {("03", "08-03"): "sick"}


def test_a_mark_that_is_taken_back_is_unrecorded_again(facts: Facts) -> None:
    facts.take("08-05", enrollment=A[:2], attendance=[("01", "08-03", H), ("02", "08-03", "sick")])
    facts.take("08-10", attendance=[("01", "08-03", H), ("02", "08-03", "unrecorded")])
    assert facts.marks("08-10") == {("02", "08-03"): "sick"}
    assert facts.marks("08-11") == {("02", "08-03"): "unrecorded"}


def test_a_register_of_which_every_mark_is_taken_back_is_withdrawn(facts: Facts) -> None:
    facts.take("08-05", enrollment=A[:2], attendance=[("01", "08-03", H), ("02", "08-03", "sick")])
    facts.take("08-10", attendance=[(one, "08-03", "no_school") for one in ("01", "02")])
    assert facts.registers("08-10") == {("7A", "08-03"): "taken"}
    assert facts.registers("08-11") == {("7A", "08-03"): "withdrawn"}
    facts.take("08-20", attendance=[("01", "08-03", H), ("02", "08-03", "sick")])
    assert facts.registers("08-21") == {("7A", "08-03"): "taken"}
    assert facts.registers("08-15") == {("7A", "08-03"): "withdrawn"}


def test_marks_of_students_in_no_class_are_refused_by_name(facts: Facts) -> None:
    facts.take(
        "08-10",
        enrollment=[("01", "7A", "07-13"), ("02", "7A", "08-04"), ("03", "7A", "07-13", "08-03")],
        attendance=[(one, "08-03", "sick") for one in ("01", "02", "03", "04")]
        + [("04", "08-04", "unrecorded")],
    )
    assert facts.marks() == {("01", "08-03"): "sick"}
    assert facts.refused.select("row", "found", "reason").rows() == [
        (row, "2026-08-03", "not_enrolled") for row in (3, 4, 5)
    ]


def test_coverage_of_exceptions_assumes_the_school_days(facts: Facts) -> None:
    facts.take(
        "08-11", enrollment=A, coverage="exceptions",
        attendance=[("01", "08-05", "sick"), ("02", "08-10", "late")],
    )  # fmt: skip
    # 1 August 2026 is a Saturday; Sundays are no school days; the delivery's own day is not over.
    days = ["08-01", *(f"08-{n:02d}" for n in (3, 4, 5, 6, 7, 8, 10))]
    assert facts.registers() == {("7A", day): "assumed" for day in days}
    assert facts.marks() == {("01", "08-05"): "sick", ("02", "08-10"): "late"}
    assert set(facts.registers("08-05")) == {("7A", "08-01"), ("7A", "08-03")}


def test_a_new_absence_on_an_assumed_day_is_a_correction(facts: Facts) -> None:
    facts.take("08-11", enrollment=A, coverage="exceptions", attendance=[("01", "08-05", "sick")])
    facts.take(
        "08-20", coverage="exceptions",
        attendance=[("01", "08-05", "sick"), ("02", "08-05", "sick"), ("02", "08-12", "sick")],
    )  # fmt: skip
    # Before the 20th the 5th was assumed present. The 12th had not been assumed.
    assert facts.marks("08-20") == {("01", "08-05"): "sick", ("02", "08-12"): "sick"}
    assert ("02", "08-05") in facts.marks("08-21")
    assert facts.registers()["7A", "08-19"] == "assumed"


def test_an_absence_taken_back_is_said_by_a_present_mark(facts: Facts) -> None:
    facts.take("08-11", enrollment=A, coverage="exceptions", attendance=[("01", "08-05", "sick")])
    # Not to be listed any more says nothing: files of absences are often parts.
    facts.take("08-12", coverage="exceptions", attendance=[("02", "08-05", "sick")])
    assert facts.marks()["01", "08-05"] == "sick"
    facts.take("08-13", coverage="exceptions", attendance=[("01", "08-05", H)])
    assert facts.marks()["01", "08-05"] == "present"


def test_a_register_replaces_an_assumed_day_and_is_not_replaced_by_one(facts: Facts) -> None:
    facts.take("08-11", enrollment=A, coverage="exceptions", attendance=[("01", "08-05", "sick")])
    facts.take("08-20", attendance=[("01", "08-05", "sick"), ("02", "08-05", H)])
    assert facts.registers()["7A", "08-05"] == "taken"
    # Who has no mark in it was only assumed to be present.
    assert facts.marks("08-20") == {("01", "08-05"): "sick"}
    assert facts.marks("08-21") == {("01", "08-05"): "sick", ("03", "08-05"): "unrecorded"}
    facts.take("08-25", coverage="exceptions", attendance=[("01", "08-06", "sick")])
    assert facts.registers()["7A", "08-05"] == "taken"


def test_a_month_without_a_word_is_not_assumed(facts: Facts) -> None:
    facts.take(
        "10-05", enrollment=A, coverage="exceptions",
        attendance=[("01", "08-31", "sick"), ("01", "10-01", "sick")],
    )  # fmt: skip
    assert {day[:2] for _, day in facts.registers()} == {"08", "10"}


def test_a_class_change_without_an_exit_ends_the_stay_before(facts: Facts) -> None:
    roster = [("01", "7A", "07-13"), ("01", "7B", "08-05"), ("02", "7A", "07-13")]
    facts.take(
        "08-10", enrollment=roster,
        attendance=[("01", "08-04", "sick"), ("02", "08-04", H),
                    ("01", "08-05", "late"), ("02", "08-05", H)],
    )  # fmt: skip
    assert facts.stays() == [
        ("01", "7A", "07-13", "08-05"), ("01", "7B", "08-05", "27-07-01"),
        ("02", "7A", "07-13", "27-07-01"),
    ]  # fmt: skip
    events = facts.rows("attendance_event").sort("day")
    assert events["class_id"].to_list() == ["S1/2026-27/7A", "S1/2026-27/7B"]
    # Nobody is missing from the class that was left.
    assert set(facts.marks()) == {("01", "08-04"), ("01", "08-05")}


def test_a_class_change_told_later_is_known_later(facts: Facts) -> None:
    facts.take("08-10", enrollment=A[:1], attendance=[("01", "08-04", "sick")])
    facts.take("09-10", enrollment=[("01", "7B", "09-01")])
    assert facts.counted("enrollment") == (1, 1, 0)
    before = ("01", "7A", "07-13", "27-07-01")
    assert before in facts.stays("09-10")
    assert facts.stays("09-11") == [
        ("01", "7A", "07-13", "09-01"), ("01", "7B", "09-01", "27-07-01"),
    ]  # fmt: skip
    # The list of September again: nothing new.
    snapshot = facts.snapshot
    assert facts.take("09-20", enrollment=[("01", "7B", "09-01")]).snapshot == snapshot
    assert facts.take("09-20", enrollment=A[:1]).snapshot == snapshot


def test_an_exit_and_its_correction(facts: Facts) -> None:
    facts.take("08-10", enrollment=A[:1])
    facts.take("09-10", enrollment=[("01", "7A", "07-13", "09-05", "moved")])
    facts.take("09-20", enrollment=[("01", "7A", "07-13", "09-12", "moved")])
    ends = [stay[3] for day in ("09-10", "09-11", "09-21") for stay in facts.stays(day)]
    assert ends == ["27-07-01", "09-05", "09-12"]


def test_a_class_ends_with_its_school_year(facts: Facts) -> None:
    facts.take("08-10", enrollment=[("01", "7A", "07-13", "28-01-01")])
    assert facts.stays() == [("01", "7A", "07-13", "27-07-01")]


def test_a_corrected_day_of_entry_replaces_the_old_one(facts: Facts) -> None:
    facts.take("08-10", enrollment=A[:1])
    facts.take("08-20", enrollment=[("01", "7A", "07-20")])
    assert facts.stays("08-20") == [("01", "7A", "07-13", "27-07-01")]
    assert facts.stays("08-21") == [("01", "7A", "07-20", "27-07-01")]
    assert facts.stays() == facts.stays("08-21")
    # The first was right after all.
    facts.take("08-30", enrollment=A[:1])
    assert facts.stays("08-30") == [("01", "7A", "07-20", "27-07-01")]
    assert facts.stays("08-31") == [("01", "7A", "07-13", "27-07-01")]
    assert facts.stays("08-21") == [("01", "7A", "07-20", "27-07-01")]


def test_another_class_from_the_same_day_is_a_correction(facts: Facts) -> None:
    """Rosters that name only the present class, and the first day of the year for everybody."""
    two = [("01", "7A", "07-13"), ("02", "7B", "07-13")]
    facts.take(
        "08-10", enrollment=two,
        attendance=[("01", "08-03", "sick"), ("02", "08-03", H), ("02", "08-04", H)],
    )  # fmt: skip
    facts.take("08-20", enrollment=[("01", "7B", "07-13"), ("02", "7B", "07-13")])
    assert facts.stays("08-20")[0] == ("01", "7A", "07-13", "27-07-01")
    assert facts.stays("08-21")[0] == ("01", "7B", "07-13", "27-07-01")
    # The mark moves with the child. On the 4th only 7B took its register: no mark, so unrecorded.
    assert facts.marks("08-20") == {("01", "08-03"): "sick"}
    assert facts.marks("08-21") == {("01", "08-03"): "sick", ("01", "08-04"): "unrecorded"}
    (moved,) = facts.rows("attendance_event", "08-21").filter(status="sick")["class_id"]
    assert moved == "S1/2026-27/7B"


def test_a_late_joiner_is_unrecorded_where_no_mark_was_made(facts: Facts) -> None:
    facts.take(
        "08-10",
        enrollment=A[:1],
        attendance=[("01", day, H) for day in ("08-03", "08-04", "08-05")],
    )
    facts.take("08-20", enrollment=[("02", "7A", "08-04")], attendance=[("02", "08-05", "sick")])
    # Not present by silence: on the 4th nobody looked. The mark of the 5th is no correction.
    assert facts.marks() == {("02", "08-04"): "unrecorded", ("02", "08-05"): "sick"}
    assert facts.marks("08-07") == facts.marks()
    assert facts.counted("attendance_event") == (2, 0, 0)


def test_an_enrolment_that_a_list_no_longer_names_stays(facts: Facts) -> None:
    facts.take("08-10", enrollment=A)
    facts.take("08-20", enrollment=A[:2])
    assert [stay[0] for stay in facts.stays()] == ["01", "02", "03"]


def test_a_new_school_year(facts: Facts) -> None:
    facts.take("27-06-20", enrollment=A[:1], attendance=[("01", "27-06-15", "sick")])
    facts.take("27-07-20", enrollment=[("01", "8A", "27-07-12", None, None, None, "2027-28")])
    assert [stay[1:] for stay in facts.stays()] == [
        ("7A", "07-13", "27-07-01"), ("8A", "27-07-12", "28-07-01"),
    ]  # fmt: skip
    assert facts.marks() == {("01", "27-06-15"): "sick"}


def test_two_deliveries_on_one_day(facts: Facts) -> None:
    facts.take("08-10", enrollment=A[:2], attendance=[("01", "08-03", H), ("02", "08-03", "sick")])
    facts.take("08-10", attendance=[("02", "08-03", "permitted")])
    assert facts.marks("08-11") == {("02", "08-03"): "permitted"}
    # What was first known on the 4th stays known for those days.
    assert facts.marks("08-10") == {("02", "08-03"): "sick"}
    facts.take("08-10", attendance=[("02", "08-03", "sick")])
    assert facts.marks("08-11") == {("02", "08-03"): "sick"}


def test_grades_behaviour_summaries_and_visits_merge_by_their_keys(facts: Facts) -> None:
    rows = {
        "enrollment": A,
        "grade": [("01", "IPA", "2026-27-Q1", 70.0), ("01", "IPA", "2025-26-Q4", 60.0)],
        "behaviour": [("e1", "01", "08-03", 5.0), ("e2", "02", "2025-11-03", 10.0)],
        "attendance_summary": [("01", "2026-27-Q1", 1, 2, 3), ("01", "2025-26", 4, 5, 6)],
        "visit": [("01", "08-03", "done"), ("01", "2025-11-03", "done")],
    }
    before = facts.take("10-10", **rows).snapshot
    assert {table: facts.counted(table) for table in facts.counts} == {
        "enrollment": (3, 0, 0), "attendance_summary": (2, 0, 0), "behaviour_event": (2, 0, 0),
        "grade": (2, 0, 0), "visit": (2, 0, 0),
    }  # fmt: skip
    assert facts.take("10-20", **rows).snapshot == before
    rows["grade"][0] = ("01", "IPA", "2026-27-Q1", 75.0)
    facts.take("10-20", **rows)
    assert facts.counted("grade") == (0, 1, 1)
    grades = facts.rows("grade").sort("day").select("score_centi", "class_id").rows()
    assert grades == [(6000, None), (7500, "S1/2026-27/7A")]


def test_progress_is_told_to_the_end(facts: Facts) -> None:
    facts.take("08-10", enrollment=A[:1], attendance=[("01", "08-03", H), ("01", "07-20", H)])
    assert [told for told in facts.stages if told[0] == "attendance"] == [
        ("attendance", 0, 2), ("attendance", 1, 2), ("attendance", 2, 2),
    ]  # fmt: skip
