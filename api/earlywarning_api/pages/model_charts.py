"""What later quarters said of a model, as shapes to draw and the same in words and figures.

Every figure is of a list of families within the school's capacity, from the report that training
kept in the register. Shares are told as so many of 100.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel.numbers import format_decimal

from earlywarning.risk.evaluation.group_names import BY

WIDTH = 240
"""Of a row's picture, in its own units."""

SQUARE = 200
"""Sides of the picture of calibration."""

ATTRIBUTES = ("sex", "grade_level", f"sex{BY}grade_level", "school")
"""Whose groups are shown, in this order; classes are too small, and stand in the report."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure with its interval, drawn in a row.

    Attributes
    ----------
    name : str
        A code of the row, or the words of a group.
    text, low_text, high_text : str
        So many of 100; empty where there is none.
    at, low, high, zero : float
        Places in the picture, 0 to `WIDTH`.
    serves : bool
        Whether it is the version that the page is about.
    """

    name: str
    text: str
    low_text: str
    high_text: str
    at: float
    low: float
    high: float
    zero: float
    serves: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Students of about one risk: expected and happened, so many of 100, and a dot for them."""

    expected: str
    happened: str
    students: int
    x: float
    y: float
    size: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether as many were in trouble as was expected.

    Attributes
    ----------
    expected, happened, low, high : str
        Within capacity, so many of 100.
    line : str
        Points of the line through all steps.
    most : str
        At the ends of both axes, so many of 100.
    """

    expected: str
    happened: str
    low: str
    high: str
    steps: tuple[Step, ...]
    line: str
    most: str


@dataclass(frozen=True, slots=True)
class Group:
    """One group's figures.

    Attributes
    ----------
    attribute, value : str
        Codes: `sex` and `F`, `sex × grade_level` and `F × 8`.
    bar : Bar or None
        None where the group is too small to be judged.
    """

    attribute: str
    value: str
    students: int
    trouble: int
    bar: Bar | None


def of_hundred(value: float | None, language: str, *, signed: bool = False) -> str:
    """A share as so many of 100, one decimal; a dash for none."""
    if value is None:
        return "–"
    pattern = "+0.0;-0.0" if signed else "0.0"
    return format_decimal(100 * value, pattern, locale=language).replace("-", "\N{MINUS SIGN}")


def gains(report: Mapping[str, Any], language: str) -> tuple[Bar, ...]:
    """How much more than the rule each candidate found in later quarters, best first."""
    candidates = (report.get("evaluation") or {}).get("candidates", {})
    rows = [
        (name, figures.get("gain_over_rule") or {})
        for name, figures in candidates.items()
        if name != "rule"
    ]
    rows = [(name, one) for name, one in rows if one.get("value") is not None]
    return _bars(
        sorted(rows, key=lambda row: -row[1]["value"]), language,
        signed=True, serves=str(report.get("served")),
    )  # fmt: skip


def found(report: Mapping[str, Any], language: str) -> tuple[Bar, ...]:
    """Share of trouble that each candidate found, the rule among them, best first."""
    candidates = (report.get("evaluation") or {}).get("candidates", {})
    rows = [(name, figures.get("found_share") or {}) for name, figures in candidates.items()]
    rows = [(name, one) for name, one in rows if one.get("value") is not None]
    return _bars(
        sorted(rows, key=lambda row: -row[1]["value"]), language, most=1.0,
        serves=str(report.get("served")),
    )  # fmt: skip


def groups(report: Mapping[str, Any], language: str) -> tuple[tuple[str, tuple[Group, ...]], ...]:
    """Share of trouble found of each group, by attribute, where there is more than one group."""
    audit = report.get("groups") or {}
    found = []
    for attribute in ATTRIBUTES:
        rows = [one for one in audit.get("groups") or () if one["attribute"] == attribute]
        if attribute in (audit.get("alone") or ()) or not rows:
            continue
        rows.sort(key=lambda one: str(one["value"]))
        found.append((attribute, tuple(_group(one, language) for one in rows)))
    return tuple(found)


def _group(one: Mapping[str, Any], language: str) -> Group:
    bar = None if one.get("too_small") else _group_bar(one, language)
    return Group(one["attribute"], str(one["value"]), one["students"], one["trouble"], bar)


def _group_bar(one: Mapping[str, Any], language: str) -> Bar | None:
    share = (one.get("figures") or {}).get("found_share") or {}
    if share.get("value") is None:
        return None
    return _bars([(str(one["value"]), share)], language, most=1.0)[0]


def calibration(report: Mapping[str, Any], language: str) -> Calibration | None:
    """Expected beside happened; None where nobody judged it."""
    told = (report.get("evaluation") or {}).get("calibration") or {}
    within = told.get("within_capacity") or {}
    observed = within.get("observed") or {}
    curve = [one for one in told.get("curve") or () if one.get("observed") is not None]
    if not curve or observed.get("value") is None:
        return None
    most = max(one["students"] for one in curve)
    top = max(max(one["risk"], one["observed"]) for one in curve)
    edge = max(_rounded_up(top), 0.1)
    scale = SQUARE / edge
    steps = tuple(
        Step(
            of_hundred(one["risk"], language),
            of_hundred(one["observed"], language),
            one["students"],
            round(one["risk"] * scale, 1),
            round(SQUARE - one["observed"] * scale, 1),
            round(2 + 3 * one["students"] / most, 1),
        )
        for one in curve
    )
    return Calibration(
        expected=of_hundred(within.get("risk"), language),
        happened=of_hundred(observed["value"], language),
        low=of_hundred(observed.get("low"), language),
        high=of_hundred(observed.get("high"), language),
        steps=steps,
        line=" ".join(f"{one.x},{one.y}" for one in steps),
        most=str(round(100 * edge)),
    )


def _rounded_up(share: float) -> float:
    """The next tenth."""
    return -(-share * 10 // 1) / 10


def _bars(
    rows: Sequence[tuple[str, Mapping[str, Any]]],
    language: str,
    *,
    signed: bool = False,
    most: float | None = None,
    serves: str = "",
) -> tuple[Bar, ...]:
    """Rows on one scale; zero is on it."""
    lows = [_end(one, "low") for _, one in rows]
    highs = [_end(one, "high") for _, one in rows]
    first = min([0.0, *lows])
    last = max([0.0, *highs]) if most is None else most
    span = (last - first) or 1.0

    def place(value: float) -> float:
        # A little room at both ends, so that no dot is cut.
        return round(4 + (value - first) / span * (WIDTH - 8), 1)

    return tuple(
        Bar(
            name,
            of_hundred(one["value"], language, signed=signed),
            of_hundred(one.get("low"), language, signed=signed),
            of_hundred(one.get("high"), language, signed=signed),
            place(one["value"]),
            place(low),
            place(high),
            place(0.0),
            name == serves,
        )
        for (name, one), low, high in zip(rows, lows, highs, strict=True)
    )


def _end(one: Mapping[str, Any], end: str) -> float:
    return one["value"] if one.get(end) is None else one[end]
