"""Reasons: true in X, a matter of concern, dated, changeable, at most three."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from drawn_school import CALENDAR, dataset
from earlywarning.features.build import FEATURES
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import reasons, removal, scoring, spec
from earlywarning.risk.candidates import candidate
from earlywarning.risk.estimators.base import Estimator
from earlywarning.risk.estimators.boosted import Boosted
from earlywarning.risk.estimators.calibration import logit
from earlywarning.risk.estimators.rule import Rule
from earlywarning.risk.reason_facts import THEMES, UNEXPLAINED
from earlywarning.risk.spec import BoostedSetting

QUARTER = CALENDAR.quarter("2026-27-Q2")
WEIGHTS = dict.fromkeys(OUTCOMES, 1.0)
RULES: dict[str, Estimator] = {o: Rule(o, spec.load(o).rule) for o in OUTCOMES}
BY_NAME = {feature.name: feature for feature in FEATURES}
KINDS = ("rule", "last_value", "logistic", "boosted")


def why(
    X: pd.DataFrame, estimators: dict[str, Estimator] | None = None
) -> list[list[reasons.Reason]]:
    given = RULES if estimators is None else estimators
    risks = scoring.score(given, X)
    return reasons.reasons(given, X, risks, QUARTER, calendar=CALENDAR, weights=WEIGHTS)


def child(**known: float) -> pd.DataFrame:
    """Of a school that records all there is, unless said otherwise."""
    recorded = dict.fromkeys(("attendance_known", "behaviour_known", "grades_known"), 1.0)
    return pd.DataFrame(np.nan, index=[0], columns=list(BY_NAME)).assign(**recorded | known)


@pytest.fixture(scope="module", params=KINDS)
def estimators(request: pytest.FixtureRequest) -> dict[str, Estimator]:
    data = dataset(300)
    made = {}
    for outcome in OUTCOMES:
        read = spec.load(outcome)
        one = candidate(request.param, read)
        if request.param == "boosted":
            setting = BoostedSetting(depth=2, learning_rate=0.1, min_child_weight=5)
            one = Boosted(read.features, [setting], rounds=60, increasing=read.increasing,
                          decreasing=read.decreasing)  # fmt: skip
        made[outcome] = one.fit(
            data.X, data.y[outcome].to_numpy(), visited=data.visited,
            quarters=data.ids["quarter"].to_numpy(dtype=str), seed=1,
        )  # fmt: skip
    return made


def test_by_hand() -> None:
    """Nine of sixty days absent, four unexplained, three subjects of ten below."""
    (found,) = why(
        child(
            register_days_quarter=60, absent_days_quarter=9, absence_rate_quarter=0.15,
            absence_rate_change_quarter=-0.1, unexcused_days_quarter=4,
            subjects_below_latest=3, graded_subjects_latest=10, grade_distance_latest=4.0,
        )
    )  # fmt: skip
    assert [(one.code, one.numbers) for one in found] == [
        ("subjects_below", {"subjects": 3, "of": 10, "since": "2026-04-01"}),
        ("absent_days", {"absent": 9, "days": 60, "since": "2026-07-01"}),
    ]
    assert {one.as_of for one in found} == {date(2026, 10, 1)}


def test_a_child_without_concern_has_no_reason() -> None:
    calm = child(
        register_days_quarter=60, absent_days_quarter=0, absence_rate_quarter=0.0,
        unexcused_days_quarter=0, incidents_quarter=0, points_share_quarter=0.0,
        subjects_below_latest=0, grade_distance_latest=12.0, grade_distance_min_latest=6.0,
    )  # fmt: skip
    assert why(calm) == [[]]
    assert why(calm.iloc[:0]) == []
    assert why(calm, {}) == [[]]


def value(X: pd.DataFrame, row: int, name: str) -> float:
    return float(X[name].iloc[row])


def test_every_fact_is_true_and_of_concern(estimators: dict[str, Estimator]) -> None:
    """Each number stands in X under one of the fact's features, and none of the counts is 0."""
    X = dataset(300, seed=5).X.head(400)
    facts = {fact.code: [] for theme in THEMES for fact in theme.facts}
    for theme in THEMES:
        for fact in theme.facts:
            facts[fact.code].append(fact)
    told = 0
    for row, found in enumerate(why(X, estimators)):
        assert len(found) <= 3
        assert [one.domain for one in found] == sorted(
            (one.domain for one in found), key=[one.domain for one in found].index
        )
        for one in found:
            told += 1
            assert tuple(one.numbers) == reasons.CODES[one.code][1]
            assert all(type(number) in (int, float, str) for number in one.numbers.values())
            possible = [
                fact
                for fact in facts[one.code]
                if all(
                    value(X, row, feature) == one.numbers[name]
                    for name, feature in fact.counts.items()
                )
            ]
            assert possible
            first = next(iter(one.numbers.values()))
            assert isinstance(first, int | float)
            assert first > 0 or one.code == "average_near_pass"
    assert told > 100


