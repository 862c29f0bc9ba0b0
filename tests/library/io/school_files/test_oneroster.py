"""OneRoster bundles: two real ones, and an invented one of version 1.2 with a delta after it."""

from __future__ import annotations

import sqlite3
import zipfile
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from earlywarning.district import District, Visits
from earlywarning.errors import DataError
from earlywarning.io.delivery import Delivery
from earlywarning.io.mapping import parse_mapping
from earlywarning.io.reading import read_delivery
from earlywarning.io.recognising import Inspection, inspect_files
from earlywarning_pipelines import cli
from people import BAMBANG, BUDI, DEWI, SARI, SCHOOL_ID, SITI, SUPARMI

DISTRICT = District(visits=Visits(lottery=False))
DATA = Path(__file__).parents[3] / "data" / "oneroster"

MANIFEST = """propertyName,value
manifest.version,1.0
oneroster.version,1.2
"""
ORGS = f"""sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId
D1,,,Kabupaten Contoh,district,,
{SCHOOL_ID},,,SMP Contoh,school,00000001,D1
"""
SESSIONS = """\
sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear
Y,,,2026/2027,schoolYear,2026-07-13,2027-06-19,,2027
S1,,,Semester Ganjil,semester,2026-07-13,2026-12-19,Y,2027
"""
CLASSES_HEAD = (
    "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods,metadata.room\n"
)
CLASSES = f"""{CLASSES_HEAD}C7A,,,VII-A,07,,,homeroom,,{SCHOOL_ID},Y,,,,12
C7B,,,VII-B,07,,,homeroom,,{SCHOOL_ID},Y,,,,13
M7A,,,Matematika VII-A,07,MAT,,scheduled,,{SCHOOL_ID},Y,,,,
"""
COURSES = "sourcedId,status,dateLastModified,title\nMAT,,,Matematika\n"
USERS_HEAD = (
    "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,"
    "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,userMasterIdentifier,"
    "resourceSourcedIds,preferredGivenName,preferredMiddleName,preferredFamilyName,"
    "primaryOrgSourcedId,pronouns\n"
)


def user(
    number: str, given: str, family: str, identifier: str = "", *, agents: str = "",
    sms: str = "", status: str = "", changed: str = "",
) -> str:  # fmt: skip
    cells = [number, status, changed, "true", f"u{number}", "", given, family, "", identifier]
    cells += ["", sms, "", f'"{agents}"', "07", *[""] * 6, SCHOOL_ID, ""]
    return ",".join(cells) + "\n"


