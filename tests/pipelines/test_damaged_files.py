"""Real files, damaged at random: a clear end each time, and never half an import.

Whatever is done to a file, it is imported (rows that are wrong refused one by one) or the message
names it; nothing that no program expected reaches a person; register and facts are as before
unless the command ended well. Two hundred damages here, ten thousand in the slow run.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import sqlite3
import tomllib
import zipfile
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import damage
from earlywarning import district as district_file
from earlywarning.district import District, Visits
from earlywarning.errors import ConfigError, DataError
from earlywarning.io.child import Child
from earlywarning.io.mapping import parse_mapping
from earlywarning.io.mapping_text import mapping_text
from earlywarning.io.reading import read_delivery
from earlywarning.io.recognising import Inspection, inspect_files
from earlywarning_pipelines.cli import app

DATA = Path(__file__).parents[1] / "data"
DISTRICT = District(visits=Visits(lottery=False))
KEY = b"k" * 32
ROWS = 80
"""Of a file, for speed: what breaks a reader breaks it early."""


@dataclass(frozen=True)
class Sound:
    """A delivery before anything happened to it; without a mapping it is recognised."""

    files: dict[str, bytes]
    mapping: str | None = None
    district: District = DISTRICT


def _folder(name: str, pattern: str = "*.csv", *, rows: int = ROWS) -> dict[str, bytes]:
    return {
        path.name: b"".join(path.read_bytes().splitlines(keepends=True)[:rows])
        for path in sorted((DATA / name).glob(pattern))
    }


def _text(*parts: str) -> str:
    return DATA.joinpath(*parts).read_text(encoding="utf-8")


def _workbook(texts: dict[str, bytes]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    for name, content in texts.items():
        sheet = book.create_sheet(name.removesuffix(".csv"))
        for row in csv.reader(io.StringIO(content.decode()), delimiter=";"):
            sheet.append([int(cell) if cell.isdigit() and cell[0] != "0" else cell for cell in row])
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _page(content: bytes) -> bytes:
    rows = csv.reader(io.StringIO(content.decode()), delimiter=";")
    cells = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows
    )
    return f"<html><body><table border=1>\n{cells}</table></body></html>".encode()


def _zip(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def _in_workbooks(mapping: str) -> str:
    for name in ("siswa", "guru", "kehadiran"):
        mapping = mapping.replace(
            f'file = "{name}.csv"', f'file = "sekolah.xlsx"\nsheet = "{name}"'
        )
    return mapping


@cache
def sound() -> dict[str, Sound]:
    """Every kind of delivery, small."""
    classes = _folder("two_classes", rows=200)
    roster = _folder("oneroster/v1.1")
    book = {"sekolah.xlsx": _workbook(classes)}
    edfi = {
        path.name: path.read_bytes()
        for path in (DATA / "edfi_grandbend").glob("*.xml")
        if path.stat().st_size < 100_000
    }
    students = [
        dict(zip(("studentUniqueId", "firstName", "lastSurname", "birthDate"), row, strict=True))
        for row in (
            ("1001", "Siti", "Aminah", "2012-03-04"),
            ("1002", "Budi", "Putra", "2012-05-06"),
        )
    ]
    return {
        "two classes": Sound(classes, _text("two_classes", "mapping.toml")),
        "a workbook": Sound(book, _in_workbooks(_text("two_classes", "mapping.toml"))),
        "a workbook without mapping": Sound(book),
        "pages": Sound({name[:-4] + ".xls": _page(text) for name, text in classes.items()}),
        "Contoso": Sound(
            _folder("contoso/day1"), _text("contoso", "mapping.toml"),
            district_file.load(DATA / "contoso" / "district.toml"),
        ),
        "UCI": Sound(
            _folder("uci_student", "student-por.csv"), _text("uci_student", "mapping.toml"),
            district_file.load(DATA / "uci_student" / "district.toml"),
        ),
        "a monthly sheet": Sound(_folder("monthly_sheet"), _text("monthly_sheet", "mapping.toml")),
        "a monthly sheet without mapping": Sound(_folder("monthly_sheet")),
        "Aspen": Sound(_folder("aspen")),
        "OneRoster": Sound(roster),
        "OneRoster, packed": Sound({"roster.zip": _zip(roster)}),
        "Ed-Fi XML": Sound(edfi),
        "Ed-Fi JSON": Sound({"students.json": json.dumps(students, indent=1).encode()}),
    }  # fmt: skip


@dataclass(frozen=True)
class Damaged:
    """What arrives."""

    kind: str
    name: str
    content: bytes


@st.composite
def deliveries(draw: Any) -> Damaged:
    kind = draw(st.sampled_from(sorted(sound())))
    name = draw(st.sampled_from(sorted(sound()[kind].files)))
    return Damaged(kind, name, damage.damaged(draw, sound()[kind].files[name]))


def _answered(found: Inspection) -> str:
    """The mapping, with what `inspect` asks a person."""
    asked = {key.rpartition(".")[2] for key, _ in found.questions}
    said = tomllib.loads(found.mapping)
    defaults = dict(said.get("defaults", {}))
    if "school_year" in asked:
        defaults["school_year"] = "2026-27"
    for entry in said["table"]:
        if entry["table"] == "enrollment" and "entry_date" in asked:
            entry.setdefault("constants", {})["entry_date"] = date(2026, 7, 13)
        if entry["table"] == "attendance" and "blank" in asked:
            entry["blank"] = "unrecorded"
    return mapping_text(said["source"], defaults, said["table"])


class Folders:
    """Each delivery on disk, with one of its files in the damaged state while it is read."""

    def __init__(self, root: Path, child: Child) -> None:
        self.root, self.child = root, child
        self._mappings: dict[str, str] = {}

    def put(self, arrived: Damaged) -> Path:
        folder = self.root / arrived.kind.replace(" ", "-")
        if not folder.exists():
            folder.mkdir()
            for name, content in sound()[arrived.kind].files.items():
                (folder / name).write_bytes(content)
        (folder / arrived.name).write_bytes(arrived.content)
        return folder

    def restore(self, arrived: Damaged) -> None:
        content = sound()[arrived.kind].files[arrived.name]
        (self.root / arrived.kind.replace(" ", "-") / arrived.name).write_bytes(content)

    def mapping(self, kind: str) -> str:
        """The delivery's own, or what was recognised while it was sound."""
        given_ = sound()[kind].mapping
        if given_ is None and kind not in self._mappings:
            name = next(iter(sound()[kind].files))
            folder = self.put(Damaged(kind, name, sound()[kind].files[name]))
            found = inspect_files([folder], source="school", school_id="S1", child=self.child)
            self._mappings[kind] = _answered(found) if found.mapping else ""
        return given_ or self._mappings[kind]


