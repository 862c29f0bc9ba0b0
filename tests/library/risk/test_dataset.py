"""Parts of a dataset: whole schools, every row once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from earlywarning.risk.dataset import Dataset

SCHOOLS = ["B", "A", "B", "C", "A", "B", "D"]


def dataset(schools: list[str]) -> Dataset:
    n = len(schools)
    ids = pd.DataFrame(
        {
            "quarter": "2026-27-Q1",
            "student_id": [f"s{at}" for at in range(n)],
            "school_id": schools,
            "class_id": "1",
        }
    )
    X = pd.DataFrame({"grade_level": np.arange(n, dtype=float)})
    return Dataset(ids, X, X.copy(), np.zeros(n), np.full(n, ""))


@pytest.mark.parametrize(
    ("most", "parts"),
    [
        (1, [[1, 4], [0, 2, 5], [3], [6]]),
        (3, [[1, 4], [0, 2, 5], [3, 6]]),
        (5, [[0, 1, 2, 4, 5], [3, 6]]),
        (100, [[0, 1, 2, 3, 4, 5, 6]]),
    ],
)
def test_whole_schools_together(most: int, parts: list[list[int]]) -> None:
    made = dataset(SCHOOLS)
    found = [rows.tolist() for rows in made.by_school(most=most)]
    assert found == parts
    assert made.rows(np.array(found[0])).ids["student_id"].tolist() == [f"s{at}" for at in parts[0]]


def test_nobody() -> None:
    assert list(dataset([]).by_school(most=3)) == []
