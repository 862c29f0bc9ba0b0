"""Deliveries written by hand, row by row, and the facts that they become.

One school, `S1`; students go by `01`, `02`, …, classes by their name, days like "08-03" lie in 2026
("27-01-05" in 2027). Unless said otherwise a mark is known the day after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from earlywarning.calendar import day_date, day_number
from earlywarning.district import District, Visits
from earlywarning.io.delivery import Delivery, PartStore, schema_of
from earlywarning.io.facts import FactStore
from earlywarning.io.intake import Intake
from earlywarning.io.mapping import Mapping as MappingFile
from earlywarning.io.mapping import TableMapping
from earlywarning_pipelines.merging import Counts, Merging

DISTRICT = District(visits=Visits(lottery=False))
SCHOOL, YEAR = "S1", "2026-27"
KEY = b"k" * 32
COLUMNS = {
    "enrollment": ("student", "class_name", "entry_date", "exit_date", "exit_reason",
                   "recorded_on", "school_year"),
    "attendance": ("student", "date", "status", "recorded_on"),
    "attendance_summary": ("student", "period", "sick", "permitted", "unexcused", "absent",
                           "effective_days"),
    "behaviour": ("event", "student", "date", "points", "polarity", "severity"),
    "grade": ("student", "subject", "period", "score", "max_score", "pass_mark", "kind", "date",
              "recorded_on"),
    "visit": ("student", "date", "status"),
}  # fmt: skip
"""What the fields of a row stand for; what is left out is empty."""


def a_date(text: str) -> date:
    return date.fromisoformat(
        text if len(text) == 10 else f"20{text if len(text) == 8 else '26-' + text}"
    )


def a_day(text: str) -> int:
    return day_number(a_date(text))


def short(day: int) -> str:
    """The day as the tests write it."""
    found = day_date(day)
    return found.isoformat()[5:] if found.year == 2026 else found.isoformat()[2:]


def delivery(
    tables: Mapping[str, Sequence[Sequence[Any]]],
    *,
    work: Path | None = None,
    lag_days: int | None = None,
    coverage: Any = "all_marks",
) -> Delivery:
    """A delivery as reading would leave it."""
    entries = [
        TableMapping(
            table=table, files=(f"{table}.csv",), columns={}, lag_days=lag_days,
            coverage=coverage if table == "attendance" else "all_marks",
        )
        for table in tables
    ]  # fmt: skip
    made = Delivery("small", MappingFile("small", {}, tuple(entries), "0" * 64), PartStore(work))
    for number, (table, rows) in enumerate(tables.items()):
        frame = frame_of(table, rows, entry=number)
        made.store.add(table, frame)
        made.rows_read[table] = made.rows[table] = frame.height
    return made


def frame_of(table: str, rows: Sequence[Sequence[Any]], *, entry: int = 0) -> pl.DataFrame:
    schema = schema_of(table)
    whole = []
    for number, row in enumerate(rows, 2):
        named = dict(zip(COLUMNS[table], row, strict=False))
        for name, kind in schema.items():
            if kind == pl.Date and named.get(name) is not None:
                named[name] = a_date(named[name])
        named |= {"school_id": SCHOOL, "_file": f"{table}.csv", "_row": number, "_entry": entry}
        if table == "enrollment":
            named |= {"school_year": named.get("school_year", YEAR)}
        if table == "attendance":
            named |= {"code": named["status"][0].upper(), "namespace": "id"}
        if table == "behaviour":
            named |= {"type_code": "X1"}
        whole.append({name: named.get(name) for name in schema})
    return pl.DataFrame(whole, schema=schema)


def student_id(number: str) -> str:
    return f"{int(number):032x}"


STUDENTS = pl.DataFrame(
    [(SCHOOL, f"{n:02d}", student_id(str(n))) for n in range(1, 60)],
    schema=["school_id", "student", "student_id"],
    orient="row",
)


def intake(made: Delivery, on: str, *, district: District = DISTRICT) -> Intake:
    return Intake(made, district, STUDENTS, delivery_day=a_day(on), event_key=KEY)


class Facts:
    """The facts of the school, delivery after delivery."""

    def __init__(self, folder: Path) -> None:
        self.store = FactStore(folder / "facts")
        self.snapshot: str | None = None
        self.counts: dict[str, Counts] = {}
        self.refused = pl.DataFrame()
        self.stages: list[tuple[str, int, int]] = []

    def take(self, on: str, **tables: Any) -> Facts:
        """Take a delivery; `coverage` and `lag_days` as in a mapping."""
        options = {name: tables.pop(name) for name in ("coverage", "lag_days") if name in tables}
        levels = pl.DataFrame(schema={"class_id": pl.String, "grade_level": pl.Int32})
        with (
            delivery(tables, **options) as made,
            self.store.writer(base=self.snapshot) as writer,
        ):
            merging = Merging(self.store, self.snapshot, writer, a_day(on))
            merging.add(intake(made, on), made, levels, self._told)
            self.snapshot = writer.finish().id
        self.counts = merging.counts
        self.refused = pl.concat(merging.refused) if merging.refused else pl.DataFrame()
        return self

    def _told(self, stage: str, done: int, total: int) -> None:
        self.stages.append((stage, done, total))

    def rows(self, table: str, as_of: str | None = None) -> pl.DataFrame:
        """The newest versions; or those of an as-of date."""
        rows = self.store.read(self.snapshot, table)
        if as_of is None:
            return rows.filter(pl.col("superseded_day") == 2**31 - 1)
        day = a_day(as_of)
        return rows.filter(pl.col("known_day") < day, pl.col("superseded_day") >= day)

    def marks(self, as_of: str | None = None) -> dict[tuple[str, str], str]:
        """Every exception: student and day, status."""
        return {
            (f"{int(student, 16):02d}", short(day)): status
            for student, day, status in self.rows("attendance_event", as_of)
            .select("student_id", "day", "status")
            .rows()
        }

    def registers(self, as_of: str | None = None) -> dict[tuple[str, str], str]:
        """Every class-day: taken, assumed or withdrawn."""
        return {
            (class_id.split("/")[-1], short(day)): (
                "withdrawn" if not taken else "assumed" if assumed else "taken"
            )
            for class_id, day, taken, assumed in self.rows("register_day", as_of)
            .select("class_id", "day", "taken", "assumed")
            .rows()
        }

    def stays(self, as_of: str | None = None) -> list[tuple[str, str, str, str]]:
        """Every stretch: student, class, first day, first day after."""
        return sorted(
            (f"{int(student, 16):02d}", class_id.split("/")[-1], short(first), short(end))
            for student, class_id, first, end in self.rows("enrollment", as_of)
            .select("student_id", "class_id", "entry_day", "exit_day")
            .rows()
        )  # fmt: skip

    def counted(self, table: str) -> tuple[int, int, int]:
        found = self.counts.get(table, Counts())
        return found.added, found.changed, found.unchanged
