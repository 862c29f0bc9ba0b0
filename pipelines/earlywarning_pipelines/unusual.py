"""What makes an import wait for a person, and what it only tells one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from earlywarning.calendar import day_number
from earlywarning.district import District
from earlywarning.errors import ConfirmationNeeded
from earlywarning.io.delivery import Delivery
from earlywarning.io.register.models import ClassGroup, ImportBatch, Student

LEAST_ROWS = 20
"""Below this many rows a swing says nothing."""

CLASSES_TOLD = 5


def unusual(
    session: Session, delivery: Delivery, district: District, delivered_day: int
) -> list[str]:
    """Compare a delivery with the last one of the same source.

    It is unusual if it is older than the last one, if a table's rows swing by more than the
    district allows, or if a class of the same school year has no student any more.
    """
    last = session.scalars(
        select(ImportBatch)
        .where(ImportBatch.source == delivery.source)
        .order_by(ImportBatch.finished_at.desc(), ImportBatch.import_id)
        .limit(1)
    ).first()
    found: list[str] = []
    if last and day_number(last.delivered_on) > delivered_day:
        found.append(
            f"it is older than the last delivery of {delivery.source}, of {last.delivered_on}; "
            "what it says differently would count as a correction"
        )
    before = last.counts["rows"] if last else {}
    waited = last.counts.get("waiting", {}) if last else {}
    waiting = rows_that_wait(delivery)
    for table in delivery.tables:
        # Rows that wait for a name to be settled were delivered all the same.
        old = before.get(table, 0) + waited.get(table, 0)
        new = delivery.rows.get(table, 0) + waiting.get(table, 0)
        if old >= LEAST_ROWS and abs(new - old) >= district.imports.swing * old:
            found.append(f"{table}: {new} rows, the last delivery of {delivery.source} had {old}")
    return found + _vanished(session, delivery)


def stop_if_unusual(found: Sequence[str], *, refused_path: Path | None = None) -> None:
    """Wait for a person if anything is unusual.

    Parameters
    ----------
    found : sequence of str
        See `unusual`.
    refused_path : Path, optional
        Where the refused rows were written.

    Raises
    ------
    ConfirmationNeeded
    """
    if found:
        raise ConfirmationNeeded(
            "this delivery is unusual, so nothing was saved yet:\n  "
            + "\n  ".join(found)
            + (f"\nthe rows that it would refuse are in {refused_path}" if refused_path else "")
            + "\nlook at the files; if it is right, run the same command with --confirm"
        )


def rows_that_wait(delivery: Delivery) -> dict[str, int]:
    """Rows by table that are refused only until a person has said whose they are."""
    counts = delivery.refused.filter(reason="needs_confirmation").group_by("table").len()
    return dict(counts.sort("table").iter_rows())


def not_named(delivery: Delivery, stays: pl.DataFrame, students: pl.DataFrame, day: int) -> str:
    """A warning if students of the delivered classes are missing in the new list; else nothing.

    They stay enrolled, for a file can hold a part of a class; but who left a school is often just
    left out, and would go on being listed.

    Parameters
    ----------
    stays : DataFrame
        Stretches after the delivery.
    students : DataFrame
        `school_id`, `student`, `student_id` of everybody.
    """
    rows = delivery.frame("enrollment")
    if rows.is_empty():
        return ""
    told = rows.select(
        "school_id",
        "student",
        class_id=pl.format("{}/{}/{}", "school_id", "school_year", "class_name"),
    ).join(students, on=["school_id", "student"])
    missing = (
        stays.filter(pl.col("entry_day") <= day, pl.col("exit_day") > day)
        .join(told.select("class_id"), on="class_id", how="semi")
        .join(told.select("student_id"), on="student_id", how="anti")
    )
    if missing.is_empty():
        return ""
    counts = missing.group_by("class_id").len().sort("class_id").rows()
    classes = ", ".join(f"{name} ({number})" for name, number in counts[:CLASSES_TOLD])
    more = f" and {len(counts) - CLASSES_TOLD} more" if len(counts) > CLASSES_TOLD else ""
    return (
        f"{missing.height} enrolled students are not in the new list of their class: {classes}"
        f"{more}; they stay enrolled until a list gives the day on which they left"
    )


def _vanished(session: Session, delivery: Delivery) -> list[str]:
    """Classes that had students and have none in the new roster of the same school year."""
    if "enrollment" not in delivery.tables:
        return []
    rows = delivery.frame("enrollment")
    named = set(
        rows.select(
            pl.format("{}/{}/{}", "school_id", "school_year", "class_name").alias("class_id")
        )["class_id"]
    )
    years = {tuple(pair) for pair in rows.select("school_id", "school_year").unique().rows()}
    classes = session.execute(
        select(ClassGroup.class_id, ClassGroup.school_id, ClassGroup.school_year)
        .where(ClassGroup.class_id.in_(select(Student.class_id)))
        .order_by(ClassGroup.class_id)
    ).all()
    return [
        f"class {class_id}: it has students, the new list has none"
        for class_id, school, year in classes
        if (school, year) in years and class_id not in named
    ]
