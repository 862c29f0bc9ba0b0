"""Rows that wait until it is known whose they are, and go into the delivery then.

Tables whose entry says `identify = "national_id"` or `"name"` wait here until every file is read.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from earlywarning.errors import DataError
from earlywarning.io.clashes import clashes
from earlywarning.io.delivery import Delivery, PartStore, labels_of, schema_of
from earlywarning.io.mapping import TableMapping
from earlywarning.io.matching import LABEL, Known, Matched, by_name, by_national_id, everybody
from earlywarning.records import dates
from earlywarning.records.faults import Faults

MATCH_COLUMNS = {"birth_date": "_match_birth_date", "class_name": "_match_class_name"}
"""Columns of `[table.match]` as they stand beside the rows, text."""

_TIME = r"^\d{4}-\d{2}-\d{2}[ T]"


def keep_waiting(store: PartStore, entry: TableMapping, number: int, rows: pl.DataFrame) -> None:
    """Put rows aside whose `student` holds a national id or a name."""
    beside = [name for name in rows.columns if name in ("_hash", *MATCH_COLUMNS.values())]
    store.add(_place(number), rows.select(*schema_of(entry.table), *beside))


def identify(delivery: Delivery, known: Known) -> None:
    """Find out whose the waiting rows are; those that stay unknown are refused.

    Parameters
    ----------
    delivery : Delivery
        Every file is read; its rows, `refused`, `warnings` and `matched` are brought up to date.
    known : Known

    Raises
    ------
    DataError
        If an answer of a person cannot be.
    """
    students = delivery.frame("student")
    delivery.warnings += clashes(students, known.people)
    if all(entry.identify == "student" for entry in delivery.mapping.tables):
        _refuse_useless(known)
        return
    people = everybody(known.people, students, delivery.frame("enrollment"))
    found: set[tuple[str, str]] = set()
    for number, entry in _entries(delivery, "national_id"):
        frames = [rows.select("school_id", found="student") for rows in delivery.store.pieces(
            _place(number))]  # fmt: skip
        if frames:
            verdicts = by_national_id(pl.concat(frames).unique(maintain_order=True), people)
            found |= set(verdicts.drop_nulls("student").select("school_id", "student").rows())
            _settle(delivery, number, entry, verdicts)
    matched = Matched(by_national_id=len(found))
    if known.answers or any(_entries(delivery, "name")):
        matched = _by_names(delivery, known, students, matched)
    delivery.matched = matched


def _refuse_useless(known: Known) -> None:
    if known.answers:
        raise DataError(
            f"{known.answers_name}: has answers, but no table of the mapping names students by "
            'name; give the mapping that has identify = "name", or leave the answers out'
        )


def _by_names(delivery: Delivery, known: Known, students: pl.DataFrame, before: Matched) -> Matched:
    # Enrolments that were found by national id say by now in which class a student is.
    people = everybody(known.people, students, delivery.frame("enrollment"))
    labels = [
        rows.group_by(LABEL, maintain_order=True).agg(pl.len().cast(pl.Int64).alias("rows"))
        for number, entry in _entries(delivery, "name")
        for rows in _labelled(delivery.store, number, entry)
    ]
    schema = {"school_id": pl.String, "found": pl.String, "class_name": pl.String,
              "birth_date": pl.Date, "rows": pl.Int64}  # fmt: skip
    names = by_name(
        pl.concat([pl.DataFrame(schema=schema), *labels])
        .group_by(LABEL, maintain_order=True)
        .agg(pl.col("rows").sum()),
        people,
        known,
        source=delivery.source,
    )
    unread = 0
    for number, entry in _entries(delivery, "name"):
        unread += _settle(delivery, number, entry, names.verdicts)
    if unread:
        delivery.warnings += (
            f"{unread:,} birth dates beside names could not be read and were not compared; name "
            "their style as date_format in the mapping",
        )
    if names.stray:
        delivery.warnings += (
            f"{names.stray:,} answers of {known.answers_name} are about names that this delivery "
            "does not have; they were not used",
        )
    return Matched(
        names.review, names.confirmed, before.by_national_id, names.answered, names.earlier
    )


def _entries(delivery: Delivery, how: str) -> Iterator[tuple[int, TableMapping]]:
    for number, entry in enumerate(delivery.mapping.tables):
        if entry.identify == how:
            yield number, entry


def _place(number: int) -> str:
    """Under which name the rows of an entry wait."""
    return f"entry {number:04d}"


def _labelled(store: PartStore, number: int, entry: TableMapping) -> Iterator[pl.DataFrame]:
    """The waiting rows with `matching.LABEL`, one block after the other.

    The class is what `[table.match]` names, or else the class of a mark; but never that of an
    enrolment, which may be the first in a new class.
    """
    for rows in store.pieces(_place(number)):
        class_name = pl.lit(None, pl.String)
        if "class_name" in entry.match:
            class_name = pl.col(MATCH_COLUMNS["class_name"]).replace("", None)
        elif entry.table == "attendance":
            class_name = pl.col("class_name")
        birth = pl.repeat(None, rows.height, dtype=pl.Date, eager=True)
        if "birth_date" in entry.match:
            birth = birth_dates(rows[MATCH_COLUMNS["birth_date"]], entry.date_format)
        yield rows.select(
            pl.all().exclude(LABEL[1:]), found="student", class_name=class_name, birth_date=birth,
            _unread=(birth.is_null() & (rows[MATCH_COLUMNS["birth_date"]].fill_null("") != ""))
            if "birth_date" in entry.match else pl.lit(value=False),
        )  # fmt: skip


def birth_dates(text: pl.Series, styles: tuple[str, ...] = ()) -> pl.Series:
    """Dates of birth that only help to tell people apart: null where one cannot be read.

    Parameters
    ----------
    text : Series of str
    styles : tuple of str
        Of the mapping's `date_format`; then the usual style of the column is tried, year first too.
    """
    distinct = text.drop_nulls().unique()
    plain = distinct.str.strip_chars()
    plain = plain.to_frame("text").select(
        pl.when(pl.col("text").str.contains(_TIME)).then(pl.col("text").str.slice(0, 10))
        .otherwise(pl.when(pl.col("text") != "").then("text"))
    ).to_series()  # fmt: skip
    found = pl.repeat(None, len(plain), dtype=pl.Date, eager=True)
    for style in (*styles, dates.ISO, dates.usual_style(plain)):
        found = found.fill_null(dates.parse(plain, (style,)).dates)
    return text.replace_strict(distinct, found, default=None, return_dtype=pl.Date)


def _settle(
    delivery: Delivery,
    number: int,
    entry: TableMapping,
    verdicts: pl.DataFrame,
) -> int:
    """Give the rows of an entry to their students, or refuse them; returns birth dates unread."""
    table = entry.table
    label = labels_of(entry.columns).get("student", "student")
    names = LABEL if entry.identify == "name" else LABEL[:2]
    unread = 0
    told = verdicts.rename({"student": "_student", "reason": "_reason", "allowed": "_allowed"})
    blocks = zip(
        delivery.store.pieces(_place(number)), _labelled(delivery.store, number, entry), strict=True
    )  # two views of the same rows
    for rows, labelled in blocks:
        unread += int(labelled["_unread"].sum())
        verdict = labelled.select(names).join(
            told, on=names, how="left", nulls_equal=True, maintain_order="left"
        )
        faults = Faults(table, rows)
        for reason in verdict["_reason"].drop_nulls().unique().sort():
            faults.add(
                verdict["_reason"] == reason, reason, column=label, found=rows["student"],
                allowed=verdict["_allowed"],
            )  # fmt: skip
        good = rows.with_columns(verdict["_student"].alias("student")).filter(faults.good)
        columns = [*schema_of(table), *(name for name in good.columns if name == "_hash")]
        delivery.store.add(table, good.select(columns))
        delivery.refused = pl.concat([delivery.refused, faults.frame()])
        gone = rows.height - good.height
        delivery.rows_refused[table] = delivery.rows_refused.get(table, 0) + gone
    delivery.store.drop(_place(number))
    return unread
