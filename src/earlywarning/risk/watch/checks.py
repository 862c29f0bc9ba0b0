"""What one look at the data or the ranking found: a code, its numbers, and whether to act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

OK, LOOK, ACT = "ok", "look", "act"
Status = Literal["ok", "look", "act"]
STATUSES: tuple[Status, ...] = (OK, LOOK, ACT)

RECORDING = (
    "registers_stopped",
    "registers_fewer",
    "classes_silent",
    "recorded_share",
    "source_silent",
)
PRACTICE = (
    "codes_changed",
    "illness",
    "absences_risen",
    "incident_points",
    "incidents",
    "pass_marks",
)
MODEL = ("feature_drift", "risk_drift", "risk_level", "ties", "list_size", "trouble_redefined")
OUTCOME = ("capture", "calibration", "group_gap")
CODES = (*RECORDING, *PRACTICE, *MODEL, *OUTCOME)
"""Codes of checks; words are found elsewhere."""

ENOUGH = 4
"""Quarters from which a range of past values is taken at its word."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one quarter.

    Attributes
    ----------
    code : str
        One of `CODES`.
    status : {"ok", "look", "act"}
    value, limit : float
        What was found, and the value beyond which it is worth a look; each code's own unit.
    outcome : str or None
    subject : str or None
        What it is about: a school, a feature, a kind of record, a group.
    """

    code: str
    status: Status
    value: float
    limit: float
    outcome: str | None = None
    subject: str | None = None


def above(value: float, limit: float, act: float) -> Status:
    """`look` above one limit, `act` above the other."""
    return ACT if value > act else LOOK if value > limit else OK


def below(value: float, limit: float, act: float) -> Status:
    """`look` below one limit, `act` below the other."""
    return ACT if value < act else LOOK if value < limit else OK


def usual_range(past: Sequence[float], factor: float) -> tuple[float, float]:
    """The least and the greatest value that is no surprise: past ones, widened by a factor.

    A few quarters show too little of what is normal; then the factor counts twice.

    Parameters
    ----------
    past : sequence of float
        One value a quarter, 0 or more; at least one.
    factor : float
        Above 1.
    """
    wide = factor if len(past) >= ENOUGH else factor**2
    return float(min(past)) / wide, float(max(past)) * wide


def beyond(value: float, low: float, high: float) -> tuple[float, Status]:
    """The limit that matters for a value that may move both ways, and its status.

    Half as far again beyond the limit asks to act.
    """
    if value < low:
        return low, below(value, low, low / 1.5)
    return high, above(value, high, high * 1.5)


def season(quarter: str) -> str:
    """The part of the school year: `Q2` of `2026-27-Q2`."""
    return quarter.rsplit("-", 1)[-1]
