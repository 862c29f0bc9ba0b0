"""How far a distribution moved, against how far it moves from quarter to quarter anyway.

The population stability index compares shares in bins: sum of (a - b) ln(a / b) (Siddiqi 2006,
Credit Risk Scorecards). By the usual reading a value above 0.25 is a major change. But a school's
year has seasons, and small schools have luck, so three things are needed before a value is worth a
look: it is above the district's own limit, above what sampling alone gives (the index of two
samples of N and M from one distribution is about (1/N + 1/M) times a chi-squared of bins - 1:
Yurdakul and Naranjo 2020), and above twice the largest movement between past quarters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from earlywarning.risk.watch.checks import Status, above, season

BINS = 10
SURE = 0.9999
USUAL_TIMES = 2.0
BLUR = 0.3
"""Standard deviations to each side over which a value counts as spread."""

TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Movement:
    """One distribution against its past.

    Attributes
    ----------
    value : float
        Population stability index, 0 or more.
    limit : float
        Above it, a look; above twice it, act.
    """

    value: float
    limit: float

    @property
    def status(self) -> Status:
        """What to do."""
        return above(self.value, self.limit, 2 * self.limit)


def index(now: np.ndarray, reference: np.ndarray, *, bins: int = BINS) -> tuple[float, int]:
    """Population stability index, and the number of bins that it rests on.

    A rate of few days has few values, and which ones depends on the number of school days: one day
    of 57 is not one of 60. So every value counts as spread evenly over a part of a standard
    deviation to both sides; a real change is wider than that.

    Parameters
    ----------
    now, reference : array of float, shape (n,) and (m,)
        NaN has a bin of its own. The other bins hold about equal shares of the reference.

    Returns
    -------
    value : float
        0 for equal shares. Half a student is added to each bin, so that it is finite.
    bins : int
    """
    known = reference[~np.isnan(reference)]
    inner = np.unique(np.quantile(known, np.arange(1, bins) / bins)) if len(known) else known
    width = max(2 * BLUR * float(known.std()), TINY) if len(known) else TINY
    shares = []
    for values in (now, reference):
        missing = np.isnan(values)
        up_to = (inner[:, None] - values[~missing]) / width + 0.5
        below = np.concatenate(([0.0], up_to.clip(0, 1).sum(axis=1), [float((~missing).sum())]))
        shares.append(np.append(np.diff(below), missing.sum()))
    used = (shares[0] + shares[1]) > 0
    a, b = ((counts[used] + 0.5) / (counts[used] + 0.5).sum() for counts in shares)
    return float(((a - b) * np.log(a / b)).sum()), int(used.sum())


def movement(
    now: np.ndarray, past: Mapping[str, np.ndarray], quarter: str, *, drift: float
) -> Movement | None:
    """How far one value moved, and how far it may.

    Compared with past quarters of the same season where there are two or more, else with all.

    Parameters
    ----------
    now : array of float, shape (n,)
    past : mapping of quarter to array of float
    quarter : str
        The one of `now`.
    drift : float
        The district's limit.

    Returns
    -------
    Movement or None
        None where nobody knows what is normal: with fewer than two past quarters, or where the
        value never differed between students (in a school's first year of records all are new, and
        of nobody is a previous year known).
    """
    if len(past) < 2 or not len(now):
        return None
    alike = [code for code in past if season(code) == season(quarter)]
    same_season = len(alike) >= 2
    reference = np.concatenate([past[code] for code in (alike if same_season else past)])
    if len(np.unique(reference)) < 2:
        return None
    value, bins = index(now, reference)
    usual = max(_usual(past, same_season=same_season), default=0.0)
    luck = float(chi2.ppf(SURE, max(bins - 1, 1))) * (1 / len(now) + 1 / len(reference))
    return Movement(value, max(drift, luck, USUAL_TIMES * usual))


def _usual(past: Mapping[str, np.ndarray], *, same_season: bool) -> Sequence[float]:
    """The index of each past quarter against the others that it may be compared with."""
    found = []
    for code, values in past.items():
        others = [
            past[other]
            for other in past
            if other != code and (not same_season or season(other) == season(code))
        ]
        if others and len(values):
            found.append(index(values, np.concatenate(others))[0])
    return found
