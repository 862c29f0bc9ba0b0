"""Visits change what models learn from: a child who was visited and recovered looks safe.

So a visit during the outcome's quarter enters training as a treatment, and risk is predicted with
the treatment set to none (Coston et al. 2020; van Geloven et al. 2020).
"""

from __future__ import annotations

import numpy as np

USED = "used"
TOO_RARE = "too_rare"
NOT_RECORDED = "not_recorded"
AGAINST_SENSE = "against_sense"
"""Visited children did worse than their records explain: visits went where trouble was known, so
their effect cannot be told from these records, and is left out rather than turned round."""

NO_VISIT = "no_visit"
"""Name of what the treatment's absence adds to the log odds; never a reason."""

NOT_APPLICABLE = "not_applicable"

MIN_VISITED = 20
"""Visited students that are needed to tell an effect, and as many not visited."""


def treatment(visited: np.ndarray | None, y: np.ndarray) -> tuple[np.ndarray, str]:
    """The treatment column, and whether it can be used.

    Parameters
    ----------
    visited : array of 0, 1 or NaN, shape (n,), or None
        Whether a visit took place in the outcome's quarter; NaN counts as none.
    y : array of 0 or 1, shape (n,)

    Returns
    -------
    column : array of float, shape (n,)
        0 or 1.
    status : str
        `used`, `too_rare` or `not_recorded`.
    """
    if visited is None or not np.any(visited == 1):
        return np.zeros(len(y)), NOT_RECORDED
    column = np.nan_to_num(np.asarray(visited, dtype=np.float64), nan=0.0)
    for value in (0.0, 1.0):
        group = y[column == value]
        if len(group) < MIN_VISITED or not 0 < group.sum() < len(group):
            return column, TOO_RARE
    return column, USED
