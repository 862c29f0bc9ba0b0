"""Figures of a training as SVG: the same figures give the same bytes.

Drawn without pyplot, so that nothing global is set and no window can open.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np

from earlywarning.risk.evaluation.calibration import Reliability
from earlywarning.risk.evaluation.ranking import RankingReport

COLOURS = {
    "rule": "#7a7a7a",
    "last_value": "#c98a00",
    "logistic": "#0072b2",
    "boosted": "#009e73",
}
"""Told apart by people who do not see red or green (Okabe and Ito 2008)."""

MOST_POINTS = 400


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


def _axes(x: str, y: str) -> tuple:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1))
    axes.grid(linewidth=0.3)
    return figure, axes


def _svg(figure, axes) -> str:
    import matplotlib as mpl

    axes.legend(fontsize=8, frameon=False)
    out = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "earlywarning", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()
