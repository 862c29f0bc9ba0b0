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
    """Whether as many lie just above as just below: binomial, within 0.2 standard deviations.

    Frandsen (2017) in its simplest form.

    Parameters
    ----------
    x : array of float, shape (n,)
        Distances to the cut; unknown ones are left out.
    """
    x = x[~np.isnan(x)]
    window = 0.2 * float(x.std())
    left, right = int(((x < 0) & (x > -window)).sum()), int(((x > 0) & (x < window)).sum())
    if left + right == 0:
        return Density(math.nan, math.nan, 0, 0)
    t = (right - left) / math.sqrt(left + right)
    return Density(t, float(stats.binomtest(right, left + right).pvalue), left, right)
