"""Effects at the cut: families just above it against families just below it.

Each teacher's list has a cut of its own, so every family's distance is measured from its own
(normalising and pooling: Cattaneo, Keele, Titiunik and Vazquez-Bare 2016). The distance is the
family's score minus the N-th highest among the *others*; a rank would be the same for everybody at
a cut, and says nothing of how near a family is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from earlywarning.errors import MissingExtra
from earlywarning.impact.regression import Estimate, covariates, estimate, least_squares, of_value


@dataclass(frozen=True, slots=True)
class Discontinuity:
    """What the cut says.

    Attributes
    ----------
    itt : Estimate
        Jump of the outcome at the cut.
    first_stage : Estimate
        Jump of the share visited.
    effect : Estimate
        Effect of a visit on families at the cut whom the list made visited.
    bandwidth : float
        In units of the score.
    left, right : int
        Student-quarters below and above the cut within the bandwidth.
    homerooms : int
    """

    itt: Estimate
    first_stage: Estimate
    effect: Estimate
    bandwidth: float
    left: int
    right: int
    homerooms: int


def at_cut(rows: pd.DataFrame) -> pd.DataFrame:
    """Student-quarters that a cut without a lottery decided.

    Where lots were drawn at the cut there is no jump at it: the lottery speaks there. Families tied
    with the cut are left out: a tie-breaker decided, not the score. Every quarter counts, for what
    was done before is in the score and alike on both sides of the cut.
    """
    drawn = rows["block"].notna().groupby([rows["homeroom"], rows["t"]]).transform("any")
    without = ~drawn
    acted_on = ~rows["shadow"].astype(bool)
    return rows[without & acted_on & rows["x"].notna() & (rows["x"] != 0)]


def estimate_at_cut(
    rows: pd.DataFrame,
    outcome: str,
    *,
    adjust: Sequence[str] = (),
    bandwidth: float | None = None,
    hole: float = 0.0,
    cut: float = 0.0,
) -> Discontinuity:
    """Fuzzy discontinuity by local-linear two-stage least squares (Hahn, Todd and Van der Klaauw
    2001), triangular weights, covariates as in Calonico, Cattaneo, Farrell and Titiunik (2019).

    The value is the local-linear one. The interval is that of the local-quadratic fit at the same
    bandwidth, centred on it: robust bias correction with both bandwidths equal (Calonico, Cattaneo
    and Titiunik 2014, remark 7). Errors are clustered by homeroom.

    Parameters
    ----------
    rows : DataFrame
        As `at_cut` returns them.
    bandwidth : float, optional
        By `best_bandwidth` unless given.
    hole : float
        Leave out families nearer to the cut than this (a donut).
    cut : float
        Another place than 0: a placebo.
    """
    x = rows["x"].to_numpy(dtype=float) - cut
    y = rows[outcome].to_numpy(dtype=float)
    visited = rows["visited"].to_numpy(dtype=float)
    X = covariates(rows, adjust)
    h = best_bandwidth(x, y) if bandwidth is None else bandwidth
    inside = (np.abs(x) < h) & (np.abs(x) >= hole)
    x, y, visited, X = x[inside], y[inside], visited[inside], X[inside]
    cluster = rows["homeroom"].to_numpy()[inside]
    weights = 1 - np.abs(x) / h
    above = (x > 0).astype(float)
    fits = []
    for degree in (1, 2):
        powers = [(x / h) ** power for power in range(1, degree + 1)]
        smooth = np.column_stack(
            [np.ones(len(x)), *powers, *(above * power for power in powers), X]
        )
        reduced = np.column_stack([above, smooth])
        fits.append(
            (
                least_squares(y, reduced, weights=weights, cluster=cluster),
                least_squares(visited, reduced, weights=weights, cluster=cluster),
                least_squares(
                    y, np.column_stack([visited, smooth]), instruments=reduced, weights=weights,
                    cluster=cluster,
                ),
            )
        )  # fmt: skip
    n = len(x)
    strength = fits[0][1].f()
    made = [
        _corrected(what, first, second, n, None if what == "discontinuity.itt" else strength)
        for what, first, second in zip(
            ("discontinuity.itt", "discontinuity.first_stage", "discontinuity.effect"),
            fits[0], fits[1], strict=True,
        )
    ]  # fmt: skip
    return Discontinuity(
        *made,
        bandwidth=h,
        left=int((above == 0).sum()),
        right=int(above.sum()),
        homerooms=fits[0][0].clusters,
    )


def _corrected(what: str, first, second, n: int, strength: float | None) -> Estimate:
    """Value of the first fit, interval of the second."""
    plain = estimate(what, first, n, first_stage=strength)
    robust = of_value(
        what, float(second.beta[0]), second.se(), n=n, clusters=second.clusters, df=second.df
    )
    return Estimate(
        what, plain.value, robust.se, robust.low, robust.high, robust.p, n, plain.clusters, strength
    )


def by_rdrobust(rows: pd.DataFrame, outcome: str) -> tuple[Estimate, float]:
    """Effect of a visit and bandwidth by the package rdrobust (Calonico and others 2017), for a
    second opinion: its own bandwidth, robust interval, errors clustered by homeroom.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    try:
        from rdrobust import rdrobust
    except ImportError as error:
        raise MissingExtra(
            "a second opinion on the cut needs rdrobust; pip install 'earlywarning[rd]'"
        ) from error
    homeroom = pd.factorize(rows["homeroom"])[0]
    found = rdrobust(
        rows[outcome].to_numpy(dtype=float), rows["x"].to_numpy(dtype=float),
        fuzzy=rows["visited"].to_numpy(dtype=float), cluster=homeroom, masspoints="off",
    )  # fmt: skip
    low, high = (float(end) for end in found.ci.iloc[2])
    value, se, p = (float(part.iloc[place, 0]) for part, place in
                    ((found.coef, 0), (found.se, 2), (found.pv, 2)))  # fmt: skip
    one = Estimate(
        "discontinuity.rdrobust", value, se, low, high, p, len(rows), int(homeroom.max()) + 1
    )
    return one, float(found.bws.iloc[0, 0])


