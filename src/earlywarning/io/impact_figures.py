"""Figures of an impact report as SVG: estimates with intervals, means around the cut."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

WIDTH, LEFT, RIGHT, LINE = 820, 340, 20, 26
INK, BIASED_INK, GRID = "#1d4e79", "#8a8a8a", "#d5d5d5"


def forest(
    rows: Sequence[Mapping[str, Any]], *, scale: float, label: str, worthwhile: float | None
) -> Markup:
    """Estimates with their intervals, one a line; biased ones hollow and grey.

    Parameters
    ----------
    rows : sequence of mapping
        `name`, `value`, `low`, `high`, `biased`.
    scale : float
        100 for outcomes that are shares.
    label : str
        Under the axis.
    worthwhile : float or None
        Drawn as a dashed line: the smallest effect worth having, with its sign.
    """
    if not rows:
        return Markup("")
    ends = [scale * one[key] for one in rows for key in ("low", "high")]
    ends += [0.0] + ([scale * worthwhile] if worthwhile is not None else [])
    low, high = _padded(min(ends), max(ends))
    height = LINE * len(rows) + 60

    def x(value: float) -> float:
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    parts = [_grid(low, high, x, LINE * len(rows) + 14)]
    if worthwhile is not None:
        at = x(scale * worthwhile)
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="4" y2="{LINE * len(rows) + 10}" '
            f'stroke="{INK}" stroke-dasharray="4 4"/>'
        )
    for place, one in enumerate(rows):
        y = LINE * place + 20
        ink = BIASED_INK if one["biased"] else INK
        fill = "#fff" if one["biased"] else ink
        parts.append(
            f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end" fill="{ink}">'
            f"{escape(one['name'])}</text>"
            f'<line x1="{x(scale * one["low"]):.1f}" x2="{x(scale * one["high"]):.1f}" y1="{y}" '
            f'y2="{y}" stroke="{ink}" stroke-width="2"/>'
            f'<circle cx="{x(scale * one["value"]):.1f}" cy="{y}" r="4.5" fill="{fill}" '
            f'stroke="{ink}" stroke-width="2"/>'
        )
    parts.append(_label(label, height))
    return _svg(height, parts)


def around_cut(points: Sequence[Mapping[str, float]], *, scale: float, label: str) -> Markup:
    """Means of the outcome by distance to the cut, the size of a dot by how many children."""
    if len(points) < 2:
        return Markup("")
    xs = [one["x"] for one in points]
    ys = [scale * one["mean"] for one in points]
    left, right = _padded(min(xs), max(xs))
    low, high = _padded(min(ys), max(ys))
    height = 300

    def across(value: float) -> float:
        return 60 + (value - left) / (right - left) * (WIDTH - 80)

    def up(value: float) -> float:
        return 250 - (value - low) / (high - low) * 235

    most = max(one["n"] for one in points)
    parts = [
        f'<line x1="{across(0):.1f}" x2="{across(0):.1f}" y1="10" y2="250" stroke="{INK}" '
        'stroke-dasharray="4 4"/>',
        f'<line x1="60" x2="{WIDTH - 20}" y1="250" y2="250" stroke="{GRID}"/>',
    ]
    for value in _ticks(low, high):
        parts.append(
            f'<text x="52" y="{up(value) + 4:.1f}" text-anchor="end">{value:g}</text>'
            f'<line x1="60" x2="{WIDTH - 20}" y1="{up(value):.1f}" y2="{up(value):.1f}" '
            f'stroke="{GRID}"/>'
        )
    for one, y in zip(points, ys, strict=True):
        radius = 2.5 + 4 * (one["n"] / most) ** 0.5
        parts.append(
            f'<circle cx="{across(one["x"]):.1f}" cy="{up(y):.1f}" r="{radius:.1f}" fill="{INK}" '
            'fill-opacity="0.75"/>'
        )
    parts.append(_label(label, height))
    return _svg(height, parts)


def _svg(height: int, parts: Sequence[str]) -> Markup:
    # Numbers of this program and escaped text only.
    return Markup(  # noqa: S704
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-hidden="true" focusable="false" '
        f'font-family="system-ui, sans-serif" font-size="13">{"".join(parts)}</svg>'
    )


def _label(text: str, height: int) -> str:
    return (
        f'<text x="{(LEFT + WIDTH) / 2:.0f}" y="{height - 6}" text-anchor="middle">'
        f"{escape(text)}</text>"
    )


def _grid(low: float, high: float, x: Callable[[float], float], bottom: int) -> str:
    lines = []
    for value in _ticks(low, high):
        heavy = "#555" if value == 0 else GRID
        lines.append(
            f'<line x1="{x(value):.1f}" x2="{x(value):.1f}" y1="4" y2="{bottom}" stroke="{heavy}"/>'
            f'<text x="{x(value):.1f}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>'
        )
    return "".join(lines)


def _padded(low: float, high: float) -> tuple[float, float]:
    reach = (high - low) or 1.0
    return low - 0.05 * reach, high + 0.05 * reach


def _ticks(low: float, high: float) -> list[float]:
    """Round values, about six."""
    rough = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * by for by in (1, 2, 5, 10) if power * by >= rough)
    first = math.ceil(low / step)
    return [round(step * place, 10) for place in range(first, math.floor(high / step) + 1)]
