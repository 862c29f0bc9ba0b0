"""From scores and the register's people to the children of a list."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from earlywarning.records.tables import OUTCOMES
from earlywarning.risk.scoring import RECORDED
from earlywarning.visits.capacity import ALREADY_VISITED, EXCLUSIONS, MOVED
from earlywarning.visits.households import Child, key_of


@dataclass(frozen=True, slots=True)
class Registered:
    """What the register knows and a list rests on.

    Attributes
    ----------
    households : mapping of student_id to household id
    leads : mapping of class_id to staff id
        Homeroom teachers; a class without one is not in it.
    grade_levels : mapping of class_id to int or None
    capacities : mapping of staff id to int
        Only where the staff list says one.
    closed : mapping of household key to reason
        Families who get no place, for a reason of `capacity.REGISTERED`.
    unscored : set of str
        Ids of the students of whom nothing is computed; see `capacity.UNSCORED`.
    requests : mapping of student_id to occasions
        Open requests for a visit; see `occasions.request`.
    """

    households: Mapping[str, str]
    leads: Mapping[str, str]
    grade_levels: Mapping[str, int | None]
    capacities: Mapping[str, int]
    closed: Mapping[str, str] = field(default_factory=dict)
    unscored: frozenset[str] = frozenset()
    requests: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scored:
    """The scored cohort of all schools, row by row.

    Attributes
    ----------
    ids : DataFrame
        student_id, school_id, class_id; shape (n, 3).
    risks : DataFrame
        A column an outcome, 0 to 1, NaN where not scored; shape (n, n_outcomes).
    priority : array of float, shape (n,)
    reasons : sequence of list of dict, length n
    completeness : sequence of dict, length n
    """

    ids: pd.DataFrame
    risks: pd.DataFrame
    priority: np.ndarray
    reasons: Sequence[Sequence[Mapping[str, Any]]]
    completeness: Sequence[Mapping[str, Any]]


def completeness(X: pd.DataFrame) -> list[dict[str, Any]]:
    """Which kinds of records there were for each student.

    Returns
    -------
    list of dict
        `available` of `of` kinds; for each kind `daily`, `totals` (attendance), `yes` or `no`; and
        of the last quarter's school days how many have a mark, where that is known.
    """
    flags = {
        name: (X[name].fillna(0).to_numpy() > 0).tolist()
        for kinds in RECORDED.values()
        for name in kinds
    }
    rows = []
    for daily, totals, behaviour, grades, expected, recorded in zip(
        flags["attendance_known"],
        flags["summary_known"],
        flags["behaviour_known"],
        flags["grades_known"],
        _wholes(X["expected_days_quarter"]),
        _wholes(X["recorded_days_quarter"]),
        strict=True,
    ):
        rows.append(
            {
                "available": (daily or totals) + behaviour + grades,
                "of": 3,
                "attendance": "daily" if daily else ("totals" if totals else "no"),
                "behaviour": "yes" if behaviour else "no",
                "grades": "yes" if grades else "no",
                "expected_days": expected,
                "recorded_days": recorded,
            }
        )
    return rows


def children(
    scored: Scored,
    registered: Registered,
    last_visits: Mapping[str, int],
    occasions: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> dict[str, list[Child]]:
    """The children of each school.

    Parameters
    ----------
    last_visits : mapping of student_id to day number
        See `visits.past.last_visits`.
    occasions : mapping of student_id to occasions, optional
        What the facts say for a visit; see `visits.occasions`. Requests come first.
    """
    called = occasions or {}
    names = [str(name) for name in scored.risks.columns]
    risks = zip(*(_numbers(scored.risks[name]) for name in names), strict=True)
    priorities = np.asarray(scored.priority, dtype=np.float64).tolist()
    schools: dict[str, list[Child]] = {}
    rows = scored.ids[["student_id", "school_id", "class_id"]].itertuples(index=False, name=None)
    for i, ((student_id, school_id, class_id), risk) in enumerate(zip(rows, risks, strict=True)):
        class_id = class_id if isinstance(class_id, str) else None
        schools.setdefault(school_id, []).append(
            Child(
                student_id=student_id,
                priority=priorities[i],
                risks=dict(zip(names, risk, strict=True)),
                class_id=class_id,
                lead=registered.leads.get(class_id or ""),
                household=registered.households.get(student_id),
                last_visit=last_visits.get(student_id),
                reasons=scored.reasons[i],
                completeness=scored.completeness[i],
                occasions=(
                    *registered.requests.get(student_id, ()),
                    *called.get(student_id, ()),
                ),
            )
        )
    return schools


def excluded(
    some: Sequence[Child],
    *,
    closed: Mapping[str, str],
    visited: Collection[str],
    moved: Collection[str] = (),
) -> dict[str, str]:
    """Families who get no place, by household key, and why.

    Parameters
    ----------
    closed : mapping of household key to reason
    visited : student ids
        Visited in the quarter already; one child visited is the family visited.
    moved : student ids
        The last visit found that the family had moved.
    """
    found: dict[str, str] = {}
    for child in some:
        key = key_of(child)
        reasons = [closed.get(key), found.get(key)]
        reasons += [MOVED if child.student_id in moved else None]
        reasons += [ALREADY_VISITED if child.student_id in visited else None]
        told = [reason for reason in reasons if reason is not None]
        if told:
            found[key] = min(told, key=EXCLUSIONS.index)
    return found


def scored_students(some: Sequence[Child]) -> dict[str, int]:
    """For how many children each outcome was scored."""
    return {
        outcome: sum(child.risks.get(outcome) is not None for child in some) for outcome in OUTCOMES
    }


def _numbers(column: pd.Series) -> list[float | None]:
    return [None if value != value else value for value in column.to_numpy(dtype=float).tolist()]


def _wholes(column: pd.Series) -> list[int | None]:
    values = column.to_numpy(dtype=float, na_value=np.nan).tolist()
    return [None if value != value else int(value) for value in values]
