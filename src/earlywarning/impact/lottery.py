"""Effects from lots among nearly tied families: the surest of the designs, since chance decided.

Families who drew together are a block; within a block everybody had the same chance. Comparisons
are made within blocks only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from earlywarning.impact.regression import (
    Estimate,
    Fit,
    covariates,
    estimate,
    least_squares,
    within,
)

PERMUTATIONS = 999


@dataclass(frozen=True, slots=True)
class Randomisation:
    """What drawing the lots again says.

    Attributes
    ----------
    value : float
        The observed difference between winners and losers.
    p : float
        Share of draws at least as far from zero, the observed one counted.
    low, high : float
        Effects, the same for every child, that drawing again does not reject at 5 %.
    draws : int
    """

    value: float
    p: float
    low: float
    high: float
    draws: int


def drawn(rows: pd.DataFrame, *, first_only: bool = True) -> pd.DataFrame:
    """The student-quarters that took part in a lottery.

    Parameters
    ----------
    rows : DataFrame
        The panel; see `panel.COLUMNS`.
    first_only : bool
        Only each family's first lottery: later ones follow on what the first one did. What is left
        of a block is still drawn at random, for who is left was known before the draw.
    """
    some = rows[rows["block"].notna() & ~rows["shadow"].astype(bool)]
    if first_only:
        first = some.groupby("household_id")["t"].transform("min")
        some = some[some["t"] == first]
    return _with_both(some)


def _with_both(some: pd.DataFrame) -> pd.DataFrame:
    """Blocks in which somebody won and somebody did not: the others say nothing."""
    won = some.groupby("block")["won"].transform("mean")
    return some[(won > 0) & (won < 1)]


def itt(rows: pd.DataFrame, outcome: str, *, adjust: Sequence[str] = ()) -> Estimate:
    """Intention to treat: the effect of winning a place, visited or not.

    Least squares with block effects (Bruhn and McKenzie 2009), covariates to sharpen it (Lin 2013
    discusses when they help), errors clustered by homeroom.

    Parameters
    ----------
    rows : DataFrame
        As `drawn` returns them, with the outcome known.
    outcome : str
    adjust : sequence of str
        Columns known before the draw.
    """
    fit, n = _fit(rows, rows[outcome], adjust)
    return estimate("lottery.itt", fit, n)


def first_stage(rows: pd.DataFrame, *, adjust: Sequence[str] = ()) -> Estimate:
    """How much winning raised the chance of a visit; `first_stage` is its robust F."""
    fit, n = _fit(rows, rows["visited"], adjust)
    return estimate("lottery.first_stage", fit, n, first_stage=fit.f())


def effect(rows: pd.DataFrame, outcome: str, *, adjust: Sequence[str] = ()) -> Estimate:
    """Effect of a visit on those whom winning made visited (Imbens and Angrist 1994).

    Two-stage least squares with block effects, winning as the instrument. Believe it only where the
    first stage is strong; see `diagnose.first_stage`.
    """
    code = pd.factorize(rows["block"])[0]
    y, visited, won, X = _parts(rows, rows[outcome], adjust, code)
    regressors = np.column_stack([visited, X])
    fit = least_squares(
        y, regressors, instruments=np.column_stack([won, X]), cluster=rows["homeroom"].to_numpy()
    )
    strength = first_stage(rows, adjust=adjust).first_stage
    return estimate("lottery.effect", fit, len(rows), first_stage=strength)


def difference(
    rows: pd.DataFrame, outcome: str, high: pd.Series, *, adjust: Sequence[str] = ()
) -> Estimate:
    """How much more, or less, winning did for one part of the families than for the others.

    The coefficient of winning times being in the part (Imbens and Rubin 2015, chapter 7), both
    within blocks; compared are only effects, never the parts themselves.

    Parameters
    ----------
    high : Series of bool
        Who is in the part; known before the draw.
    """
    code = pd.factorize(rows["block"])[0]
    y, _, won, X = _parts(rows, rows[outcome], adjust, code)
    part = high.to_numpy(dtype=float)
    both = within(part * rows["won"].to_numpy(dtype=float), code)
    fit = least_squares(
        y, np.column_stack([both, won, within(part, code), X]), cluster=rows["homeroom"].to_numpy()
    )
    return estimate("lottery.difference", fit, len(rows))


def randomisation(
    rows: pd.DataFrame, outcome: str, *, seed: int, adjust: Sequence[str] = (),
    draws: int = PERMUTATIONS,
) -> Randomisation:  # fmt: skip
    """Test and interval by drawing the same lots again (Fisher 1935; covariates: Rosenbaum 2002).

    Exact whatever the number of homerooms, where cluster-robust errors need thirty. Families, not
    children, are drawn; each block keeps its number of winners.

    Parameters
    ----------
    seed : int
    draws : int
        Redrawn lotteries; 999 give p to about 0.007 at 0.05.
    """
    code = pd.factorize(rows["block"])[0]
    y, _, won, X = _parts(rows, rows[outcome], adjust, code)
    if X.shape[1]:
        y = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    families = pd.factorize(rows["household_id"].astype(str) + "|" + rows["block"].astype(str))[0]
    first = np.unique(families, return_index=True)[1]
    block, winner = code[first], rows["won"].to_numpy(dtype=bool)[first]
    size = np.bincount(families).astype(float)
    # In sums over families, centred within blocks, so that a lot's own mean falls out.
    outcome_sum = np.bincount(families, y)
    centre = np.bincount(block, size * winner)[block] / np.bincount(block, size)[block]
    won_sum = np.bincount(families, won)
    spread = float((won * won).sum())
    order = np.lexsort((~winner, block))
    slots = winner[order]
    rng = np.random.default_rng(seed)
    a, b = np.empty(draws), np.empty(draws)
    for start in range(0, draws, 100):
        many = min(100, draws - start)
        keys = rng.random((many, len(block))) + block[None, :]
        again = np.zeros((many, len(block)))
        np.put_along_axis(again, np.argsort(keys, axis=1), np.broadcast_to(slots, keys.shape), 1)
        a[start : start + many] = again @ outcome_sum
        b[start : start + many] = (again - centre) @ won_sum
    observed, own = float(winner @ outcome_sum), float((winner - centre) @ won_sum)
    return inverted(a, b, observed, own, reach=8 * float(np.std(a)) / spread)


def inverted(
    a: np.ndarray, b: np.ndarray, observed: float, own: float, *, reach: float
) -> Randomisation:
    """Test of no effect, and the effects that are not rejected.

    Parameters
    ----------
    a, b : arrays of float, shape (n_draws,)
        The statistic of each redraw: of the outcome, and of the true assignment in its place. With
        an effect of d for whoever was assigned, that of the outcome without it is a - d b.
    observed, own : float
        The same two of the assignment itself.
    reach : float
        How far from the value the ends of the interval are looked for.
    """

    def p_of(shift: float) -> float:
        far = np.abs(a - shift * b) >= abs(observed - shift * own) - 1e-12
        return float((1 + far.sum()) / (len(a) + 1))

    value = observed / own
    low = _edge(p_of, value, value - reach)
    high = _edge(p_of, value, value + reach)
    return Randomisation(value, p_of(0.0), low, high, len(a))


def _edge(p_of: Callable[[float], float], inside: float, outside: float) -> float:
    """Where p falls through 0.05, by halving."""
    for _ in range(30):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if p_of(middle) > 0.05 else (inside, middle)
    return outside


def _fit(rows: pd.DataFrame, outcome: pd.Series, adjust: Sequence[str]) -> tuple[Fit, int]:
    code = pd.factorize(rows["block"])[0]
    y, _, won, X = _parts(rows, outcome, adjust, code)
    fit = least_squares(y, np.column_stack([won, X]), cluster=rows["homeroom"].to_numpy())
    return fit, len(rows)


def _parts(
    rows: pd.DataFrame, outcome: pd.Series, adjust: Sequence[str], code: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, visits, winning and covariates, each minus its block's mean."""
    return (
        within(outcome.to_numpy(dtype=float), code),
        within(rows["visited"].to_numpy(dtype=float), code),
        within(rows["won"].to_numpy(dtype=float), code),
        within(covariates(rows, adjust), code),
    )
