"""Dumps of a student information system: eight real files, and every oddity by itself."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from earlywarning import district
from earlywarning.errors import ConfigError, DataError
from earlywarning.io.delivery import Delivery
from earlywarning.io.file_kind import inspect
from earlywarning.io.mapping import parse_mapping
from earlywarning.io.reading import read_delivery
from earlywarning.io.recognising import inspect_files
from earlywarning.io.school_files.interface import Bundle, Found
from earlywarning.io.school_files.sis_dump import SisDump

ASPEN = Path(__file__).parents[3] / "data" / "aspen"
READER = SisDump()
DISTRICT = district.parse("[visits]\nlottery = false\n")


def bundle(path: Path) -> Bundle:
    return Bundle((inspect(path),), path.name)


def found(path: Path) -> Found:
    seen = READER.sniff(bundle(path))
    assert seen is not None
    return seen


def written(folder: Path, text: str, name: str = "x.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path, *, on: date, change: tuple[str, str] | None = None) -> Delivery:
    text = inspect_files([path], source="aspen", school_id="SHS").mapping
    if change:
        assert change[0] in text
        text = text.replace(*change, 1)
    return read_delivery([path], parse_mapping(text), district=DISTRICT, delivered_on=on)


def refused(made: Delivery) -> list[tuple[Any, ...]]:
    return made.refused.select("table", "row", "column", "found", "reason").rows()


# The real files


def test_the_students() -> None:
    path = ASPEN / "fake_students_export.csv"
    seen = found(path)
    assert {key for key, _ in seen.questions} == {"school_year"}
    (said,) = seen.warnings
    assert "'registration_date' holds days of 3 years, 2005 to 2025" in said
    year = ('source = "aspen"\n', 'source = "aspen"\n[defaults]\nschool_year = "2015-16"\n')
    with read(path, on=date(2016, 6, 30), change=year) as made:
        assert made.rows == {"school": 3, "class_group": 3, "student": 5, "enrollment": 4}
        # A date after the file's own period.
        assert refused(made) == [
            ("enrollment", 5, "registration_date", "2025-08-05", "date_out_of_range")
        ]
        first = made.frame("student").to_dicts()[0]
        assert (first["student"], first["sex"], first["birth_date"]) == (
            "100", "F", date(1998, 7, 15),
        )  # fmt: skip
        # Ancestry, income, disability and language are not even looked at.
        assert "White" not in str(made.frame("student").to_dicts())


def test_the_behaviour() -> None:
    path = ASPEN / "fake_behavior_export.csv"
    assert found(path).questions == ()
    with read(path, on=date(2016, 6, 30)) as made:
        assert made.frame("behaviour").select("student", "date", "type_code").rows() == [
            ("10", date(2015, 10, 1), "Hitting"),
            ("11", date(2015, 10, 1), "Lorem ipsuming"),
            ("13", date(2015, 10, 3), "Bullying"),
        ]
        # The text NULL in a date is an empty date.
        assert refused(made) == [("behaviour", 5, "event_date", "(empty)", "missing")]


def test_the_section_grades_without_headings() -> None:
    path = ASPEN / "student_section_grades_fixture.csv"
    seen = found(path)
    assert [key for key, _ in seen.questions] == ["options.headings", "values.period"]
    assert "SOC6-001 | 333 | SHS | SOC6 | FY | 85.12 B+" in seen.questions[0][1]
    answer = ("[table.options]", '[table.values.period]\nFY = "2015-16-Q4"\n[table.options]')
    with read(path, on=date(2016, 6, 30), change=answer) as made:
        assert made.frame("grade").select("school_id", "student", "subject", "score").rows() == [
            ("SHS", "333", "SOC6", 85.12), ("ESCS", "111", "SOC6", 85.45),
            ("ESCS", "222", "SOC6", 85.78), ("SHS", "333", "ELA6", 85.99),
        ]  # fmt: skip
        assert refused(made) == [
            ("grade", 5, "local_id", "(empty)", "missing"),
            ("grade", 6, "section_number", "(empty)", "missing"),
        ]


def test_the_days() -> None:
    path = ASPEN / "attendance_dump.csv"
    seen = found(path)
    assert {key for key, _ in seen.questions} == {"coverage"}
    with read(path, on=date(2005, 6, 30)) as made:
        assert made.frame("attendance").select("student", "date", "code", "status").rows() == [
            ("std", date(2005, 5, 3), "tardy, excused", "late")
        ]
        assert (made.rows_read, made.merged) == ({"attendance": 2}, {"attendance": 1})
        assert refused(made) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("bad_x2_assessments.csv", "statewide test, not marks of lessons; export the section gr"),
        ("educator_section_assignment_export.csv", "which teacher gives which lesson.*never fill"),
        ("student_section_assignment_export_with_district_school_year_token.csv",
         "who takes which lesson, without a mark.*export the students.*never filled in"),
        ("fake_no_headers.csv", "has no headings.*column 6 is empty in every row.*6 columns"),
    ],
)  # fmt: skip
def test_what_holds_nothing_says_why(name: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        READER.sniff(bundle(ASPEN / name))
    (item,) = inspect_files([ASPEN / name], source="aspen").files
    assert item.problem.startswith(name)


def test_a_file_without_headings_is_read_once_a_person_names_them() -> None:
    path = ASPEN / "fake_no_headers.csv"
    names = ["section_number", "local_id", "school", "course", "term", "grade"]
    table = READER.open(bundle(path), "grades", {"headings": names}, None)
    (chunk,) = table.chunks({"local_id", "grade"})
    assert chunk.cells.rows() == [(str(n), None, n - 100) for n in range(101, 107)]


# Oddities one by one


def rows_of(path: Path, part: str = "students") -> list[tuple[Any, ...]]:
    return [row for chunk in READER.open(bundle(path), part, {}, None).chunks()
            for row in chunk.cells.rows()]  # fmt: skip


def test_quotes_and_backslashes(tmp_path: Path) -> None:
    text = (
        "'local_id','full_name'\n"
        '"1","Siti \\"Ti\\" Aminah"\n"2","ends with \\\\"\n"3","two\nlines"\n"4","O\'Brien, Ann"\n'
        '"5",NULL\n"NULL",""\n'
    )
    path = written(tmp_path, text)
    assert rows_of(path) == [
        ("1", 'Siti "Ti" Aminah', 2), ("2", "ends with \\", 3), ("3", "two\nlines", 4),
        ("4", "O'Brien, Ann", 5), ("5", None, 6), (None, None, 7),
    ]  # fmt: skip


def test_an_open_quote_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path, "'local_id','full_name'\n\"1\",\"Siti\n")
    with pytest.raises(DataError, match="row 2 has a quotation mark that is not closed"):
        rows_of(path)


def test_rows_of_another_width_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, '\'local_id\',\'full_name\'\n"1"\n"2","Siti","x"\n"3","Budi"\n')
    table = READER.open(bundle(path), "students", {}, None)
    (chunk,) = table.chunks()
    assert chunk.cells.rows() == [("3", "Budi", 4)]
    assert chunk.faults.select("_row", "reason").rows() == [
        (2, "too_few_fields"), (3, "too_many_fields"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mark", "number", "letter"),
    [
        ("85.12 B+", "85.12", "B+"), ("70 C", "70", "C"), ("B", None, "B"), ("91", "91", None),
        ("NULL", None, None), ("Inc", "Inc", None),  # stays, so that the row is refused by name
    ],
)  # fmt: skip
def test_a_mark_is_split(mark: str, number: str | None, letter: str | None, tmp_path: Path) -> None:
    text = f'\'local_id\',\'course_number\',\'grade\'\n"1","SOC6","80 B"\n"2","SOC6","{mark}"\n'
    table = READER.open(bundle(written(tmp_path, text)), "grades", {}, None)
    (chunk,) = table.chunks({"grade (number)", "grade (letter)"})
    assert chunk.cells.row(1) == (number, letter, 3)


def test_a_mapping_fits_a_file_whose_marks_have_no_letters(tmp_path: Path) -> None:
    text = "'local_id','course_number','grade'\n\"1\",\"SOC6\",\"80\"\n"
    table = READER.open(bundle(written(tmp_path, text)), "grades", {}, None)
    (chunk,) = table.chunks({"grade (number)"})
    assert chunk.cells["grade (number)"].to_list() == ["80"]


@pytest.mark.parametrize(
    ("flags", "mark"),
    [
        ("1,0,0,0", "absent"), ("1,0,0,1", "absent, excused"), ("0,1,0,0", "tardy"),
        ("0,0,1,1", "dismissed, excused"), ("0,0,0,1", "present"), ("1,1,0,0", "absent"),
    ],
)  # fmt: skip
def test_flags_become_the_mark_of_a_day(flags: str, mark: str, tmp_path: Path) -> None:
    names = "'ATT_STD_OID','ATT_DATE'," + ",".join(
        f"'ATT_{flag}_IND'" for flag in ("ABSENT", "TARDY", "DISMISSED", "EXCUSED")
    )
    cells = ",".join(f'"{flag}"' for flag in flags.split(","))
    path = written(tmp_path, f'{names}\n"A1","2026-09-01",{cells}\n')
    table = READER.open(bundle(path), "attendance", {}, None)
    (chunk,) = table.chunks({"day mark"})
    assert chunk.cells["day mark"].to_list() == [mark]


def test_sections_of_a_day_are_rolled_up_by_a_rule_that_is_asked(tmp_path: Path) -> None:
    text = "'local_id','event_date','section','code'\n" + "".join(
        f'"1","2026-09-01","P{i}","{code}"\n"2","2026-09-01","P{i}","H"\n'
        for i, code in enumerate("AHA")
    )
    path = written(tmp_path, text)
    seen = found(path)
    ((key, question),) = seen.questions
    assert (key, "up to 3 marks a day" in question) == ("rollup", True)
    with read(path, on=date(2026, 10, 1)) as made:
        rows = made.frame("attendance").select("student", "status").rows()
        assert sorted(rows) == [("1", "unexcused"), ("2", "present")]


@pytest.mark.parametrize(
    "text",
    [
        "NIS;Nama\n0101;Siti\n",  # nothing is quoted
        '"NIS","Nama"\n"0101","Siti Aminah"\n',  # an ordinary file, all of it quoted
        "just a sentence\n",
    ],
)
def test_what_is_no_dump(text: str, tmp_path: Path) -> None:
    assert READER.sniff(bundle(written(tmp_path, text))) is None


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"columns": []}, ConfigError, "allowed is headings"),
        ({"headings": ["a", "a"]}, ConfigError, "different names"),
        ({"headings": "a"}, ConfigError, "different names"),
        ({"headings": ["a", "b"]}, DataError, "has 6 columns, but headings .* names 2"),
    ],
)
def test_options_that_do_not_fit(
    options: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        READER.open(bundle(ASPEN / "fake_no_headers.csv"), "grades", options, None)
