"""The facts that can be given as reasons, and which features each one stands for.

Only what a family or a school can change now, never a protected attribute, never the kind of an
offence. A theme is one thing to talk about; its facts are tried in order and the first true one is
shown, so that no two reasons say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from earlywarning.risk.spec import Condition


@dataclass(frozen=True, slots=True)
class Fact:
    """One sentence without its words.

    Attributes
    ----------
    code : str
    window : str
        Which stretch of days `since` begins: `30d`, `quarter`, `year`, `latest`; empty for none.
    true : tuple of Condition
        All must hold: the fact is so, and it is a matter of concern.
    counts, decimals : mapping of placeholder to feature
        Numbers to show, whole or with one decimal; a leading `-` turns the sign.
    words : mapping of placeholder to code
    """

    code: str
    window: str
    true: tuple[Condition, ...]
    counts: Mapping[str, str] = field(default_factory=dict)
    decimals: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names that the sentence may use; the first one decides between one and many."""
        since = ("since",) if self.window else ()
        return (*self.counts, *self.decimals, *self.words, *since)


@dataclass(frozen=True, slots=True)
class Theme:
    """One thing to talk about.

    Attributes
    ----------
    name : str
    domain : str
    features : tuple of str
        Whose contributions to the risk count for it.
    facts : tuple of Fact
        Most telling first.
    """

    name: str
    domain: str
    features: tuple[str, ...]
    facts: tuple[Fact, ...]


def _at_least(feature: str, value: float) -> Condition:
    return Condition(feature, "at_least", value)


def _above(feature: str, value: float) -> Condition:
    return Condition(feature, "above", value)


def _below(feature: str, value: float) -> Condition:
    return Condition(feature, "below", value)


def _days(code: str, placeholder: str, feature: str, least: int) -> tuple[Fact, ...]:
    """Days of one kind in the last quarter; where there are none, in the year."""
    return tuple(
        Fact(
            code,
            window,
            (_at_least(f"{feature}_days_{window}", least),),
            {placeholder: f"{feature}_days_{window}"},
        )
        for window in ("quarter", "year")
    )


def _absent(code: str, window: str, *more: Condition) -> Fact:
    return Fact(
        code,
        window,
        (_at_least(f"absent_days_{window}", 2), *more),
        {"absent": f"absent_days_{window}", "days": f"register_days_{window}"},
    )


def _rates(kind: str, *windows: str) -> tuple[str, ...]:
    return tuple(f"{kind}_rate_{window}" for window in windows or ("30d", "quarter", "year"))


DERIVED: Mapping[str, tuple[str, str, str]] = {
    "absence_rate_30d_over_quarter": ("minus", "absence_rate_30d", "absence_rate_quarter"),
    "first_warning_points": ("ratio", "points_quarter", "points_share_quarter"),
}
"""Numbers that follow from two features."""

