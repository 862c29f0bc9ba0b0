"""What a published list found, once its quarter was over, against what training promised.

Children who were visited may have recovered because of it; so a list looks a little worse here than
it was, and calibration is judged on those who were not visited. The caller leaves out children of
whom nothing was known when the list was made (those who are new in the first quarter of a school
year): no list could find them, and training was mostly judged on quarters without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb, sqrt

import numpy as np
from scipy.stats import norm

from earlywarning.district import MonitorLimits
from earlywarning.risk.evaluation.bootstrap import Quarterly, found_share
from earlywarning.risk.evaluation.calibration import calibration_error, reliability
from earlywarning.risk.evaluation.ranking import capacity_of
from earlywarning.risk.watch.checks import ACT, LOOK, OK, Check, Status

SURE = 3.0
"""Standard errors beyond which luck is no explanation; many checks are made in a year."""

SURE_OF_GAP = 4.0
"""The same for two groups: brothers, sisters and classmates are in trouble together."""

FEWEST = 15
"""Students in trouble below which a share of them says nothing."""

FEWEST_OF_GROUP = 30


@dataclass(frozen=True, slots=True)
class Promise:
    """What training found on quarters that it had not learnt from.

    Attributes
    ----------
    found_share : float
        Share of the trouble found within capacity.
    positives : float
        Students in trouble that it rests on.
    capacity_share : float
        Places as a share of the students.
    """

    found_share: float
    positives: float
    capacity_share: float

    @property
    def standard_error(self) -> float:
        """Of the share."""
        p = min(max(self.found_share, 0.01), 0.99)
        return sqrt(p * (1 - p) / self.positives)


def checks(
    outcome: str,
    y: np.ndarray,
    risk: np.ndarray,
    visited: np.ndarray,
    groups: Mapping[str, np.ndarray],
    *,
    promise: Promise | None,
    capacity_share: float,
    calibrated: bool,
    usual_shift: float,
    limits: MonitorLimits,
    seed: int,
) -> list[Check]:
    """Judge one outcome of a published quarter.

    Parameters
    ----------
    outcome : str
    y : array of 0, 1 or NaN, shape (n,)
    risk : array of float, shape (n,)
        As published, without a visit; NaN where not scored.
    visited : array of 0, 1 or NaN, shape (n,)
    groups : mapping of name to array of str, shape (n,)
        `sex`, `grade_level`, `school`; empty text where not known.
    promise : Promise or None
        None where training could promise nothing.
    capacity_share : float
        Places as a share of the students, where there is no promise.
    calibrated : bool
        Whether the risks come from this school's history.
    usual_shift : float
        How far the share in trouble of one past quarter was from that of all, 0 to 1: a wave of
        illness that nobody could foresee is no error of a model.
    limits : MonitorLimits
    seed : int
    """
    known = ~np.isnan(y) & ~np.isnan(risk)
    y, risk, seen = y[known], risk[known], visited[known] == 1
    if y.sum() < FEWEST:
        return []
    share = promise.capacity_share if promise else capacity_share
    found = []
    if promise is not None and promise.positives:
        found.append(_capture(outcome, y, risk, promise, limits, seed))
    if calibrated:
        found.append(_calibration(outcome, y[~seen], risk[~seen], usual_shift, limits))
    inside = _inside(risk, capacity_of(share, len(y)))
    for name, group in groups.items():
        gap = _gap(outcome, name, y, inside, group[known], limits)
        found += [gap] if gap else []
    return found


def _capture(
    outcome: str,
    y: np.ndarray,
    risk: np.ndarray,
    promise: Promise,
    limits: MonitorLimits,
    seed: int,
) -> Check:
    drawn = found_share(
        [Quarterly(y, {"list": risk})], capacity_share=promise.capacity_share, seed=seed
    )
    value = drawn.value["list"]
    error = sqrt(drawn.standard_error("list") ** 2 + promise.standard_error**2)
    allowed = max(limits.capture_drop, SURE * error)
    drop = promise.found_share - value
    status: Status = ACT if drop > 2 * allowed else LOOK if drop > allowed else OK
    return Check("capture", status, value, promise.found_share - allowed, outcome)


def _calibration(
    outcome: str, y: np.ndarray, risk: np.ndarray, usual_shift: float, limits: MonitorLimits
) -> Check:
    value = calibration_error(y, risk)
    curve = reliability(y, risk)
    # Mean distance of a share from its expectation by luck alone: sqrt(2 p (1 - p) / (pi n)).
    p = np.clip(curve.predicted, 0.01, 0.99)
    luck = float((np.sqrt(2 * p * (1 - p) / (np.pi * curve.size)) * curve.size).sum())
    luck /= float(max(curve.size.sum(), 1))
    limit = limits.calibration_error + luck + usual_shift
    status: Status = (
        ACT if value > limit + limits.calibration_error else LOOK if value > limit else OK
    )
    return Check("calibration", status, value, limit, outcome)


def _inside(risk: np.ndarray, places: int) -> np.ndarray:
    """Chance of a place for each student: 1 above the cut, equal shares among those at it."""
    cut = np.sort(risk)[::-1][places - 1]
    over, at = risk > cut, risk == cut
    return np.where(over, 1.0, np.where(at, (places - over.sum()) / at.sum(), 0.0))


def _gap(
    outcome: str,
    name: str,
    y: np.ndarray,
    inside: np.ndarray,
    group: np.ndarray,
    limits: MonitorLimits,
) -> Check | None:
    """The widest gap between two groups' shares of trouble found; None with fewer than two."""
    shares, errors = [], []
    for one in np.unique(group):
        trouble = inside[(group == one) & (y == 1)]
        if one and len(trouble) >= FEWEST_OF_GROUP:
            shares.append(float(trouble.mean()))
            # One found and one missed more keep small groups from looking sure (Agresti and
            # Caffo 2000).
            p, n = (float(trouble.sum()) + 1) / (len(trouble) + 2), len(trouble) + 2
            errors.append(p * (1 - p) / n)
    if len(shares) < 2:
        return None
    high, low = int(np.argmax(shares)), int(np.argmin(shares))
    value = shares[high] - shares[low]
    # The widest of many gaps is wider by luck than one that was chosen beforehand.
    sure = float(norm.isf(norm.sf(SURE_OF_GAP) / comb(len(shares), 2)))
    limit = max(limits.group_gap, sure * sqrt(errors[high] + errors[low]))
    status: Status = ACT if value > 1.5 * limit else LOOK if value > limit else OK
    return Check("group_gap", status, value, limit, outcome, name)