def test_what_is_told_raised_the_priority(estimators: dict[str, Estimator]) -> None:
    """Without its theme's features the risk was lower: what they add is positive."""
    X = dataset(300, seed=5).X.head(200)
    added = {outcome: one.contributions(X) for outcome, one in estimators.items()}
    for row, found in enumerate(why(X, estimators)):
        for one in found:
            theme = next(t for t in THEMES if one.code in {f.code for f in t.facts})
            parts = [
                frame[[n for n in theme.features if n in frame]].iloc[row].sum()
                for frame in added.values()
            ]
            assert max(parts) > 0


PROTECTED = ("sex", "gender", "religion", "income", "occupation", "address", "village", "ethnic")


def had_it_not_happened(X: pd.DataFrame, event: str) -> pd.DataFrame:
    columns = {str(name): X[name].to_numpy() for name in X}
    return X.assign(**removal.changed(columns, np.arange(len(X)), event))


def test_without_what_is_told_the_child_ranks_lower(estimators: dict[str, Estimator]) -> None:
    """The event behind each reason never happened: the priority falls, and some risk with it."""
    X = dataset(300, seed=5).X.head(300)
    told = why(X, estimators)
    seen = {outcome: one.predict_risk(X) for outcome, one in estimators.items()}
    theme_of = {fact.code: theme for theme in THEMES for fact in theme.facts}
    codes = set()
    for event in removal.EVENTS:
        other = had_it_not_happened(X, event)
        fallen = {o: seen[o] - one.predict_risk(other) for o, one in estimators.items()}
        later = why(other, estimators)
        for row, found in enumerate(told):
            for one in found:
                if removal.EVENT_OF[theme_of[one.code].name] != event:
                    continue
                codes.add(one.code)
                falls = [fallen[outcome][row] for outcome in OUTCOMES]
                assert sum(falls) >= reasons.LEAST_LOSS
                assert max(falls) > 0
                # And the fact itself is no longer true.
                assert one.code not in {again.code for again in later[row]}
    assert len(codes) >= 2


def test_the_parts_add_up_to_the_margin(estimators: dict[str, Estimator]) -> None:
    """Exact: with one number that is the same for everybody, they are the log odds."""
    X = dataset(300, seed=5).X.head(500).copy()
    X.iloc[:5, :] = np.nan
    for one in estimators.values():
        parts = one.contributions(X)
        rest = logit(one.predict_risk(X)) - parts.to_numpy().sum(axis=1)
        assert np.ptp(rest) < 1e-4, one.kind
        assert not [name for name in parts if any(word in str(name) for word in PROTECTED)]


