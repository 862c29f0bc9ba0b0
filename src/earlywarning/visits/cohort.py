"""From scores and the register's people to the children of a list."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from earlywarning.records.tables import OUTCOMES
from earlywarning.risk.scoring import RECORDED
from earlywarning.visits.capacity import ALREADY_VISITED, EXCLUSIONS, MOVED
from earlywarning.visits.frozen import text
from earlywarning.visits.table import HOUSEHOLD_KEY, SCHEMA, Table, Told, numbers


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
    reasons : Told
        Of the rows that it is asked for, as canonical JSON.
    completeness : sequence of str, length n
        Canonical JSON.
    """

    ids: pd.DataFrame
    risks: pd.DataFrame
    priority: np.ndarray
    reasons: Told
    completeness: Sequence[str]


def completeness(X: pd.DataFrame) -> list[str]:
    """Which kinds of records there were for each student.

    Returns
    -------
    list of str
        Canonical JSON: `available` of `of` kinds; for each kind `daily`, `totals` (attendance),
        `yes` or `no`; and of the last quarter's school days how many have a mark, where that is
        known.
    """
    flags = {
        name: X[name].fillna(0).to_numpy() > 0 for kinds in RECORDED.values() for name in kinds
    }
    daily, totals = flags["attendance_known"], flags["summary_known"]
    table = np.column_stack(
        [
            np.where(daily, 2, totals),
            flags["behaviour_known"],
            flags["grades_known"],
            _wholes(X["expected_days_quarter"]),
            _wholes(X["recorded_days_quarter"]),
        ]
    )
    # Few kinds there are, and many students of each.
    codes, of = np.unique(_numbered(table), return_inverse=True)
    first = np.empty(len(codes), dtype=np.int64)
    first[of[::-1]] = np.arange(len(of))[::-1]
    texts = np.array([_kinds(*row) for row in table[first].tolist()], dtype=object)
    return texts[of].tolist()


def _kinds(attendance: int, behaviour: int, grades: int, expected: int, recorded: int) -> str:
    return text(
        {
            "available": (attendance > 0) + behaviour + grades,
            "of": 3,
            "attendance": ("no", "totals", "daily")[attendance],
            "behaviour": "yes" if behaviour else "no",
            "grades": "yes" if grades else "no",
            "expected_days": None if expected < 0 else expected,
            "recorded_days": None if recorded < 0 else recorded,
        }
    )


def _numbered(table: np.ndarray) -> np.ndarray:
    """One whole number a row, the same only for the same row."""
    numbered = np.zeros(len(table), dtype=np.int64)
    for column in table.T:
        numbered = numbered * (column.max(initial=0) + 2) + column + 1
    return numbered


def table(
    scored: Scored,
    registered: Registered,
    last_visits: Mapping[str, int],
    occasions: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> Table:
    """The children of the scored schools, in the order of `scored`.

    Parameters
    ----------
    last_visits : mapping of student_id to day number
        See `visits.past.last_visits`.
    occasions : mapping of student_id to occasions, optional
        What the facts say for a visit; see `visits.occasions`. Requests come first.
    """
    called = occasions or {}
    rows = pl.from_pandas(scored.ids[["student_id", "school_id", "class_id"]]).cast(pl.String)
    students = rows["student_id"]
    rows = rows.with_columns(
        lead=_looked_up(rows["class_id"], registered.leads, pl.String),
        household=_looked_up(students, registered.households, pl.String),
        priority=pl.Series(np.asarray(scored.priority, dtype=np.float64)),
        last_visit=_looked_up(students, last_visits, pl.Int64),
        risks=_risks(scored.risks),
        completeness=pl.Series(scored.completeness, dtype=pl.String),
    )
    found = {}
    if called or registered.requests:
        requests = registered.requests
        with_some = students.is_in(list(called.keys() | requests.keys())).arg_true()
        for at, student in zip(with_some, students.gather(with_some).to_list(), strict=True):
            some, asked = called.get(student, ()), requests.get(student)
            if asked:
                some = (*asked, *some)
            if some:
                found[at] = some
    return Table(rows.select(*SCHEMA), found, scored.reasons)


def _looked_up(column: pl.Series, known: Mapping[str, Any], dtype: Any) -> pl.Series:
    if not known:
        return pl.Series([None], dtype=dtype).new_from_index(0, len(column))
    return column.replace_strict(
        pl.Series(list(known), dtype=pl.String),
        pl.Series(list(known.values()), dtype=dtype),
        default=None,
        return_dtype=dtype,
    )


def _risks(risks: pd.DataFrame) -> pl.Series:
    """An object a row, outcomes in the order of their letters."""
    parts: list[pl.Expr] = []
    columns = {}
    for place, name in enumerate(sorted(map(str, risks.columns))):
        values = pl.Series(name, risks[name].to_numpy(dtype=np.float64)).fill_nan(None)
        columns[name] = numbers(values)
        parts += [pl.lit(f"{',' if place else '{'}{text(name)}:"), pl.col(name)]
    return pl.DataFrame(columns).select(pl.concat_str([*parts, pl.lit("}")])).to_series()


def excluded(
    table: Table,
    *,
    closed: Mapping[str, str],
    visited: Collection[str],
    moved: Collection[str] = (),
) -> dict[str, dict[str, str]]:
    """Families of each school who get no place, by household key, and why.

    Parameters
    ----------
    closed : mapping of household key to reason
    visited : student ids
        Visited in the quarter already; one child visited is the family visited.
    moved : student ids
        The last visit found that the family had moved.
    """
    told = table.rows.select("school_id", "student_id", key=HOUSEHOLD_KEY).filter(
        pl.col("student_id").is_in([*visited, *moved]) | pl.col("key").is_in(list(closed))
    )
    found: dict[str, dict[str, str]] = {}
    for school_id, student_id, key in told.iter_rows():
        here = found.setdefault(school_id, {})
        reasons = [closed.get(key), here.get(key)]
        reasons += [MOVED if student_id in moved else None]
        reasons += [ALREADY_VISITED if student_id in visited else None]
        here[key] = min((one for one in reasons if one is not None), key=EXCLUSIONS.index)
    return found


def scored_students(scored: Scored) -> dict[str, dict[str, int]]:
    """For how many children of each school each outcome was scored."""
    known = scored.risks.reindex(columns=list(OUTCOMES)).notna()
    counts = known.groupby(scored.ids["school_id"].to_numpy(dtype=str)).sum()
    columns = [counts[outcome].tolist() for outcome in OUTCOMES]
    return {
        str(school_id): dict(zip(OUTCOMES, row, strict=True))
        for school_id, row in zip(counts.index, zip(*columns, strict=True), strict=True)
    }


def classes(table: Table, registered: Registered) -> dict[str, dict[str, dict[str, Any]]]:
    """Lead and grade level of the classes that each school's children are in."""
    rows = table.rows.select("school_id", "class_id").unique()
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in rows["school_id"]}
    for school_id, name in rows.drop_nulls().sort("school_id", "class_id").iter_rows():
        found[school_id][name] = {
            "lead": registered.leads.get(name),
            "grade_level": registered.grade_levels.get(name),
        }
    return found


def _wholes(column: pd.Series) -> np.ndarray:
    """Whole numbers, -1 where there is none."""
    values = column.to_numpy(dtype=float, na_value=np.nan)
    return np.nan_to_num(values, nan=-1.0).astype(np.int64)
