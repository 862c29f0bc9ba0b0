"""The commands as people type them: what they do, and what they say when something is wrong."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import typer
from typer.testing import CliRunner

import earlywarning
from earlywarning.io.register import db
from earlywarning.records import codes
from earlywarning.settings import Settings
from earlywarning_pipelines import cli
from earlywarning_pipelines.console import CONFIRM_EXIT

ROOT = Path(__file__).parents[2]
TWO_CLASSES = ROOT / "tests" / "data" / "two_classes"
MAPPING = str(TWO_CLASSES / "mapping.toml")
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


def run(*words: str | Path) -> Said:
    """Run a command in this process; anything but a clean exit is a traceback to its user."""
    result = CliRunner().invoke(cli.app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def done(*words: str | Path) -> str:
    """What a command prints that must succeed."""
    said = run(*words)
    assert said.code == 0, said.err
    return said.out


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test stands in an empty folder, with no settings of this machine."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("EARLYWARNING_")]:
        monkeypatch.delenv(name)


def imported(home: Path) -> Path:
    """An installation with the school of two classes."""
    done("--home", home, "init", "--name", "SMP Contoh", "--no-lottery")
    done("--home", home, "import", "--mapping", MAPPING, "--delivered-on", "2026-10-01",
         TWO_CLASSES)  # fmt: skip
    return home


def copied(folder: Path) -> Path:
    """The files of the two classes, to be changed."""
    folder.mkdir()
    for path in TWO_CLASSES.glob("*.csv"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with a published list; tests of this module only read it."""
    home = imported(tmp_path_factory.mktemp("published") / "home")
    done("--home", home, "publish", "--quarter", "2026-27-Q2", "--by", "Bu Ratna")
    return home


def list_id(home: Path) -> str:
    return done("--home", home, "lists").split()[0]


