"""Zip files of a delivery: what is unpacked, what is refused, and that nothing is left behind."""

from __future__ import annotations

import stat
import struct
import sys
import zipfile
from pathlib import Path

import pytest

from earlywarning.district import District, Visits
from earlywarning.errors import DataError
from earlywarning.io.file_kind import Limits
from earlywarning.io.mapping import parse_mapping
from earlywarning.io.reading import read_delivery
from earlywarning.io.recognising import inspect_files
from earlywarning.io.unpacking import delivered

DISTRICT = District(visits=Visits(lottery=False))
ROSTER = """source = "s"
[defaults]
school_id = "SCH1"
[[table]]
table = "student"
file = "*.zip/kelas/siswa.csv"
[table.columns]
student = "NIS"
full_name = "Nama"
"""


def packed(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def problem(path: Path, tmp_path: Path, limits: Limits | None = None) -> str:
    """Why a zip file is not unpacked; nothing of it stays, nothing leaves the work folder."""
    work = tmp_path / "deep" / "work"
    before = {item for item in tmp_path.rglob("*") if "deep" not in item.parts}
    with delivered([path], limits=limits or Limits(), work_dir=work) as given:
        assert given.files == ()
        ((_, why),) = given.broken
    assert not list(work.iterdir())
    assert {item for item in tmp_path.rglob("*") if "deep" not in item.parts} == before
    return why


def test_files_of_a_zip_are_named_after_it_and_removed_afterwards(tmp_path: Path) -> None:
    path = packed(
        tmp_path / "kelas.zip",
        {"a.csv": b"x\n1\n", "7/b.csv": b"x\n2\n", "__MACOSX/a.csv": b"?", "7/.DS_Store": b"?",
         "mapping.toml": b"source", "leer/": b""},
    )  # fmt: skip
    work = tmp_path / "work"
    with delivered([path], limits=Limits(), work_dir=work) as given:
        assert [file.name for file in given.files] == ["kelas.zip/a.csv", "kelas.zip/7/b.csv"]
        assert given.named_archives == ("kelas.zip",)
        b = given.files[1].path
        assert b.read_bytes() == b"x\n2\n"
        assert b.parts[-3:] == ("kelas.zip", "7", "b.csv")
        (room,) = work.iterdir()
        assert stat.S_IMODE(room.stat().st_mode) == 0o700
    assert not list(work.iterdir())


def test_an_import_reads_out_of_a_zip_and_names_the_file_in_it(tmp_path: Path) -> None:
    path = packed(
        tmp_path / "2025.zip",
        {
            "kelas/siswa.csv": b"NIS;Nama\n0101;Siti Contoh\n0102\n0103;Suparmi\n",
            "x.csv": b"a\n1\n",
        },
    )
    with read_delivery(
        [path], parse_mapping(ROSTER), district=DISTRICT, work_dir=tmp_path / "w"
    ) as read:
        assert read.frame("student")["student"].to_list() == ["0101", "0103"]
        row = read.refused.row(0, named=True)
        assert (row["file"], row["row"]) == ("2025.zip/kelas/siswa.csv", 3)
        assert read.files[0].name == "2025.zip/kelas/siswa.csv"
        assert any(text.startswith("2025.zip/x.csv: belongs to no table") for text in read.warnings)
    assert not list((tmp_path / "w").iterdir())


def test_a_zip_of_which_nothing_is_read_is_strange_if_it_was_given_itself(tmp_path: Path) -> None:
    packed(tmp_path / "backup.zip", {"old.csv": b"a\n1\n"})
    packed(tmp_path / "2025.zip", {"kelas/siswa.csv": b"NIS;Nama\n0101;Siti Contoh\n"})
    mapping, district = parse_mapping(ROSTER), DISTRICT
    with pytest.raises(DataError, match=r"no table of the mapping names these files: backup\.zip"):
        read_delivery([tmp_path / "backup.zip", tmp_path / "2025.zip"], mapping, district=district)
    with read_delivery([tmp_path], mapping, district=district) as read:
        assert read.rows["student"] == 1
        assert "backup.zip: belongs to no table of the mapping and was not read" in read.warnings


@pytest.mark.parametrize(
    "name", ["../out.csv", "a/../../out.csv", "/out.csv", "..\\out.csv", "C:\\out.csv"]
)
def test_18_a_part_that_would_leave_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    path = packed(tmp_path / "slip.zip", {"a.csv": b"x\n1\n", name: b"x\n1\n"})
    assert "outside the folder" in problem(path, tmp_path)


def test_links_nested_archives_and_names_that_stand_twice_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("users.csv")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/hostname")
    assert "is a link" in problem(tmp_path / "link.zip", tmp_path)
    inner = packed(tmp_path / "inner.zip", {"a.csv": b"x\n1\n"}).read_bytes()
    assert "another zip file, b/inner.csv" in problem(
        packed(tmp_path / "outer.zip", {"b/inner.csv": inner}), tmp_path
    )
    twice = packed(tmp_path / "twice.zip", {"a.csv": b"x\n1\n", "A.CSV": b"x\n1\n"})
    assert "holds A.CSV twice" in problem(twice, tmp_path)
    assert "without any file" in problem(packed(tmp_path / "e.zip", {"a/": b""}), tmp_path)


def test_a_workbook_in_a_zip_is_no_nested_archive(tmp_path: Path) -> None:
    book = packed(
        tmp_path / "book.xlsx", {"[Content_Types].xml": b"<a/>", "xl/workbook.xml": b"<a/>"}
    )
    path = packed(tmp_path / "books.zip", {"7a.xlsx": book.read_bytes()})
    with delivered([path, book], limits=Limits()) as given:
        assert [file.name for file in given.files] == ["books.zip/7a.xlsx", "book.xlsx"]


def test_17_a_bomb_is_refused_whether_it_declares_its_size_or_not(tmp_path: Path) -> None:
    path = packed(tmp_path / "bomb.zip", {"a.csv": b"0" * 3_000_000})
    assert "unpacks from" in problem(path, tmp_path)
    # The same bytes, which now declare that they unpack to ten.
    data = path.read_bytes().replace(struct.pack("<I", 3_000_000), struct.pack("<I", 10))
    path.write_bytes(data)
    assert "damaged zip file" in problem(path, tmp_path) or "more than it says" in problem(
        path, tmp_path
    )


def test_what_is_written_is_counted_even_if_the_declared_sizes_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "a.zip", {"a.csv": b"12345678" * 40, "b.csv": b"87654321" * 40})
    # As if the look at the declared sizes had been fooled.
    monkeypatch.setattr("earlywarning.io.unpacking.inspect", lambda *args, **kwargs: None)
    assert "unpacks to more than it says" in problem(path, tmp_path, Limits(unpacked_bytes=400))


