"""The children of some schools, column by column: what a million of them can be listed from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from earlywarning.visits.frozen import text
from earlywarning.visits.households import Child

Told = Callable[[np.ndarray], Sequence[str]]
"""From places of children in a table to the JSON of their reasons, a list each."""

SCHEMA: dict[str, Any] = {
    "student_id": pl.String, "school_id": pl.String, "class_id": pl.String, "lead": pl.String,
    "household": pl.String, "priority": pl.Float64, "last_visit": pl.Int64, "risks": pl.String,
    "completeness": pl.String,
}  # fmt: skip
"""As in `households.Child`; risks and completeness as canonical JSON."""

HOUSEHOLD_KEY = (
    pl.when(pl.col("household").fill_null("") != "")
    .then(pl.col("household"))
    .otherwise(pl.format("student-{}", "student_id"))
)
"""`households.key_of`, of a column."""

_ESCAPED = r'["\\\x00-\x1f]'


@dataclass(frozen=True, slots=True)
class Table:
    """Children, row by row, in any order.

    Attributes
    ----------
    rows : DataFrame
        Columns `SCHEMA`; shape (n, n_columns).
    occasions : mapping of place to occasions
        Only of children who have any; see `visits.occasions`.
    reasons : Told
        Asked once a list, for those whose reasons are written down.
    """

    rows: pl.DataFrame
    occasions: Mapping[int, Sequence[Mapping[str, Any]]]
    reasons: Told

    def __len__(self) -> int:
        """Children."""
        return self.rows.height

    def of_schools(self, schools: Collection[str]) -> Table:
        """The children of some of the schools."""
        kept = self.rows["school_id"].is_in(list(schools))
        if kept.all():
            return self
        at = kept.arg_true().to_numpy().astype(np.int64)
        place = {row: number for number, row in enumerate(at.tolist())}
        return Table(
            rows=self.rows[at],
            occasions={place[row]: some for row, some in self.occasions.items() if row in place},
            reasons=lambda places: self.reasons(at[places]),
        )


def of_children(children: Iterable[Child], school_id: str) -> Table:
    """The table of one school's children."""
    some = list(children)
    rows = pl.DataFrame(
        {
            "student_id": [child.student_id for child in some],
            "school_id": [school_id] * len(some),
            "class_id": [child.class_id for child in some],
            "lead": [child.lead for child in some],
            "household": [child.household for child in some],
            "priority": [float(child.priority) for child in some],
            "last_visit": [child.last_visit for child in some],
            "risks": [text(dict(child.risks)) for child in some],
            "completeness": [text(dict(child.completeness)) for child in some],
        },
        schema=SCHEMA,
    )
    return Table(
        rows=rows,
        occasions={at: child.occasions for at, child in enumerate(some) if child.occasions},
        reasons=lambda places: [
            text([dict(reason) for reason in some[at].reasons]) for at in places.tolist()
        ],
    )


def quoted(column: pl.Series) -> pl.Series:
    """Strings as JSON writes them, `null` where there is none."""
    if column.str.contains(_ESCAPED).any():
        return pl.Series(column.name, [text(one) for one in column], dtype=pl.String)
    marked = pl.select(pl.concat_str(pl.lit('"'), column, pl.lit('"'))).to_series()
    return marked.fill_null("null")


def numbers(column: pl.Series) -> pl.Series:
    """Floats as JSON writes them, `null` where there is none.

    Both Python and Polars write the shortest digits that give the same number again. They differ in
    where they turn to powers of ten, so what is small or large is left to Python.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    size = column.abs()
    if not column.is_finite().all():
        raise ValueError(f"{column.name}: a number is not finite, which JSON cannot say")
    plain = column.cast(pl.String).fill_null("null")
    odd = (((size < 1e-4) & (size > 0)) | (size >= 1e15)).fill_null(value=False).arg_true()
    if len(odd):
        plain = plain.scatter(odd, [repr(one) for one in column.gather(odd)])
    return plain
