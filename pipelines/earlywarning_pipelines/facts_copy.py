"""A student's own facts, for the copy that a family may ask for."""

from __future__ import annotations

from typing import Any

import polars as pl

from earlywarning.calendar import NEVER, day_date
from earlywarning.io.facts import FACT_SCHEMAS, FactStore


def facts_copy(store: FactStore, snapshot_id: str | None, student_id: str) -> dict[str, Any]:
    """Every version of every fact about a student, days as dates."""
    found: dict[str, Any] = {}
    for table, schema in FACT_SCHEMAS.items():
        if "student_id" not in schema:
            continue
        rows = store.read(snapshot_id, table).filter(pl.col("student_id") == student_id)
        if rows.height:
            found[f"facts_{table}"] = [_dated(row) for row in rows.iter_rows(named=True)]
    return found


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (None if value >= NEVER else day_date(value).isoformat())
        if name.endswith("day") and isinstance(value, int)
        else value
        for name, value in row.items()
    }
