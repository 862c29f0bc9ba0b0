"""An export runs again elsewhere, gives the same numbers, and leads to nobody."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from earlywarning.errors import Conflict, DataError
from earlywarning.impact import analysis
from earlywarning.impact.study import Study
from earlywarning.io import impact_export
from earlywarning.simulation.rough_world import RoughWorld
from earlywarning.simulation.trial import Plan, run

EVIDENCE = {"lists": 4, "broken": 0, "registered": True}
AGREED = impact_export.Agreed("a" * 32, "Do visits help?", frozenset(map(str, range(8))), 10,
                              date(2028, 6, 30))  # fmt: skip


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    panel = run(RoughWorld(1.5), Plan(homerooms=60, lottery=True), seed=11)
    first = panel["student_id"].drop_duplicates().iloc[:3]
    panel = panel.assign(
        student_id=[f"secret-{one:032d}" for one in panel["student_id"]],
        school_id=panel["school_id"].astype(str),
        excluded=panel["excluded"].where(~panel["student_id"].isin(first), "danger"),
        track=panel["track"].where(~panel["student_id"].isin(first), "sick"),
        channel=pd.Series("telephone", panel.index).where(panel["listed"] & (panel["t"] > 0), None),
    )
    study = Study("Kunjungan 2026", "Do visits help?", "2026-27-Q1", "2026-27-Q4",
                  designs=("lottery", "discontinuity", "listing"), subgroups=("s",))  # fmt: skip
    result = analysis.analyse(panel, asdict(study), EVIDENCE)
    folder = tmp_path_factory.mktemp("study") / "export"
    impact_export.write(
        folder, panel, study=asdict(study), evidence=EVIDENCE,
        result=result | {"origin": {"lists": ["cd" * 32]}}, agreement=AGREED,
    )  # fmt: skip
    return folder, panel


def only(needs: list[str], folder: Path) -> Path:
    """A folder to import from with these packages and what they need themselves, nothing else."""
    waiting, seen = [re.split("[=<>!~;[ (]", line)[0] for line in needs], set()
    folder.mkdir()
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        package = metadata.distribution(name)
        waiting += [
            re.split("[=<>!~;[ (]", one)[0]
            for one in package.requires or ()
            if "extra ==" not in one and "sys_platform" not in one
        ]
        for top in {one.parts[0] for one in package.files or () if one.parts[0] != ".."}:
            place = Path(str(package.locate_file(top)))
            if place.exists() and not (folder / top).exists():
                (folder / top).symlink_to(place)
    return folder


def test_the_exported_script_gives_the_same_numbers_with_its_declared_needs_alone(
    exported, tmp_path: Path
) -> None:
    folder, _ = exported
    needs = (folder / "requirements.txt").read_text().split()
    assert len(needs) == len(impact_export.NEEDS)
    place = only(needs, tmp_path / "needs")
    assert not (place / "earlywarning").exists()
    assert not (place / "pyarrow").exists()
    code = (
        "import runpy, sys; sys.path.append(sys.argv[1]); "
        "runpy.run_path(sys.argv[2], run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(place), str(folder / "analyse.py")],
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
    kept = (folder / "panel.csv").read_text() + (folder / "results.json").read_text()
    assert not re.search("danger|sick|" + "cd" * 32, kept)
    assert set(table["track"]) == {"concern", "preventive", "none", "rare"}
    assert set(table["excluded"].drop_nulls()) == {"yes"}
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
        impact_export.write(
            tmp_path, exported[1], study={}, evidence={}, result={}, agreement=AGREED
        )


@pytest.mark.parametrize(
    ("agreed", "said"),
    [
        ({"schools": frozenset(str(one) for one in range(7))}, "does not cover school 7"),
        ({"smallest_group": 150}, "could be told from each other"),
    ],
)
def test_what_no_agreement_covers_does_not_leave(
    exported, tmp_path: Path, agreed: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        impact_export.write(
            tmp_path / "out", exported[1], study={}, evidence={}, result={},
            agreement=replace(AGREED, **agreed),
        )  # fmt: skip
    assert not (tmp_path / "out").exists()
