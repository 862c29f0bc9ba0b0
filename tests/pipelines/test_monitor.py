"""`earlywarning monitor` on one installation: looked at, judged, kept, said in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from drawn_school import QUARTERS, facts
from earlywarning.calendar import SchoolCalendar, day_number
from earlywarning.errors import DataError, NotFound
from earlywarning.io.register import monitor_checks
from earlywarning.io.register.models import ClassGroup, FactsSnapshot, School, Staff, Student
from earlywarning_pipelines import cli, monitor, publish, train
from earlywarning_pipelines.console import ACT_EXIT, REFUSED_EXIT
from earlywarning_pipelines.home import Home, open_home
from earlywarning_pipelines.monitor import MonitorResult

CALENDAR = SchoolCalendar()
LISTED, LAST = (CALENDAR.quarter(code) for code in QUARTERS[-2:])
NOW = datetime(2026, 1, 2, 6, 30)  # noqa: DTZ001 - the register keeps UTC without zone
STUDENTS = 120


def keep(home: Home, tables: dict[str, pl.DataFrame], *, first: bool = False) -> None:
    """Let these facts be the current ones."""
    snapshot = home.store.write(tables, base=None)
    with home.register.session(writing=True) as session:
        if not first:
            session.query(FactsSnapshot).update({"is_current": False})
            session.flush()
        session.merge(FactsSnapshot(snapshot_id=snapshot.id, made_at=NOW, is_current=True, rows={}))
        session.commit()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Trained on four quarters; the list of the fifth is published."""
    folder = tmp_path_factory.mktemp("monitor")
    made = CliRunner().invoke(cli.app, ["--home", str(folder), "init", "--no-lottery"])
    assert made.exit_code == 0, made.output
    home = open_home(folder)
    keep(home, facts(STUDENTS), first=True)
    year = LISTED.school_year
    with home.register.session(writing=True) as session:
        session.add(School(school_id="SCH1", name="SMP Contoh"))
        session.flush()
        for name in "ABCD":
            session.add(
                Staff(staff_id=f"t{name}", school_id="SCH1", local_id=name, name=f"Guru {name}")
            )
            session.flush()
            session.add(
                ClassGroup(class_id=f"SCH1/{year}/{name}", school_id="SCH1", school_year=year,
                           name=name, homeroom_staff_id=f"t{name}")
            )  # fmt: skip
        session.add_all(
            Student(student_id=f"{n:032x}", school_id="SCH1", local_id=str(n),
                    full_name=f"Siswa {n}", sex="FM"[n % 2])
            for n in range(STUDENTS)
        )  # fmt: skip
        session.commit()
    shared = {
        "engine": home.engine, "store": home.store, "register": home.register,
        "registry": home.models, "district": home.district,
    }  # fmt: skip
    train.run(**shared, as_of=LISTED.start, trained_at=NOW, seed=1)  # type: ignore[arg-type]
    publish.publish(quarter=LISTED.code, **shared, seed=1, by="test", at=NOW)  # type: ignore[arg-type]
    yield home
    home.register.close()


def looked(home: Home, *, quarter: str | None = None, as_of: date = LAST.end) -> MonitorResult:
    return monitor.run(
        engine=home.engine, store=home.store, register=home.register, registry=home.models,
        district=home.district, as_of=as_of, at=NOW, quarter=quarter,
    )  # fmt: skip


def test_the_running_quarter_is_looked_at_and_the_published_one_judged(home: Home) -> None:
    result = looked(home, quarter=LAST.code)
    assert result.quarter == LAST.code
    # Nothing was known when the first quarter began, so nobody learnt from it.
    assert result.learnt_from == QUARTERS[1:4]
    assert result.judged == LISTED.code
    of = {code: {row.quarter for row in result.rows if row.code == code} for code in CODES}
    assert of == {code: {quarter} for code, quarter in CODES.items()}
    assert monitor_checks.latest(home.register) == list(result.rows)


