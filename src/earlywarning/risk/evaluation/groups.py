"""Whether the list serves every group alike: figures by sex, grade level, school and their pairs.

What a group is comes from outside, after training, row for row with the students judged; nothing
that learns or ranks ever sees it.

The figures are those of fairlearn's `MetricFrame` (Weerts et al. 2023), and a test compares them.
They are summed here because that frame does not rank each redraw anew, and because it takes longer
for the figures alone than all draws together take here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import nan
from statistics import NormalDist

import numpy as np

from earlywarning.risk.evaluation.bootstrap import REPLICATES, drawn_weights
from earlywarning.risk.evaluation.calibration import calibration_error
from earlywarning.risk.evaluation.group_names import BY
from earlywarning.risk.evaluation.places import expected_places, expected_places_within

MIN_STUDENTS = 30
MIN_TROUBLE = 10
"""A group with fewer is counted and shown, and not judged."""

UNKNOWN = "unknown"
"""Students of whom an attribute is not recorded: shown, not compared."""

MEASURES = ("found_share", "precision", "selection_rate", "calibration_gap")
"""`calibration_gap` is mean risk less share in trouble: above 0, risks are too high."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One later quarter as one candidate listed it.

    Attributes
    ----------
    y, risk, factual : array of float, shape (n,)
        Outcome; risk that ranks; risk given the visits made.
    places : int
        Of all students together.
    within : array of str, shape (n,), optional
        Each student's class: every class then has `share` of its students as places of its own.
    share : float
    """

    y: np.ndarray
    risk: np.ndarray
    factual: np.ndarray
    places: int
    within: np.ndarray | None = None
    share: float = 0.0

    def placed(self, weights: np.ndarray | None = None) -> np.ndarray:
        """Each student's chance of a place; see `places`."""
        if self.within is None:
            return expected_places(self.risk, self.places, weights)
        return expected_places_within(self.risk, self.within, self.share, weights)


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval; NaN where it does not exist."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Group:
    """One group over all later quarters; a student counts once a quarter.

    Attributes
    ----------
    attribute, value : str
        `sex` and `female`; `sex × grade_level` and `female × 7`.
    students, trouble : int
    listed, found : float
        Within capacity, and in trouble among those; ties by lot (their expectation).
    figures : mapping of measure to Interval
        See `MEASURES`; empty where the group is too small.
    calibration_error : float
        NaN where the group is too small.
    """

    attribute: str
    value: str
    students: int
    trouble: int
    listed: float
    found: float
    figures: Mapping[str, Interval]
    calibration_error: float

    @property
    def too_small(self) -> bool:
        """Whether the group is counted but not judged."""
        return not self.figures


@dataclass(frozen=True, slots=True)
class Gap:
    """Two groups of one attribute between which the found share differs most.

    Attributes
    ----------
    attribute, group, against : str
        More of the trouble of `group` is found than of `against`.
    gap, low, high : float
        With an interval that is right for all comparisons together: their 5 % are divided among
        the attributes and within each among its pairs (Bonferroni; Dunn 1961).
    rule_gap : float
        Between the same two groups on the rule's own list of the same quarters; below 0 where the
        rule finds more of the other. NaN where no rule was compared.
    more_than_rule, more_low, more_high : float
        The gap less the rule's, on the same draws, with an interval of the same kind.
    """

    attribute: str
    group: str
    against: str
    gap: float
    low: float
    high: float
    rule_gap: float = nan
    more_than_rule: float = nan
    more_low: float = nan
    more_high: float = nan

    def too_wide(self, allowed: float) -> bool:
        """Whether it is more than allowed, no chance, and not the rule's as well."""
        return self.gap > allowed and self.low > 0 and not self.more_low <= 0


@dataclass(frozen=True, slots=True)
class Audit:
    """The figures of every group, and the worst gap of each attribute.

    Attributes
    ----------
    groups : tuple of Group
    gaps : tuple of Gap
        One for each attribute with at least two groups that can be judged.
    alone : tuple of str
        Attributes that have a single group, so that nothing can be compared.
    """

    groups: tuple[Group, ...]
    gaps: tuple[Gap, ...]
    alone: tuple[str, ...]

    def worst(self, allowed: float = 1.0) -> Gap | None:
        """The largest gap that is too wide; else that is no chance; else the largest of all."""
        wide = [gap for gap in self.gaps if gap.too_wide(allowed)]
        sure = [gap for gap in self.gaps if gap.low > 0]
        return max(wide or sure or self.gaps, key=lambda gap: gap.gap, default=None)


