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
        name: X[name].fillna(0).to_numpy() > 0 for kinds in RECORDED.values() for name in kinds
    }
    expected = X["expected_days_quarter"].to_numpy(dtype=float, na_value=np.nan)
    recorded = X["recorded_days_quarter"].to_numpy(dtype=float, na_value=np.nan)
    rows = []
    for i in range(len(X)):
        daily, totals = flags["attendance_known"][i], flags["summary_known"][i]
        kinds: dict[str, Any] = {
            "attendance": "daily" if daily else ("totals" if totals else "no"),
            "behaviour": "yes" if flags["behaviour_known"][i] else "no",
            "grades": "yes" if flags["grades_known"][i] else "no",
        }
        available = sum(value != "no" for value in kinds.values())
        rows.append(
            {
                "available": available,
                "of": len(kinds),
                **kinds,
                "expected_days": _whole(expected[i]),
                "recorded_days": _whole(recorded[i]),
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
    columns = {name: scored.risks[name].to_numpy(dtype=float) for name in scored.risks.columns}
    schools: dict[str, list[Child]] = {}
    rows = scored.ids[["student_id", "school_id", "class_id"]].itertuples(index=False, name=None)
    for i, (student_id, school_id, class_id) in enumerate(rows):
        class_id = class_id if isinstance(class_id, str) else None
        schools.setdefault(school_id, []).append(
            Child(
                student_id=student_id,
                priority=float(scored.priority[i]),
                risks={name: _number(values[i]) for name, values in columns.items()},
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


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _whole(value: float) -> int | None:
    return None if np.isnan(value) else int(value)
