"""What is kept of one later quarter, so that more can be asked of it than one figure.

Positions lead back to the dataset's rows. Who the students are (class, school, sex) is joined by
the caller after training: nothing here, and nothing that learns, knows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from earlywarning.risk.evaluation.bootstrap import Quarterly


@dataclass(frozen=True, slots=True)
class Judged:
    """Every candidate's risks for the students of one later quarter.

    Attributes
    ----------
    label : str
        The quarter.
    rows : array of int, shape (n,)
        Positions in the dataset that was trained on.
    y : array of 0 or 1, shape (n,)
    risks : mapping of candidate to array of float, shape (n,)
        Without a visit: what ranks.
    factual : mapping of candidate to array of float, shape (n,)
        Given the visits that were made: what calibration is about.
    before : float
        Share in trouble in the quarters learnt from, 0 to 1.
    pooled : mapping of candidate to (array of float, array of float), shape (n,) each
        Risks and factual risks without a step for each group, where groups are calibrated.
    """

    label: str
    rows: np.ndarray
    y: np.ndarray
    risks: Mapping[str, np.ndarray]
    factual: Mapping[str, np.ndarray]
    before: float
    pooled: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    @property
    def quarterly(self) -> Quarterly:
        """As `bootstrap` takes it."""
        return Quarterly(self.y, self.risks)