USERS = (
    USERS_HEAD
    + user("p1", "Siti", "Contoh", SITI.local_id)
    + user("p2", "Suparmi", "Suparmi", SUPARMI.local_id, agents="g1")
    + user("p3", "Dewi", "Rahmawati", DEWI.local_id)
    + user("t1", "Sari", "Wulandari", SARI.local_id)
    + user("t2", "Bambang", "O'Connor", BAMBANG.local_id)
    + user("g1", "Ibu", "Contoh", sms="0000-111-222")
    + user("g2", "Bapak", "Contoh", agents="p1,p2")
    + user("x1", "Nobody", "Knows")
)
ROLES_HEAD = (
    "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
    "userProfileSourcedId\n"
)
ROLES = ROLES_HEAD + "".join(
    f"r{number},,,{number},primary,{role},,,{SCHOOL_ID},\n"
    for number, role in (
        ("p1", "student"), ("p2", "student"), ("p3", "student"), ("t1", "teacher"),
        ("t2", "teacher"), ("g1", "parent"), ("g2", "parent"),
    )
)  # fmt: skip
DEMOGRAPHICS = """sourcedId,status,dateLastModified,birthDate,sex
p1,,,2014-02-03,female
p2,,,2013-12-31,unspecified
p3,,,2014-05-06,Female
g1,,,,female
g2,,,,male
"""
ENROLLMENTS_HEAD = (
    "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
    "beginDate,endDate\n"
)
ENROLLMENTS = f"""{ENROLLMENTS_HEAD}e1,,,C7A,{SCHOOL_ID},p1,student,,,2027-06-19
e2,,,C7A,{SCHOOL_ID},p2,student,,2026-07-13,2026-09-01
e3,,,C7B,{SCHOOL_ID},p2,student,,2026-09-01,
e4,,,C7B,{SCHOOL_ID},p3,student,,2026-08-03,2026-10-05
e5,,,M7A,{SCHOOL_ID},p1,student,,,
e6,,,C7A,{SCHOOL_ID},t1,teacher,true,,
e7,,,C7A,{SCHOOL_ID},t2,teacher,false,,
e8,,,C7B,{SCHOOL_ID},t2,teacher,false,,
e9,,,C9Z,{SCHOOL_ID},p1,student,,,
e10,,,C7A,{SCHOOL_ID},p9,student,,,
"""
CATEGORIES = "sourcedId,status,dateLastModified,title\nk1,,,Rapor\n"
LINE_ITEMS = """\
sourcedId,status,dateLastModified,title,description,assignDate,dueDate,classSourcedId,\
categorySourcedId,academicSessionSourcedId,resultValueMin,resultValueMax,schoolSourcedId
i1,,,Nilai Rapor,,2026-12-01,2026-12-10,M7A,k1,S1,0,50,
i2,,,Tugas 1,,2026-08-01,2026-08-10,M7A,k1,S1,0,10,
"""
RESULTS_HEAD = (
    "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,score,"
    "scoreDate,comment\n"
)
RESULTS = f"""{RESULTS_HEAD}n1,,,i1,p1,fully graded,45,2026-12-10,
n2,,,i1,p2,exempt,,2026-12-10,
n3,,,i2,p1,fully graded,7,2026-08-10,
n4,,,i9,p1,fully graded,7,2026-08-10,
n5,,,i1,p3,fully graded,,2026-12-10,
"""
BULK = {
    "orgs": ORGS, "academicSessions": SESSIONS, "classes": CLASSES, "courses": COURSES,
    "users": USERS, "roles": ROLES, "demographics": DEMOGRAPHICS, "enrollments": ENROLLMENTS,
}  # fmt: skip
GRADEBOOK = {"categories": CATEGORIES, "lineItems": LINE_ITEMS, "results": RESULTS}
UNREAD = {"userProfiles": "sourcedId,status,dateLastModified,userSourcedId\n"}


def bundle(folder: Path, files: dict[str, str], mode: str = "bulk") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"file.{name},{mode}\n" for name in files)
    (folder / "manifest.csv").write_text(f"{MANIFEST}{lines}file.resources,absent\n")
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def looked(*paths: Path) -> Inspection:
    found = inspect_files(list(paths), source="roster")
    assert [item.problem for item in found.files if item.problem] == []
    return found


def read(found: Inspection, *paths: Path, change: tuple[str, str] = ("", "")) -> Delivery:
    text = found.mapping.replace(*change) if change[0] else found.mapping
    assert change[0] in found.mapping
    return read_delivery(list(paths), parse_mapping(text), district=DISTRICT)


def refused(delivery: Delivery) -> list[tuple[str, int, str, str]]:
    columns = ("file", "row", "column", "reason")
    return sorted(delivery.refused.select(columns).rows())


def test_version_1_1_as_a_vendor_wrote_it() -> None:
    found = looked(DATA / "v1.1")
    (item,) = found.files
    assert found.questions == ()
    assert item.found is not None
    assert item.found.what.startswith("OneRoster 1.1, bulk of 2020-21: 8 students known by source")
    assert "the grade level stands for the class" in item.found.warnings[0]
    with read(found, DATA / "v1.1") as delivery:
        # Both teachers' rows have a field too many.
        assert refused(delivery) == [
            ("v1.1/users.csv", 10, None, "too_many_fields"),
            ("v1.1/users.csv", 11, None, "too_many_fields"),
        ]
        assert delivery.frame("school").select("school_id", "name").rows() == [
            ("255901001", "Grand Bend High School")
        ]
        students = delivery.frame("student").select("student", "full_name", "sex", "birth_date")
        assert students.height == 8
        assert students.rows()[2] == ("604918", "Peter Ivan Nash", "M", date(1997, 1, 18))
        groups = delivery.frame("class_group")
        assert groups.select("school_year", "class_name", "grade_level").rows() == [
            ("2020-21", "09", 9)
        ]
        stays = delivery.frame("enrollment").select("student", "entry_date", "exit_date")
        assert stays["student"].to_list() == students["student"].to_list()
        assert set(stays["entry_date"]) == {date(2020, 8, 17)}
        assert stays["exit_date"].null_count() == 8


