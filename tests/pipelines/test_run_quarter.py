"""`earlywarning run quarter`: from records to a draft in one go, repeated, resumed, held back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

import killed_imports
import small_school
from earlywarning.io.only_one import only_one
from earlywarning.io.register import lists
from earlywarning.io.register.models import Household, Student, VisitList
from earlywarning.io.wording import LANGUAGES
from earlywarning_pipelines import cli, missing, publish, run_commands
from earlywarning_pipelines.console import ACT_EXIT, BUSY_EXIT, MISSING_EXIT, REFUSED_EXIT
from earlywarning_pipelines.home import Home, open_home
from earlywarning_pipelines.missing import Missing
from earlywarning_pipelines.run_quarter import Ran, journal_path, notice_path
from people import CHILDREN, SARI, SITI
from small_school import NOW, QUARTER

ON = "2026-10-05"


def run(folder: Path, *words: str, quarter: str = QUARTER) -> tuple[int, str]:
    """Exit code and what was printed."""
    typed = ["--home", str(folder), "run", "quarter", quarter, "--as-of", ON, *words]
    result = CliRunner().invoke(cli.app, typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The cast's school, imported and not yet listed."""
    made = CliRunner().invoke(cli.app, ["--home", str(tmp_path), "init", "--no-lottery"])
    assert made.exit_code == 0, made.output
    home = open_home(tmp_path)
    small_school.settle(tmp_path, home.register)
    return home


def drafts(home: Home) -> list[tuple[str, str, str]]:
    """Id, status and hash of each list of the quarter."""
    with home.register.session() as session:
        query = select(VisitList.visit_list_id, VisitList.status, VisitList.frozen_sha256)
        return [tuple(row) for row in session.execute(query)]


def test_a_quarter_in_one_go(home: Home) -> None:
    code, said = run(home.settings.home, "--language", "en")
    assert code == 0, said
    assert "2026-27-Q2: the draft of the visit list is ready" in said
    assert "School SCH1: " in said
    assert "Look at the draft, then publish it" in said
    ((_, status, _),) = drafts(home)
    assert status == lists.DRAFT
    assert notice_path(home, QUARTER).read_text("utf-8") == said
    for child in CHILDREN:
        assert child.name not in said
        assert child.student_id not in journal_path(home, QUARTER).read_text("utf-8")


def test_a_repeat_does_nothing(home: Home) -> None:
    _, said = run(home.settings.home)
    before = drafts(home)
    assert run(home.settings.home) == (0, said)
    assert run(home.settings.home, "--quiet", quarter="current") == (0, "")
    assert drafts(home) == before


def test_it_begins_anew_when_a_family_wants_no_visit(home: Home) -> None:
    run(home.settings.home)
    ((old, _, sha256),) = drafts(home)
    with home.register.session(writing=True) as session:
        household_id = session.get_one(Student, SITI.student_id).household_id
        session.get_one(Household, household_id).do_not_visit = True
        session.commit()
    assert run(home.settings.home)[0] == 0
    ((new, _, other),) = drafts(home)
    assert (new, other) != (old, sha256)


def test_published_lists_stay(home: Home) -> None:
    run(home.settings.home)
    publish.publish(
        quarter=QUARTER, engine=home.engine, store=home.store, register=home.register,
        registry=home.models, district=home.district, seed=1, by=SARI.name, at=NOW,
    )  # fmt: skip
    before = drafts(home)
    code, said = run(home.settings.home, "--language", "en")
    assert (code, drafts(home)) == (0, before)
    assert "2026-27-Q2: every list is published" in said


def test_missing_records_hold_the_list_back(home: Home) -> None:
    facts = small_school.facts()
    few = facts["register_day"].filter(pl.col("day") < pl.col("day").min() + 20)
    small_school.save_facts(home.store, home.register, {"register_day": few})
    code, said = run(home.settings.home, "--language", "en")
    assert code == MISSING_EXIT
    assert "no list was made" in said
    assert "School SCH1: attendance ends on 31 Jul 2026" in said
    assert drafts(home) == []
    # A person may go on all the same; bringing the records goes on by itself.
    assert run(home.settings.home, "--go-on")[0] == 0
    small_school.save_facts(home.store, home.register, {"register_day": facts["register_day"]})
    assert run(home.settings.home)[0] == 0


def test_two_at_once(home: Home) -> None:
    with only_one(home.settings.home / "run.lock", wait_seconds=0, busy=""):
        code, said = run(home.settings.home)
    assert code == BUSY_EXIT
    assert "another run works on" in said
    assert drafts(home) == []


def test_a_quarter_that_has_not_begun_or_is_not_there(home: Home) -> None:
    code, said = run(home.settings.home, quarter="2026-27-Q3")
    assert (code, "begins on 2027-01-01" in said) == (1, True)
    assert run(home.settings.home, quarter="2026-27-Q9")[0] == 1


Moment = dict[str, Any]
MOMENTS: tuple[Moment, ...] = (
    {"event": "os.rename", "about": "runs"},  # the first step is done, not yet written down
    {"sql": "INSERT INTO monitor_check"},
    {"sql": "INSERT INTO visit_list "},
    {"sql": "INSERT INTO visit_list_student"},
    {"sql": "commit"},
    {"sql": "committed"},
    {"after": 0.4},
)


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param(MOMENTS[3:4], id="one"),
        pytest.param(MOMENTS, id="every", marks=pytest.mark.slow),
    ],
)
def test_killed_and_resumed(home: Home, tmp_path: Path, moments: Sequence[Moment]) -> None:
    argv = ["--home", str(home.settings.home), "run", "quarter", QUARTER, "--as-of", ON]
    said = tmp_path / "said"
    with killed_imports.started() as killer:
        for moment in moments:
            killer.run(argv, say=said, **moment)
            # What there is, is whole.
            path = journal_path(home, QUARTER)
            assert not path.exists() or json.loads(path.read_bytes())["done"]
            with home.register.session() as session:
                assert session.scalar(select(func.count()).select_from(VisitList)) in (0, 1)
        assert killer.run(argv, say=said) == 0, said.read_text()
    (made,) = drafts(home)
    assert run(home.settings.home)[0] == 0
    assert drafts(home) == [made]


NOTHING = Ran(QUARTER, missing=(), held_back=False, checks={}, lists=(), refused={}, steps=())


def test_exit_codes() -> None:
    assert run_commands.exit_code(NOTHING) == 0
    assert run_commands.exit_code(replace(NOTHING, held_back=True)) == MISSING_EXIT
    assert run_commands.exit_code(replace(NOTHING, checks={"act": 1})) == ACT_EXIT
    assert (
        run_commands.exit_code(replace(NOTHING, checks={"act": 1}, refused={"grades": 2}))
        == REFUSED_EXIT
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_for_many_schools_stays_short(language: str) -> None:
    gone = tuple(
        Missing(f"SCH{n}", code, newest=date(2026, 8, 1), class_name="VII-A")
        for n in range(30)
        for code in missing.CODES
    )
    listed = tuple(
        {"school_id": f"SCH{n}", "visit_list_id": "", "status": "draft", "listed": 8,
         "families": 300}
        for n in range(30)
    )  # fmt: skip
    text = run_commands.notice(
        replace(NOTHING, missing=gone, lists=listed, checks={"ok": 3, "look": 1, "act": 1},
            refused={"grades": 3}),
        language=language, address="https://kunjungan.example",
    )  # fmt: skip
    assert len(text.splitlines()) < 55
    assert text.endswith("https://kunjungan.example")
