"""Quarters in order: learn from earlier ones, compare on later ones, judge on the last.

Worked example, eight closed quarters from 2024-25-Q3 to 2026-27-Q2: the last two are the test, seen
once, at the end. The four before them choose: for 2025-26-Q1 the candidates learn from 2024-25-Q3
and Q4, whose outcome windows had closed before it began, and so on. What is served learns from all
eight.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

MOST_TESTS = 3
MOST_VALIDATIONS = 4
WITHIN_FOLDS = 4
"""Parts of a single quarter, when there is no earlier one to choose on."""

MOST_OF_A_QUARTER = 10_000
"""Students of one quarter from whom candidates learn while they are compared and calibrated. What
serves learns from all, and the test quarters judge with all. More would tell the candidates apart
no better: they differ by far more than what they gain from the students left out."""


@dataclass(frozen=True, slots=True)
class Split:
    """What one comparison learns from and is judged on.

    Attributes
    ----------
    role : {"validation", "test"}
    label : str
        The quarter judged on, `2026-27-Q1`; `2026-27-Q1#2` for the second part of a quarter that
        had to be divided.
    train, later : array of int
        Row positions; see `spread` for `train`, and for `later` where candidates are chosen.
    """

    role: Literal["validation", "test"]
    label: str
    train: np.ndarray
    later: np.ndarray


@dataclass(frozen=True, slots=True)
class Plan:
    """How many quarters choose and how many judge.

    Attributes
    ----------
    quarters : tuple of str
        Closed ones, oldest first.
    validation, test : tuple of str
        Never the first quarter; the test ones are the last.
    """

    quarters: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def plan(quarters: Sequence[str]) -> Plan:
    """Divide closed quarters.

    A quarter of them, at least one and at most three, judge; of those before, up to four choose,
    and never the first one, which has nothing to learn from. With one quarter nothing can be
    compared.

    Parameters
    ----------
    quarters : sequence of str
        Codes; they sort by time.
    """
    ordered = tuple(sorted({str(code) for code in quarters}))
    n = len(ordered)
    if n < 2:
        return Plan(ordered, (), ())
    tests = min(max(n // 4, 1), MOST_TESTS)
    before = ordered[1 : n - tests]
    return Plan(ordered, before[-MOST_VALIDATIONS:], ordered[n - tests :])


def spread(quarters: np.ndarray, *, seed: int, most: int = MOST_OF_A_QUARTER) -> np.ndarray:
    """Every row of a quarter of so many students or fewer, and so many by lot of a larger one.

    The lot of a quarter depends on the seed, its code and its number of rows alone: a quarter that
    was spread is whole the next time, and whoever learns from it meets the same students.

    Parameters
    ----------
    quarters : array of str, shape (n,)
        Each row's quarter.
    seed : int
    most : int

    Returns
    -------
    array of int, shape (at most n,)
        Row positions, rising.
    """
    kept = np.ones(len(quarters), dtype=bool)
    for quarter, size in zip(*np.unique(quarters, return_counts=True), strict=True):
        if size > most:
            rows = np.flatnonzero(quarters == quarter)
            rng = np.random.default_rng([seed, zlib.crc32(str(quarter).encode()), int(size)])
            kept[rows] = False
            kept[rng.choice(rows, most, replace=False)] = True
    return np.flatnonzero(kept)


def validation_splits(quarters: np.ndarray, divided: Plan, *, seed: int) -> Iterator[Split]:
    """The comparisons that choose; with two quarters in all, parts of the first one.

    Parameters
    ----------
    quarters : array of str, shape (n,)
        Each row's quarter.
    """
    at = spread(quarters, seed=seed)
    of = quarters[at]
    for quarter in divided.validation:
        yield Split("validation", quarter, at[of < quarter], at[of == quarter])
    if divided.test and not divided.validation:
        first = divided.quarters[0]
        rows = at[of == first]
        part = parts(len(rows), seed=seed)
        for index in range(WITHIN_FOLDS):
            yield Split(
                "validation", f"{first}#{index + 1}", rows[part != index], rows[part == index]
            )


def test_splits(quarters: np.ndarray, divided: Plan, *, seed: int) -> Iterator[Split]:
    """The comparisons that judge, with every student of the quarters judged on."""
    at = spread(quarters, seed=seed)
    for quarter in divided.test:
        # An outcome window is its quarter, so every earlier one had closed when this one began.
        earlier = at[quarters[at] < quarter]
        yield Split("test", quarter, earlier, np.flatnonzero(quarters == quarter))


def inner_folds(
    quarters: np.ndarray, *, seed: int, at_most: int = 3
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Earlier and later rows within one training set: to set strengths, and to calibrate.

    With a single quarter, parts of it instead.

    Returns
    -------
    list of (earlier, later)
        Row positions, of large quarters those of `spread`; later rows of different folds do not
        overlap.
    """
    at = spread(quarters, seed=seed)
    of = quarters[at]
    ordered = np.unique(of)
    if len(ordered) >= 2:
        return [(at[of < quarter], at[of == quarter]) for quarter in ordered[1:][-at_most:]]
    part = parts(len(at), seed=seed)
    return [(at[part != index], at[part == index]) for index in range(WITHIN_FOLDS)]


def parts(n: int, *, seed: int) -> np.ndarray:
    """A random part, 0 to `WITHIN_FOLDS` - 1, for each of n rows; sizes differ by at most one."""
    return np.random.default_rng(seed).permutation(np.arange(n) % WITHIN_FOLDS)