def test_version_1_0_has_no_manifest_and_no_dates_of_enrollment() -> None:
    found = looked(DATA / "v1.0")
    with read(found, DATA / "v1.0") as delivery:
        assert delivery.refused.is_empty()
        assert delivery.frame("staff").select("staff", "name", "role").rows() == [
            ("207270", "Kelley Christian", "teacher"), ("207268", "Sara Preston", "teacher"),
        ]  # fmt: skip
        stays = delivery.frame("enrollment").select("class_name", "grade_level", "entry_date")
        assert stays.unique().rows() == [("9", 9, date(2020, 8, 17))]
        assert stays.height == delivery.frame("student").height == 8
        assert delivery.frame("student")["birth_date"].null_count() == 0


@pytest.mark.parametrize("is_zip", [False, True])
def test_version_1_2_joins_roles_classes_families_and_grades(tmp_path: Path, is_zip: bool) -> None:
    folder = bundle(tmp_path / "export", BULK | UNREAD)
    path, name = folder, "export/"
    if is_zip:
        path, name = tmp_path / "roster.zip", "roster.zip/"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, file.name)
    found = looked(path)
    assert found.questions == ()
    (item,) = found.files
    assert item.name == name
    assert item.found is not None
    assert item.found.what == (
        "OneRoster 1.2, bulk of 2026-27: 3 students known by identifier, 2 staff known by "
        "identifier, 2 homeroom classes"
    )
    with read(found, path) as delivery:
        assert delivery.frame("student").select("student", "full_name", "sex").rows() == [
            (SITI.local_id, "Siti Contoh", "F"), (SUPARMI.local_id, "Suparmi", None),
            (DEWI.local_id, "Dewi Rahmawati", "F"),
        ]  # fmt: skip
        groups = delivery.frame("class_group")
        assert groups.select("class_name", "grade_level", "homeroom_staff").rows() == [
            ("VII-A", 7, SARI.local_id), ("VII-B", 7, BAMBANG.local_id),
        ]  # fmt: skip
        stays = delivery.frame("enrollment")
        assert stays.select("student", "class_name", "entry_date", "exit_date").rows() == [
            (SITI.local_id, "VII-A", date(2026, 7, 13), None),
            (SUPARMI.local_id, "VII-A", date(2026, 7, 13), date(2026, 9, 1)),
            (SUPARMI.local_id, "VII-B", date(2026, 9, 1), None),
            (DEWI.local_id, "VII-B", date(2026, 8, 3), date(2026, 10, 5)),
        ]  # fmt: skip
        guardians = delivery.frame("guardian").select("student", "relation", "full_name", "phone")
        assert guardians.rows() == [
            (SUPARMI.local_id, "mother", "Ibu Contoh", "0000-111-222"),
            (SITI.local_id, "father", "Bapak Contoh", None),
            (SUPARMI.local_id, "father", "Bapak Contoh", None),
        ]  # fmt: skip
        assert refused(delivery) == [
            (f"{name}enrollments.csv", 10, "classSourcedId", "no_such_reference"),
            (f"{name}enrollments.csv", 11, "userSourcedId", "no_such_reference"),
            (f"{name}users.csv", 9, "sourcedId", "no_such_reference"),
        ]


