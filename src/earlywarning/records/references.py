"""Rows must speak of students who are known, and a number that lost its zeros is not guessed."""

from __future__ import annotations

import polars as pl

from earlywarning.records.faults import Faults

KEY = ("school_id", "student")
_TABLE = "[table] student"


def unknown_students(
    rows: pl.DataFrame, known: pl.DataFrame, *, table: str, label: str = "student"
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Refuse rows of students who are in neither list.

    Parameters
    ----------
    rows : DataFrame
        With `school_id`, `student` and the place columns.
    known : DataFrame
        Columns `school_id`, `student`: of earlier deliveries and of this one.
    label : str
        What the source calls the column.

    Returns
    -------
    accepted, refused : DataFrame
        `refused` has `records.faults.REFUSAL_SCHEMA`; reasons `unknown_student` and `lost_zeros`.
    """
    students = rows.select(KEY).unique()
    # Of a province's students those of the schools in question, which are few at a time.
    schools = students.select("school_id").unique()
    known = known.select(pl.col(KEY).cast(pl.String)).join(schools, on="school_id", how="semi")
    known = known.unique()
    strange = students.join(known, on=KEY, how="anti")
    return _refuse(rows, strange, known, table, label)


def renumbered_students(
    rows: pl.DataFrame, known: pl.DataFrame, *, label: str = "student"
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Refuse students of a student list whose number is a known one but for leading zeros.

    Without this, `123` beside a known `0123` would become a second child.
    """
    known = known.select(pl.col(KEY).cast(pl.String)).unique()
    students = rows.select(KEY).unique()
    strange = students.join(known, on=KEY, how="anti")
    # Within one list the number with more digits is the right one.
    twins = pl.concat([known, strange.filter(pl.col("student").str.starts_with("0"))]).unique()
    strange = _hinted(strange, twins).filter(pl.col("_like").is_not_null()).select(KEY)
    return _refuse(rows, strange, twins, "student", label)


def _refuse(
    rows: pl.DataFrame, strange: pl.DataFrame, known: pl.DataFrame, table: str, label: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    faults = Faults(table, rows)
    if strange.height:
        hinted = rows.select(KEY).join(
            _hinted(strange, known).with_columns(pl.lit(True).alias("_strange")),
            on=KEY, how="left", maintain_order="left",
        )  # fmt: skip
        wrong, like = hinted["_strange"].fill_null(False), hinted["_like"]
        faults.add(
            wrong & like.is_not_null(), "lost_zeros", column=label, found=rows["student"],
            allowed=hinted.select(
                pl.concat_str(pl.lit("a known number; "), "_like", pl.lit(" is one"))
            ).to_series(),
        )  # fmt: skip
        faults.add(
            wrong & like.is_null(), "unknown_student", column=label, found=rows["student"],
            allowed="the number of a student of this delivery's student list or an earlier one",
        )  # fmt: skip
    return rows.filter(faults.good), faults.frame()


def _hinted(strange: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Add `_like`: another number of the same school that differs only in leading zeros."""
    bare = pl.when(pl.col("student").str.contains(r"^\d+$")).then(
        pl.col("student").str.strip_chars_start("0")
    )
    twins = known.with_columns(bare.alias("_bare")).drop_nulls("_bare")
    twins = twins.select("school_id", "_bare", pl.col("student").alias("_like"))
    pairs = (
        strange.with_columns(bare.alias("_bare"))
        .join(twins, on=["school_id", "_bare"], how="left")
        .with_columns(
            pl.when(pl.col("_like") != pl.col("student")).then(pl.col("_like")).alias("_like")
        )
    )
    return pairs.group_by(KEY).agg(pl.col("_like").drop_nulls().min())
