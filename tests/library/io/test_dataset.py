"""From a snapshot to what models learn from."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from earlywarning.errors import DataError
from earlywarning.features.build import FEATURES
from earlywarning.io.dataset import history_quarters, load_dataset
from earlywarning.io.engine import open_engine
from messy_district import DISTRICT, messy_tables
from tiny_school import TinySchool, features, labels, school_days, write

CALENDAR = DISTRICT.calendar
NAMES = [feature.name for feature in FEATURES]


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    return messy_tables(4)


@pytest.fixture(scope="module")
def snapshot(tables: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tables, tmp_path_factory.mktemp("snapshot"))


@pytest.mark.parametrize("name", ["polars", "duckdb"])
def test_rows_are_those_of_each_quarter_with_what_became_of_them(tables, snapshot: Path, name):
    quarters = [CALENDAR.quarter("2025-26-Q3"), CALENDAR.quarter("2026-27-Q2")]
    before = date(2027, 1, 1)
    seen = []
    with open_engine(name) as engine:
        dataset = load_dataset(
            engine, snapshot, DISTRICT, quarters=quarters, known_before=before,
            progress=lambda *step: seen.append(step),
        )  # fmt: skip
    assert seen == [("features", 0, 2), ("features", 1, 2), ("features", 2, 2)]
    assert dataset.quarters == ("2025-26-Q3", "2026-27-Q2")
    assert list(dataset.X.columns) == NAMES
    assert list(dataset.y.columns) == ["attendance", "behaviour", "grades"]
    assert list(dataset.ids.columns) == ["quarter", "student_id", "school_id", "class_id"]
    assert (dataset.X.dtypes == np.float64).all()
    for quarter in quarters:
        part = dataset.rows((dataset.ids["quarter"] == quarter.code).to_numpy())
        X = features(tables, "polars", quarter=quarter.code, district=DISTRICT)
        y = labels(tables, "polars", quarter=quarter.code, district=DISTRICT, as_of=before)
        y = X.select("student_id").join(y, on="student_id", how="left", maintain_order="left")
        assert part.ids["student_id"].tolist() == X["student_id"].to_list()
        expected = X.select(pl.col(NAMES).cast(pl.Float64)).to_numpy()
        np.testing.assert_array_equal(part.X.to_numpy(), expected)
        expected = y.select(pl.col("attendance", "behaviour", "grades").cast(pl.Float64))
        np.testing.assert_array_equal(part.y.to_numpy(), expected.to_numpy())
        np.testing.assert_array_equal(part.visited, y["visited"].fill_null(0).to_numpy())
        assert part.label_status.tolist() == y["label_status"].fill_null("no_data").to_list()


def test_a_quarter_to_be_scored_is_built_like_a_learnt_one(snapshot: Path):
    quarter = CALENDAR.quarter("2026-27-Q2")
    with open_engine() as engine:
        learnt = load_dataset(
            engine, snapshot, DISTRICT, quarters=[quarter], known_before=date(2027, 6, 1)
        )
        scored = load_dataset(
            engine, snapshot, DISTRICT,
            quarters=[quarter], known_before=quarter.start, labels=False,
        )  # fmt: skip
    assert scored.X.equals(learnt.X)
    assert scored.ids.equals(learnt.ids)
    assert scored.y.isna().all(axis=None)
    assert np.isnan(scored.visited).all()
    assert set(scored.label_status) == {""}


def test_labels_of_a_quarter_that_has_not_ended(snapshot: Path):
    with open_engine() as engine, pytest.raises(DataError, match="ends on 2027-01-01"):
        load_dataset(
            engine, snapshot, DISTRICT,
            quarters=[CALENDAR.quarter("2026-27-Q2")], known_before=date(2026, 12, 31),
        )  # fmt: skip


def test_no_quarters_and_no_students_are_empty_tables(tmp_path: Path):
    with open_engine() as engine:
        write(TinySchool().tables(), tmp_path)
        quarter = CALENDAR.quarter("2026-27-Q2")
        for quarters in ([], [quarter]):
            dataset = load_dataset(
                engine, tmp_path, DISTRICT, quarters=quarters, known_before=date(2027, 1, 1)
            )
            assert len(dataset) == 0
            assert dataset.X.shape == (0, len(FEATURES))
            assert list(dataset.ids.columns) == ["quarter", "student_id", "school_id", "class_id"]
            assert dataset.quarters == ()
        assert history_quarters(engine, tmp_path, DISTRICT, date(2027, 1, 1)) == []


def test_a_student_whose_enrolment_was_taken_back_has_no_label(tmp_path: Path):
    """In October the school thought Budi was enrolled; in November it said he never was."""
    school = TinySchool()
    school.enroll("Ani")
    school.enroll("Budi", until="2026-11-02")
    school.take_register(school_days("2026-10-05", 20))
    with open_engine() as engine:
        dataset = load_dataset(
            engine, write(school.tables(), tmp_path), DISTRICT,
            quarters=[CALENDAR.quarter("2026-27-Q2")], known_before=date(2027, 1, 1),
        )  # fmt: skip
    assert dataset.ids["student_id"].tolist() == ["Ani", "Budi"]
    assert dataset.label_status.tolist() == ["labelled", "no_data"]
    assert dataset.y["attendance"].tolist() == pytest.approx([0.0, float("nan")], nan_ok=True)
    assert dataset.visited.tolist() == [0.0, 0.0]


def history(school: TinySchool, folder: Path, before: str) -> list[str]:
    with open_engine() as engine:
        snapshot = write(school.tables(), folder)
        quarters = history_quarters(engine, snapshot, DISTRICT, date.fromisoformat(before))
        return [quarter.code for quarter in quarters]


def test_history_is_what_has_closed_and_had_a_past(tmp_path: Path):
    school = TinySchool()
    school.enroll("Ani")
    school.take_register(school_days("2026-07-06", 200))  # to the end of February
    assert history(school, tmp_path, "2026-10-01") == []  # Q1 had no past
    assert history(school, tmp_path, "2026-12-31") == []
    assert history(school, tmp_path, "2027-01-01") == ["2026-27-Q2"]
    assert history(school, tmp_path, "2027-04-01") == ["2026-27-Q2", "2026-27-Q3"]
    assert history(school, tmp_path, "2028-04-01") == ["2026-27-Q2", "2026-27-Q3"]


def test_grades_alone_are_a_history(tmp_path: Path):
    school = TinySchool()
    school.enroll("Ani")
    school.grade("Ani", "2026-09-20", "Math", 80)
    school.grade("Ani", "2026-12-20", "Math", 80)
    assert history(school, tmp_path, "2027-01-01") == ["2026-27-Q2"]


def test_what_became_known_too_late_is_no_past(tmp_path: Path):
    school = TinySchool()
    school.enroll("Ani")
    school.grade("Ani", "2026-09-20", "Math", 80, known="2026-10-01")
    school.grade("Ani", "2026-12-20", "Math", 80)
    assert history(school, tmp_path, "2027-01-01") == []


def test_rows_are_chosen_by_mask_or_position(snapshot: Path):
    with open_engine() as engine:
        dataset = load_dataset(
            engine, snapshot, DISTRICT,
            quarters=[CALENDAR.quarter("2026-27-Q2")], known_before=date(2027, 1, 1),
        )  # fmt: skip
    mask = np.zeros(len(dataset), dtype=bool)
    mask[[1, 3]] = True
    by_mask, by_position = dataset.rows(mask), dataset.rows(np.array([3, 1]))
    assert by_mask.ids["student_id"].tolist() == dataset.ids["student_id"].iloc[[1, 3]].tolist()
    assert by_position.X.iloc[::-1].reset_index(drop=True).equals(by_mask.X)
