"""Students are drawn by lot where all of them are too many, and nothing about them changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from earlywarning.io import drawing
from earlywarning.io.dataset import load_dataset
from earlywarning.io.engine import open_engine
from messy_district import DISTRICT, messy_tables
from tiny_school import write

QUARTERS = [DISTRICT.calendar.quarter(code) for code in ("2026-27-Q1", "2026-27-Q2")]
KNOWN = QUARTERS[-1].end


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(messy_tables(5), tmp_path_factory.mktemp("snapshot"))


def test_everybody_where_there_is_room(snapshot: Path, tmp_path: Path):
    assert drawing.draw(snapshot, QUARTERS, most=1000, seed=1) is None
    assert drawing.draw(tmp_path, QUARTERS, most=1, seed=1) is None
    assert drawing.draw(snapshot, [], most=1, seed=1) is None
    with pytest.raises(ValueError, match="at least 1"):
        drawing.draw(snapshot, QUARTERS, most=0, seed=1)


def test_the_same_lot_each_time(snapshot: Path):
    lots = [drawing.draw(snapshot, QUARTERS, most=20, seed=seed) for seed in (1, 1, 2)]
    first, again, other = (lot for lot in lots if lot is not None)
    assert first.students.equals(again.students)
    assert not first.students.equals(other.students)
    assert first.students.is_sorted()
    assert sum(first.sample.classes.values()) >= 20


@pytest.mark.parametrize("engine", ["polars", pytest.param("duckdb", marks=pytest.mark.slow)])
def test_the_drawn_students_are_as_they_are_among_all(snapshot: Path, engine):
    drawn = drawing.draw(snapshot, QUARTERS, most=20, seed=1)
    assert drawn
    with open_engine(engine) as opened:
        every, some = (
            load_dataset(
                opened, snapshot, DISTRICT, quarters=QUARTERS, known_before=KNOWN, drawn=which
            )
            for which in (None, drawn)
        )
    kept = every.rows(every.ids["student_id"].isin(drawn.students).to_numpy())
    assert 10 <= len(some) <= 30
    assert drawn.sample.of >= len(every) > len(some)
    assert every.sample is None
    assert some.sample == drawn.sample
    assert some.ids.equals(kept.ids)
    assert some.X.equals(kept.X)
    assert some.y.equals(kept.y)
    assert np.array_equal(some.visited, kept.visited)
    assert pl.Series(some.ids["student_id"]).is_in(drawn.students).all()
