"""Sums and shares that come out the same on every engine.

Only whole numbers are summed, and one division comes last: whole-number sums do not depend on the
order of rows, on threads or on the engine, and a division of two whole numbers is rounded alike
everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import narwhals.stable.v2 as nw


def totals(
    frame: nw.LazyFrame,
    by: Sequence[str],
    *,
    flags: Mapping[str, nw.Expr] | None = None,
    sums: Mapping[str, nw.Expr] | None = None,
    latest: Mapping[str, nw.Expr] | None = None,
) -> nw.LazyFrame:
    """Sum whole numbers per group.

    Parameters
    ----------
    frame : LazyFrame
    by : sequence of str
        The columns that name a group.
    flags : mapping of name to bool expression, optional
        Counted where true.
    sums : mapping of name to whole-number expression, optional
        Added up; empty values count 0.
    latest : mapping of name to whole-number expression, optional
        The greatest is taken; empty if all values are.

    Returns
    -------
    LazyFrame
        One row a group: `by`, then the names given, whole numbers.
    """
    # Columns first, then their plain sums: pandas groups columns only, not expressions.
    columns = {name: flag.cast(nw.Int8) for name, flag in (flags or {}).items()}
    columns |= {name: value.fill_null(0).cast(nw.Int64) for name, value in (sums or {}).items()}
    latest = latest or {}
    return (
        frame.select(*by, **columns, **latest)
        .group_by(*by)
        .agg(
            *([nw.col(*columns).sum()] if columns else []),
            *([nw.col(*latest).max()] if latest else []),
        )
        .select(*by, *([nw.col(*columns).cast(nw.Int64)] if columns else []), *latest)
    )


def nth(group: str, *, by: str) -> nw.Expr:
    """Which row of its group each one is, from 1, in the order of `by` (no two alike)."""
    return nw.col(by).rank("ordinal").over(group).cast(nw.Int64)


def share(part: nw.Expr, whole: nw.Expr, *, times: int = 1) -> nw.Expr:
    """`part / (whole * times)`, correctly rounded; empty where `whole` is not positive.

    `whole` must be a column, not a number: by a number, Polars multiplies with the inexact
    reciprocal. It is emptied first because Spark stops at a division by zero.
    """
    return part / nw.when(whole > 0).then(whole * times)


def zero_if_empty(names: Sequence[str]) -> list[nw.Expr]:
    """A student without rows in a table has a count of 0, not an empty one."""
    return [nw.col(*names).fill_null(0).cast(nw.Int64)]


def only_where(condition: nw.Expr, names: Sequence[str]) -> list[nw.Expr]:
    """Empty the columns where a condition fails: what was not looked at is not 0."""
    return [nw.when(condition).then(nw.col(name)).alias(name) for name in names]


def known_in_school(students: nw.LazyFrame, has_any: nw.Expr, name: str) -> nw.LazyFrame:
    """Add a column: 1 for the students of a school in which anybody has any, else 0.

    A school that never recorded a kind of event is not a school where it never happened.
    """
    schools = totals(students, ["school_id"], flags={name: has_any}).select(
        "school_id", (nw.col(name) > 0).cast(nw.Int64).alias(name)
    )
    return students.join(schools, on="school_id", how="left")
