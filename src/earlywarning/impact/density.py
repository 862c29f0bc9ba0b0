"""Is there a jump in how many families lie just above a cut?

Of little use here: a teacher's capacity fixes how many families lie above the cut, so a secret swap
of two families leaves the counts as they were. Reported because reviewers ask for it, with that
said beside it. What protects the design is the frozen, hashed list.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from earlywarning.errors import MissingExtra

BINS, STEPS = 12, 100
"""Bins on each side; steps of the regression at most."""


@dataclass(frozen=True, slots=True)
class Density:
    """A test of equal density on both sides of 0.

    Attributes
    ----------
    t, p : float
    left, right : int
        Observations within the bandwidth.
    """

    t: float
    p: float
    left: int
    right: int


def by_rddensity(x: np.ndarray) -> Density:
    """The test of Cattaneo, Jansson and Ma (2020), for a second opinion.

    A report does not use it, so that its numbers are the same where the package is missing.

    Raises
    ------
    MissingExtra
        If it is not installed.
    """
    try:
        from rddensity import rddensity
    except ImportError as error:
        raise MissingExtra(
            "a second opinion on the density needs rddensity; pip install 'earlywarning[rd]'"
        ) from error
    found = rddensity(x)
    t = float(found.test["t_jk"])
    return Density(
        t, float(found.test["p_jk"]), int(found.n["eff_left"]), int(found.n["eff_right"])
    )


def by_counts(x: np.ndarray) -> Density:
    """Whether counts in narrow bins jump at 0, beside a curve on each side.

    McCrary (2008) with a Poisson regression of the counts on distance and its square instead of
    a local line, within a standard deviation; its variance is allowed to exceed the mean.

    Parameters
    ----------
    x : array of float, shape (n,)
        Distances to the cut; unknown ones are left out.

    Returns
    -------
    Density
        `nan` with fewer observations on a side than bins.
    """
    x = x[~np.isnan(x) & (x != 0)]
    reach = float(x.std()) if len(x) else 0.0
    left, right = int(((x < 0) & (x > -reach)).sum()), int(((x > 0) & (x < reach)).sum())
    if min(left, right) < BINS:
        return Density(math.nan, math.nan, left, right)
    edges = np.linspace(-1, 1, 2 * BINS + 1)
    counts, _ = np.histogram(x / reach, edges)
    at = (edges[:-1] + edges[1:]) / 2
    above = (at > 0).astype(float)
    design = np.column_stack([np.ones(len(at)), above, at, at * above, at**2, at**2 * above])
    found = np.zeros(design.shape[1])
    found[0] = math.log(counts.mean())
    for _ in range(STEPS):
        expected = np.exp(np.clip(design @ found, -30, 30))
        step = np.linalg.lstsq(
            design.T @ (design * expected[:, None]), design.T @ (counts - expected), rcond=None
        )[0]
        found += step
        if np.abs(step).max() < 1e-8:
            break
    expected = np.exp(np.clip(design @ found, -30, 30))
    spread = max(
        1.0, float(((counts - expected) ** 2 / expected).sum()) / (len(at) - design.shape[1])
    )
    variance = spread * np.linalg.pinv(design.T @ (design * expected[:, None]))[1, 1]
    t = float(found[1] / math.sqrt(variance))
    return Density(t, float(2 * stats.norm.sf(abs(t))), left, right)