def audit(
    listings: Sequence[Listing],
    attributes: Mapping[str, np.ndarray],
    *,
    seed: int,
    replicates: int = REPLICATES,
    min_students: int = MIN_STUDENTS,
    min_trouble: int = MIN_TROUBLE,
    rule: Sequence[Listing] | None = None,
    allowed: float = 1.0,
) -> Audit:
    """Measure every group on the same list, and redraw the students within each quarter.

    A draw is ranked anew, so that the intervals hold the chance of the cut as well. The rule's own
    list meets the same draws: what both have in common is no reason to prefer the rule.

    Parameters
    ----------
    listings : sequence of Listing
        The later quarters.
    attributes : mapping of name to array of str, shape (n,)
        Of all listings' students in their order; empty text is unknown.
    seed : int
    replicates : int
    min_students, min_trouble : int
    rule : sequence of Listing, optional
        The same quarters and students as the rule lists them.
    allowed : float
        Gap that a gate allows: of each attribute a pair beyond it is reported first.
    """
    n = sum(len(one.y) for one in listings)
    named = {name: np.where(values == "", UNKNOWN, values) for name, values in attributes.items()}
    if any(len(values) != n for values in named.values()):
        raise ValueError(f"attributes must have {n} values each, one for each student judged")
    if not n or not named:
        return Audit((), (), tuple(named))
    alone = tuple(name for name, values in named.items() if len(np.unique(values)) < 2)
    several = [name for name in named if name not in alone]
    sets = [(name,) for name in named] + list(combinations(several, 2))
    y = np.concatenate([one.y for one in listings])
    factual = np.concatenate([one.factual for one in listings])
    split = [_split([named[name] for name in names]) for names in sets]
    sums = _drawn(listings, [of for _, of in split], seed, replicates)
    by_rule: Sequence[_Sums | None] = [None] * len(sets)
    if rule is not None:
        by_rule = _drawn(rule, [of for _, of in split], seed, replicates)
    groups: list[Group] = []
    gaps: list[Gap] = []
    for names, (values, of), drawn, ruled in zip(sets, split, sums, by_rule, strict=True):
        errors = [calibration_error(y[of == at], factual[of == at]) for at in range(len(values))]
        made = _groups(BY.join(names), values, drawn, errors, (min_students, min_trouble))
        groups += made
        gap = _gap(made, drawn, ruled, comparisons=len(sets), allowed=allowed)
        gaps += [gap] if gap else []
    return Audit(tuple(groups), tuple(gaps), alone)


def _split(columns: Sequence[np.ndarray]) -> tuple[list[str], np.ndarray]:
    """The groups of one attribute or of a pair, and every student's group."""
    parts = [np.unique(column, return_inverse=True) for column in columns]
    width = len(parts[-1][0])
    code = parts[0][1] if len(parts) == 1 else parts[0][1] * width + parts[1][1]
    present, of = np.unique(code, return_inverse=True)
    if len(parts) == 1:
        return [str(parts[0][0][at]) for at in present], of
    return [f"{parts[0][0][at // width]}{BY}{parts[1][0][at % width]}" for at in present], of


@dataclass(frozen=True, slots=True)
class _Sums:
    """Weighted sums of one attribute's groups, shape (1 + replicates, n_groups)."""

    students: np.ndarray
    trouble: np.ndarray
    listed: np.ndarray
    found: np.ndarray
    risk: np.ndarray

    def measure(self, name: str) -> np.ndarray:
        top, bottom = {
            "found_share": (self.found, self.trouble),
            "precision": (self.found, self.listed),
            "selection_rate": (self.listed, self.students),
            "calibration_gap": (self.risk - self.trouble, self.students),
        }[name]
        return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), np.nan)


_PARTS = ("students", "trouble", "listed", "found", "risk")


def _drawn(
    listings: Sequence[Listing], groups: Sequence[np.ndarray], seed: int, replicates: int
) -> list[_Sums]:
    """Sums of every attribute's groups, all meeting the same draws.

    Students alike in every attribute are summed once; each attribute then adds up those cells.
    """
    alike, cell = np.unique(np.stack(groups), axis=1, return_inverse=True)
    cells = np.zeros((len(_PARTS), replicates + 1, alike.shape[1]))
    rng = np.random.default_rng(seed)
    start = 0
    for one in listings:
        n = len(one.y)
        of = cell[start : start + n]
        order = np.argsort(of, kind="stable")
        present, first = np.unique(of[order], return_index=True)
        ordered = Listing(
            one.y[order],
            one.risk[order],
            one.factual[order],
            one.places,
            None if one.within is None else one.within[order],
            one.share,
        )
        for rows, weights in drawn_weights(rng, n, replicates):
            counted = weights[:, order]
            listed = counted * ordered.placed(counted)
            parts = (
                counted, counted * ordered.y, listed, listed * ordered.y, counted * ordered.factual,
            )  # fmt: skip
            for total, part in zip(cells, parts, strict=True):
                total[rows, present] += np.add.reduceat(part, first, axis=1)
        start += n
    return [
        _Sums(*(cells @ (of[:, None] == np.arange(of.max() + 1)).astype(np.float64)))
        for of in alike
    ]