THEMES: tuple[Theme, ...] = (
    Theme(
        "absence",
        "attendance",
        (
            *_rates("absence"), *_rates("permitted"),
            "absent_days_30d", "absent_days_quarter", "absent_days_year",
            "absence_rate_change_30d", "absence_rate_change_quarter", "absence_rate_change_year",
            "absence_rate_vs_class_quarter", "absence_rate_two_years",
        ),
        (
            _absent("absent_recently", "30d", _above("absence_rate_30d_over_quarter", 0)),
            _absent("absent_more", "quarter", _above("absence_rate_change_quarter", 0)),
            _absent("absent_days", "quarter"),
            _absent("absent_days", "year"),
        ),
    ),
    Theme(
        "absence_totals",
        "attendance",
        ("summary_absent_days", "summary_absence_rate"),
        (
            Fact(
                "absent_in_period",
                "",
                (_at_least("summary_absent_days", 2), _at_least("summary_effective_days", 1)),
                {"absent": "summary_absent_days", "days": "summary_effective_days"},
            ),
            Fact(
                "absent_in_total",
                "",
                (_at_least("summary_absent_days", 2),),
                {"absent": "summary_absent_days"},
            ),
        ),
    ),
    Theme(
        "absent_in_a_row",
        "attendance",
        (
            "longest_absence_streak_quarter", "longest_absence_streak_year",
            "current_absence_streak",
        ),
        (
            Fact(
                "absent_now",
                "",
                (_at_least("current_absence_streak", 2),),
                {"streak": "current_absence_streak"},
            ),
            Fact(
                "absent_in_a_row",
                "quarter",
                (_at_least("longest_absence_streak_quarter", 3),),
                {"streak": "longest_absence_streak_quarter"},
            ),
            Fact(
                "absent_in_a_row",
                "year",
                (_at_least("longest_absence_streak_year", 3),),
                {"streak": "longest_absence_streak_year"},
            ),
        ),
    ),
    Theme(
        "unexcused",
        "attendance",
        (*_rates("unexcused"), "unexcused_days_30d", "unexcused_days_quarter",
         "unexcused_days_year", "summary_unexcused_days"),
        _days("unexcused_days", "unexcused", "unexcused", 1),
    ),
    Theme(
        "sick",
        "attendance",
        (*_rates("sick"), "sick_days_30d", "sick_days_quarter", "sick_days_year"),
        _days("sick_days", "sick", "sick", 2),
    ),
    Theme(
        "late",
        "attendance",
        (*_rates("late"), "late_days_30d", "late_days_quarter", "late_days_year",
         "late_rate_change_quarter"),
        _days("late_days", "late", "late", 2),
    ),
    Theme(
        "early_leave",
        "attendance",
        _rates("early_leave"),
        _days("early_leave_days", "left", "early_leave", 2),
    ),
    Theme(
        "weekday",
        "attendance",
        ("monday_share_year", "friday_share_year", "absent_mondays_year", "absent_fridays_year"),
        tuple(
            Fact(
                "weekday_absences",
                "year",
                (_at_least(f"absent_{day}s_year", 3), _at_least(f"{day}_share_year", 0.4)),
                {"absent": f"absent_{day}s_year", "of": "absent_days_year"},
                words={"weekday": day},
            )
            for day in ("monday", "friday")
        ),
    ),
    Theme(
        "serious_incidents",
        "behaviour",
        ("serious_incidents_quarter", "serious_incidents_year"),
        tuple(
            Fact(
                "serious_incidents",
                window,
                (_at_least(f"serious_incidents_{window}", 1),),
                {"serious": f"serious_incidents_{window}"},
            )
            for window in ("quarter", "year")
        ),
    ),
    Theme(
        "incidents",
        "behaviour",
        (
            *(f"{kind}_{window}" for kind in ("incidents", "points", "points_share")
              for window in ("30d", "quarter", "year")),
            *(f"{severity}_incidents_{window}" for severity in ("minor", "moderate")
              for window in ("quarter", "year")),
            "points_share_change_quarter", "points_share_vs_class_quarter", "days_since_incident",
            "incidents_per_100_days_two_years", "points_share_per_100_days_two_years",
        ),
        (
            Fact(
                "near_first_warning",
                "quarter",
                (_at_least("points_share_quarter", 0.25), _above("points_quarter", 0)),
                decimals={"points": "points_quarter", "warning": "first_warning_points"},
            ),
            *(
                Fact(
                    "behaviour_incidents",
                    window,
                    (_at_least(f"incidents_{window}", 1),),
                    {"incidents": f"incidents_{window}"},
                )
                for window in ("quarter", "year")
            ),
        ),
    ),
    Theme(
        "subjects_below",
        "grades",
        (
            "subjects_below_quarter", "subjects_below_latest", "grade_distance_quarter",
            "grade_distance_latest", "grade_distance_min_quarter", "grade_distance_min_latest",
            "grade_distance_vs_class_quarter", "grade_distance_two_years",
        ),
        (
            *(
                Fact(
                    "subjects_below",
                    window,
                    (_at_least(f"subjects_below_{window}", 1),),
                    {"subjects": f"subjects_below_{window}", "of": f"graded_subjects_{window}"},
                )
                for window in ("quarter", "latest")
            ),
            *(
                Fact(
                    "average_near_pass",
                    window,
                    (
                        _at_least(f"grade_distance_{window}", 0),
                        _below(f"grade_distance_{window}", 5),
                    ),
                    decimals={"above": f"grade_distance_{window}"},
                )
                for window in ("quarter", "latest")
            ),
        ),
    ),
    Theme(
        "grades_falling",
        "grades",
        ("grade_distance_change_quarter",),
        (
            Fact(
                "grades_falling",
                "quarter",
                (_below("grade_distance_change_quarter", -0.95),),
                decimals={"drop": "-grade_distance_change_quarter"},
            ),
        ),
    ),
    Theme(
        "grades_missing",
        "grades",
        ("subjects_missing_quarter",),
        (
            Fact(
                "grades_missing",
                "quarter",
                (_at_least("subjects_missing_quarter", 1),),
                {"missing": "subjects_missing_quarter"},
            ),
        ),
    ),
)  # fmt: skip

UNEXPLAINED: tuple[str, ...] = (
    # Nobody can change these now.
    "grade_level", "new_to_school", "joined_late", "class_changes_year",
    "absence_rate_previous_year", "unexcused_rate_previous_year", "late_rate_previous_year",
    "absent_days_previous_year", "unexcused_days_previous_year", "late_days_previous_year",
    "points_share_previous_year",
    # A lack of praise is no reason to call.
    "merits_quarter", "merits_year",
    # About the records, not about the child.
    "register_days_30d", "register_days_quarter", "register_days_year",
    "register_days_previous_year", "summary_effective_days", "graded_subjects_quarter",
    "graded_subjects_latest", "expected_days_quarter", "recorded_days_quarter",
    "recorded_share_quarter", "assumed_share", "days_since_register",
)  # fmt: skip
"""Features that models may use and reasons never name."""
