"""An export runs again elsewhere, gives the same numbers, and leads to nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from earlywarning.errors import Conflict
from earlywarning.impact import analysis
from earlywarning.impact.study import Study
from earlywarning.io import impact_export
from earlywarning.simulation.rough_world import RoughWorld
from earlywarning.simulation.trial import Plan, run

EVIDENCE = {"lists": 4, "broken": 0, "registered": True}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    panel = run(RoughWorld(1.5), Plan(homerooms=60, lottery=True), seed=11)
    panel = panel.assign(student_id=[f"secret-{one:032d}" for one in panel["student_id"]])
    study = Study("Kunjungan 2026", "Do visits help?", "2026-27-Q1", "2026-27-Q4",
                  designs=("lottery", "listing"), subgroups=("s",))  # fmt: skip
    result = analysis.analyse(panel, asdict(study), EVIDENCE)
    folder = tmp_path_factory.mktemp("study") / "export"
    impact_export.write(folder, panel, study=asdict(study), evidence=EVIDENCE, result=result)
    return folder, panel


def test_the_exported_script_gives_the_same_numbers_without_this_program(exported) -> None:
    folder, _ = exported
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "analyse.py")],
        capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same numbers" in done.stdout
    for module in (folder / "impact_code").glob("*.py"):
        assert "import earlywarning" not in module.read_text()
        assert "from earlywarning" not in module.read_text()


def test_a_changed_table_is_noticed(exported, tmp_path: Path) -> None:
    folder, _ = exported
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(folder), str(copy)], check=True)
    rows = pd.read_csv(copy / "panel.csv")
    rows.loc[rows["won"], "absence_rate"] -= 0.01
    rows.to_csv(copy / "panel.csv", index=False)
    done = subprocess.run(
        [sys.executable, "-I", str(copy / "analyse.py")], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "DIFFERENT" in done.stdout


def test_no_id_of_the_register_and_no_day_of_a_visit_leaves(exported) -> None:
    folder, panel = exported
    table = pl.read_parquet(folder / "panel.parquet")
    assert table.height == len(panel)
    assert not set(impact_export.LEFT_OUT) & set(table.columns)
    assert "secret-" not in (folder / "panel.csv").read_text()
    described = (folder / "dictionary.md").read_text()
    assert all(f"`{name}`" in described for name in table.columns)


def test_two_exports_cannot_be_joined(exported) -> None:
    _, panel = exported
    one, other = (impact_export.without_names(panel, key) for key in (b"a" * 32, b"b" * 32))
    assert not set(one["student_id"]) & set(other["student_id"])
    assert one["student_id"].nunique() == panel["student_id"].nunique()


def test_hashes_name_every_file(exported) -> None:
    folder, _ = exported
    named = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert named == {name for name in there - {"SHA256SUMS"} if "__pycache__" not in name}
    assert json.loads((folder / "results.json").read_text())["study"]["name"] == "Kunjungan 2026"


def test_a_folder_with_something_in_it_is_left_alone(exported, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(Conflict, match="not empty"):
        impact_export.write(tmp_path, exported[1], study={}, evidence={}, result={})
