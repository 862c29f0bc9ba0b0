"""What the search for a candidate's strengths tried, and what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SEARCHED_OF_A_QUARTER = 6_000
"""Students of one quarter on whom strengths are compared: enough to tell two log losses apart that
differ by a hundredth, and a choice of strength changes little beyond."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One point of a candidate's grid.

    Attributes
    ----------
    strengths : mapping of name to float
        As in `spec.toml`; of trees also how many.
    loss : float
        Mean log loss on later quarters, lower is better.
    chosen : bool
    """

    strengths: Mapping[str, float]
    loss: float
    chosen: bool
