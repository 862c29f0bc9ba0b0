"""`district.toml`: defaults, and errors that say where and what is allowed."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from earlywarning import district
from earlywarning.errors import ConfigError
from earlywarning.io.file_kind import Limits
from earlywarning.visits.frozen import district_values

LEAST = "[visits]\nlottery = false\n"


def test_the_least_file_has_the_documented_defaults() -> None:
    found = district.parse(LEAST)
    assert found.thresholds.absence_rate == 0.10
    assert found.thresholds.subjects_below == 2
    assert found.visits == district.Visits(lottery=False, capacity=8, preventive_share=0.4)
    assert found.calendar.quarter("2026-27-Q1").start.isoformat() == "2026-07-01"


def test_the_lottery_must_be_said() -> None:
    with pytest.raises(ConfigError, match=r"\[visits\] lottery must say true or false"):
        district.parse("[visits]\ncapacity = 3\n")


def test_a_school_has_its_own_thresholds_on_top_of_the_preset() -> None:
    found = district.parse(
        LEAST + '[thresholds]\npreset = "indonesia_smp_sp100"\n[school.S2]\npass_mark = 60\n'
    )
    assert found.thresholds_of("S1").pass_mark == 75
    assert found.thresholds_of("S2").pass_mark == 60
    assert found.thresholds_of("S2").first_warning_points == 100


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[visits]\nlottery = true\ncapacity = -1\n", "capacity is -1; allowed: a whole number"),
        ("[visits]\nlottery = true\ncapacity = 2.5\n", "whole number"),
        (LEAST + 'reasons = "some"\n', "visits.reasons is 'some'; allowed: everyone, listed"),
        (LEAST + "reasons_next = -1\n", "reasons_next is -1; allowed: a whole number from 0"),
        (LEAST + 'raesons = "listed"\n', "unknown key 'raesons'"),
        (LEAST + "[thresholds]\nabsence_rate = 10\n", "absence_rate is 10; allowed"),
        (LEAST + "[thresholds]\npreset = 'x'\n", "allowed: indonesia_smp"),
        (LEAST + "[wieghts]\nattendance = 1\n", "unknown key 'wieghts'"),
        (LEAST + "[weights]\nattendance=0\nbehaviour=0\ngrades=0\n", "at least one area"),
        (LEAST + "[calendar]\nquarter_starts = ['1 Juli']\n", "month-day"),
        (LEAST + "[import]\nlag_days = {attendence = 1}\n", "unknown key 'attendence'"),
        (
            LEAST + "[import]\nmemory_mb = 100\n",
            "is 100; allowed: a whole number from 500",
        ),
        (LEAST + "[import]\nseconds = 1.5\n", "a whole number from 5"),
        (LEAST + "[monitor]\nmovement = 1\n", "allowed: a number from 1.01 to 100"),
        (LEAST + "[monitor]\ndrfit = 1\n", "unknown key 'drfit'"),
        (LEAST + '[models]\npromote = "soon"\n', "allowed: by_person, automatic"),
        (LEAST + "[models]\npromte = 1\n", "unknown key 'promte'"),
        (LEAST + "[district]\nlanguage = 'fr'\n", "allowed: id, en"),
        ("visits = 3\n", "must be a table"),
        ("[visits\n", "not valid TOML"),
    ],
)
def test_what_cannot_be_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=r"district\.toml") as caught:
        district.parse(text)
    assert says in str(caught.value)


def test_the_hash_moves_with_every_value(tmp_path: Path) -> None:
    one = district.parse(LEAST)
    assert one.content_hash == district.parse(LEAST + "[weights]\nattendance = 1.0\n").content_hash
    assert one.content_hash != district.parse(LEAST + "[weights]\ngrades = 2\n").content_hash


def test_limits_of_files_are_of_the_computer_and_change_no_list() -> None:
    one = district.parse(LEAST)
    own = district.parse(LEAST + "[import]\nfile_mb = 50\nmemory_mb = 4000\nseconds = 600\n")
    assert own.content_hash == one.content_hash
    assert Limits.chosen(one.imports.files) == Limits()
    chosen = Limits.chosen(own.imports.files)
    assert (chosen.workbook_bytes, chosen.markup_bytes) == (50_000_000, 50_000_000)
    assert (chosen.unpacked_bytes, chosen.memory_bytes) == (100_000_000, 4_000_000_000)
    assert chosen.seconds == 600


def test_every_key_of_imports_has_its_line() -> None:
    page = (Path(__file__).parents[2] / "docs" / "district.md").read_text(encoding="utf-8")
    for item in fields(district.FileLimits):
        assert f"| `import.{item.name}` | `{item.default}` |" in page


def test_every_limit_of_the_monitor_has_its_line_and_changes_no_list() -> None:
    page = (Path(__file__).parents[2] / "docs" / "district.md").read_text(encoding="utf-8")
    for item in fields(district.MonitorLimits):
        assert f"| `monitor.{item.name}` | `{item.default}` |" in page
    one = district.parse(LEAST)
    own = district.parse(LEAST + "[monitor]\ndrift = 0.4\nsilent_days = 21\n")
    assert own.monitor == district.MonitorLimits(drift=0.4, silent_days=21)
    assert one.monitor == district.MonitorLimits()
    assert own.content_hash == one.content_hash
    assert district_values(own) == district_values(one)


def test_a_missing_or_foreign_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="earlywarning init"):
        district.load(tmp_path / "district.toml")
    path = tmp_path / "district.toml"
    path.write_bytes("[visits]\nlottery = true # é".encode("cp1252"))
    with pytest.raises(ConfigError, match="UTF-8"):
        district.load(path)


def test_who_promotes_changes_no_list() -> None:
    one = district.parse(LEAST)
    own = district.parse(LEAST + '[models]\npromote = "automatic"\n')
    assert (one.promote, own.promote) == ("by_person", "automatic")
    assert one.content_hash == own.content_hash
    assert district_values(one) == district_values(own)
