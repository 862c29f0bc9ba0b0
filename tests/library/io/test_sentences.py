"""Sentences of the import in Indonesian: said by the import, quoting alike, complete for cells."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from earlywarning.io import wording
from earlywarning.io.sentences import DOMAIN, translated

ROOT = Path(__file__).parents[3]
SAYING = (
    *(ROOT / "src/earlywarning/records").rglob("*.py"),
    *(ROOT / "src/earlywarning/io").rglob("*.py"),
    ROOT / "pipelines/earlywarning_pipelines/unusual.py",
)
NAME = re.compile(r"{(\w+)}")


@cache
def strings() -> str:
    """Every text of the modules that say something, without what is put in between."""
    found: list[str] = []
    for path in SAYING:
        found += [
            node.value
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
    return "\n".join(found)


def test_what_is_translated_is_said_by_the_import() -> None:
    said = strings()
    for key in wording.catalogue("id", DOMAIN):
        for part in NAME.split(key)[::2]:
            assert part.strip() in said, (key, part)


def test_what_is_put_in_between_is_the_same() -> None:
    for key, message in wording.catalogue("id", DOMAIN).items():
        assert len(message.forms) == 1
        assert sorted(NAME.findall(message.forms[0])) == sorted(NAME.findall(key)), key


def of_cells() -> Iterator[str]:
    """What `validation` says is allowed, with a number for whatever is put in between."""
    tree = ast.parse((ROOT / "src/earlywarning/records/validation.py").read_text("utf-8"))
    named = {
        node.targets[0].id: text
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and (text := as_said(node.value, {}))
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        place = {"refuse": 3, "refuse_texts": 3, "_each": 4}.get(node.func.attr)
        if place is None or len(node.args) <= place:
            continue
        one = node.args[place]
        for choice in (one.body, one.orelse) if isinstance(one, ast.IfExp) else (one,):
            if text := as_said(choice, named):
                yield text


def as_said(node: ast.AST, named: Mapping[str, str]) -> str | None:
    """A text as it is said; None where it is none."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return named.get(node.id)
    if isinstance(node, ast.JoinedStr):
        return "".join(as_said(part, named) or "7" for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return as_said(node.value, named)
    return None


def test_whatever_a_cell_may_hold_is_said_in_indonesian() -> None:
    said = sorted(set(of_cells()))
    assert len(said) >= 15
    for text in said:
        assert translated(text, "id").language == "id", text


@pytest.mark.parametrize(
    ("english", "indonesian"),
    [
        ("1 to 4", "1 sampai 4"),
        (
            "a date in the style %d/%m/%Y, like 31/08/2026; a day that exists",
            "tanggal dengan gaya %d/%m/%Y, seperti 31/08/2026; hari yang memang ada",
        ),
        (
            "one row a student and day; row 7 of siswa to go.csv says otherwise",
            "satu baris untuk setiap siswa dan hari; baris 7 pada siswa to go.csv menyebut "
            "yang lain",
        ),
        (
            "attendance: 12 rows, the last delivery of school-files had 1200",
            "presensi harian: 12 baris, kiriman terakhir school-files berisi 1200",
        ),
        (
            "monthly attendance sheet, March 2026, class VII-A, 30 students, 22 days",
            "presensi bulanan, Maret 2026, kelas VII-A, 30 siswa, 22 hari",
        ),
        (
            "Dapodik student list of SMP 1, downloaded 2026-07-13: 1,234 students in 40 classes",
            "daftar siswa Dapodik SMP 1, diunduh 2026-07-13: 1.234 siswa dalam 40 kelas",
        ),
        (
            "6 monthly attendance sheets: March 2026, class first, 30 students, 22 days; April "
            "2026, class first, 30 students, 1 day; and 4 more",
            "6 presensi bulanan: Maret 2026, kelas first, 30 siswa, 22 hari; April "
            "2026, kelas first, 30 siswa, 1 hari; dan 4 lagi",
        ),
        (
            "marks: 5 subjects, 0 to 100 of 100; 30 students",
            "nilai: 5 mata pelajaran, 0 sampai 100 dari 100; 30 siswa",
        ),
        (
            "class 7A.csv: belongs to no table of the mapping and was not read",
            "class 7A.csv: tidak termasuk tabel mana pun dalam pemetaan dan tidak dibaca",
        ),
        (
            "class second: it has students, the new list has none",
            "kelas second: ada siswanya, dalam daftar baru tidak ada satu pun",
        ),
        (
            "lines that are no rows are left out: row 41 (first), row 42 (Jumlah)",
            "baris yang bukan data dilewati: baris 41 (first), baris 42 (Jumlah)",
        ),
        (
            "classes that are spelled in two ways are one class: 7A is VII-A, class 7B is VII-B "
            "and 3 more",
            "kelas yang ditulis dengan dua cara dianggap satu kelas: 7A menjadi VII-A, class 7B "
            "menjadi VII-B dan 3 lagi",
        ),
        (
            "students have the same national id as another student: 2 of S1 and 3 of S2; "
            "4 of S1 and 5 of S1 and 12 more",
            "siswa ber-NISN sama dengan siswa lain: 2 dari S1 dan 3 dari S2; "
            "4 dari S1 dan 5 dari S1 dan 12 lagi",
        ),
        (
            "students come with a quite different name than before; is it still the same child: "
            "1 of S1 (Ani, now Citra)",
            "siswa datang dengan nama yang sangat berbeda dari sebelumnya; apakah masih anak yang "
            "sama: 1 dari S1 (Ani, sekarang Citra)",
        ),
        (
            "a.xlsx: total 'H' (column AH) counts H, those who came late and an empty mark; it was "
            "compared so",
            "a.xlsx: jumlah 'H' (kolom AH) menghitung H, yang terlambat, dan tanda kosong; "
            "dibandingkan begitu",
        ),
    ],
)
def test_a_sentence_quotes_what_it_quoted(english: str, indonesian: str) -> None:
    assert translated(english, "id").text == indonesian
    assert translated(english, "en").text == english


@pytest.mark.parametrize(
    "text", ["from here to there", "class 7A has no teacher", "nobody is known and 3 more"]
)
def test_an_unknown_sentence_stays_and_is_marked_as_english(text: str) -> None:
    said = translated(text, "id")
    assert (said.text, said.language) == (text, "en")


def test_a_list_may_be_as_long_as_it_likes() -> None:
    who = [f"{number} {{}} S1" for number in range(3_000)]
    said = translated(
        "students have the same national id as another student: "
        + " and ".join(who).replace("{}", "of"),
        "id",
    )
    assert said.text.endswith(": " + " dan ".join(who).replace("{}", "dari"))


def test_what_another_program_said_is_quoted_in_english() -> None:
    error = "BadZipFile: class 7A and 3 more"
    said = translated(
        f"a.xlsx: cannot be read ({error}); it is damaged, or not quite of the layout that it "
        "seems to be; open it in the program that made it and export it again",
        "id",
    )
    assert (said.language, said.quoted) == ("id", error)
    assert said.text.startswith(f"a.xlsx: tidak terbaca ({error}); rusak")
