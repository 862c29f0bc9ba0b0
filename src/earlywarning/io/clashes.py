"""Students of a delivery who may be two children, or one child twice: told, never decided."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from earlywarning.records.names import is_quite_different, normal

TOLD = 3
"""Examples in one line; the rest is counted."""


def clashes(students: pl.DataFrame, register: pl.DataFrame) -> tuple[str, ...]:
    """What a person should look at; a change of name is allowed and no fault.

    Parameters
    ----------
    students : DataFrame
        Source table `student` of a delivery.
    register : DataFrame
        `matching.PEOPLE_SCHEMA`, before the delivery.

    Returns
    -------
    tuple of str
        One line a kind: several students with one national id; a known number with another
        national id, with a quite different name, or with another birth date.
    """
    if students.is_empty():
        return ()
    both = students.join(
        register.select("school_id", "student", "national_id", "full_name", "birth_date"),
        on=["school_id", "student"], suffix="_before",
    ).unique(["school_id", "student"], maintain_order=True)  # fmt: skip
    kinds = {
        "have the same national id as another student": _shared_ids(students),
        "come with another national id than before; is it still the same child": _changed(
            both, "national_id"
        ),
        "come with a quite different name than before; is it still the same child": [
            _change(row, "full_name")
            for row in both.filter(pl.col("full_name") != pl.col("full_name_before")).iter_rows(
                named=True
            )
            if is_quite_different(normal(row["full_name"]), normal(row["full_name_before"]))
        ],
        "come with another birth date than before; is it still the same child": _changed(
            both, "birth_date"
        ),
    }
    return tuple(_line(what, found) for what, found in kinds.items() if found)


def _shared_ids(students: pl.DataFrame) -> list[str]:
    shared = (
        students.drop_nulls("national_id")
        .unique(["school_id", "student", "national_id"], maintain_order=True)
        .group_by("national_id", maintain_order=True)
        .agg(pl.format("{} of {}", "student", "school_id").alias("who"))
        .filter(pl.col("who").list.len() > 1)
    )
    return [" and ".join(row["who"]) for row in shared.iter_rows(named=True)]


def _changed(both: pl.DataFrame, name: str) -> list[str]:
    differs = both.drop_nulls([name, f"{name}_before"]).filter(
        pl.col(name) != pl.col(f"{name}_before")
    )
    return [_change(row, name) for row in differs.iter_rows(named=True)]


def _change(row: dict[str, object], name: str) -> str:
    return f"{row['student']} of {row['school_id']} ({row[f'{name}_before']}, now {row[name]})"


def _line(what: str, found: Sequence[str]) -> str:
    more = f" and {len(found) - TOLD:,} more" if len(found) > TOLD else ""
    return f"students {what}: {'; '.join(found[:TOLD])}{more}"
