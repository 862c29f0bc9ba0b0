"""Versions: what was known, and when. Pure frames in, pure frames out.

A fact is never overwritten. A delivery that says something new about it adds a version, and the
version before says on which day it was superseded. A view at an as_of_date D then needs no window
function: `known_day < D and superseded_day >= D`.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from earlywarning.calendar import NEVER
from earlywarning.records.tables import Table

KNOWN_BEFORE = "_known_before"
"""Optional column of `incoming`: true where the fact was known, though no row said so."""

VERSIONS = ("known_day", "superseded_day")


@dataclass(frozen=True, slots=True)
class Merged:
    """A table with a delivery added.

    Attributes
    ----------
    rows : pl.DataFrame
        Every version, sorted by key and known_day.
    added, changed, unchanged : int
        Facts of the delivery that were new, that differ from the last version, that do not.
    """

    rows: pl.DataFrame
    added: int
    changed: int
    unchanged: int

    @property
    def same(self) -> bool:
        """Whether the delivery left the table as it was."""
        return not self.added and not self.changed


def merge(
    existing: pl.DataFrame,
    incoming: pl.DataFrame,
    *,
    table: Table,
    delivery_day: int,
    history: pl.DataFrame | None = None,
    withdrawn: pl.DataFrame | None = None,
) -> Merged:
    """Add a delivery to a table of facts.

    Parameters
    ----------
    existing : pl.DataFrame
        The table's columns, every version.
    incoming : pl.DataFrame
        One row a fact: key, values, and `known_day` as it holds if the fact is new. With a column
        `_known_before` a new row can be said to replace what was known without a row.
    table : Table
        Names key and values.
    delivery_day : int
        The day on which a changed fact became known.
    history : pl.DataFrame, optional
        Older versions (with both version columns) that belong to facts of `incoming`; they are
        kept where the fact is new.
    withdrawn : pl.DataFrame, optional
        Keys whose current version ends without another one; not counted.

    Returns
    -------
    Merged
        A fact restated unchanged adds nothing. Of two deliveries on one day the later wins: the
        version in between could never be seen and is dropped.

    Raises
    ------
    ValueError
        If `incoming` says two things about one fact.
    """
    key, values = list(table.key), [name for name in table.values if name not in VERSIONS]
    day = pl.lit(delivery_day, pl.Int32)
    compared = _compare(existing, incoming, key=key, values=values)
    changed = compared.filter(pl.col("_changed"))
    added = _returning(compared.filter(pl.col("_new")), existing, key=key, day=day)
    ended = [changed.select(key)]
    if withdrawn is not None:
        ended.append(withdrawn.select(key))
    kept = _supersede(existing, pl.concat(ended), key=key, day=day)
    fresh = [
        added.with_columns(superseded_day=pl.lit(NEVER, pl.Int32)),
        changed.with_columns(
            known_day=pl.max_horizontal(day, "_last_known"),
            superseded_day=pl.lit(NEVER, pl.Int32),
        ),
    ]
    if history is not None:
        fresh.append(history.join(added.select(key), on=key, how="semi"))
    names = list(table.names)
    rows = pl.concat([kept.select(names), *(part.select(names) for part in fresh)])
    rows = rows.sort(*key, "known_day")
    _refuse_contradictions(rows, table)
    told_before = int(added[KNOWN_BEFORE].sum())
    return Merged(
        rows=rows,
        added=added.height - told_before,
        changed=changed.height + told_before,
        unchanged=compared.height - added.height - changed.height,
    )


def current(rows: pl.DataFrame) -> pl.DataFrame:
    """The versions that nothing has superseded."""
    return rows.filter(pl.col("superseded_day") == NEVER)


def _refuse_contradictions(rows: pl.DataFrame, table: Table) -> None:
    """Of sorted rows no two neighbours may both be the newest version of one fact."""
    key = list(table.key)
    twice = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in key) & (
        pl.col("superseded_day").shift(1) == NEVER
    )
    if rows.select(twice.any()).item():
        raise ValueError(f"{table.name}: two rows of one delivery have the same key {key}")


def _compare(
    existing: pl.DataFrame, incoming: pl.DataFrame, *, key: list[str], values: list[str]
) -> pl.DataFrame:
    if KNOWN_BEFORE not in incoming.columns:
        incoming = incoming.with_columns(pl.lit(False).alias(KNOWN_BEFORE))
    if existing.is_empty():
        return incoming.with_columns(
            _new=pl.lit(True), _changed=pl.lit(False), _last_known=pl.lit(None, pl.Int32)
        )
    last = current(existing).select(
        *key,
        *(pl.col(name).alias(f"_last_{name}") for name in values),
        pl.col("known_day").alias("_last_known"),
    )
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"_last_{name}")) for name in values)
    return incoming.join(last, on=key, how="left").with_columns(
        _new=pl.col("_last_known").is_null(),
        _changed=pl.col("_last_known").is_not_null() & ~same,
    )


def _returning(
    added: pl.DataFrame, existing: pl.DataFrame, *, key: list[str], day: pl.Expr
) -> pl.DataFrame:
    """A fact that was withdrawn and is told again is a change, known from the delivery on."""
    past = existing.filter(pl.col("superseded_day") != NEVER)
    if past.is_empty() or added.is_empty():
        return added
    last = past.group_by(key).agg(_ended=pl.col("superseded_day").max())
    back = pl.col("_ended").is_not_null()
    return (
        added.join(last, on=key, how="left")
        .with_columns(
            known_day=pl.when(back).then(pl.max_horizontal(day, "_ended")).otherwise("known_day"),
            **{KNOWN_BEFORE: back | pl.col(KNOWN_BEFORE)},
        )
        .drop("_ended")
    )


def _supersede(
    existing: pl.DataFrame, keys: pl.DataFrame, *, key: list[str], day: pl.Expr
) -> pl.DataFrame:
    if keys.is_empty():
        return existing
    marked = existing.join(keys.unique().with_columns(_ended=True), on=key, how="left")
    ends = pl.col("_ended").is_not_null() & (pl.col("superseded_day") == NEVER)
    return (
        marked.with_columns(
            superseded_day=pl.when(ends)
            .then(pl.max_horizontal(day, "known_day"))
            .otherwise("superseded_day")
        )
        .filter(pl.col("known_day") < pl.col("superseded_day"))
        .drop("_ended")
    )
