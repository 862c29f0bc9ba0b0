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
    ],
)
def test_a_sentence_quotes_what_it_quoted(english: str, indonesian: str) -> None:
    assert translated(english, "id").text == indonesian
    assert translated(english, "en").text == english


def test_an_unknown_sentence_stays_and_is_marked_as_english() -> None:
    said = translated("from here to there", "id")
    assert (said.text, said.language) == ("from here to there", "en")
