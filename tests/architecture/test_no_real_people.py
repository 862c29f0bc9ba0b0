"""The guard against real people's data finds what it must and leaves ordinary files alone.

Every planted number is put together when the test runs, so that this file holds none.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
GUARD = ROOT / "tools" / "check_people.py"
spec = importlib.util.spec_from_file_location("check_people", GUARD)
assert spec is not None
assert spec.loader is not None
guard = importlib.util.module_from_spec(spec)
spec.loader.exec_module(guard)

# Central Jakarta, a girl born on 3 April 2012.
NIK = "317101" + "430412" + "0001"
NISN = "012" + "3456789"


def found(text: str, path: str = "docs/page.md") -> list[str]:
    return guard.findings(path, text.encode())


def test_nothing_in_this_repository_is_refused() -> None:
    result = subprocess.run(
        [sys.executable, GUARD], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "text",
    [
        NIK,
        f"NIK;{NIK};Siti",
        f'"{NIK}"',
        f"'{NIK}",
        f"{NIK}.0,x",
        f"NIK{NIK}",
        f"{NIK[:6]} {NIK[6:12]} {NIK[12:]}",
        f"{NIK[:6]}.{NIK[6:12]}.{NIK[12:]}",
        NISN,
        f"1,Siti,{NISN},VII-A",
        f"NISN: {NISN}",
        f"no.{NISN}",
        f"nisn={NISN}",
        f"<v>{NISN}</v>",
    ],
)
def test_a_persons_number_is_found_in_any_notation(text: str) -> None:
    assert len(found(f"first line\n{text}\n")) == 1
    assert found(f"first line\n{text}\n")[0].startswith("docs/page.md:2: a number built like")


def test_the_number_itself_is_not_repeated() -> None:
    assert NIK not in found(NIK)[0]


def test_a_picture_is_read_only_where_it_holds_words() -> None:
    def part(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + bytes(4)

    def picture(kind: bytes) -> bytes:
        return guard.PNG + part(b"IHDR", bytes(13)) + part(kind, b"Title\0" + NIK.encode())

    assert guard.findings("docs/one.png", picture(b"IDAT")) == []
    assert len(guard.findings("docs/one.png", picture(b"tEXt"))) == 1


@given(
    region=st.sampled_from(["110101", "327301", "517107", "917101"]),
    day=st.integers(1, 31),
    woman=st.booleans(),
    month=st.integers(1, 12),
    year=st.integers(0, 99),
    serial=st.integers(1, 9999),
)
def test_every_well_formed_nik_is_found(
    region: str, day: int, woman: bool, month: int, year: int, serial: int
) -> None:
    assert found(f"{region}{day + 40 * woman:02}{month:02}{year:02}{serial:04}")


@pytest.mark.parametrize(
    "text",
    [
        "0." + NISN,
        "x = ." + NISN,
        "12." + NIK,
        "1764045249",  # a moment in seconds
        "1764045249123456",  # in microseconds
        "2026112504341234",  # as digits
        "20261125043412",
        "0812" + "34567890",  # an invented telephone number is no student's number
        "6281" + "234567890",
        "00" + NISN,  # longer numbers
        NIK + "7",
        "0x" + NIK,
        "sha256:ab" + NIK + "cd",
        "4111 1111 1111 1111",
        "9007199254740993",
        "00" + NIK[2:],  # no such province: an example for a reader
        "012" + "0000123",  # an NISN that is nobody's
        "2026-11-25T04:34:12.345678+00:00",
    ],
)
def test_other_numbers_pass(text: str) -> None:
    assert found(text) == []


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9))
def test_decimal_numbers_pass(value: float) -> None:
    if value != int(value):
        assert found(repr(value)) == []


@given(st.binary())
def test_hashes_and_random_ids_pass(seed: bytes) -> None:
    digest = hashlib.sha256(seed).hexdigest()
    uuid = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
    assert found(f"{digest} {digest[:32]} {uuid}") == []


def test_workbooks_are_opened() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as workbook:
        workbook.writestr("xl/worksheets/sheet1.xml", f"<c><v>{NIK}</v></c>")
    (line,) = guard.findings("docs/example.xlsx", buffer.getvalue())
    assert line.startswith("docs/example.xlsx[xl/worksheets/sheet1.xml]:1")
    assert guard.findings("notes.txt", ("Nama;NISN\n" + NISN).encode("utf-16"))


def test_a_whole_schools_export_is_refused_by_its_name() -> None:
    export = "daftar_" + "pd"
    assert found("", f"data/{export}-SMP Contoh-2026.xlsx")
    assert found("", f"{export.upper()}.csv")
    assert not found("", f"src/earlywarning/io/school_files/{export}.py")


def test_invented_people_have_a_place() -> None:
    assert not found(f"{NIK} {NISN}", "tests/data/dapodik.csv")
    assert not found(NISN, "tests/people.py")
    assert found(NISN, "tests/library/people.py")
    # The place excuses people only.
    assert found("/" + "root/secret", "tests/data/dapodik.csv")


@pytest.mark.parametrize(
    "text",
    [
        "https://" + "pypi" + ".org/simple",
        "files.python" + "hosted.org",
        "registry." + "npmjs" + ".org",
        '"/' + 'root/x"',
        "at /" + "home/siti/school.db",
        "(/" + "Users/siti/x)",
        "C:" + "\\Users\\siti",
    ],
)
def test_places_of_one_machine_are_found(text: str) -> None:
    assert len(found(text)) == 1


@pytest.mark.parametrize(
    "text",
    ["/var/lib/earlywarning/", "docs/work/page.md", "https://example.org/home/page", "/home"],
)
def test_ordinary_places_pass(text: str) -> None:
    assert found(text) == []


def test_a_commit_is_refused_before_it_is_made(tmp_path: Path) -> None:
    """What counts is what would be committed, not what lies in the folder."""

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        return subprocess.run(
            ["git", *identity, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    for source in (GUARD, ROOT / ".githooks" / "pre-commit"):
        target = tmp_path / source.relative_to(ROOT)
        target.parent.mkdir(parents=True)
        target.write_bytes(source.read_bytes())
        target.chmod(0o755)
    git("init", "-q")
    git("config", "core.hooksPath", ".githooks")
    (tmp_path / "students.csv").write_text(f"nisn\n{NISN}\n", "utf-8")
    git("add", ".")
    (tmp_path / "students.csv").write_text("", "utf-8")
    refused = git("commit", "-m", "Add students")
    assert refused.returncode == 1
    assert "students.csv:2: a number built like an NISN" in refused.stderr
    git("add", ".")
    assert git("commit", "-m", "Add nobody").returncode == 0
