"""Ed-Fi's sample district from its files to a list, with the numbers counted in the files."""

from __future__ import annotations

import csv
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from xml.etree.ElementTree import Element

import polars as pl
import pytest
from defusedxml import ElementTree
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from earlywarning.io.facts import FactStore
from earlywarning.io.register.db import open_register
from earlywarning.io.register.models import (
    CalendarDay,
    Guardian,
    School,
    Student,
    VisitList,
    VisitListItem,
)
from earlywarning_pipelines import cli

DATA = Path(__file__).parents[1] / "data" / "edfi_grandbend"
IN = "{http://ed-fi.org/5.2.0}"
FILES = (
    "Contact", "EducationOrgCalendar", "EducationOrganization", "Student", "StudentDiscipline",
    "StudentGrade-1stSixWeeks.EXCERPT", "StudentGradebook", "StudentSchoolAttendance",
    "StudentSectionAttendance-Tardy",
)  # fmt: skip


@dataclass
class Home:
    """An installation that is used from the command line."""

    path: Path
    mapping: Path

    def run(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(cli.app, ["--home", str(self.path), *words])
        assert done.exit_code == code, done.output
        return done.output

    def refused(self) -> list[dict[str, str]]:
        text = (self.path / "refused.csv").read_text("utf-8-sig")
        return list(csv.DictReader(text.splitlines(), delimiter=";"))

    @contextmanager
    def session(self) -> Iterator[Session]:
        url = f"sqlite:///{self.path / 'register.db'}"
        with open_register(url) as register, register.session() as session:
            yield session

    def facts(self, table: str) -> pl.DataFrame:
        store = FactStore(self.path / "facts")
        (snapshot,) = [
            folder.name for folder in (self.path / "facts" / "snapshots").iterdir()
        ]  # fmt: skip
        return store.read(snapshot, table)


@pytest.fixture(scope="module")
def inspected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, str]:
    folder = tmp_path_factory.mktemp("district")
    home = Home(folder / "home", folder / "mapping.toml")
    home.run("init", "--name", "Grand Bend", "--no-lottery")
    settings = home.path / "district.toml"
    text = settings.read_text("utf-8")
    assert "school_weekdays = [1, 2, 3, 4, 5, 6]" in text
    settings.write_text(text.replace("[1, 2, 3, 4, 5, 6]", "[1, 2, 3, 4, 5]"), "utf-8")
    return home, home.run("inspect", str(DATA), "--out", str(home.mapping))


@pytest.fixture(scope="module")
def imported(inspected: tuple[Home, str]) -> tuple[Home, str]:
    home, _ = inspected
    said = home.run(
        "import", str(DATA), "--mapping", str(home.mapping), "--delivered-on", "2022-05-28"
    )
    return home, said


def records(file: str) -> Iterator[Element]:
    """The records of a file, by another parser than the readers'."""
    root = ElementTree.parse(DATA / f"{file}.xml").getroot()
    assert root is not None
    yield from root


def text(record: Element, name: str) -> str | None:
    """Of the first such element, however deep."""
    return record.findtext(f".//{IN}{name}")


@cache
def placed() -> dict[str, str]:
    """Each student's school, from wherever a record names one."""
    schools: dict[str, str] = {}
    for file in FILES[4:]:
        for record in records(file):
            number, school = text(record, "StudentUniqueId"), text(record, "SchoolId")
            reference = record.find(f"{IN}DisciplineIncidentReference")
            if number is None:
                continue
            if school is None and reference is not None:
                school = reference.attrib["ref"].rpartition("_")[2]
            elif school is None and file == "StudentGradebook":
                school = "255901001"  # of the one section in the file
            if school is not None:
                schools[number] = school
    return schools


def test_what_inspect_says_of_the_folder(inspected: tuple[Home, str]) -> None:
    home, said = inspected
    assert "no school known for 698 students" in said
    assert 960 - 698 == len(placed()) == 262
    assert "733 of 960 students have none" in said
    assert "67 of 1,917 events have no EventDuration (66 Tardy, 1 Partial)" in said
    assert "(GBHS 94, GBMS 53, GBES 115)" in said
    assert "81 instructional days are announced, 85 weekdays lie between" in said
    assert "which school 698 of 960 students attend" in said
    assert "'2021-2022 Fall Semester Exam 1' (2021-08-23 to 2021-10-03: 2021-22-Q1, final?)" in said
    assert "not understood" not in said
    assert said.count("fills no table and hinders no import") == 2 + 5
    entries = tomllib.loads(home.mapping.read_text("utf-8"))["table"]
    assert entries[0]["file"] == [f"{name}.xml" for name in FILES]
    assert [entry["part"] for entry in entries] == [
        "school", "student", "enrollment", "guardian", "calendar", "attendance",
        "section_attendance", "behaviour", "grade",
    ]  # fmt: skip


def test_without_an_answer_there_is_no_import(inspected: tuple[Home, str]) -> None:
    said = inspected[0].run("import", str(DATA), code=1)
    assert "cannot be imported without a mapping" in said
    assert "options.school_of_others" in said
    assert "StudentHealth" not in said


