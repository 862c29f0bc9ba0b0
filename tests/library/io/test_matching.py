"""Whose rows they are, by tables small enough to look through."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlywarning.errors import DataError
from earlywarning.io.clashes import clashes
from earlywarning.io.class_joining import CLASSES_SCHEMA, spellings
from earlywarning.io.delivery import schema_of
from earlywarning.io.identifying import birth_dates
from earlywarning.io.matching import (
    LABEL,
    PEOPLE_SCHEMA,
    REMEMBERED_SCHEMA,
    Known,
    Names,
    by_name,
    by_national_id,
    everybody,
)
from earlywarning.io.proposals import Person, School
from earlywarning.io.review import (
    NO,
    REVIEW_SCHEMA,
    YES,
    Answer,
    key_of,
    mark_of,
    read_answers,
    write_review,
)
from earlywarning.records.names import Likeness, likeness, normal

BORN = date(2013, 5, 4)
# Serials that begin with 0000 are nobody's.
AHMAD_ID, SITI_ID = "0130000001", "0130000002"
PEOPLE = pl.DataFrame(
    [
        ("S1", "0101", AHMAD_ID, "Ahmad Fulan", BORN, "VII-A"),
        ("S1", "0102", SITI_ID, "Siti Contoh", date(2013, 6, 1), "VII-A"),
        ("S1", "0103", None, "Suparmi", None, "VII-A"),
        ("S1", "0201", None, "Siti Contoh", date(2013, 9, 9), "VII-B"),
        ("S1", "0202", None, "M. Yusuf Al-Contoh", None, "VII-B"),
        ("S1", "0203", None, "Muh. Yusuf Al Contoh", None, "VII-B"),
        ("S1", "0301", None, "Dewi Rahmawati", None, None),
        ("S2", "0101", None, "Ahmad Fulan", None, "VII-A"),
    ],
    schema=PEOPLE_SCHEMA,
    orient="row",
)


def labels(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """Names with class and birth date, each on three rows, of school S1."""
    whole = [("S1", *row, *(None,) * (3 - len(row)), 3) for row in rows]
    schema = {"school_id": pl.String, "found": pl.String, "class_name": pl.String,
              "birth_date": pl.Date, "rows": pl.Int64}  # fmt: skip
    assert tuple(schema)[:4] == LABEL
    return pl.DataFrame(whole, schema=schema, orient="row")


def settled(names: Names) -> list[tuple[str | None, str | None]]:
    """Student and reason of each name."""
    return names.verdicts.select("student", "reason").rows()


def answered(names: Names, *said: str, place: int = 0) -> Known:
    """The lines of a review file with these answers, from the top."""
    made = []
    for number, (key, word) in enumerate(
        zip(names.review["key"][place:], said, strict=False), start=2
    ):
        question, _, mark = key.partition("-")
        made.append(Answer(number, question, mark, word))
    return Known(answers=tuple(made), answers_name="review.csv")


def ask(rows: pl.DataFrame, known: Known | None = None) -> Names:
    return by_name(rows, PEOPLE, known or Known(), source="sheet")


@pytest.mark.parametrize(
    ("found", "student", "reason", "allowed"),
    [
        (AHMAD_ID, "0101", None, None),
        (AHMAD_ID.lstrip("0"), None, "lost_zeros", f"a known national id; {AHMAD_ID} is one"),
        ("0130000009", None, "unmatched_student", "the national id of a student of this school's "
         "student list"),
        ("", None, "unmatched_student", "the national id of a student of this school's "
         "student list"),
    ],
)  # fmt: skip
def test_a_national_id_is_looked_up_and_never_padded(
    found: str, student: str | None, reason: str | None, allowed: str | None
) -> None:
    asked = pl.DataFrame({"school_id": ["S1", "S2"], "found": [found, found]})
    one, other = by_national_id(asked, PEOPLE).rows()
    assert one == ("S1", found, student, reason, allowed)
    # The same number means nobody at another school.
    assert other[2:4] == (None, "unmatched_student")


def test_a_national_id_of_two_students_is_ambiguous() -> None:
    twice = PEOPLE.with_columns(national_id=pl.lit(AHMAD_ID))
    asked = pl.DataFrame({"school_id": ["S1"], "found": [AHMAD_ID]})
    ((_, _, student, reason, allowed),) = by_national_id(asked, twice.head(2)).rows()
    assert (student, reason) == (None, "ambiguous_student")
    assert allowed == "the national id of one student; 0101, 0102 have it"


@given(st.lists(st.text("012", min_size=1, max_size=4), unique=True), st.text("012", max_size=4))
def test_a_national_id_finds_its_own_student_or_nobody(numbers: list[str], asked: str) -> None:
    people = pl.DataFrame(
        [("S1", f"n{number}", number, "X", None, None) for number in numbers],
        schema=PEOPLE_SCHEMA, orient="row",
    )  # fmt: skip
    ((_, _, student, reason, _),) = by_national_id(
        pl.DataFrame({"school_id": ["S1"], "found": [asked]}), people
    ).rows()
    assert student == (f"n{asked}" if asked in numbers else None)
    alike = asked.lstrip("0") in {number.lstrip("0") for number in numbers}
    assert reason == (None if student else "lost_zeros" if alike else "unmatched_student")


@pytest.mark.parametrize(
    ("label", "proposed", "how_sure"),
    [
        (("AHMAD FULAN", "7A"), "0101", "the same name, the same class"),
        (("Ahmad Fulan",), "0101", "the same name"),
        (("Ahmad Fulan", None, BORN), "0101", "the same name, the same birth date"),
        (("Ahmad Fulan", None, date(2012, 1, 1)), "0101", "the same name, but another birth date"),
        (("Ahmad Fulam", "VII A", BORN), "0101",
         "one letter differs, the same birth date, the same class"),
        (("Siti Contoh", "Kelas 7B"), "0201", "the same name, the same class"),
        (("Siti Contoh", None, date(2013, 9, 9)), "0201", "the same name, the same birth date"),
        (("Siti C.", "VII-A"), "0102", "one of the names is shortened, the same class"),
        (("suparmi",), "0103", "the same name"),
        (("Dewi Rahma Wati", "VIII-A"), "0301", "the same letters, other blanks"),
    ],
)  # fmt: skip
def test_a_name_is_proposed_and_not_decided(
    label: tuple[Any, ...], proposed: str, how_sure: str
) -> None:
    names = ask(labels(label))
    assert settled(names) == [(None, "needs_confirmation")]
    (line,) = names.review.to_dicts()
    assert (line["proposed student"], line["how sure"], line["rows"]) == (proposed, how_sure, 3)
    assert (line["source"], line["school"], line["answer"]) == ("sheet", "S1", None)


@pytest.mark.parametrize(
    ("label", "reason", "how_sure"),
    [
        (("Siti Contoh",), "ambiguous_student", "several students may be meant: 0102, 0201"),
        (("Mohammad Yusuf Al Contoh", "VII-B"), "ambiguous_student",
         "several students may be meant: 0202, 0203"),
        (("Ahmad Fulan", "VII-B"), "unmatched_student",
         "nobody of this class; the name is in another class: 0101"),
        (("Ahmad Fulam", None, date(2012, 1, 1)), "unmatched_student",
         "nobody on record has such a name"),
        (("Bambang",), "unmatched_student", "nobody on record has such a name"),
        (("---",), "unmatched_student", "nobody on record has such a name"),
    ],
)  # fmt: skip
def test_where_nobody_can_be_proposed_a_person_is_asked_all_the_same(
    label: tuple[Any, ...], reason: str, how_sure: str
) -> None:
    names = ask(labels(label))
    assert settled(names) == [(None, reason)]
    (line,) = names.review.to_dicts()
    assert (line["proposed student"], line["how sure"]) == (None, how_sure)
    assert line["key"].endswith("-none")


def test_spellings_of_one_name_in_one_class_are_one_question() -> None:
    rows = labels(("Ahmad Fulan", "7A"), ("AHMAD  FULAN", "VII-A"), ("Ahmad Fulan", "7B"))
    names = ask(rows)
    assert names.review["rows"].to_list() == [6, 3]
    again = ask(rows, answered(names, YES, NO))
    assert settled(again) == [("0101", None), ("0101", None), (None, "unmatched_student")]
    assert again.review.is_empty()
    assert again.answered == 1


def test_an_answer_is_yes_no_or_another_number() -> None:
    rows = labels(("Ahmad Fulan", "7A"), ("Siti Contoh", "7A"), ("Suparni", "7A"), ("X", "7A"))
    names = ask(rows)
    assert names.review["name found"].to_list() == ["Ahmad Fulan", "Siti Contoh", "Suparni", "X"]
    again = ask(rows, answered(names, YES, NO, "0301"))
    assert settled(again) == [
        ("0101", None), (None, "unmatched_student"), ("0301", None), (None, "unmatched_student"),
    ]  # fmt: skip
    assert again.verdicts["allowed"][1].endswith("the answer was no")
    # What was answered is not asked again this time; a no only makes an earlier answer forgotten.
    assert again.review["name found"].to_list() == ["X"]
    assert again.confirmed.rows() == [
        ("S1", "ahmad fulan", "7/A", "", "0101"), ("S1", "siti contoh", "7/A", "", None),
        ("S1", "suparni", "7/A", "", "0301"),
    ]  # fmt: skip
    assert (again.answered, again.earlier, again.stray) == (2, 0, 0)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("maybe", "row 2, column answer: 'maybe' is no student of this school; allowed: yes, no"),
        ("9999", "'9999' is no student of this school"),
        ("101", "'101' is no student of this school; allowed: yes, no, or a student's number; "
                "0101 is one, so format the column as text"),
    ],
)  # fmt: skip
def test_answers_that_cannot_be_are_refused_with_their_row(said: str, problem: str) -> None:
    rows = labels(("Ahmad Fulan", "7A"))
    with pytest.raises(DataError) as error:
        ask(rows, answered(ask(rows), said))
    assert str(error.value).startswith("the answers cannot be used; nothing was saved:\n  review.c")
    assert problem in str(error.value)


def test_every_wrong_answer_is_listed_at_once() -> None:
    rows = labels(("Ahmad Fulan", "7A"), ("Bambang", "7A"), ("Suparmi", "7A"))
    with pytest.raises(DataError) as error:
        ask(rows, answered(ask(rows), "perhaps", YES, "0"))
    lines = str(error.value).splitlines()[1:]
    assert [line.split(",")[0].strip() for line in lines] == [
        "review.csv: row 2", "review.csv: row 3", "review.csv: row 4",
    ]  # fmt: skip
    assert "'yes', but nobody is proposed; write the student's number, or no" in lines[1]


def test_a_late_yes_does_not_mean_somebody_else() -> None:
    rows = labels(("Siti Contoh", "7A"))
    yes = answered(ask(rows), YES)
    others = PEOPLE.with_columns(
        student=pl.when(pl.col("student") == "0102").then(pl.lit("0199")).otherwise("student")
    )
    with pytest.raises(DataError, match="whom the line proposed is not proposed any more"):
        by_name(rows, others, yes, source="sheet")


def test_two_answers_about_one_name_must_agree() -> None:
    rows = labels(("Ahmad Fulan", "7A"))
    one = answered(ask(rows), YES).answers[0]
    twice = Known(answers=(one, Answer(9, one.key, one.proposal, NO)), answers_name="review.csv")
    with pytest.raises(DataError, match="row 9, column answer: 'no', but row 2 says 'yes'"):
        ask(rows, twice)
    same = Known(answers=(one, Answer(9, one.key, one.proposal, YES)))
    assert settled(ask(rows, same)) == [("0101", None)]


def test_answers_about_other_names_are_counted_and_left() -> None:
    rows = labels(("Ahmad Fulan", "7A"))
    names = ask(rows, Known(answers=(Answer(2, "q0", "none", "0101"),)))
    assert (settled(names), names.stray) == ([(None, "needs_confirmation")], 1)
    # Another source's answer is about another name.
    other = by_name(rows, PEOPLE, answered(ask(rows), YES), source="ledger")
    assert (settled(other), other.stray) == ([(None, "needs_confirmation")], 1)


def remembered(*rows: tuple[str, ...]) -> Known:
    return Known(remembered=pl.DataFrame(rows, schema=REMEMBERED_SCHEMA, orient="row"))


def test_what_was_settled_before_is_not_asked_again() -> None:
    rows = labels(("A. Fulan", "VII A"), ("A. Fulan", "VIII A"), ("A. Fulan",))
    names = ask(rows, remembered(("S1", "a fulan", "7/A", "", "0101")))
    assert settled(names)[0] == ("0101", None)
    # In another class, or without one, it may be somebody else.
    assert [reason for _, reason in settled(names)[1:]] == ["unmatched_student"] * 2
    assert (names.earlier, names.answered, names.review.height) == (1, 0, 2)
    assert names.confirmed.is_empty()


def test_a_new_answer_wins_over_an_earlier_one() -> None:
    rows = labels(("A. Fulan", "VII A"))
    earlier = remembered(("S1", "a fulan", "7/A", "", "0101"))
    for said, student in (("0103", "0103"), (NO, None)):
        answer = answered(ask(rows), said)
        both = Known(remembered=earlier.remembered, answers=answer.answers)
        assert settled(ask(rows, both))[0][0] == student


def test_where_two_bear_the_name_an_earlier_answer_is_not_enough() -> None:
    rows = labels(("M. Yusuf Al-Contoh", "VII-B"))
    earlier = remembered(("S1", "muhammad yusuf al contoh", "7/B", "", "0202"))
    names = ask(rows, earlier)
    assert settled(names) == [(None, "ambiguous_student")]
    again = ask(rows, answered(names, "0202"))
    assert settled(again) == [("0202", None)]


def test_what_the_delivery_says_of_a_student_wins() -> None:
    students = pl.DataFrame(
        [{"school_id": "S1", "student": "0103", "full_name": "Suparmi Baru",
          "national_id": "0130000003"},
         {"school_id": "S1", "student": "0104", "full_name": "Citra"}],
        schema=schema_of("student"),
    )  # fmt: skip
    roster = pl.DataFrame(
        [{"school_id": "S1", "student": "0103", "school_year": year, "class_name": name,
          "entry_date": date(int(year[:4]), 7, 13)}
         for year, name in (("2027-28", "VIII-A"), ("2026-27", "VII-A"))],
        schema=schema_of("enrollment"),
    )  # fmt: skip
    people = {row["student"]: row for row in
              everybody(PEOPLE.filter(school_id="S1"), students, roster).to_dicts()}  # fmt: skip
    assert people["0103"]["full_name"] == "Suparmi Baru"
    assert (people["0103"]["national_id"], people["0103"]["class_name"]) == ("0130000003", "VIII-A")
    assert people["0104"] == dict.fromkeys(PEOPLE_SCHEMA) | {
        "school_id": "S1", "student": "0104", "full_name": "Citra",
    }  # fmt: skip
    assert people["0101"]["birth_date"] == BORN


@given(st.lists(st.text("abm '", min_size=1, max_size=9), min_size=1, max_size=6), st.data())
def test_no_alike_name_is_overlooked(names: list[str], data: st.DataObject) -> None:
    """The index finds whom a comparison with everybody would find."""
    asked = data.draw(st.sampled_from(names) | st.text("abm '", max_size=9))
    known = {str(number): normal(name) for number, name in enumerate(names)}
    proposal = School.of(Person(number, "", name) for number, name in known.items()).propose(
        normal(asked)
    )
    ranks = {number: likeness(normal(asked), name) for number, name in known.items()}
    top = max(ranks.values())
    best = sorted(number for number, rank in ranks.items() if rank is top)
    if top is Likeness.NONE:
        assert (proposal.best, proposal.is_tied) == (None, False)
    elif len(best) == 1:
        assert proposal.best is not None
        assert proposal.best.student == best[0]
    else:
        assert proposal.best is None
        assert sorted(proposal.others) == best


def test_birth_dates_are_read_in_the_styles_of_schools() -> None:
    texts = pl.Series(["04/05/2013", "2013-05-04", "2013-05-04 00:00:00", " ", None, "besok"])
    assert birth_dates(texts).to_list() == [BORN, BORN, BORN, None, None, None]
    assert birth_dates(pl.Series(["05/04/2013"]), ("%m/%d/%Y",)).to_list() == [BORN]
    assert birth_dates(pl.Series(["4 Mei 2013"])).to_list() == [BORN]
    assert birth_dates(pl.Series([None], dtype=pl.String)).to_list() == [None]


def review(*answers: str | None) -> pl.DataFrame:
    lines = [
        {"key": f"{key_of('s', 'S1', str(number), '', '')}-{mark_of('0101')}",
         "name found": "=SUM(A1)", "class": "-7A", "rows": 1, "answer": answer}
        for number, answer in enumerate(answers)
    ]  # fmt: skip
    return pl.DataFrame(lines, schema=REVIEW_SCHEMA)


def test_the_review_file_is_safe_and_comes_back(tmp_path: Path) -> None:
    path = write_review(review(None, None, None, None), tmp_path / "review.csv")
    text = path.read_text("utf-8-sig")
    assert text.splitlines()[0] == ";".join(REVIEW_SCHEMA)
    assert ";'=SUM(A1);'-7A;" in text
    assert read_answers(path) == ()
    lines = text.splitlines()
    for number, word in ((1, "Ya"), (2, " TIDAK "), (3, "0103")):
        lines[number] += word
    # As another spreadsheet program would save it: commas, no byte-order mark.
    path.write_text("\n".join(line.replace(";", ",") for line in lines) + "\n", "utf-8")
    keys = [key_of("s", "S1", str(number), "", "") for number in range(3)]
    assert read_answers(path) == tuple(
        Answer(row, key, mark_of("0101"), said)
        for row, key, said in zip((2, 3, 4), keys, (YES, NO, "0103"), strict=True)
    )


def test_a_file_with_answers_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    assert write_review(review(None), path) == path
    assert write_review(review(None, None), path) == path
    write_review(review("yes"), tmp_path / "filled.csv").replace(path)
    kept = path.read_bytes()
    assert write_review(review(None), path) == tmp_path / "review-2.csv"
    assert path.read_bytes() == kept
    (tmp_path / "review-2.csv").write_bytes(b"\x00\x01 something else")
    assert write_review(review(None), path) == tmp_path / "review-3.csv"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("key;answer\r\nq1;yes\r\n", "row 2, column key: 'q1' is no key of a review file"),
        ("key;answer\r\n;yes\r\n", "row 2, column key: '' is no key"),
        ("name;answer\r\nq1-s1;yes\r\n", "key"),
        ("key;answer\r\nq1-s1;yes;no\r\n", "row 2 has 3 fields"),
    ],
)
def test_a_file_that_is_no_review_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "review.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(DataError, match=says):
        read_answers(path)


def students(*rows: tuple[str, str | None, str, date | None]) -> pl.DataFrame:
    names = ("student", "national_id", "full_name", "birth_date")
    return pl.DataFrame(
        [{"school_id": "S1", **dict(zip(names, row, strict=True))} for row in rows],
        schema=schema_of("student"),
    )


def test_children_who_may_be_two_are_told() -> None:
    assert clashes(students(), PEOPLE) == ()
    same = students(("0101", AHMAD_ID, "Achmad Fulan", BORN), ("0900", None, "Baru", None))
    assert clashes(same, PEOPLE) == ()
    told = clashes(
        students(
            ("0101", "0130000009", "Budi Contoh", date(2012, 5, 4)),
            ("0900", "0130000009", "Citra", None),
        ),
        PEOPLE,
    )
    assert told == (
        "students have the same national id as another student: 0101 of S1 and 0900 of S1",
        "students come with another national id than before; is it still the same child: "
        f"0101 of S1 ({AHMAD_ID}, now 0130000009)",
        "students come with a quite different name than before; is it still the same child: "
        "0101 of S1 (Ahmad Fulan, now Budi Contoh)",
        "students come with another birth date than before; is it still the same child: "
        "0101 of S1 (2013-05-04, now 2012-05-04)",
    )


def classes(*names: str, year: str = "2026-27") -> pl.DataFrame:
    rows = [("S1", year, name) for name in names]
    return pl.DataFrame(rows, schema=CLASSES_SCHEMA, orient="row")


def other_spellings(known: pl.DataFrame, delivered: pl.DataFrame) -> dict[str, str]:
    return dict(spellings(known, delivered).select("class_name", "first").iter_rows())


def test_the_first_spelling_of_a_class_stays() -> None:
    assert other_spellings(classes(), classes("VII-A", "7A", "Kelas 7 A", "VIII", "VII I")) == {
        "7A": "VII-A", "Kelas 7 A": "VII-A",
    }  # fmt: skip
    # The register's wins over that of the roster.
    assert other_spellings(classes("7A"), classes("VII-A", "7A")) == {"VII-A": "7A"}
    # Next year's class is another class, and a class on record is never renamed.
    assert other_spellings(classes("7A", year="2025-26"), classes("VII-A")) == {}
    assert other_spellings(classes("7A", "VII-A"), classes("VII-A", "VII A")) == {"VII A": "7A"}
