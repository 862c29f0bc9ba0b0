"""Sheets from the terminal: the pages as one file, and as PDF where there is Chromium."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import filled_home
from browser import CHROMIUM
from earlywarning.io.register import audit_log, lists
from earlywarning.io.register.db import open_register
from earlywarning_pipelines import cli, printing_sheets
from earlywarning_pipelines.home import Home
from people import CHILDREN, SARI


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return filled_home.made(tmp_path_factory.mktemp("paper") / "home")


def asked(home: Home, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli.app, ["--home", str(home.settings.home), *words])
    return done.exit_code, done.output


def published(home: Home) -> str:
    with open_register(home.settings.register_url) as register:
        found = lists.of_quarter(register, "2026-27-Q2", status=lists.PUBLISHED)
    return next(one.visit_list_id for one in found if one.school_id == "SCH1")


def test_the_whole_list_on_one_file_that_asks_for_nothing(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "list.html"
    code, told = asked(home, "print", published(home), "--out", str(out), "--by", "Bu Ratna")
    assert code == 0, told
    text = out.read_text("utf-8")
    assert SARI.name in text
    assert "Bu Ratna" in text
    assert sum(one.name in text for one in CHILDREN) >= 3
    assert "<script" not in text
    assert not re.search(r'(?:src|href)="(?!/|#)', text)
    assert out.stat().st_mode & 0o077 == 0
    with open_register(home.settings.register_url) as register, register.session() as session:
        (newest,) = audit_log.search(session, limit=1)
    assert (newest.actor, newest.action) == ("terminal", "visit_list.read")


def test_what_cannot_be_printed_says_why(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = published(home)
    code, told = asked(home, "print", id_, "--what", "letters", "--out", str(tmp_path / "a.html"))
    assert (code, "has no planned visit" in told) == (1, True)
    code, told = asked(home, "print", "0" * 32, "--out", str(tmp_path / "a.html"))
    assert (code, "there is no visit list" in told) == (1, True)
    code, told = asked(home, "print", id_, "--out", str(tmp_path / "a.doc"))
    assert (code, ".pdf or .html" in told) == (1, True)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    code, told = asked(home, "print", id_, "--out", str(tmp_path / "a.pdf"))
    assert (code, "needs Chromium" in told) == (1, True)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_letters_and_notices_a_sheet_each(home: Home, tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("needs Chromium: `apt-get install chromium`")
    id_ = published(home)
    assert asked(home, "plan", "2026-27-Q2", "--school", "SCH1")[0] == 0
    for what in ("letters", "notices"):
        html, pdf = tmp_path / f"{what}.html", tmp_path / f"{what}.pdf"
        more = ["--number"] if what == "letters" else []
        assert asked(home, "print", id_, "--what", what, "--out", str(html), *more)[0] == 0
        text = html.read_text("utf-8")
        sheets = text.count('<article class="sheet')
        assert sheets > 1
        assert text.count("newsheet") - text.count(".newsheet") == sheets - 1
        if what == "letters":
            numbers = re.findall(r"\d{3}/ST/[^<]*", text)
            assert len(set(numbers)) == sheets
        code, told = asked(home, "print", id_, "--what", what, "--out", str(pdf))
        assert code == 0, told
        content = pdf.read_bytes()
        assert content.startswith(b"%PDF")
        assert len(re.findall(rb"/Type\s*/Page\b(?!s)", content)) == sheets
    assert printing_sheets.WHAT == ("list", "summary", "letters", "forms", "notices")