def look(folders: Folders, arrived: Damaged, *, inspects: bool = True) -> str:
    """Inspect and read one delivery; what was said, or "read"."""
    files = sound()[arrived.kind].files
    mapping = folders.mapping(arrived.kind)
    folder = folders.put(arrived)
    try:
        if inspects or not mapping:
            found = inspect_files([folder], source="school", school_id="S1", child=folders.child)
            for item in found.files:
                assert item.found or item.problem
                assert not item.problem or Path(item.name).name in item.problem or "/" in item.name
        if not mapping:
            return "no mapping"
        try:
            delivery = read_delivery(
                [folder], parse_mapping(mapping), district=sound()[arrived.kind].district,
                household_key=KEY, child=folders.child,
            )  # fmt: skip
        except (DataError, ConfigError) as error:
            words = str(error)
            assert any(name in words for name in files) or folder.name in words, words
            assert "Traceback" not in words
            return words
        with delivery:
            for table in delivery.tables:
                kept = delivery.frame(table).height
                refused, merged = delivery.rows_refused.get(table, 0), delivery.merged.get(table, 0)
                assert kept == delivery.rows[table]
                assert kept + refused + merged == delivery.rows_read[table]
        return "read"
    finally:
        folders.restore(arrived)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, shared_child: Child) -> Folders:
    return Folders(tmp_path_factory.mktemp("arrived"), shared_child)


def settled(count: int) -> Any:
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


def test_the_sound_files_are_read(folders: Folders) -> None:
    """Otherwise the damages would prove nothing."""
    for kind, delivery in sound().items():
        name, content = next(iter(delivery.files.items()))
        assert look(folders, Damaged(kind, name, content)) == "read", kind


@settled(160)
@given(arrived=deliveries())
def test_damage_ends_in_words_or_in_rows(folders: Folders, arrived: Damaged) -> None:
    assert look(folders, arrived)


