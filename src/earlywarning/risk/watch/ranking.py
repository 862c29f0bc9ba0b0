"""Whether what the models look at, and the ranking that they make, still look as in training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earlywarning.district import MonitorLimits
from earlywarning.risk.evaluation.ranking import capacity_of
from earlywarning.risk.watch.checks import Check, above, below, beyond, usual_range
from earlywarning.risk.watch.stability import movement

ByQuarter = Mapping[str, np.ndarray]
"""One value a student, for each past quarter."""

TIES_MORE = 0.10
REDEFINED, REDEFINED_ACT = 0.20, 0.50


def feature_checks(
    now: Mapping[str, np.ndarray],
    past: Mapping[str, ByQuarter],
    quarter: str,
    limits: MonitorLimits,
) -> list[Check]:
    """One check a feature that a model in service uses.

    Parameters
    ----------
    now : mapping of feature to array of float, shape (n,)
    past : mapping of feature to quarters
    quarter : str
    limits : MonitorLimits
    """
    found = []
    for name, values in now.items():
        moved = movement(values, past[name], quarter, drift=limits.drift)
        if moved is not None:
            found.append(
                Check("feature_drift", moved.status, moved.value, moved.limit, subject=name)
            )
    return found


def risk_checks(
    outcome: str, now: np.ndarray, past: ByQuarter, quarter: str, limits: MonitorLimits
) -> list[Check]:
    """Whether the ranking of one outcome is spread as before, and expects as much trouble.

    Parameters
    ----------
    outcome : str
    now : array of float, shape (n,)
        Risks; NaN where not scored.
    past : mapping of quarter to array of float
        What the same estimator says of the quarters that it learnt from.
    quarter : str
    limits : MonitorLimits
    """
    past = {code: known for code, values in past.items() if len(known := _known(values))}
    now = _known(now)
    if not len(now) or not past:
        return []
    found = []
    moved = movement(now, past, quarter, drift=limits.drift)
    if moved is not None:
        found.append(Check("risk_drift", moved.status, moved.value, moved.limit, outcome))
    low, high = usual_range([float(one.mean()) for one in past.values()], limits.movement)
    limit, status = beyond(float(now.mean()), low, high)
    found.append(Check("risk_level", status, float(now.mean()), limit, outcome))
    return found


def tie_check(now: np.ndarray, past: ByQuarter, *, capacity_share: float) -> Check | None:
    """Whether more students than before share the priority at the cut, so that lots decide.

    Parameters
    ----------
    now : array of float, shape (n,)
        Priorities.
    past : mapping of quarter to array of float
    capacity_share : float
        Places as a share of the students.
    """
    if not len(now) or not past:
        return None
    value = tied_at_cut(now, capacity_share)
    limit = max(tied_at_cut(one, capacity_share) for one in past.values()) + TIES_MORE
    return Check("ties", above(value, limit, limit + TIES_MORE), value, limit)


def tied_at_cut(priority: np.ndarray, capacity_share: float) -> float:
    """Share of the students whose priority is that of the last one with a place."""
    places = capacity_of(capacity_share, len(priority))
    cut = np.sort(priority)[::-1][places - 1]
    tied = int((priority == cut).sum())
    return tied / len(priority) if tied > 1 else 0.0


def list_size_check(school: str, *, listed: int, wanted: int) -> Check | None:
    """Whether a list is much shorter than the places that there are families for.

    Parameters
    ----------
    school : str
    listed : int
        Households on the list.
    wanted : int
        Households that the teachers can visit and that may be listed.
    """
    if not wanted:
        return None
    value = listed / wanted
    return Check("list_size", below(value, 0.9, 0.5), value, 0.9, subject=school)


def redefined_check(outcome: str, *, rows: int, positives: int, now: np.ndarray) -> Check | None:
    """Whether the same quarters have other trouble under today's rules than when trained.

    Parameters
    ----------
    outcome : str
    rows, positives : int
        Of the quarters that the model learnt from, as its report has them.
    now : array of 0, 1 or NaN
        The same quarters' outcomes, by today's `district.toml` and records.
    """
    known = _known(now)
    if not rows or not positives or not len(known):
        return None
    before = positives / rows
    value = abs(float(known.mean()) / before - 1)
    return Check(
        "trouble_redefined", above(value, REDEFINED, REDEFINED_ACT), value, REDEFINED, outcome
    )


def _known(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]