def every_command(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, command in sorted(getattr(group, "commands", {}).items()):
        yield from every_command(command, (*path, name))


TREE = list(every_command(typer.main.get_command(cli.app)))


def command_at(path: tuple[str, ...]) -> Any:
    found: Any = typer.main.get_command(cli.app)
    for name in path:
        found = found.commands[name]
    return found


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_every_command_and_option_says_what_it_is_for(path: tuple[str, ...]) -> None:
    assert "Usage:" in done(*path, "--help")
    command = command_at(path)
    assert command.help
    assert not [one.name for one in command.params if not one.help]


def test_from_files_to_a_list_that_can_be_shown_and_rebuilt(tmp_path: Path) -> None:
    home = tmp_path / "home"
    said = done("--home", home, "init", "--name", "SMP Contoh", "--no-lottery")
    assert str(home / "district.toml") in said
    assert home.stat().st_mode & 0o077 == 0
    take = ("--home", home, "import", "--mapping", MAPPING, "--delivered-on", "2026-10-01")
    said = done(*take, "--preview", TWO_CLASSES)
    assert "would save attendance_event: 15 added" in said
    assert said.endswith("nothing was saved\n")
    said = done(*take, TWO_CLASSES)
    assert "read     attendance: 100 rows\n" in said
    assert "saved    student: 5 added, 0 changed, 0 unchanged" in said
    assert "no row was refused" in said
    assert "nothing new" in done(*take, TWO_CLASSES)
    assert "no list yet" in done("--home", home, "lists")
    said = done("--home", home, "draft", "--quarter", "2026-27-Q2", "--language", "en")
    # Siti was absent on 9 of 20 days, Budi on 4; their families come first.
    assert "2026-27-Q2 SMP-CONTOH: draft, id " in said
    assert "  Attendance: Rule (thresholds). No model was trained" in said
    assert "  Grades: No records of this kind were known yet, so it was left out" in said
    assert "   1  VII-A    Siti Aminah\n      Visit first · Concern · Sari Wulandari" in said
    assert "Absent 9 of 20 school days since 1 Jul 2026 (known before 1 Oct 2026)" in said
    said = done("--home", home, "publish", "--quarter", "2026-27-Q2", "--by", "Bu Ratna",
                "--first", "1")  # fmt: skip
    assert "2 more families: `earlywarning show" in said
    assert "Kunjungi dulu" in said  # the district's language
    assert "published  20" in done("--home", home, "lists")
    found = list_id(home)
    whole = done("--home", home, "show", found)
    assert [name for name in ("Siti", "Suparmi", "Budi") if name in whole] == [
        "Siti", "Suparmi", "Budi",
    ]  # fmt: skip
    part = done("--home", home, "show", found, "--class", "VII-B", "--language", "en")
    assert "Budi Fauzi: Absent 4 of 20" in part
    assert "Siti" not in part
    other_spelling = ("show", found, "--class", "kelas 7b", "--language", "en")
    assert done("--home", home, *other_spelling) == part
    record = done("--home", home, "show", found, "--record")
    assert hashlib.sha256(record.encode()).hexdigest()[:16] in whole
    assert "Siti" not in record
    assert "identical" in done("--home", home, "rebuild", found)


def test_a_list_that_rebuilds_otherwise_says_where_and_which_versions(tmp_path: Path) -> None:
    home = imported(tmp_path / "home")
    done("--home", home, "publish", "--quarter", "2026-27-Q2", "--by", "Bu Ratna")
    found = list_id(home)
    with closing(sqlite3.connect(home / "register.db")) as register, register:
        # As if another version had given another order.
        (frozen,) = register.execute("SELECT frozen FROM visit_list").fetchone()
        other = bytes(frozen).replace(b'"rank":1,', b'"rank":9,', 1)
        register.execute(
            "UPDATE visit_list SET frozen = ?, frozen_sha256 = ?",
            (other, hashlib.sha256(other).hexdigest()),
        )
    said = run("--home", home, "rebuild", found)
    assert said.code == 1
    version = earlywarning.__version__
    assert re.search(r"DIFFERENT: /households/\d+/rank is 1, recorded was 9; ", said.out)
    assert f"made by earlywarning {version}, this is {version}" in said.out


def test_training_without_history_says_that_the_rule_serves(published: Path) -> None:
    said = done("--home", published, "train", "--outcome", "attendance", "--as-of", "2026-10-01")
    page = published / "reports" / "attendance-2026-10-01.html"
    assert said == (
        "no closed quarter on record yet, so there is nothing to compare\n"
        "  attendance: rule serves. There is too little history to train a model, so the rule "
        "decides\n"
        f"    how sure, for whom and how stable: {page}\n"
        "    version 1, put in service by earlywarning train: the first model of this outcome\n"
    )
    assert page.exists()


def test_a_teacher_who_can_visit_nobody_is_named(tmp_path: Path) -> None:
    files = copied(tmp_path / "files")
    staff = files / "guru.csv"
    staff.write_text(staff.read_text("utf-8").replace("Bambang;1", "Bambang;0"), "utf-8")
    home = tmp_path / "home"
    done("--home", home, "init", "--no-lottery")
    done("--home", home, "import", "--mapping", MAPPING, "--delivered-on", "2026-10-01", files)
    said = done("--home", home, "publish", "--quarter", "2026-27-Q2", "--language", "en")
    # Budi's priority makes Bambang the brothers' lead; Yusuf is in Bambang's class.
    assert said.endswith(
        "Bambang: No visits possible this quarter: all 2 families are ranked, none is listed\n"
    )
    assert "Yusuf" not in said


def test_tokens_are_made_listed_and_revoked(published: Path) -> None:
    said = done("--home", published, "token", "create", "--role", "homeroom_teacher",
                "--staff", "G01", "--label", "Bu Sari")  # fmt: skip
    secret, token_id = re.findall(r"^ew_\S+|(?<=\(id )\w+", said)
    said = done("--home", published, "token", "list")
    assert re.search(rf"{token_id}  valid +homeroom_teacher +SMP-CONTOH  Sari Wulandari", said)
    assert secret not in said
    done("--home", published, "token", "revoke", token_id)
    assert f"{token_id}  revoked" in done("--home", published, "token", "list")


def test_simulate_writes_the_files_of_an_invented_school(tmp_path: Path) -> None:
    said = done("simulate", "--students", "30", "--years", "0", "--out", tmp_path / "district")
    assert "30 students in 1 school; the list to make is 2026-27-Q2" in said
    assert (tmp_path / "district" / "delivery" / "mapping.toml").exists()
    assert run("simulate", "--out", tmp_path / "district").code == 1


WRONG = [
    # (what is typed, exit code, what is said)
    (["import", "--mapping", "none.toml", TWO_CLASSES], 1, "none.toml: cannot be read"),
    (["import", "--mapping", TWO_CLASSES / "siswa.csv", TWO_CLASSES], 1, "is not valid TOML"),
    (["import", TWO_CLASSES], 1, "these files cannot be imported without a mapping"),
    (["import", "--mapping", MAPPING, "none.csv"], 1, "none.csv: there is no such file or folder"),
    (["import", "--mapping", MAPPING, "none/"], 1, "none: there is no such file or folder"),
    (["import", "--mapping", MAPPING, TWO_CLASSES / "siswa.csv"], 1,
     "no file was given for: staff (guru.csv), attendance (kehadiran.csv)"),
    (["import", "--mapping", MAPPING, "--delivered-on", "1/10/2026", TWO_CLASSES], 2,
     "Invalid value for '--delivered-on': '1/10/2026' is not a date; write it like 2026-10-01"),
    (["import", "--mapping", MAPPING, "--refused", "none/r.csv", TWO_CLASSES], 1,
     "--refused: there is no folder none"),
    (["train", "--outcome", "attendence"], 1,
     "there is no outcome 'attendence'; allowed: attendance, behaviour, grades"),
    (["train", "--as-of", "today"], 2, "Invalid value for '--as-of': 'today' is not a date"),
    (["publish"], 2, "Missing option '--quarter'"),
    (["publish", "--quarter", "2026-Q2"], 1,
     "there is no quarter '2026-Q2'; write it like 2026-27-Q1, Q1 to Q4"),
    (["publish", "--quarter", "2031-32-Q1"], 1, "nobody is enrolled on 2031-07-01"),
    (["publish", "--quarter", "2026-27-Q2"], 1,
     "the list of school SMP-CONTOH for 2026-27-Q2 was already published by Bu Ratna at "),
    (["draft", "--quarter", "2026-27-Q2"], 1, "was already published by Bu Ratna"),
    (["publish", "--quarter", "2026-27-Q1", "--language", "fr"], 2,
     "Invalid value for '--language': 'fr' is not known; allowed: id, en"),
    (["--engine", "abacus", "lists"], 2,
     "Invalid value for '--engine': 'abacus' is not known; allowed: polars, duckdb, spark"),
    (["show", "abc"], 1, "there is no visit list 'abc'; `earlywarning lists` shows all"),
    (["show", "LIST", "--class", "IX-Z"], 1,
     "no family of class 'IX-Z' is on the list; classes on it: VII-A, VII-B"),
    (["rebuild", "abc"], 1, "there is no visit list 'abc'; `earlywarning lists` shows all"),
    (["init", "--lottery"], 1, "is already there; edit it, or choose another --home"),
    (["token", "create", "--role", "boss", "--label", "x"], 1,
     "role 'boss' does not exist; allowed: admin, coordinator, homeroom_teacher, counsellor"),
    (["token", "create", "--role", "homeroom_teacher", "--label", "x"], 1, "staff number"),
    (["token", "create", "--role", "coordinator", "--label", "x", "--school", "S9"], 1,
     "there is no school 'S9'; known: SMP-CONTOH"),
    (["token", "revoke", "abc"], 1, "`earlywarning token list` shows them"),
    (["simulate", "--out", "x", "--until", "2026-10-02"], 1,
     "--until is 2026-10-02; allowed: the first day of a quarter, like 2026-10-01"),
    (["demo", "--students", "3"], 2, "--students"),
    (["demo"], 1, "holds something else; name another folder with --folder"),
    (["publsh"], 2, "No such command 'publsh'"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code", "says"), WRONG, ids=lambda value: str(value)[:60])
def test_a_mistake_is_answered_in_words_and_changes_nothing(
    published: Path, words: list[str | Path], code: int, says: str
) -> None:
    before = done("--home", published, "lists")
    words = [list_id(published) if word == "LIST" else word for word in words]
    said = run("--home", published, *words)
    assert says in said.err
    assert said.code == code
    assert not said.out
    assert done("--home", published, "lists") == before


ENOUGH = {
    "quarter": "2026-27-Q2", "outcome": "grades", "role": "admin", "purpose": "home_visit",
    "until": "2026-10-01", "delivered_on": "2026-10-01", "kind": "access", "status": "done",
    "--from": "mother", "by": "x", "reason": "x",
}  # fmt: skip
"""Values that a command takes, where any word would not do."""


def words_for(path: tuple[str, ...]) -> list[str]:
    """What a command cannot do without, so that it gets as far as opening the folder."""
    if path == ("import",):
        return ["--mapping", str(MAPPING), str(TWO_CLASSES)]
    given: list[str] = [str(MAPPING)] if path == ("models", "borrow") else []
    for one in command_at(path).params:
        wanted = one.required or (path[0] == "models" and one.name in ("by", "reason"))
        if not wanted or one.name == "help":
            continue
        is_path = "Path" in str(one.type_descriptor.annotation)
        value = "new" if is_path else ENOUGH.get(one.opts[0]) or ENOUGH.get(one.name, "1")
        given += [value] if one.param_type_name == "argument" else [one.opts[0], value]
    return given


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_in_the_wrong_folder_nothing_is_started(path: tuple[str, ...], tmp_path: Path) -> None:
    if (
        not path
        or path[0] in ("init", "inspect", "simulate", "demo")
        or path in (("backup", "key"), ("backup", "verify"), ("backup", "restore"))
        or hasattr(command_at(path), "commands")
    ):
        return
    given = words_for(path)
    said = run("--home", tmp_path / "none", *path, *given)
    assert "holds no installation (no district.toml)" in said.err
    assert said.code == 1
    assert not (tmp_path / "none").exists()


def test_before_the_first_import_it_says_so(tmp_path: Path) -> None:
    done("--home", tmp_path / "home", "init", "--no-lottery")
    for words in (["train"], ["publish", "--quarter", "2026-27-Q2"]):
        said = run("--home", tmp_path / "home", *words)
        assert (said.code, said.err) == (
            1,
            "nothing was imported yet; `earlywarning import` first\n",
        )


def test_the_lottery_must_be_decided(tmp_path: Path) -> None:
    said = run("--home", tmp_path / "home", "init")
    assert said.code == 1
    assert "lottery must say true or false" in said.err
    assert not (tmp_path / "home").exists()


def test_rows_are_refused_with_what_is_allowed_beside_the_installation(tmp_path: Path) -> None:
    files = copied(tmp_path / "files")
    with (files / "kehadiran.csv").open("a", encoding="utf-8") as more:
        more.write("0101;31/09/2026;A\n0101;29/09/2026;Q\n9999;29/09/2026;A\n")
    done("--home", tmp_path / "home", "init", "--no-lottery")
    said = done("--home", tmp_path / "home", "import", "--mapping", MAPPING,
                "--delivered-on", "2026-10-01", files)  # fmt: skip
    assert "refused  attendance: 1 row, impossible_date" in said
    assert "refused  attendance: 1 row, unknown_code" in said
    assert "refused  attendance: 1 row, unknown_student" in said
    written = (tmp_path / "home" / "refused.csv").read_text("utf-8-sig")
    assert "kehadiran.csv;;102;Tanggal;31/09/2026;" in written
    assert not (tmp_path / "refused.csv").exists()


def test_a_class_that_vanished_waits_for_a_person(tmp_path: Path) -> None:
    home = imported(tmp_path / "home")
    files = copied(tmp_path / "files")
    for path in files.glob("*.csv"):
        lines = path.read_text("utf-8").splitlines()
        kept = [line for line in lines if "VII-B" not in line and not line.startswith("02")]
        path.write_text("\n".join(kept) + "\n", "utf-8")
    take = ("--home", home, "import", "--mapping", MAPPING, "--delivered-on", "2026-10-02")
    said = run(*take, files)
    assert said.code == CONFIRM_EXIT
    assert "class SMP-CONTOH/2026-27/VII-B: it has students, the new list has none" in said.err
    assert "--confirm" in said.err
    assert done(*take, "--confirm", files)


def test_more_files_than_anyone_reads_about(tmp_path: Path) -> None:
    files = copied(tmp_path / "files")
    for number in range(15):
        (files / f"photo{number}.jpg").write_bytes(b"x")
    done("--home", tmp_path / "home", "init", "--no-lottery")
    said = done("--home", tmp_path / "home", "import", "--mapping", MAPPING,
                "--delivered-on", "2026-10-01", files)  # fmt: skip
    assert said.count("belongs to no table") == 10
    assert "and 5 more notes" in said


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for words in (["--home", "file", "init", "--no-lottery"], ["--home", "file", "lists"],
                  ["demo", "--folder", "file"]):  # fmt: skip
        said = run(*words)
        assert said.code == 1
        assert said.err.startswith("file: ")
    assert (tmp_path / "file").read_text() == "x"


def test_a_setting_that_cannot_be(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARLYWARNING_PORT", "many")
    said = run("--home", published, "lists")
    assert said.code == 1
    assert said.err.startswith("EARLYWARNING_PORT is 'many': ")
    monkeypatch.delenv("EARLYWARNING_PORT")
    monkeypatch.setenv("EARLYWARNING_DATABASE_URL", "register")
    assert "the database URL cannot be read" in run("--home", published, "lists").err


def test_another_command_that_writes_is_waited_for_and_then_named(
    published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(published / "register.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        said = run("--home", published, "token", "create", "--role", "data_staff", "--label", "x")
    assert said.code == 1
    assert said.err == (
        "register: database is locked; the step was not saved. If another command is running, "
        "wait for it, then try again\n"
    )


def test_a_timezone_that_does_not_exist(tmp_path: Path) -> None:
    home = imported(tmp_path / "home")
    path = home / "district.toml"
    path.write_text(path.read_text("utf-8").replace("Asia/Jakarta", "Asia/Nowhere"), "utf-8")
    said = run("--home", home, "train")
    assert said.code == 1
    assert "timezone is 'Asia/Nowhere'; allowed: a name like Asia/Jakarta" in said.err


def test_serve_opens_the_installation(published: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", "from earlywarning_pipelines.cli import app; app()",
         "--home", published, "serve", "--port", str(port)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=60) as answer:
                    assert answer.status == 200
                break
            except URLError:
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline
                time.sleep(0.1)
    finally:
        process.terminate()
        process.communicate(timeout=60)


def commands_of(page: Path) -> set[tuple[str, ...]]:
    """The commands that a page names; fails on a word or an option that does not exist."""
    text = re.sub(r"\\\n\s*", "", page.read_text("utf-8"))
    lines = re.findall(
        r"(?:^ {4,}|`)(?:\.venv/bin/)?earlywarning (?=[-a-z])([^`\n]+)", text, re.MULTILINE
    )
    found: set[tuple[str, ...]] = set()
    for line in lines:
        command = command_at(())
        path: tuple[str, ...] = ()
        for word in re.sub(r'"[^"]*"', "TEXT", line).split():
            if word.startswith("--"):
                options = {name for one in command.params
                           for name in (*one.opts, *one.secondary_opts)}  # fmt: skip
                assert word in options | {"--help"}, line
            elif word in getattr(command, "commands", {}):
                command, path = command.commands[word], (*path, word)
        assert path, line
        found.add(path)
    return found


def test_the_pages_name_commands_that_exist_and_every_one_of_them() -> None:
    named = set().union(*(commands_of(page) for page in PAGES))
    leaves = {path for path in TREE if not hasattr(command_at(path), "commands")}
    assert "make demo" in PAGES[0].read_text("utf-8")
    assert leaves - named <= {("demo",)}


def test_every_setting_is_described() -> None:
    page = (ROOT / "docs" / "data-staff.md").read_text("utf-8")
    described = set(re.findall(r"^\| `EARLYWARNING_([A-Z_]+)` \|", page, re.MULTILINE))
    assert described == {name.upper() for name in Settings.model_fields}


def test_the_words_that_a_column_allows_are_described() -> None:
    page = (ROOT / "docs" / "mapping.md").read_text("utf-8")
    part = page.split("## Words that a column allows", 1)[1].split("\n## ", 1)[0]
    for (table, column), allowed in codes.ALLOWED.items():
        lines = [row for row in part.splitlines() if row.startswith(f"| `{column}`")]
        words = [set(re.findall(r"`(\w+)`", line)[1:]) for line in lines]
        assert any(set(allowed) <= found for found in words), (table, column)
    assert set(codes.ATTENDANCE_STATUSES) <= set(re.findall(r"`(\w+)`", part))


def test_the_small_school_of_the_page_is_the_one_tested_here() -> None:
    page = (ROOT / "docs" / "mapping.md").read_text("utf-8")
    assert f"```toml\n{(TWO_CLASSES / 'mapping.toml').read_text('utf-8')}```" in page
    for line in page.split("## A small school", 1)[1].splitlines():
        if match := re.match(r" {4}(\w+\.csv) +(\S.*?)  +(\S.*)$", line):
            rows = (TWO_CLASSES / match[1]).read_text("utf-8").splitlines()
            assert rows[:2] == [match[2], match[3]]
