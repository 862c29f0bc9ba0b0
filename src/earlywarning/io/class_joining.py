"""One class under one name, however its files spell it.

`7A` in the class list and `VII-A` in the roster would be two classes, each with half of its people.
The first spelling stays: the register's, else the roster's.
"""

from __future__ import annotations

import polars as pl

from earlywarning.io.delivery import Delivery
from earlywarning.records.class_names import canonical

_TABLES = ("enrollment", "class_group")
_YEAR = ("school_id", "school_year")
_TOLD = 10
CLASSES_SCHEMA = {"school_id": pl.String, "school_year": pl.String, "class_name": pl.String}


def spellings(known: pl.DataFrame, delivered: pl.DataFrame) -> pl.DataFrame:
    """Which delivered names are another spelling of a class.

    Parameters
    ----------
    known, delivered : DataFrame
        `CLASSES_SCHEMA`: the register's classes; those of a delivery, the roster's first.

    Returns
    -------
    DataFrame
        school_id, school_year, class_name, and `first`, the spelling to use instead. A name that
        the register has is never replaced.
    """
    key = pl.col("class_name").map_elements(lambda name: canonical(name).key, pl.String)
    known = known.select(*CLASSES_SCHEMA)
    names = (
        pl.concat([known, delivered.select(*CLASSES_SCHEMA)])
        .drop_nulls()
        .unique(maintain_order=True)
        .with_columns(key.alias("_key"))
        .with_columns(pl.col("class_name").first().over(*_YEAR, "_key").alias("first"))
    )
    return (
        names.filter(pl.col("class_name") != pl.col("first"))
        .join(known, on=list(CLASSES_SCHEMA), how="anti", maintain_order="left")
        .drop("_key")
    )


def join_classes(delivery: Delivery, known: pl.DataFrame | None) -> None:
    """Write every class of a delivery as it is first known, and say which were written otherwise.

    Parameters
    ----------
    delivery : Delivery
        Read, not settled; rows of `class_group` and `enrollment` and its warnings are changed.
    known : DataFrame, optional
        `CLASSES_SCHEMA`: the register's classes.
    """
    if known is None:
        known = pl.DataFrame(schema=CLASSES_SCHEMA)
    tables = [table for table in _TABLES if table in delivery.rows_read]
    delivered = [delivery.frame(table).select(*CLASSES_SCHEMA) for table in tables]
    if not delivered:
        return
    other = spellings(known, pl.concat(delivered))
    if other.is_empty():
        return
    for table in tables:
        for part in delivery.store.parts(table):
            rows = delivery.store.load(table, part)
            first = rows.select(*CLASSES_SCHEMA).join(
                other, on=list(CLASSES_SCHEMA), how="left", maintain_order="left"
            )["first"]
            delivery.store.replace(
                table, part, rows.with_columns(class_name=first.fill_null(rows["class_name"]))
            )
    pairs = other.select(pl.format("{} is {}", "class_name", "first")).to_series().unique(
        maintain_order=True
    )  # fmt: skip
    more = f" and {len(pairs) - _TOLD:,} more" if len(pairs) > _TOLD else ""
    delivery.warnings += (
        f"classes that are spelled in two ways are one class: {', '.join(pairs[:_TOLD])}{more}",
    )