def _groups(
    attribute: str,
    values: Sequence[str],
    drawn: _Sums,
    errors: Sequence[float],
    least: tuple[int, int],
) -> list[Group]:
    intervals = {name: _intervals(drawn.measure(name)) for name in MEASURES}
    made = []
    for at, (value, error) in enumerate(zip(values, errors, strict=True)):
        students, trouble = int(drawn.students[0, at]), int(drawn.trouble[0, at])
        judged = students >= least[0] and trouble >= least[1]
        made.append(
            Group(
                attribute=attribute,
                value=value,
                students=students,
                trouble=trouble,
                listed=float(drawn.listed[0, at]),
                found=float(drawn.found[0, at]),
                figures={name: found[at] for name, found in intervals.items()} if judged else {},
                calibration_error=error if judged else float("nan"),
            )
        )
    return made


def _intervals(drawn: np.ndarray) -> list[Interval]:
    out = []
    for column in drawn.T:
        kept = column[1:][~np.isnan(column[1:])]
        low, high = np.quantile(kept, (0.025, 0.975)) if len(kept) else (np.nan, np.nan)
        out.append(Interval(float(column[0]), float(low), float(high)))
    return out


def _gap(
    groups: Sequence[Group],
    drawn: _Sums,
    by_rule: _Sums | None,
    *,
    comparisons: int,
    allowed: float,
) -> Gap | None:
    """The worst gap that is too wide, else that is no chance, else the largest."""
    at = [
        index
        for index, group in enumerate(groups)
        if not group.too_small and UNKNOWN not in group.value.split(BY)
    ]
    if len(at) < 2:
        return None
    one, other = np.triu_indices(len(at), k=1)
    quantile = NormalDist().inv_cdf(1 - 0.025 / (comparisons * len(one)))
    shares = _shares(drawn, at)
    # Every pair is turned so that more is found of `one`.
    turned = shares[0, one] < shares[0, other]
    one, other = np.where(turned, other, one), np.where(turned, one, other)
    gap, reach = _between(shares, one, other, quantile)
    wide = sure = gap - reach > 0
    rule_gap, more, more_reach = (np.full(len(gap), nan) for _ in range(3))
    if by_rule is not None:
        ruled = _shares(by_rule, at)
        rule_gap, _ = _between(ruled, one, other, quantile)
        more, more_reach = _between(shares - ruled, one, other, quantile)
        wide = sure & (more - more_reach > 0)
    wide = wide & (gap > allowed)
    first = next((which for which in (wide, sure) if which.any()), np.ones(len(gap), dtype=bool))
    worst = int(np.argmax(np.where(first, gap, -1.0)))
    return Gap(
        attribute=groups[0].attribute,
        group=groups[at[int(one[worst])]].value,
        against=groups[at[int(other[worst])]].value,
        gap=float(gap[worst]),
        low=max(float(gap[worst] - reach[worst]), -1.0),
        high=min(float(gap[worst] + reach[worst]), 1.0),
        rule_gap=float(rule_gap[worst]),
        more_than_rule=float(more[worst]),
        more_low=float(more[worst] - more_reach[worst]),
        more_high=float(more[worst] + more_reach[worst]),
    )


def _shares(drawn: _Sums, at: Sequence[int]) -> np.ndarray:
    """Share of trouble found of some groups, shape (1 + replicates, n_groups); no NaN."""
    shares = drawn.measure("found_share")[:, at]
    return np.where(np.isnan(shares), shares[0], shares)


def _between(
    shares: np.ndarray, one: np.ndarray, other: np.ndarray, quantile: float
) -> tuple[np.ndarray, np.ndarray]:
    """Difference of each pair, and how far its interval reaches."""
    covariance = np.cov(shares[1:], rowvar=False)
    variance = np.diag(covariance)
    error = np.sqrt(np.maximum(variance[one] + variance[other] - 2 * covariance[one, other], 0))
    return shares[0, one] - shares[0, other], quantile * error
