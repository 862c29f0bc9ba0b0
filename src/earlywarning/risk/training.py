"""From records to the model that serves: candidates compared on later quarters, and a gate.

The honest answer is often the rule. It serves when there is no history to learn from, when nothing
can be judged, and when the chosen model does not beat it on quarters that had no part in choosing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from earlywarning.risk import choosing, splits
from earlywarning.risk.candidates import candidate, looked_at
from earlywarning.risk.dataset import Dataset
from earlywarning.risk.estimators.borrowed import Borrowed
from earlywarning.risk.estimators.grouped import Grouped
from earlywarning.risk.estimators.memo import Memo
from earlywarning.risk.estimators.rule import Rule
from earlywarning.risk.estimators.treatment import USED
from earlywarning.risk.evaluation import doubly_robust
from earlywarning.risk.evaluation.calibration import reliability
from earlywarning.risk.evaluation.judged import Judged
from earlywarning.risk.evaluation.ranking import evaluate
from earlywarning.risk.evaluation.stability import Stability, stability
from earlywarning.risk.results import (
    BORROWED,
    FEWER,
    UNJUDGED,
    VISITS,
    Notice,
    SplitResult,
    TrainingResult,
)
from earlywarning.risk.spec import OutcomeSpec

Progress = Callable[[str, int, int], None]


def train(
    dataset: Dataset,
    spec: OutcomeSpec,
    *,
    capacity_share: float,
    seed: int,
    threads: int = 1,
    progress: Progress | None = None,
    base: Borrowed | None = None,
    only_base: bool = False,
) -> TrainingResult:
    """Compare the candidates, let the winner face the rule, and fit what serves on everything.

    Parameters
    ----------
    dataset : Dataset
        Closed quarters only; may be empty.
    spec : OutcomeSpec
    capacity_share : float
        Places on the list as a share of the students, above 0, at most 1.
    seed : int
    threads : int
        The result is the same for any number.
    progress : function of (stage, done, total), optional
    base : Borrowed, optional
        Another school's model: one candidate more, judged on this school's quarters like the
        others.
    only_base : bool
        Let it face the rule alone, and serve where there is too little here to judge it: a person
        has asked for that, with a reason.

    Returns
    -------
    TrainingResult
        Never fails for lack of data: the rule serves, and `notices` say why.
    """
    if not 0 < capacity_share <= 1:
        raise ValueError(f"capacity_share must be above 0 and at most 1, got {capacity_share}")
    y = dataset.y[spec.outcome].to_numpy(dtype=np.float64)
    known = np.flatnonzero(~np.isnan(y))
    used = dict.fromkeys([*looked_at(spec), *(base.features if base else ())])
    X = (dataset.with_school if spec.calibrate_by else dataset.X)[list(used)]
    run = _Training(
        X=X if len(known) == len(X) else X.iloc[known],
        y=y[known],
        quarters=dataset.ids["quarter"].to_numpy(dtype=str)[known],
        visited=dataset.visited[known],
        rows=known,
        spec=spec,
        capacity_share=capacity_share,
        seed=seed,
        threads=threads,
        progress=progress,
        base=base,
        only_base=only_base,
    )
    return run.result(dataset)


@dataclass
class _Training:
    """One run over the rows whose outcome is known."""

    X: pd.DataFrame
    y: np.ndarray
    quarters: np.ndarray
    visited: np.ndarray
    rows: np.ndarray
    spec: OutcomeSpec
    capacity_share: float
    seed: int
    threads: int
    progress: Progress | None
    base: Borrowed | None
    only_base: bool

    def __post_init__(self) -> None:
        self.plan = splits.plan(list(self.quarters))
        self.memo = Memo()
        self.done = 0

    def result(self, everything: Dataset) -> TrainingResult:
        obstacle = self._obstacle(everything)
        if obstacle:
            return self._rule_alone(obstacle)
        validation = self._usable(
            splits.validation_splits(self.quarters, self.plan, seed=self.seed)
        )
        tests = self._usable(splits.test_splits(self.quarters, self.plan, seed=self.seed))
        if not validation or not tests:
            return self._rule_alone(Notice("nothing_to_judge"))
        candidates = self._tuned()
        self.steps = (len(validation) + len(tests)) * len(candidates) + 1
        chosen_on = [self._compare(split, candidates) for split in validation]
        judged_on = [self._compare(split, candidates) for split in tests]
        selection = choosing.choices(
            [judged.quarterly for judged, _ in chosen_on],
            capacity_share=self.capacity_share, seed=self.seed,
        )  # fmt: skip
        chosen = choosing.simplest_near_best(selection, self.spec.standard_errors)
        gate = choosing.gate(
            chosen, [judged.quarterly for judged, _ in judged_on],
            capacity_share=self.capacity_share, seed=self.seed + 1, min_gain=self.spec.min_gain,
        )  # fmt: skip
        served = chosen if chosen == "rule" or gate.passed else "rule"
        estimator = self._fitted(candidates[served], np.arange(len(self.y)))
        stable = self._stability(candidates[chosen], chosen, tests[-1], judged_on[-1][0])
        no_visit = doubly_robust.judge(
            doubly_robust.of_test(everything, [judged for judged, _ in judged_on]),
            listed_by=chosen, capacity_share=self.capacity_share, seed=self.seed,
        )  # fmt: skip
        self._step()
        self.memo.forget()
        notices = []
        if "boosted" in self.spec.candidates and "boosted" not in candidates:
            least = self.spec.boosted_min_positives
            notices.append(Notice(FEWER, {"found": self._few(), "needed": least}))
        if served == BORROWED:
            notices.append(Notice(BORROWED, _told(estimator.origin)))
        if served != chosen:
            notices.append(Notice("not_better", {"model": chosen, "gain": gate.gain}))
        elif served == "rule":
            notices.append(Notice("rule_chosen"))
        told = dict.fromkeys((estimator.treatment_, no_visit.positivity.status))
        notices += [Notice(f"visits_{one}") for one in told if f"visits_{one}" in VISITS]
        return TrainingResult(
            outcome=self.spec.outcome,
            estimator=estimator,
            chosen=chosen,
            served=served,
            notices=tuple(notices),
            plan=self.plan,
            rows=len(self.y),
            positives=int(self.y.sum()),
            searched={
                name: tuple(one.tried)
                for name, one in candidates.items()
                if getattr(one, "tried", ())
            },
            selection=selection,
            gate=gate,
            splits=tuple(item for _, results in [*chosen_on, *judged_on] for item in results),
            judged=tuple(judged for judged, _ in judged_on),
            stability=stable,
            no_visit=no_visit,
        )

    def _obstacle(self, everything: Dataset) -> Notice | None:
        """Why nothing can be learnt, if so."""
        positives, rows = int(self.y.sum()), len(self.y)
        if not len(everything):
            return Notice("no_history")
        if not rows:
            evidence = everything.X[list(self.spec.rule.evidence)].notna().to_numpy()
            return Notice("no_outcomes" if evidence.any() else "no_data")
        if len(self.plan.quarters) < 2:
            return Notice("one_quarter", {"quarter": self.plan.quarters[0]})
        if positives == 0:
            return Notice("never_happens", {"students": rows})
        if positives == rows:
            return Notice("always_happens", {"students": rows})
        if self._few() < self.spec.min_positives:
            return Notice("too_few", {"found": self._few(), "needed": self.spec.min_positives})
        return None

    def _few(self) -> int:
        """Students in trouble or not, whichever are fewer."""
        return int(min(self.y.sum(), len(self.y) - self.y.sum()))

    def _rule_alone(self, why: Notice) -> TrainingResult:
        if self.base is not None and self.only_base and why.code != "no_data":
            return self._base_unjudged(self.base, why)
        rule: Rule | None = Rule(self.spec.outcome, self.spec.rule)
        if why.code == "no_data":
            rule = None
        elif rule is not None and len(self.y):
            rule.fit(self.X, self.y)
        return TrainingResult(
            outcome=self.spec.outcome,
            estimator=rule,
            chosen="rule",
            served="rule" if rule else None,
            notices=(why,),
            plan=self.plan,
            rows=len(self.y),
            positives=int(self.y.sum()),
        )

    def _base_unjudged(self, base: Borrowed, why: Notice) -> TrainingResult:
        """Another school's model, because a person wants it; nothing here could judge it yet."""
        served = copy.copy(base)
        if len(self.y) and why.code not in ("never_happens", "always_happens"):
            served = self._fitted(base, np.arange(len(self.y)))
        return TrainingResult(
            outcome=self.spec.outcome,
            estimator=served,  # type: ignore[arg-type]
            chosen=BORROWED,
            served=BORROWED,
            notices=(Notice(UNJUDGED, {**_told(served.origin), "obstacle": why.code}),),
            plan=self.plan,
            rows=len(self.y),
            positives=int(self.y.sum()),
        )

    def _names(self) -> tuple[str, ...]:
        """The candidates, simplest first."""
        names = self.spec.candidates
        if self._few() < self.spec.boosted_min_positives:
            names = tuple(name for name in names if name != "boosted")
        if self.base is None:
            return names
        if self.only_base:
            return ("rule", BORROWED)
        simple = [name for name in names if name in ("rule", "last_value")]
        return (*simple, BORROWED, *names[len(simple):])  # fmt: skip

    def _usable(self, offered: Any) -> list[splits.Split]:
        """Splits that have enough to learn from, if any of them has somebody to find."""
        least = self.spec.min_positives
        kept = []
        for split in offered:
            learnt = self.y[split.train]
            if len(split.later) and min(learnt.sum(), len(learnt) - learnt.sum()) >= least:
                kept.append(split)
        return kept if any(self.y[split.later].any() for split in kept) else []

    def _tuned(self) -> dict[str, Any]:
        """Candidates with their strengths set, on quarters before the first test quarter."""
        before = np.flatnonzero(self.quarters < self.plan.test[0])
        made: dict[str, Any] = {}
        for name in self._names():
            if name == BORROWED:
                made[name] = self.base
                continue
            made[name] = candidate(name, self.spec, threads=self.threads, memo=self.memo)
            if hasattr(made[name], "tuned"):
                made[name] = made[name].tuned(
                    self.X.iloc[before],
                    self.y[before],
                    visited=self.visited[before],
                    quarters=self.quarters[before],
                    seed=self.seed,
                )
        return made

    def _fitted(self, offered: Any, at: np.ndarray, seed: int | None = None) -> Any:
        # A copy: what serves must not learn again when its stability is measured.
        return copy.copy(offered).fit(
            self.X if len(at) == len(self.y) and (np.diff(at) == 1).all() else self.X.iloc[at],
            self.y[at],
            visited=self.visited[at],
            quarters=self.quarters[at],
            seed=self.seed if seed is None else seed,
        )

    def _compare(
        self, split: splits.Split, candidates: Mapping[str, Any]
    ) -> tuple[Judged, list[SplitResult]]:
        """Every candidate, learnt on the earlier rows, judged on the later ones."""
        X, y = self.X.iloc[split.later], self.y[split.later]
        risks: dict[str, np.ndarray] = {}
        factuals: dict[str, np.ndarray] = {}
        pooled: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        results = []
        for name, offered in candidates.items():
            fitted = self._fitted(offered, split.train)
            risks[name] = fitted.predict_risk(X)
            factual = risks[name]
            if fitted.treatment_ == USED:
                factual = fitted.predict_factual(X, self.visited[split.later])
            factuals[name] = factual
            if isinstance(fitted, Grouped):
                pooled[name] = (
                    fitted.predict_pooled(X),
                    fitted.pooled_factual(X, self.visited[split.later]),
                )
            results.append(
                SplitResult(
                    role=split.role,
                    label=split.label,
                    candidate=name,
                    ranking=evaluate(y, risks[name], factual=factual),
                    reliability=reliability(y, factual),
                    treatment=fitted.treatment_,
                    trained_on=len(split.train),
                )
            )
            self._step()
        judged = Judged(
            label=split.label,
            rows=self.rows[split.later],
            y=y,
            risks=risks,
            factual=factuals,
            before=float(self.y[split.train].mean()),
            pooled=pooled,
        )
        return judged, results

    def _stability(self, offered: Any, name: str, split: splits.Split, judged: Judged) -> Stability:
        X = self.X.iloc[split.later]
        # The order is all that counts here.
        bare = offered.uncalibrated() if hasattr(offered, "uncalibrated") else offered
        return stability(
            lambda rows, seed: self._fitted(bare, rows, seed).predict_risk(X),
            candidate=name,
            label=split.label,
            risk=judged.risks[name],
            train=split.train,
            quarters=self.quarters[split.train],
            capacity_share=self.capacity_share,
            seed=self.seed,
        )

    def _step(self) -> None:
        self.done += 1
        if self.progress:
            self.progress(f"train {self.spec.outcome}", self.done, self.steps)


def _told(origin: Mapping[str, Any]) -> dict[str, float | int | str]:
    """Where a borrowed model comes from, for a notice."""
    names = {"district": "district", "learnt_from": "learnt_from", "lender_key": "key"}
    return {name: origin[key] for name, key in names.items() if key in origin}