def sharp(y: np.ndarray, x: np.ndarray, *, bandwidth: float) -> tuple[float, float]:
    """Conventional local-linear jump at 0 and its robust (HC1) error, triangular weights."""
    inside = np.abs(x) < bandwidth
    x, y = x[inside], y[inside]
    above = (x >= 0).astype(float)
    smooth = np.column_stack([above, np.ones(len(x)), x, above * x])
    fit = least_squares(y, smooth, weights=1 - np.abs(x) / bandwidth)
    return float(fit.beta[0]), fit.se()


def best_bandwidth(x: np.ndarray, y: np.ndarray) -> float:
    """Bandwidth of least expected squared error (Imbens and Kalyanaraman 2012, their steps 1 to 3).

    Both are scaled to unit variance first, so that the rule does not depend on units.
    """
    keep = ~(np.isnan(x) | np.isnan(y))
    x, y = x[keep], y[keep]
    scale = float(x.std()) or 1.0
    u, v = x / scale, (y - y.mean()) / (float(y.std()) or 1.0)
    n = len(u)
    left, right = u <= 0, u > 0
    pilot = 1.84 * n ** (-1 / 5)
    near_left, near_right = left & (u >= -pilot), right & (u <= pilot)
    if near_left.sum() < 10 or near_right.sum() < 10:
        return float(np.abs(x).max()) + 1e-9
    density = (near_left.sum() + near_right.sum()) / (2 * n * pilot)
    variance = [float(v[side].var(ddof=1)) for side in (near_left, near_right)]
    middle = (u >= np.median(u[left])) & (u <= np.median(u[right]))
    jump = (u > 0).astype(float)
    cubic = np.column_stack([np.ones(n), jump, u, u**2, u**3])[middle]
    third = 6 * float(np.linalg.lstsq(cubic, v[middle], rcond=None)[0][4])
    curves, penalty = [], 0.0
    for side, noise in zip((left, right), variance, strict=True):
        many = max(int(side.sum()), 1)
        wide = 3.56 * (noise / (density * max(third**2, 0.01))) ** (1 / 7) * many ** (-1 / 7)
        inner = side & (np.abs(u) <= wide)
        if inner.sum() < 20:
            inner, wide = side, float(np.abs(u[side]).max())
        square = np.column_stack([np.ones(inner.sum()), u[inner], u[inner] ** 2])
        curves.append(2 * float(np.linalg.lstsq(square, v[inner], rcond=None)[0][2]))
        penalty += 2160 * noise / (inner.sum() * wide**4)
    bent = (curves[1] - curves[0]) ** 2 + penalty
    best = 3.4375 * (sum(variance) / (density * bent)) ** (1 / 5) * n ** (-1 / 5)
    return scale * float(min(best, np.abs(u).max() + 1e-9))


def binned(rows: pd.DataFrame, outcome: str, *, bandwidth: float, bins: int = 10) -> pd.DataFrame:
    """Means of the outcome by distance, for a plot; bins of fewer than ten children are left out.

    Returns
    -------
    DataFrame
        `x` (middle of the bin), `mean`, `n`.
    """
    x = rows["x"].to_numpy(dtype=float)
    inside = np.abs(x) < bandwidth
    edges = np.linspace(-bandwidth, bandwidth, 2 * bins + 1)
    place = np.clip(np.searchsorted(edges, x[inside]) - 1, 0, 2 * bins - 1)
    count = np.bincount(place, minlength=2 * bins)
    total = np.bincount(place, rows[outcome].to_numpy(dtype=float)[inside], minlength=2 * bins)
    shown = count >= 10
    middle = (edges[:-1] + edges[1:]) / 2
    return pd.DataFrame(
        {"x": middle[shown], "mean": total[shown] / count[shown], "n": count[shown]}
    )