def test_the_import_counts_every_record(imported: tuple[Home, str]) -> None:
    home, said = imported
    contacts = Counter(
        text(record, "StudentUniqueId")
        for record in records("Contact")
        if record.tag == f"{IN}StudentContactAssociation"
    )
    lost = sum(number for student, number in contacts.items() if student not in placed())
    for line in (
        "read     school: 3 rows\n", "read     student: 960 rows, 698 refused",
        "read     enrollment: 262 rows\n", "read     calendar_day: 129 rows\n",
        f"read     guardian: {contacts.total():,} rows, {lost:,} refused",
        "read     attendance: 1,917 rows, 5 refused", "read     behaviour: 21 rows\n",
        "read     grade: 1 row\n",
        "saved    attendance_event: 1,912 added", "saved    behaviour_event: 21 added",
        "refused  attendance: 2 rows, duplicates_disagree",
        "refused  attendance: 3 rows, not_a_school_day",
        "refused  student: 698 rows, missing",
        "66 of 66 events of lessons are on days on which the student has an event of the school",
        "calendar 2010605675 of school 255901107 is of some students only (Student Specific)",
        "StudentHealth.xml: belongs to no table",
    ):  # fmt: skip
        assert line in said, line
    with home.session() as session:
        counts = {
            model: session.scalar(select(func.count()).select_from(model))
            for model in (School, Student, Guardian, CalendarDay)
        }
        schools = dict(
            session.execute(
                select(Student.school_id, func.count()).group_by(Student.school_id)
            ).all()
        )  # fmt: skip
    assert counts == {
        School: 3, Student: 262, Guardian: contacts.total() - lost, CalendarDay: 3 * 43
    }  # fmt: skip
    assert schools == Counter(placed().values())


def test_every_refused_record_is_named_by_its_line(imported: tuple[Home, str]) -> None:
    home, _ = imported
    refused = home.refused()
    events = [row for row in refused if row["file"].endswith("StudentSchoolAttendance.xml")]
    lines = (DATA / "StudentSchoolAttendance.xml").read_text("utf-8").splitlines()
    assert len(events) == 5
    for row in events:
        record = "\n".join(lines[int(row["row"]) - 1 : int(row["row"]) + 6])
        assert record.lstrip().startswith("<StudentSchoolAttendanceEvent>")
        if row["reason"] == "not_a_school_day":
            assert row["found"] == "Sunday, 2022-05-15"
            assert "<EventDate>2022-05-15</EventDate>" in record
            assert date(2022, 5, 15).isoweekday() == 7
        else:
            assert "<EventDate>2021-12-15</EventDate>" in record
    missing = [row for row in refused if row["file"].endswith("/Student.xml")]
    assert len(missing) == 698
    assert {(row["column"], row["reason"]) for row in missing} == {("SchoolId", "missing")}
    assert not [row for row in refused if row["reason"] == "unknown_code"]


def test_school_days_are_the_weekdays_of_the_sessions_and_assumed(
    imported: tuple[Home, str],
) -> None:
    days = imported[0].facts("register_day")
    assert days["assumed"].all()
    # Fall has 85 weekdays, spring 104; the two weeks between them are none.
    assert days.group_by("class_id").len()["len"].to_list() == [85 + 104] * 3
    told = {str(day) for day in days["day"].cast(pl.Date)}
    assert {"2021-12-17", "2022-01-04"} <= told
    assert not {"2021-12-20", "2022-01-03", "2022-05-15"} & told
    events = imported[0].facts("attendance_event")
    assert Counter(events["status"]) == {
        # 1,077 and 773 absences, 66 times late; less the three Sundays, and the day told twice.
        "permitted": 1_077 - 1, "unexcused": 773, "late": 66 - 3,
    }  # fmt: skip


def test_a_list_by_the_rule_for_the_quarter_that_the_data_precede(
    imported: tuple[Home, str],
) -> None:
    home, _ = imported
    said = home.run("publish", "--quarter", "2021-22-Q4", "--language", "en")
    assert said.count("published, id") == 3
    with home.session() as session:
        sizes = dict(
            session.execute(
                select(VisitList.school_id, func.count(VisitListItem.position))
                .join(VisitListItem).group_by(VisitList.school_id)
            ).all()
        )  # fmt: skip
    assert sizes == {"255901001": 8, "255901044": 8, "255901107": 8}
    # After the school year nobody is enrolled any more, and the program says so.
    said = home.run("publish", "--quarter", "2022-23-Q1", code=1)
    assert "nobody is enrolled on 2022-07-01" in said


def test_a_later_delivery_of_absences_alone(imported: tuple[Home, str]) -> None:
    """The calendar and the students are known by then, and no mapping is needed."""
    home, _ = imported
    said = home.run(
        "import", str(DATA / "StudentSchoolAttendance.xml"), str(DATA / "StudentHealth.xml"),
        "--source", "absences", "--delivered-on", "2022-05-29",
    )  # fmt: skip
    assert "read     attendance: 1,917 rows, 5 refused" in said
    assert "refused  attendance: 3 rows, not_a_school_day" in said
    assert "saved    attendance_event: 0 added, 0 changed, 1,912 unchanged" in said
    assert "nothing new: the facts are as they were" in said
    assert "StudentHealth.xml: belongs to no table of the mapping and was not read" in said