CODES = {
    "registers_stopped": LAST.code, "registers_fewer": LAST.code, "recorded_share": LAST.code,
    "illness": LAST.code, "feature_drift": LAST.code, "risk_level": LAST.code,
    "calibration": LISTED.code,
}  # fmt: skip


def test_before_its_quarter_is_over_no_list_is_judged(home: Home) -> None:
    result = looked(home, as_of=LISTED.start)
    assert (result.quarter, result.judged) == (LISTED.code, None)
    (size,) = [row for row in result.rows if row.code == "list_size"]
    assert (size.status, size.subject) == ("ok", "SCH1")


def test_what_cannot_be_asked(home: Home) -> None:
    with pytest.raises(NotFound, match="no quarter"):
        looked(home, quarter="2025-26")
    with pytest.raises(DataError, match="begins on 2026-07-01, after 2026-01-01"):
        looked(home, quarter="2026-27-Q1")


def said(home: Home, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, ["--home", str(home.settings.home), "monitor", *words])
    return result.exit_code, result.output


def test_a_school_that_stops_is_said_in_two_languages_and_ends_with_its_code(
    home: Home,
) -> None:
    whole = facts(STUDENTS)
    stop = day_number(date(2025, 10, 20))
    keep(
        home,
        {
            **whole,
            "register_day": whole["register_day"].filter(pl.col("day") < stop),
            "attendance_event": whole["attendance_event"].filter(pl.col("day") < stop),
        },
    )
    try:
        options = ("--quarter", LAST.code, "--as-of", "2025-12-20")
        code, english = said(home, *options, "--language", "en")
        assert code == ACT_EXIT == 5
        assert f"[act] {LAST.code} registers_stopped: SCH1" in english
        assert "No register has been taken for 64 days" in english
        assert "→ Ask the school whether registers are still kept" in english
        code, indonesian = said(home, *options, "--language", "id")
        assert code == ACT_EXIT == 5
        assert f"[tindak] {LAST.code} registers_stopped: SCH1" in indonesian
        assert "Tidak ada presensi kelas selama 64 hari" in indonesian
        code, before = said(home, "--history")
        assert code == 0
        assert f"act   {LAST.code}  registers_stopped" in before
        shown = CliRunner().invoke(
            cli.app, ["--home", str(home.settings.home), "models", "show", "attendance"]
        )
        assert f"[act] {LAST.code} registers_stopped of SCH1: 64" in shown.output
        assert " to act on, " in shown.output
    finally:
        keep(home, whole)


def test_what_must_be_acted_on_is_told_apart_from_what_was_altered() -> None:
    assert len({0, 1, 2, 3, ACT_EXIT, REFUSED_EXIT}) == 6


def test_a_quiet_quarter_ends_with_0(home: Home) -> None:
    code, output = said(home, "--quarter", LAST.code, "--as-of", LAST.start.isoformat())
    assert code == 0, output
    assert "0 to act on" in output or "0 untuk ditindak" in output
    code, everything = said(
        home, "--quarter", LAST.code, "--as-of", LAST.start.isoformat(), "--all"
    )
    assert code == 0
    assert "recorded_share: SCH1" in everything


def test_with_nothing_imported_or_learnt(tmp_path: Path) -> None:
    made = CliRunner().invoke(cli.app, ["--home", str(tmp_path), "init", "--no-lottery"])
    assert made.exit_code == 0
    home = open_home(tmp_path)
    code, output = said(home)
    assert code == 1
    assert "nothing was imported yet" in output
    assert said(home, "--history") == (
        0, "nothing was looked at yet; `earlywarning monitor` looks\n"
    )  # fmt: skip
    keep(home, facts(40, QUARTERS[:1]), first=True)
    code, output = said(home, "--as-of", "2024-08-01", "--language", "en")
    assert code == 0
    assert "There is nothing to compare with yet" in output
    home.register.close()
