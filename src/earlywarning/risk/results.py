"""What comes of training one outcome: figures of every comparison, the choice, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from earlywarning.risk import splits
from earlywarning.risk.estimators.base import Estimator
from earlywarning.risk.evaluation.calibration import Reliability
from earlywarning.risk.evaluation.doubly_robust import NoVisit
from earlywarning.risk.evaluation.judged import Judged
from earlywarning.risk.evaluation.ranking import RankingReport, capacity_of
from earlywarning.risk.evaluation.stability import Stability
from earlywarning.risk.search import Tried

MODEL_BETTER = "model_better"
WHY_RULE = (
    "no_history",
    "no_outcomes",
    "one_quarter",
    "never_happens",
    "always_happens",
    "too_few",
    "nothing_to_judge",
    "rule_chosen",
    "not_better",
)
UNJUDGED = "borrowed_unjudged"
BORROWED = "borrowed"
FEWER = "fewer_candidates"
SAMPLED = "sampled"
ON_CLUSTER = "learnt_on_cluster"
WHY = (MODEL_BETTER, *WHY_RULE, UNJUDGED, "no_data")
"""Codes of why that serves which serves; words are found elsewhere."""

VISITS = ("visits_too_rare", "visits_not_recorded", "visits_against_sense", "visits_no_overlap")
NOTICES = (*WHY_RULE, UNJUDGED, BORROWED, FEWER, SAMPLED, ON_CLUSTER, "no_data", *VISITS)
"""Codes of what a reader of the result must know."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to be said about a result: a code of `NOTICES`, and its numbers."""

    code: str
    numbers: Mapping[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SplitResult:
    """One candidate on one later quarter.

    Attributes
    ----------
    role : {"validation", "test"}
    label : str
        The quarter; see `splits.Split`.
    candidate : str
    ranking : RankingReport
        At every capacity.
    reliability : Reliability
        Risk given the visits made, against what happened.
    treatment : str
        How visits entered its training.
    trained_on : int
        Rows with a known outcome.
    """

    role: str
    label: str
    candidate: str
    ranking: RankingReport
    reliability: Reliability
    treatment: str
    trained_on: int

    def figures(self, capacity_share: float) -> dict[str, float]:
        """The figures to keep, at the school's capacity."""
        return self.ranking.figures(capacity_of(capacity_share, self.ranking.n))


@dataclass(frozen=True, slots=True)
class Choice:
    """How one candidate fared where candidates are chosen.

    Attributes
    ----------
    found_share : float
        Share of the validation quarters' trouble found within capacity.
    behind, behind_error : float
        Distance behind the best candidate and its standard error; both 0 for the best itself.
    """

    candidate: str
    found_share: float
    behind: float
    behind_error: float


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether the chosen model beat the rule on the test quarters.

    Attributes
    ----------
    model : str
    found_share, rule_found_share : float
        Share of the test quarters' trouble found within capacity.
    gain, standard_error, low, high : float
        Their difference, with a 95 % bootstrap interval.
    passed : bool
        Gain above the spec's `min_gain`.
    """

    model: str
    found_share: float
    rule_found_share: float
    gain: float
    standard_error: float
    low: float
    high: float
    passed: bool


@dataclass(frozen=True)
class TrainingResult:
    """What came of training one outcome.

    Attributes
    ----------
    outcome : str
    estimator : Estimator or None
        What serves, refitted on every closed quarter; None if the outcome cannot be scored.
    chosen : str
        Candidate that won the comparison; `rule` where there was none.
    served : str or None
        Kind of `estimator`.
    notices : tuple of Notice
    plan : splits.Plan
    rows, positives : int
        Students and quarters with a known outcome, and those in trouble.
    searched : mapping of candidate to tuple of Tried
        Its strengths, compared on quarters before the first test quarter.
    selection : tuple of Choice
    gate : Gate or None
    splits : tuple of SplitResult
    judged : tuple of Judged
        The test quarters, student by student; empty where nothing was judged.
    stability : Stability or None
        Of the chosen candidate's list of the last test quarter.
    no_visit : NoVisit or None
        The test quarters judged as if nobody had been visited.
    """

    outcome: str
    estimator: Estimator | None
    chosen: str
    served: str | None
    notices: tuple[Notice, ...]
    plan: splits.Plan
    rows: int
    positives: int
    searched: Mapping[str, tuple[Tried, ...]] = field(default_factory=dict)
    selection: tuple[Choice, ...] = ()
    gate: Gate | None = None
    splits: tuple[SplitResult, ...] = ()
    judged: tuple[Judged, ...] = ()
    stability: Stability | None = None
    no_visit: NoVisit | None = None

    @property
    def why(self) -> str:
        """Why that serves which serves: a code of `WHY`."""
        return next((n.code for n in self.notices if n.code in WHY), MODEL_BETTER)

    @property
    def calibrated(self) -> bool:
        """Whether the risks come from this school's history; else they are the rule's presets."""
        return self.estimator is not None and getattr(self.estimator, "calibrated", True)