def test_grades_ask_which_quarter_and_which_line_items(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "export", BULK | GRADEBOOK)
    found = looked(folder)
    (period, question), (items, _) = found.questions
    assert period == "values.period of grade"
    assert "'Semester Ganjil'" in question
    assert items == "options.line_items of grade"
    head, _, grade = found.mapping.rpartition("[[table]]")
    answered = grade.replace("[table.options]", '[table.options]\nline_items = ["nilai *"]')
    answered += '[table.values.period]\n"Semester Ganjil" = "2026-27-Q2"\n'
    mapping = parse_mapping(head + "[[table]]" + answered)
    with read_delivery([folder], mapping, district=DISTRICT) as delivery:
        assert delivery.frame("grade").select(
            "student", "subject", "period", "score", "max_score", "date"
        ).rows() == [(SITI.local_id, "Matematika", "2026-27-Q2", 45.0, 50.0, date(2026, 12, 10))]
        rows = [row for row in refused(delivery) if "results" in row[0]]
        assert rows == [
            ("export/results.csv", 5, "lineItemSourcedId", "no_such_reference"),
            ("export/results.csv", 6, "score", "missing"),
        ]


def test_a_delta_ends_what_was_deleted_and_says_what_it_cannot_join(tmp_path: Path) -> None:
    mapping = looked(bundle(tmp_path / "bulk", BULK | GRADEBOOK)).mapping
    at = "2026-11-02T01:00:00.000Z"
    delta = {
        "academicSessions": SESSIONS,
        "classes": f"{CLASSES_HEAD}C7A,active,{at},VII-A,07,,,homeroom,,{SCHOOL_ID},Y,,,,12\n",
        "users": USERS_HEAD
        + user("p1", "Siti", "Contoh", SITI.local_id, status="active", changed=at)
        + user("p2", "Suparmi", "Suparmi", SUPARMI.local_id, status="tobedeleted", changed=at)
        + user("p8", "Budi", "Fulan", BUDI.local_id, status="tobedeleted", changed=at),
        "roles": ROLES_HEAD + f"r8,active,{at},p8,primary,student,,,{SCHOOL_ID},\n"
        f"r1,active,{at},p1,primary,student,,,{SCHOOL_ID},\n"
        f"r2,active,{at},p2,primary,student,,,{SCHOOL_ID},\n",
        "enrollments": ENROLLMENTS_HEAD
        + f"e1,tobedeleted,{at},C7A,{SCHOOL_ID},p1,student,,,2027-06-19\n"
        + f"e2,active,{at},C7A,{SCHOOL_ID},p2,student,,2026-07-13,\n"
        + f"e3,active,{at},C7B,{SCHOOL_ID},p1,student,,2026-11-02,\n"
        + f"e4,tobedeleted,,C7A,{SCHOOL_ID},p1,student,,2026-07-13,\n",
        "lineItems": LINE_ITEMS,
        "results": f"{RESULTS_HEAD}n1,tobedeleted,{at},i1,p1,fully graded,45,2026-12-10,\n",
    }
    folder = bundle(tmp_path / "delta", delta, "delta")
    questions = dict(looked(folder).questions)
    assert "options.student" in questions
    known = pl.DataFrame(
        {"school_id": [SCHOOL_ID] * 3, "student": [SITI.local_id, SUPARMI.local_id, DEWI.local_id]}
    )
    with read_delivery(
        [folder], parse_mapping(mapping), district=DISTRICT, known_students=known
    ) as delivery:
        stays = delivery.frame("enrollment")
        assert stays.select("student", "class_name", "entry_date", "exit_date").rows() == [
            (SITI.local_id, "VII-A", date(2026, 7, 13), date(2026, 11, 2)),
            (SUPARMI.local_id, "VII-A", date(2026, 7, 13), date(2026, 11, 2)),
        ]  # fmt: skip
        # A child that the source deletes stays in the register, and is delivered no more.
        assert delivery.frame("student")["student"].to_list() == [SITI.local_id]
        assert refused(delivery) == [
            ("delta/enrollments.csv", 4, "classSourcedId", "no_such_reference"),
            ("delta/enrollments.csv", 5, "dateLastModified", "missing"),
            ("delta/results.csv", 2, "status", "cannot_withdraw"),
            ("delta/users.csv", 4, "sourcedId", "no_such_reference"),
        ]


