"""The state of the data, counted by hand on two classes of five students."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earlywarning.errors import NotFound
from earlywarning_pipelines import cli, state
from earlywarning_pipelines.home import open_home

ON = date(2026, 10, 1)
TWO_CLASSES = Path(__file__).parents[1] / "data" / "two_classes"
MAPPING = TWO_CLASSES / "mapping.toml"


def done(*words: str | Path) -> str:
    """What a command prints that must succeed."""
    result = CliRunner().invoke(cli.app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes, four weeks: 20 school days, 100 marks, one of them empty."""
    folder = tmp_path_factory.mktemp("state")
    done("--home", folder, "init", "--name", "SMP Contoh", "--no-lottery")
    done("--home", folder, "import", "--mapping", MAPPING, "--delivered-on", ON.isoformat(),
         TWO_CLASSES)  # fmt: skip
    return folder


def found(home: Path, **options: str) -> state.State:
    place = open_home(home)
    return state.run(
        engine=place.engine, store=place.store, register=place.register,
        district=place.district, as_of=ON, **options,
    )  # fmt: skip


def test_days_and_marks_are_counted_class_by_class(home: Path) -> None:
    (school,) = found(home).schools
    assert school.school_id == "SMP-CONTOH"
    one, two = school.classes
    assert (one.class_name, one.students, two.class_name, two.students) == ("VII-A", 3, "VII-B", 2)
    assert (one.register_days, one.expected_days, two.register_days) == (20, 20, 20)
    # 20 days of 3 and of 2 students; 0201 of VII-B has an empty mark on 4 September.
    assert one.marked == 1.0
    assert two.marked == pytest.approx(39 / 40)
    assert (one.without_mark, two.without_mark, one.assumed_days) == (0, 0, 0)
    registers = next(one for one in school.sources if one.table == "register_day")
    assert registers.rows == 40


def test_a_quarter_without_records_says_so(home: Path) -> None:
    said = done("--home", home, "state", "--quarter", "2026-27-Q1", "--as-of", "2026-08-01")
    assert "register day: 0 rows" in said
    for line in said.splitlines():
        if "VII-" in line:
            assert line.split()[1:] == [
                "3" if "VII-A" in line else "2", "0", "0", "0", "–", "3" if "VII-A" in line else "2"
            ]  # fmt: skip


def test_a_school_that_is_not_there(home: Path) -> None:
    with pytest.raises(NotFound, match="schools: SMP-CONTOH"):
        found(home, school_id="SMP-LAIN")


def test_the_last_delivery_and_what_it_refused(home: Path) -> None:
    (delivery,) = found(home).deliveries
    assert (delivery.source, delivery.delivered_on, delivery.refused) == ("smp-contoh", ON, {})
    assert delivery.files == 3
