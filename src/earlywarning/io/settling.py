"""What can be judged only when every file has been read: students, school years, duplicates."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from earlywarning.calendar import SchoolCalendar
from earlywarning.io.delivery import Delivery, labels_of, tidy_rows
from earlywarning.io.mapping import TableMapping
from earlywarning.records.cell_values import EVENT_TABLES
from earlywarning.records.duplicates import repeated_rows, roll_up, settle
from earlywarning.records.faults import Faults
from earlywarning.records.references import KEY, renumbered_students, unknown_students
from earlywarning.records.tables import SOURCE_TABLES

_YEARS_UNKNOWN = (date.min, date.max)


def settle_delivery(
    delivery: Delivery, *, calendar: SchoolCalendar, known_students: pl.DataFrame | None
) -> None:
    """Check rows against each other, and count what remains.

    Parameters
    ----------
    delivery : Delivery
        Filled; its parts, `rows`, `merged` and `refused` are brought up to date.
    known_students : DataFrame, optional
        `school_id`, `student` of earlier deliveries.
    """
    refused = [delivery.refused]
    known = known_students
    years: tuple[date, date] | None = _YEARS_UNKNOWN
    zeros = 0
    marks = _Marks(delivery)
    for table in delivery.tables:
        if table in EVENT_TABLES and years is _YEARS_UNKNOWN:
            years = _named_years(delivery, calendar)
        delivery.rows[table] = 0
        for part in delivery.store.parts(table):
            if table == "attendance":
                height = marks.settled(part, known, years)
                if height:
                    _increase(delivery.rows, table, height)
                    _increase(delivery.merged, table, 0)
                    continue
            rows = delivery.store.load(table, part)
            before, stored = rows.height, rows.columns
            faults = []
            if table == "student":
                earlier = rows.clear() if known is None else known
                rows, fault = renumbered_students(rows, earlier, label=_label(delivery, table))
                faults.append(fault)
            elif "student" in rows.columns and known is not None:
                rows, fault = unknown_students(
                    rows, known, table=table, label=_label(delivery, table)
                )
                faults.append(fault)
            if table == "enrollment":
                rows, fault = _entered_late(rows, calendar, _label(delivery, table, "entry_date"))
                faults.append(fault)
            if table in EVENT_TABLES and years:
                rows, fault = _outside_years(rows, table, years, delivery)
                faults.append(fault)
            rows, fault = _one_row_a_key(rows, table, delivery)
            faults.append(fault)
            if table == "grade":
                zeros += int((rows["score"] == 0).sum())
            if rows.height != before or "_hash" in stored:
                delivery.store.replace(table, part, rows)
            # In this step each refused row has one line.
            lines = sum(frame.height for frame in faults)
            _increase(delivery.rows, table, rows.height)
            _increase(delivery.rows_refused, table, lines)
            _increase(delivery.merged, table, before - rows.height - lines)
            refused += faults
            if table == "student":
                students = rows.select(KEY)
                known = students if known is None else pl.concat([known.select(KEY), students])
    if zeros:
        delivery.warnings += (
            f"{zeros:,} grades are 0; make sure that 0 does not mean that no grade was entered "
            '(if it does: empty = ["0"] in the mapping)',
        )
    delivery.refused = pl.concat(refused).sort(
        "file", "row", "table", "column", maintain_order=True
    )


class _Marks:
    """Finds the parts of attendance in which nothing is wrong, by the numbers of their texts.

    They are most parts of most deliveries, and need not be spelled out.
    """

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._of: pl.DataFrame | None = None
        self._known = np.zeros(0, dtype=np.uint64)

    def settled(
        self, part: str, known: pl.DataFrame | None, years: tuple[date, date] | None
    ) -> int:
        """Rows of the part if each is of a known student, in the years, and one a student-day.

        0 if that is not so, or not certain.
        """
        store = self._delivery.store
        if store.has_column("attendance", part, "_hash"):
            return 0
        rows = store.load_numbered("attendance", part, (*KEY, "date"))
        if not rows.height or any(rows[name].has_nulls() for name in rows.columns):
            return 0
        if years:
            first, last = years
            if rows["date"].min() < first or rows["date"].max() > last:  # type: ignore[operator]
                return 0
        pairs, places = _pairs(*(rows[name].to_physical().to_numpy() for name in KEY))
        if known is not None and not self._all_known(pairs, known):
            return 0
        return rows.height if _one_a_day(places, rows["date"]) else 0

    def _all_known(self, pairs: np.ndarray, known: pl.DataFrame) -> bool:
        if self._of is not known:
            types = self._delivery.store.dtypes
            school, student = (
                types.number(name, known[name].cast(pl.String)).to_physical().cast(pl.UInt64)
                for name in KEY
            )
            self._known = ((school * (1 << 32)) + student).drop_nulls().sort().to_numpy()
            self._of = known
        places = np.searchsorted(self._known, pairs)
        inside = places < len(self._known)
        return bool(inside.all() and (self._known[places] == pairs).all())


def _pairs(schools: np.ndarray, students: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different pairs of a school and a student, and the place of each row's among them.

    Parameters
    ----------
    schools, students : array of uint32
        Numbers of each row's.

    Returns
    -------
    pairs : array of uint64
        The school in the upper half.
    places : array of int64
    """
    school_of = np.zeros(int(students.max()) + 1, dtype=np.uint32)
    school_of[students] = schools
    if not (school_of[students] == schools).all():  # two schools number their students alike
        rows = _paired(schools, students)
        pairs = pl.Series(rows).unique().sort().to_numpy()
        return pairs, np.searchsorted(pairs, rows)
    is_there = np.zeros(len(school_of), dtype=bool)
    is_there[students] = True
    who = np.flatnonzero(is_there).astype(np.uint32)
    return _paired(school_of[who], who), (np.cumsum(is_there) - 1)[students]