def test_a_delta_without_homeroom_classes_is_not_read(tmp_path: Path) -> None:
    files = {name: BULK[name] for name in ("academicSessions", "users", "roles", "enrollments")}
    folder = bundle(tmp_path / "delta", files, "delta")
    found = looked(folder)
    assert {"options.classes", "options.school_year"} <= {key for key, _ in found.questions}
    with pytest.raises(DataError, match="changes alone do not say who left"):
        read(found, folder, change=('"homeroom"', '"grade_level"'))


def test_rows_marked_as_deleted_in_a_bulk_file_are_left_out_and_told(tmp_path: Path) -> None:
    users = USERS.replace("p3,,,true", "p3,tobedeleted,,true")
    folder = bundle(tmp_path / "export", BULK | {"users": users})
    with read(looked(folder), folder) as delivery:
        assert delivery.frame("student")["student"].to_list() == [SITI.local_id, SUPARMI.local_id]
        gone = ("export/enrollments.csv", 5, "userSourcedId", "no_such_reference")
        assert gone in refused(delivery)


def test_a_bundle_that_lacks_what_it_announces_is_incomplete(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "export", BULK)
    found = looked(folder)
    (folder / "enrollments.csv").unlink()
    again = inspect_files([folder], source="roster")
    assert "announces enrollments.csv, which the bundle does not hold" in again.files[0].problem
    with pytest.raises(DataError, match="it is incomplete, export it again"):
        read(found, folder)


def test_other_files_beside_the_bundle_stay_for_other_readers(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "export", BULK)
    (folder / "absensi.csv").write_text("id_siswa,tgl,kode\n0101,2026-09-01,H\n0102,2026-09-01,S\n")
    (folder / "results.csv").write_text("nama,nilai\nSiti,90\n")
    found = inspect_files([folder], source="roster")
    bundle_item = next(item for item in found.files if item.name == "export/")
    assert "absensi.csv" not in bundle_item.patterns
    assert "results.csv" not in bundle_item.patterns
    own = """
[[table]]
table = "attendance"
file = "absensi.csv"
namespace = "id"
[table.columns]
student = "id_siswa"
date = "tgl"
code = "kode"
[table.constants]
school_id = "SCH1"
"""
    (folder / "results.csv").unlink()
    entries = [part for part in found.mapping.split("\n[[table]]") if "absensi.csv" not in part]
    mapping = parse_mapping("\n[[table]]".join(entries) + own)
    with read_delivery([folder], mapping, district=DISTRICT) as delivery:
        marks = delivery.frame("attendance").select("student", "code", "_file").rows()
        assert marks == [(SITI.local_id, "S", "absensi.csv")]
        assert delivery.rows["student"] == 3
        assert ("absensi.csv", 2, "id_siswa", "unknown_student") in refused(delivery)


def test_dates_in_other_styles_are_read_and_told_but_never_month_first(tmp_path: Path) -> None:
    other = ENROLLMENTS.replace("2026-08-03,2026-10-05", "03/08/2026,25/10/2026")
    folder = bundle(tmp_path / "export", BULK | {"enrollments": other})
    with read(looked(folder), folder) as delivery:
        dewi = delivery.frame("enrollment").filter(pl.col("student") == DEWI.local_id)
        assert dewi.select("entry_date", "exit_date").rows() == [
            (date(2026, 8, 3), date(2026, 10, 25))
        ]
        told = [text for text in delivery.warnings if "not written as the standard" in text]
        assert told
        assert all("%d/%m/%Y" in text for text in told)
    american = ENROLLMENTS.replace("2026-08-03,2026-10-05", "08/23/2026,10/25/2026")
    again = bundle(tmp_path / "american", BULK | {"enrollments": american})
    mapping = looked(folder).mapping
    with pytest.raises(DataError, match=r"endDate seems to be month first \(10/25/2026\)"):
        read_delivery([again], parse_mapping(mapping), district=DISTRICT)
    said = mapping.replace("[table.options]", '[table.options]\ndates = "%m/%d/%Y"')
    with read_delivery([again], parse_mapping(said), district=DISTRICT) as delivery:
        dewi = delivery.frame("enrollment").filter(pl.col("student") == DEWI.local_id)
        assert dewi["entry_date"].to_list() == [date(2026, 8, 23)]


