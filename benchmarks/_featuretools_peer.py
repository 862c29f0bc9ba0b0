"""The published task with featuretools, by a Python of its own that has it and nothing of ours.

Absences by code, behaviour points and marks of each student as of each quarter: counts, sums and
means over 30, 90 and 365 days and over all that was known, by deep feature synthesis. It is given
the exceptions rather than every day's mark, which is less to read than the published runs had.
"""

from __future__ import annotations

import argparse
import warnings
from datetime import date
from pathlib import Path

import _measure
import featuretools as ft  # pyrefly: ignore[missing-import]
import pandas as pd

DAY = pd.Timestamp("1970-01-01")
WINDOWS = (30, 90, 365, None)
EVENTS = {
    "absence": ("attendance_event", {"status": "code"}),
    "incident": ("behaviour_event", {"centipoints": "points"}),
    "mark": ("grade", {"score_centi": "score"}),
}


def read(facts: Path) -> tuple[ft.EntitySet, pd.DataFrame]:
    """The students and what happened to them, each at the time when it was known; and stays."""
    stays = pd.read_parquet(
        facts / "enrollment",
        columns=["student_id", "entry_day", "exit_day", "known_day", "superseded_day"],
    )
    found = ft.EntitySet("district")
    students = stays[["student_id"]].drop_duplicates().reset_index(drop=True)
    found.add_dataframe(dataframe_name="students", dataframe=students, index="student_id")
    never = stays["superseded_day"].max()
    for name, (table, columns) in EVENTS.items():
        rows = pd.read_parquet(facts / table)
        rows = rows[rows["superseded_day"] == never].rename(columns=columns)
        rows = rows[["student_id", "known_day", *columns.values()]].reset_index(drop=True)
        rows = rows[rows["student_id"].isin(students["student_id"])].reset_index(drop=True)
        rows["at"] = DAY + pd.to_timedelta(rows.pop("known_day"), unit="D")
        kinds = {"code": "Categorical"} if "code" in rows else {}
        found.add_dataframe(
            dataframe_name=name, dataframe=rows.reset_index(names=f"{name}_id"),
            index=f"{name}_id", time_index="at", logical_types=kinds,
        )  # fmt: skip
        found.add_relationship("students", "student_id", name, "student_id")
    codes = found["absence"]["code"].unique().tolist()
    found.add_interesting_values(dataframe_name="absence", values={"code": codes})
    return found, stays


def build(facts: Path, starts: list[date], out: Path) -> dict[str, int]:
    """Features of every student enrolled at each start, one file a quarter."""
    found, stays = read(facts)
    never = stays["superseded_day"].max()
    times = []
    for start in starts:
        day = (pd.Timestamp(start) - DAY).days
        there = stays[
            (stays["entry_day"] <= day) & (stays["exit_day"] > day)
            & (stays["superseded_day"] == never)
        ]["student_id"].drop_duplicates()  # fmt: skip
        # What happened on the day itself is not known yet.
        at = pd.Timestamp(start) - pd.Timedelta(seconds=1)
        times.append(pd.DataFrame({"student_id": there, "time": at}))
    cutoffs = pd.concat(times, ignore_index=True)
    parts = []
    for window in WINDOWS:
        matrix, _ = ft.dfs(
            entityset=found, target_dataframe_name="students", cutoff_time=cutoffs,
            agg_primitives=["count", "sum", "mean"], trans_primitives=[],
            where_primitives=["count"], max_depth=1, cutoff_time_in_index=True,
            training_window=None if window is None else f"{window} days", verbose=False,
        )  # fmt: skip
        parts.append(matrix.add_suffix(f" {window or 'all'}"))
    whole = pd.concat(parts, axis=1).reset_index()
    for at, rows in whole.groupby("time"):
        rows.to_parquet(out / f"{at:%Y-%m-%d}.parquet")
    return {"rows": len(whole), "features": whole.shape[1] - 2, "quarters": len(starts)}


def main() -> None:
    """One side, in its own process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--starts", required=True)
    options = parser.parse_args()
    starts = [date.fromisoformat(day) for day in options.starts.split(",")]
    out = options.folder / "featuretools"
    out.mkdir()
    warnings.simplefilter("ignore")
    facts = (options.folder / "facts").resolve()
    _measure.work(lambda: build(facts, starts, out), told=lambda told: told)


if __name__ == "__main__":
    main()