def _paired(schools: np.ndarray, students: np.ndarray) -> np.ndarray:
    return (schools.astype(np.uint64) << np.uint64(32)) | students


def _one_a_day(students: np.ndarray, dates: pl.Series) -> bool:
    """Whether no student has two rows on a day.

    Parameters
    ----------
    students : array of int
        Of each row, from 0.
    dates : Series of date
        Of one month.
    """
    days = dates.to_physical().to_numpy()
    first = days.min()
    span = int(days.max() - first) + 1
    seen = np.zeros((int(students.max()) + 1) * span, dtype=bool)
    seen[students * span + (days - first)] = True
    return int(np.count_nonzero(seen)) == len(students)


def _increase(counts: dict[str, int], table: str, number: int) -> None:
    counts[table] = counts.get(table, 0) + number


def _entry(delivery: Delivery, table: str) -> TableMapping:
    return next(entry for entry in delivery.mapping.tables if entry.table == table)


def _label(delivery: Delivery, table: str, column: str = "student") -> str:
    return labels_of(_entry(delivery, table).columns).get(column, column)


def _one_row_a_key(
    rows: pl.DataFrame, table: str, delivery: Delivery
) -> tuple[pl.DataFrame, pl.DataFrame]:
    description = SOURCE_TABLES[table]
    entries = delivery.mapping.tables
    refused = []
    if "_hash" in rows.columns and rows.height:
        pieces = []
        for piece in rows.partition_by("_entry", maintain_order=True):
            rule = entries[piece["_entry"][0]].rollup
            if rule != "error":
                settled = repeated_rows(piece, description)
                refused.append(settled.refused)
                piece = roll_up(settled.rows, description, rule)
            pieces.append(piece)
        rows = pl.concat(pieces)
    settled = settle(
        tidy_rows(table, rows),
        description,
        labels=labels_of(_entry(delivery, table).columns),
        expected=[number for number, entry in enumerate(entries) if entry.distinct],
    )
    return settled.rows, pl.concat([*refused, settled.refused])


def _named_years(delivery: Delivery, calendar: SchoolCalendar) -> tuple[date, date] | None:
    """First and last day of the school years that the delivery speaks of."""
    years: set[str] = set()
    for table in ("class_group", "enrollment"):
        if table in delivery.rows_read:
            for rows in delivery.batches(table):
                years |= set(rows["school_year"].unique())
    for constants in (delivery.mapping.defaults, *(e.constants for e in delivery.mapping.tables)):
        if "school_year" in constants:
            years.add(constants["school_year"])
    if not years:
        return None
    return calendar.school_year_start(min(years)), _last_day(max(years), calendar)


def _last_day(school_year: str, calendar: SchoolCalendar) -> date:
    first = int(school_year[:4]) + 1
    following = f"{first}-{(first + 1) % 100:02d}"
    return calendar.school_year_start(following) - timedelta(days=1)


def _outside_years(
    rows: pl.DataFrame, table: str, years: tuple[date, date], delivery: Delivery
) -> tuple[pl.DataFrame, pl.DataFrame]:
    faults = Faults(table, rows)
    first, last = years
    free = [
        number
        for number, entry in enumerate(delivery.mapping.tables)
        if entry.date_from or entry.date_to
    ]
    outside = rows["date"] > last
    if table != "visit":
        # Visits of earlier years are part of a family's history.
        outside |= rows["date"] < first
    faults.add(
        outside & ~rows["_entry"].is_in(free), "date_out_of_range",
        column=_label(delivery, table, "date"), found=rows["date"],
        allowed=f"{first} to {last}, the school years of this delivery; "
        "date_from and date_to in the mapping widen this",
    )  # fmt: skip
    return rows.filter(faults.good), faults.frame()


def _entered_late(
    rows: pl.DataFrame, calendar: SchoolCalendar, label: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    faults = Faults("enrollment", rows)
    years = rows["school_year"].unique()
    last = rows["school_year"].replace_strict(
        years, pl.Series([_last_day(year, calendar) for year in years], dtype=pl.Date),
        return_dtype=pl.Date,
    )  # fmt: skip
    faults.add(
        rows["entry_date"] > last, "date_out_of_range", column=label, found=rows["entry_date"],
        allowed=rows.select(pl.concat_str(pl.lit("a day of the school year "), "school_year"))
        .to_series(),
    )  # fmt: skip
    return rows.filter(faults.good), faults.frame()