def test_a_damaged_zip_says_so_and_inspect_goes_on_with_the_rest(tmp_path: Path) -> None:
    good = packed(tmp_path / "good.zip", {"a.csv": b"x\n1\n"})
    data = bytearray(
        packed(tmp_path / "bad.zip", {"a.csv": bytes(range(48, 100)) * 9}).read_bytes()
    )
    data[45:60] = b"\x00" * 15
    (tmp_path / "bad.zip").write_bytes(data)
    found = inspect_files([tmp_path / "bad.zip", good], source="s")
    problems = {item.name: item.problem for item in found.files}
    assert "is a damaged zip file" in problems["bad.zip"]
    assert "no reader knows this layout" in problems["good.zip/a.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_links_that_lead_out_of_a_folder_are_not_followed_and_named(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "files"
    outside.mkdir()
    (folder / "kelas").mkdir(parents=True)
    (outside / "secret.csv").write_text("NIS;Nama\n9;Nobody\n", encoding="utf-8")
    (folder / "siswa.csv").write_text("NIS;Nama\n1;Siti\n", encoding="utf-8")
    (folder / "kelas" / "siswa.csv").symlink_to(outside / "secret.csv")
    (folder / "more").symlink_to(outside)
    (folder / "again.csv").symlink_to(folder / "siswa.csv")
    with delivered([folder], limits=Limits()) as given:
        assert [file.name for file in given.files] == ["again.csv"]  # each file once
        assert sorted(given.outside) == ["kelas/siswa.csv", "more"]
    mapping = parse_mapping(
        'source = "s"\n[defaults]\nschool_id = "S"\n[[table]]\ntable = "student"\nfile = "*.csv"\n'
        '[table.columns]\nstudent = "NIS"\nfull_name = "Nama"\n'
    )
    with read_delivery([folder], mapping, district=DISTRICT) as delivery:
        assert delivery.frame("student")["full_name"].to_list() == ["Siti"]
        told = [text for text in delivery.warnings if "leads out of the folder" in text]
        assert [text.partition(":")[0] for text in told] == ["kelas/siswa.csv", "more"]
    found = inspect_files([folder], source="s")
    problems = [item.problem for item in found.files if "leads out" in item.problem]
    assert len(problems) == 2
    with delivered([folder / "kelas" / "siswa.csv"], limits=Limits()) as given:
        assert len(given.files) == 1  # a link that a person names is meant
