"""Importing over the service: sent, looked at, confirmed; the import is a process of its own."""

from __future__ import annotations

import fcntl
import io
import json
import os
import stat
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from earlywarning.io.register import import_jobs
from earlywarning.io.register.audit_log import AuditEvent
from earlywarning.io.register.job_tables import ImportJob
from earlywarning.io.register.models import ImportBatch
from earlywarning_api.guard import MAX_UPLOAD
from earlywarning_api.import_desk import labels_of
from service_world import NOW, World, installed_world

DATA = Path(__file__).parents[1] / "data" / "two_classes"
FILES = {path.name: path.read_bytes() for path in sorted(DATA.glob("*.csv"))}
MAPPING = {"mapping.toml": (DATA / "mapping.toml").read_bytes()}
PATIENCE = 240
SAID = {"school_year": "2026-27", "entry_date": "2026-07-13", "blank": "unrecorded"}


@dataclass(frozen=True)
class School:
    """An installation with people and users and no facts."""

    world: World
    home: Path

    def as_(self, who: str) -> TestClient:
        return self.world.as_(who)

    def send(self, files: dict[str, bytes], who: str = "coordinator") -> Any:
        form = [("files", (name, content)) for name, content in files.items()]
        return self.as_(who).post("/api/v1/imports", files=form)

    def ended(self, id_: str, who: str = "coordinator") -> dict[str, Any]:
        """The import, once nothing runs any more."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            found = self.as_(who).get(f"/api/v1/imports/{id_}").json()
            if found["status"] not in ("reading", "saving"):
                return found
            time.sleep(0.2)
        raise AssertionError("it did not end")

    def looked(self, files: dict[str, bytes], who: str = "coordinator") -> dict[str, Any]:
        sent = self.send(files, who)
        assert sent.status_code == 202, sent.text
        assert sent.json()["status"] == "reading"
        return self.ended(sent.json()["import_id"], who)

    def post(self, found: dict[str, Any], what: str, body: Any, who: str = "coordinator") -> Any:
        return self.as_(who).post(f"/api/v1/imports/{found['import_id']}/{what}", json=body)

    def place(self, found: dict[str, Any]) -> Path:
        return self.home / "uploads" / found["import_id"]


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    home = tmp_path / "home"
    with installed_world(home) as world:
        yield School(world, home)


def test_nothing_is_saved_before_it_is_confirmed(school: School) -> None:
    asked = school.looked(FILES)
    assert asked["status"] == "refused"
    assert {one["key"] for one in asked["questions"]} == set(SAID)
    assert {one["layout"] for one in asked["understood"]} == {"plain_table"}
    assert school.post(asked, "confirmation", {}).status_code == 409
    assert school.post(asked, "answers", SAID).status_code == 202
    shown = school.ended(asked["import_id"])
    assert shown["status"] == "waiting", shown
    assert next(one for one in shown["tables"] if one["table"] == "student")["read"] == 5
    folder = school.home / "uploads"
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 or path.parent != folder
    assert school.world.register.current_snapshot() is None
    # Nobody else of another school, and no data staff, sees it.
    for who in ("other coordinator", "data_staff"):
        path = f"/api/v1/imports/{shown['import_id']}"
        assert school.as_(who).get(path).status_code == 404
    body = {"unusual_is_right": bool(shown["unusual"])}
    assert school.post(shown, "confirmation", body).status_code == 202
    saved = school.ended(shown["import_id"])
    assert saved["status"] == "finished"
    assert school.world.register.current_snapshot() is not None
    left = {path.name for path in school.place(saved).iterdir()}
    assert left <= {"preview.json", "saved.json", "refused.csv"}
    assert school.post(saved, "confirmation", {}).status_code == 409
    with school.world.register.session() as session:
        assert session.get(ImportBatch, saved["import_id"]) is not None
        actions = set(session.scalars(select(AuditEvent.action)))
    assert {"import.uploaded", "import.answered", "import.confirmed"} <= actions


@pytest.mark.slow
def test_a_corrected_file_says_what_is_wrong_where(school: School) -> None:
    first = school.looked(FILES)
    school.post(first, "answers", SAID)
    first = school.ended(first["import_id"])
    school.post(first, "confirmation", {"unusual_is_right": True})
    assert school.ended(first["import_id"])["status"] == "finished"
    lines = FILES["kehadiran.csv"].decode().splitlines()
    lines[1] = '"=HYPERLINK(""http://x"")";' + lines[1].partition(";")[2]
    wrong = school.looked({**FILES, "kehadiran.csv": "\n".join(lines).encode()})
    school.post(wrong, "answers", SAID)
    wrong = school.ended(wrong["import_id"])
    assert wrong["status"] == "waiting", wrong
    (fault,) = wrong["faults"]
    assert (fault["file"], fault["row"], fault["column"]) == ("kehadiran.csv", 2, "NIS")
    assert fault["found"].startswith("=HYPERLINK")
    table = school.as_("coordinator").get(f"/api/v1/imports/{wrong['import_id']}/faults.csv")
    assert "'=HYPERLINK" in table.text
    assert 'filename="faults.csv"' in table.headers["content-disposition"]
    path = f"/api/v1/imports/{wrong['import_id']}"
    assert school.as_("coordinator").delete(path).status_code == 204
    assert not school.place(wrong).exists()
    assert school.as_("coordinator").get(path).json()["status"] == "withdrawn"


@pytest.mark.slow
def test_another_schools_rows_are_refused_and_data_staff_read_no_names(school: School) -> None:
    other = school.looked({**FILES, **MAPPING})
    assert other["status"] == "refused"
    assert "SMP-CONTOH" in other["problem"]
    roster = FILES["siswa.csv"].replace(b"0102;Ahmad Fauzi", b"0101;Ahmad Fauzi")
    shown = school.looked({**FILES, "siswa.csv": roster, **MAPPING}, "data_staff")
    assert shown["faults_total"] > 0
    assert "Ahmad" not in str(shown)
    assert "Siti" not in str(shown)
    path = f"/api/v1/imports/{shown['import_id']}/faults.csv"
    assert school.as_("data_staff").get(path).status_code == 403


def test_what_is_wrong_stands_on_the_page_in_indonesian_without_our_folders(school: School) -> None:
    odd = MAPPING["mapping.toml"].replace(b"[[table]]", b"[[table]]\nkolom = 3", 1)
    broken = {"a.pdf": b"%PDF-1.4", "siswa.csv": "NIS;Nama;Kelas\n".encode("utf-32")}
    for files, said in (
        (
            {**FILES, "mapping.toml": odd},
            "mapping.toml: [[table]] 1 (staff): kunci &#39;kolom&#39;",
        ),
        (broken, "berupa teks UTF-32; simpan sebagai CSV (UTF-8) atau XLSX"),
    ):
        found = school.looked(files)
        assert found["status"] == "refused"
        assert str(school.home) not in str(found)
        page = school.as_("coordinator").get(f"/imports/{found['import_id']}").text
        assert said in page
        assert page.count("berupa dokumen PDF") == ("a.pdf" in files)
        assert 'lang="en"' not in page.partition("<main")[2].partition("</main>")[0]


@pytest.mark.slow
def test_damaged_files_and_bombs_change_nothing(school: School) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("siswa.csv", b"0" * 150_000_000)
    for name, content in (
        ("bom.zip", bomb.getvalue()),
        ("rusak.xlsx", b"PK\x03\x04" + b"\x00" * 2000),
        ("foto.csv", os.urandom(5000)),
    ):
        found = school.looked({name: content})
        assert found["status"] == "refused", (name, found)
        assert found["understood"][0]["problem"]
    assert school.world.register.current_snapshot() is None


def test_what_is_no_upload_is_refused_at_once(school: School) -> None:
    client = school.as_("coordinator")
    assert client.post("/api/v1/imports", json={}).status_code == 415
    assert school.send({"kosong.csv": b""}).status_code == 422
    assert client.post("/api/v1/imports", data={"a": "b"}, files={}).status_code == 415
    assert school.send({f"{n}.csv": b"a;b" for n in range(21)}).status_code == 422
    assert school.send(MAPPING).status_code == 422
    big = {"besar.csv": b"x" * (MAX_UPLOAD + 1)}
    assert school.send(big).status_code == 413
    chunks = (b"x" * 65536 for _ in range(MAX_UPLOAD // 65536 + 2))
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    assert client.post("/api/v1/imports", content=chunks, headers=kind).status_code == 413
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    form = [("files", ("a.csv", b"a"))]
    for path in ("/api/v1/imports", "/imports"):
        assert client.post(path, files=form, headers=elsewhere).status_code == 403
    assert not list((school.home / "uploads").glob("*"))


def waiting(school: School, status: str) -> str:
    with school.world.register.session(writing=True) as session:
        session.add(
            ImportJob(job_id="7" * 32, school_id="SCH1", status=status, made_by="terminal",
                      made_at=NOW, changed_at=NOW, files=[["a.csv", 1]], said={}, summary={})
        )  # fmt: skip
        session.commit()
    (school.home / "uploads" / ("7" * 32)).mkdir(parents=True)
    return "7" * 32


@pytest.mark.parametrize("status", ["reading", "saving"])
def test_one_runs_at_a_time_and_a_dead_one_says_so(school: School, status: str) -> None:
    id_ = waiting(school, status)
    lock = os.open(school.home / "uploads" / id_ / "lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        assert school.send({"a.csv": b"a;b"}).status_code == 409
        path = f"/api/v1/imports/{id_}"
        assert school.as_("coordinator").get(path).json()["status"] == status
        assert school.as_("coordinator").delete(path).status_code == 409
    finally:
        os.close(lock)
    assert school.as_("coordinator").get(path).json()["status"] == "failed"


def test_what_is_wrong_with_an_answer_is_told_of_its_name(school: School) -> None:
    id_ = waiting(school, "waiting")
    place = school.home / "uploads" / id_
    asked = {"key": "q1-x", "name found": "Hana Siregar", "class": None, "birth date": None,
             "rows": 1, "proposed student": None, "proposed name": None, "proposed class": None,
             "how sure": None}  # fmt: skip
    preview = {"status": "preview", "people": [asked], "people_total": 1}
    problem = (
        "the answers cannot be used; nothing was saved:\n  answers.csv: row 2, column answer: '9' "
        "is no student of this school; allowed: yes, no, or a student's number"
    )
    (place / "preview.json").write_text(json.dumps(preview))
    (place / "saved.json").write_text(json.dumps({"status": "refused", "problem": problem}))
    (place / "answers.csv").write_text("key;answer\r\nq1-x;9\r\n")
    page = school.as_("coordinator").get(f"/imports/{id_}").text
    assert "disimpan:\n  Hana Siregar: &#39;9&#39; bukan siswa sekolah ini; yang boleh" in page


def test_what_waits_longer_than_a_day_is_removed(school: School) -> None:
    id_ = waiting(school, "waiting")
    os.utime(school.home / "uploads" / id_, (0, 0))
    desk = school.world.app.state.desk
    desk.settle_all()
    assert (school.home / "uploads" / id_).exists()
    school.world.app.state.clock = lambda: NOW
    with school.world.register.session(writing=True) as session:
        session.get_one(ImportJob, id_).made_at = NOW - 2 * import_jobs.KEPT_FOR
        session.commit()
    desk.settle_all()
    assert not (school.home / "uploads" / id_).exists()
    (one,) = school.as_("coordinator").get("/api/v1/imports").json()["imports"]
    assert one["status"] == "expired"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("2026-09.csv", "2026-09.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\berkas\\Absen VII A.xlsx", "Absen VII A.xlsx"),
        (".bashrc", "bashrc"),
        ("--confirm", "confirm"),
        ("a\nb;c.csv", "a_b_c.csv"),
        ("nul\x00.csv", "nul.csv"),
        ("\u202egpj.csv", "gpj.csv"),
        ("..", "file"),
        ("", "file"),
        ("x" * 300 + ".csv", "x" * 97 + ".csv"),
    ],
)
def test_names_of_files_are_names_and_nothing_more(name: str, kept: str) -> None:
    assert labels_of([name]) == [kept]


def test_two_files_of_one_name_stay_two() -> None:
    assert labels_of(["a.csv", "A.csv", "x/a.csv"]) == ["a.csv", "A (2).csv", "a (3).csv"]