def test_a_small_change_of_the_records_leaves_the_reasons(estimators: dict[str, Estimator]) -> None:
    """What no record could show changes nothing; one day more or less changes little."""
    X = dataset(300, seed=5).X.head(300)
    before = [{one.code for one in found} for found in why(X, estimators)]
    rng = np.random.default_rng(2)
    # Upwards: three of sixty days are exactly a level of the rule.
    rates = [name for name in X if "rate" in str(name)]
    nudged = X.assign(**{str(name): X[name] * (1 + 1e-9 * rng.random(len(X))) for name in rates})
    after = [{one.code for one in found} for found in why(nudged, estimators)]
    assert np.mean([one != other for one, other in zip(before, after, strict=True)]) < 0.02
    day = X.assign(
        absent_days_quarter=X["absent_days_quarter"] + 1,
        absence_rate_quarter=X["absence_rate_quarter"] + 1 / 60,
    )
    told = [
        (one, {reason.code for reason in found})
        for one, found in zip(before, why(day, estimators), strict=True)
        if one
    ]
    shared = [len(one & other) / len(one | other) for one, other in told]
    assert np.mean(shared) > 0.75
    # The fact of the absences is never lost by one more of them.
    absence = {"absent_recently", "absent_more", "absent_days"}
    lost = [bool(one & absence) and not other & absence for one, other in told]
    assert np.mean(lost) < 0.05


def test_every_theme_has_an_event_that_can_be_thought_away() -> None:
    assert set(removal.EVENT_OF) == {theme.name for theme in THEMES}
    X = dataset(300, seed=5).X.head(50)
    for event in removal.EVENTS:
        other = had_it_not_happened(X, event)
        unchanged = [name for name in X if name not in removal.features_of(event)]
        pd.testing.assert_frame_equal(X[unchanged], other[unchanged])
        assert list(other) == list(X)


def test_every_feature_of_the_models_is_a_theme_or_left_out_on_purpose() -> None:
    themed = [name for theme in THEMES for name in theme.features]
    assert len(set(themed)) == len(themed)
    assert set(themed) <= set(BY_NAME)
    assert not set(themed) & set(UNEXPLAINED)
    for outcome in OUTCOMES:
        read = spec.load(outcome)
        used = {*read.features, read.last_value, *Rule(outcome, read.rule).features}
        assert used <= {*themed, *UNEXPLAINED}


def test_only_what_can_be_changed_is_told() -> None:
    for theme in THEMES:
        for fact in theme.facts:
            for condition in fact.true:
                feature = BY_NAME.get(condition.feature)
                assert feature is None or feature.changeable or "effective_days" in feature.name
        assert not [name for name in theme.features if not BY_NAME[name].changeable]


def test_windows_are_dated_as_the_features_count_them() -> None:
    found = why(
        child(
            register_days_quarter=60, absent_days_quarter=6, absence_rate_quarter=0.1,
            register_days_30d=20, absent_days_30d=5, absence_rate_30d=0.25,
        )
    )[0]  # fmt: skip
    assert found[0].code == "absent_recently"
    assert found[0].numbers == {"absent": 5, "days": 20, "since": "2026-09-01"}


def test_points_are_told_beside_the_schools_own_warning() -> None:
    (found,) = why(
        child(incidents_quarter=3, points_quarter=30.0, points_share_quarter=0.6,
              serious_incidents_quarter=0)
    )  # fmt: skip
    assert found[0].numbers == {"points": 30.0, "warning": 50.0, "since": "2026-07-01"}


def test_no_number_is_a_risk_and_no_code_names_an_offence() -> None:
    words = {word for _, names in reasons.CODES.values() for word in names}
    assert not words & {"risk", "probability", "score", "type_code"}


def test_what_is_in_no_priority_gives_no_reason() -> None:
    """A school that keeps no marks is scored for none: what hangs on them is worth nothing."""
    known = {"subjects_below_latest": 4, "graded_subjects_latest": 9}
    (told,), (silent,) = why(child(**known)), why(child(**known, grades_known=0))
    assert [one.domain for one in told] == ["grades"]
    assert silent == []


def test_nobody_has_more_than_two_of_a_domain() -> None:
    (found,) = why(
        child(
            register_days_quarter=60, absent_days_quarter=5, absence_rate_quarter=0.08,
            unexcused_days_quarter=4, subjects_below_latest=4, graded_subjects_latest=9,
            incidents_quarter=2, points_share_quarter=0.1,
        )
    )  # fmt: skip
    assert [one.domain for one in found].count("attendance") <= 2
    assert len(found) == 3