def test_a_zip_is_imported_without_a_mapping_and_a_delta_by_the_one_that_was_written(
    tmp_path: Path,
) -> None:
    home, written = tmp_path / "home", tmp_path / "mapping.toml"

    def run(*words: str | Path) -> str:
        words = ("--home", home, *words)
        result = CliRunner().invoke(cli.app, [str(word) for word in words])
        assert result.exit_code == 0, result.output
        return result.output

    run("init", "--name", "SMP Contoh", "--no-lottery")
    folder = bundle(tmp_path / "export", BULK)
    path = tmp_path / "roster.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    run("inspect", path, "--out", written, "--source", "roster")
    run("import", path, "--source", "roster", "--delivered-on", "2026-10-01")
    refusals = (home / "refused.csv").read_text()
    assert "roster.zip/enrollments.csv;;10;classSourcedId;C9Z;" in refusals
    at = "2026-11-02T01:00:00.000Z"
    delta = {
        "academicSessions": SESSIONS, "classes": CLASSES,
        "users": USERS_HEAD + user("p1", "Siti", "Contoh", SITI.local_id),
        "roles": ROLES_HEAD + f"r1,active,{at},p1,primary,student,,,{SCHOOL_ID},\n",
        "enrollments": ENROLLMENTS_HEAD
        + f"e1,tobedeleted,{at},C7A,{SCHOOL_ID},p1,student,,,2027-06-19\n"
        + f"e11,active,{at},C7B,{SCHOOL_ID},p1,student,,2026-11-02,\n",
    }  # fmt: skip
    written.write_text(written.read_text().replace("roster.zip/", ""))
    run("import", bundle(tmp_path / "delta", delta, "delta"), "--mapping", written,
        "--delivered-on", "2026-11-05", "--confirm")  # fmt: skip
    with sqlite3.connect(home / "register.db") as register:
        placed = register.execute(
            "SELECT local_id, class_id FROM student ORDER BY local_id"
        ).fetchall()
    assert [(number, place.rpartition("/")[2]) for number, place in placed] == [
        (SITI.local_id, "VII-B"), (SUPARMI.local_id, "VII-B"), (DEWI.local_id, "VII-B"),
    ]  # fmt: skip


def test_options_are_checked_and_sourced_ids_can_be_asked_for(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "export", BULK)
    found = looked(folder)
    change = ('student = "identifier"', 'student = "sourcedId"')
    with read(found, folder, change=change) as delivery:
        assert delivery.frame("student")["student"].to_list() == ["p1", "p2", "p3"]
        assert ("export/enrollments.csv", 11, "student", "unknown_student") in refused(delivery)
    with pytest.raises(DataError, match="option student is 'username'; allowed: sourcedId"):
        read(found, folder, change=('student = "identifier"', 'student = "username"'))
    with pytest.raises(DataError, match="there is no option colour"):
        read(found, folder, change=("[table.options]", '[table.options]\ncolour = "red"'))


def test_school_data_sync_files_are_no_bundle(tmp_path: Path) -> None:
    """Microsoft's own format has the same file names and other fields."""
    (tmp_path / "users.csv").write_text("sourcedId,username,givenName,familyName\n1,a,b,c\n")
    (tmp_path / "enrollments.csv").write_text("classSourcedId,userSourcedId,role\n1,1,student\n")
    found = inspect_files([tmp_path], source="s")
    assert all(item.found is None or item.found.layout != "oneroster" for item in found.files)