@pytest.mark.slow
@settled(10_000)
@given(arrived=deliveries())
def test_much_damage_ends_in_words_or_in_rows(folders: Folders, arrived: Damaged) -> None:
    # Every reader looks at every file while inspecting, which is most of the time.
    assert look(folders, arrived, inspects=len(arrived.content) % 3 == 0)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """An installation that holds the sound delivery, its files and the mapping."""
    root = tmp_path_factory.mktemp("school")
    files = root / "files"
    files.mkdir()
    for name, content in sound()["two classes"].files.items():
        (files / name).write_bytes(content)
    mapping = root / "mapping.toml"
    mapping.write_text(sound()["two classes"].mapping or "", encoding="utf-8")
    home = root / "home"
    runner = CliRunner()
    assert runner.invoke(app, ["--home", str(home), "init", "--no-lottery"]).exit_code == 0
    done = runner.invoke(
        app, ["--home", str(home), "import", "--mapping", str(mapping), "--delivered-on",
              "2026-10-01", str(files)],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return home, files, mapping


def state(home: Path) -> tuple[str, dict[str, str]]:
    """Every row of the register, and every file of the facts by its content."""
    with sqlite3.connect(home / "register.db") as register:
        rows = hashlib.sha256("\n".join(register.iterdump()).encode()).hexdigest()
    facts = {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((home / "facts").rglob("*"))
        if path.is_file() and "work" not in path.parts and path.suffix != ".lock"
    }
    return rows, facts


@st.composite
def of_two_classes(draw: Any) -> Damaged:
    name = draw(st.sampled_from(sorted(sound()["two classes"].files)))
    content = sound()["two classes"].files[name]
    return Damaged("two classes", name, damage.damaged(draw, content))


@settled(40)
@example(arrived=Damaged("two classes", "siswa.csv", b"NIS;Nama\n"))
@example(arrived=Damaged("two classes", "kehadiran.csv", b"NIS;Tanggal;Kode\n0101;01/09/2026"))
@given(arrived=of_two_classes())
def test_no_half_import(
    school: tuple[Path, Path, Path], tmp_path_factory: pytest.TempPathFactory, arrived: Damaged
) -> None:
    sound_home, sound_files, mapping = school
    root = tmp_path_factory.mktemp("half")
    home, files = root / "home", root / "files"
    shutil.copytree(sound_home, home)
    shutil.copytree(sound_files, files)
    (files / arrived.name).write_bytes(arrived.content)
    before = state(home)
    done = CliRunner().invoke(
        app, ["--home", str(home), "import", "--mapping", str(mapping), "--delivered-on",
              "2026-10-02", str(files)],
    )  # fmt: skip
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (0, 1, 3)
    assert "Traceback" not in done.output
    if done.exit_code:
        assert state(home) == before
    if done.exit_code == 1:
        assert arrived.name in done.output
    shutil.rmtree(root)


def test_marks_of_strangers_only_leave_an_empty_month(tmp_path: Path) -> None:
    """Found by damage: lessons to be rolled up, and no student of them is known."""
    rows = "NIS;Tanggal;Kode\n9;01/09/2026;A\n9;01/09/2026;H\n"
    (tmp_path / "hadir.csv").write_text(rows, encoding="utf-8")
    mapping = parse_mapping(
        'source = "s"\n[defaults]\nschool_id = "S"\n[[table]]\ntable = "attendance"\n'
        'file = "hadir.csv"\ndate_format = "%d/%m/%Y"\nrollup = "worst"\n[table.columns]\n'
        'student = "NIS"\ndate = "Tanggal"\ncode = "Kode"\n'
    )
    known = pl.DataFrame({"school_id": ["S"], "student": ["1"]})
    with read_delivery([tmp_path], mapping, district=DISTRICT, known_students=known) as delivery:
        assert delivery.rows["attendance"] == 0
        assert delivery.refused["reason"].to_list() == ["unknown_student"] * 2


@pytest.mark.parametrize("slip", ["\r", "\u2028", "\x85", "\x0b"])
def test_only_a_line_feed_ends_a_row(folders: Folders, slip: str) -> None:
    """Found by damage: other ends of lines within a cell of a sheet broke it, or moved its rows."""
    kind, name = "a monthly sheet without mapping", "2025-09.csv"
    content = sound()[kind].files[name]
    first = content.splitlines()[1].split(b",")[1]
    slipped = content.replace(first, first[:3] + slip.encode() + first[3:], 1)
    assert look(folders, Damaged(kind, name, slipped)) == "read"


def test_a_bundle_of_which_nothing_can_be_told_is_a_problem_of_its_files(tmp_path: Path) -> None:
    """Found by damage: a declaration in front of one file stopped `inspect` as a whole."""
    for name, content in sound()["Contoso"].files.items():
        (tmp_path / name).write_bytes(content)
    path = tmp_path / "studentattendance.csv"
    path.write_bytes(b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + path.read_bytes())
    found = inspect_files([tmp_path], source="school")
    assert any("studentattendance.csv" in item.problem for item in found.files)
