"""Figures of a training as SVG: the same figures give the same bytes.

Drawn without pyplot, so that nothing global is set and no window can open.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from earlywarning.risk.evaluation.bootstrap import Band
from earlywarning.risk.evaluation.calibration import Reliability
from earlywarning.risk.evaluation.groups import Interval
from earlywarning.risk.evaluation.ranking import RankingReport

COLOURS = {
    "rule": "#7a7a7a",
    "last_value": "#c98a00",
    "borrowed": "#cc79a7",
    "logistic": "#0072b2",
    "boosted": "#009e73",
}
"""Told apart by people who do not see red or green (Okabe and Ito 2008)."""

MOST_POINTS = 400
MOST_GROUPS = 40
"""Groups that one figure can hold; the table has them all."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A candidate's name for readers, and a figure of it at every capacity."""

    name: str
    band: Band


def found_at_capacity(rankings: Mapping[str, RankingReport], *, capacity_share: float) -> str:
    """Share of trouble found against the share of students listed, each candidate with its ties.

    Parameters
    ----------
    rankings : mapping of candidate to RankingReport
        All of one quarter.
    capacity_share : float
        Marked by a line.

    Returns
    -------
    str
        SVG.
    """
    figure, axes = _axes("share of students listed", "share of next quarter's trouble found")
    for name, ranking in rankings.items():
        if not ranking.positives:
            continue
        at = np.unique(np.linspace(0, ranking.n - 1, min(ranking.n, MOST_POINTS)).astype(int))
        listed = (at + 1) / ranking.n
        colour = COLOURS.get(name)
        best, worst, random = (
            getattr(ranking.found, ties)[at] / ranking.positives
            for ties in ("best", "worst", "random")
        )
        axes.fill_between(listed, worst, best, color=colour, alpha=0.12, linewidth=0)
        axes.plot(listed, random, color=colour, label=name.replace("_", " "))
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.6, linestyle=":", label="chance")
    axes.axvline(capacity_share, color="black", linewidth=0.6)
    return _svg(figure, axes)


def calibration(curves: Mapping[str, Reliability]) -> str:
    """Share in trouble against risk, each candidate in groups of about equal size.

    Returns
    -------
    str
        SVG.
    """
    figure, axes = _axes("mean risk of the group", "share of the group in trouble")
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.6, linestyle=":")
    for name, curve in curves.items():
        axes.plot(
            curve.predicted,
            curve.observed,
            color=COLOURS.get(name),
            marker="o",
            markersize=3,
            label=name.replace("_", " "),
        )
    return _svg(figure, axes)


def found_with_intervals(
    curves: Mapping[str, Curve],
    shares: np.ndarray,
    *,
    own: int,
    shaded: Collection[str],
    labels: tuple[str, str, str],
) -> str:
    """Share of trouble found at every capacity over all later quarters.

    Parameters
    ----------
    curves : mapping of candidate to Curve
    shares : array of float, shape (n_shares,)
        Capacities as shares of the students.
    own : int
        The school's own: a line at its position.
    shaded : collection of str
        Candidates whose 95 % interval is drawn.
    labels : tuple of str
        Of the axes, and of the line of a list by lot.

    Returns
    -------
    str
        SVG.
    """
    figure, axes = _axes(*labels[:2])
    for name, curve in curves.items():
        colour = COLOURS.get(name)
        if name in shaded:
            axes.fill_between(
                shares, curve.band.low, curve.band.high, color=colour, alpha=0.15, linewidth=0
            )
        axes.plot(shares, curve.band.value, color=colour, label=curve.name)
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.6, linestyle=":", label=labels[2])
    axes.axvline(shares[own], color="black", linewidth=0.6)
    return _svg(figure, axes)


def calibration_of(curve: Reliability, *, labels: tuple[str, str]) -> str:
    """Share in trouble against risk of what serves; larger dots are more students.

    Returns
    -------
    str
        SVG.
    """
    figure, axes = _axes(*labels)
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.6, linestyle=":")
    axes.plot(curve.predicted, curve.observed, color="#0072b2", linewidth=1)
    if len(curve.size):
        axes.scatter(
            curve.predicted, curve.observed, s=10 + 90 * curve.size / curve.size.max(), c="#0072b2"
        )
    return _svg(figure, axes)


def by_group(rows: Sequence[tuple[str, Interval]], *, label: str) -> str:
    """A dot and its interval for each group, one below the other.

    Returns
    -------
    str
        SVG.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 0.8 + 0.28 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=label, xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5))
    at = np.arange(len(rows))
    for position, (_, figure_of) in zip(at, rows, strict=True):
        axes.plot([figure_of.low, figure_of.high], [position, position], color="#0072b2")
    axes.plot([one.value for _, one in rows], at, "o", color="#0072b2", markersize=4)
    axes.set_yticks(at, [name for name, _ in rows], fontsize=8)
    axes.grid(linewidth=0.3, axis="x")
    return _svg(figure, axes)


def _axes(x: str, y: str) -> tuple:
    from matplotlib.figure import Figure

    # Fixed margins: to find the best ones, everything would be drawn twice.
    figure = Figure(figsize=(5.5, 4.2))
    axes = figure.subplots(gridspec_kw={"left": 0.11, "right": 0.97, "bottom": 0.11, "top": 0.97})
    axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1))
    axes.grid(linewidth=0.3)
    return figure, axes


def _svg(figure, axes) -> str:
    import matplotlib as mpl

    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8, frameon=False)
    out = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "earlywarning", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()
