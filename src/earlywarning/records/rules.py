"""How the cells of a table are read, and what is left of its rows; see `validation`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from earlywarning.calendar import SchoolCalendar
from earlywarning.records.cell_values import EARLIEST, LATEST
from earlywarning.records.codes import AttendanceCodes
from earlywarning.records.tables import Table


@dataclass(frozen=True, slots=True)
class Rules:
    """How the text cells of one table are read.

    Attributes
    ----------
    table : Table
    labels : mapping of column to heading
        What the source calls each column that it has.
    date_styles : mapping of column to styles
        For each date column that comes from the source; see `dates.parse`.
    decimal : "." or ","
    values : mapping of column to (source's word to ours)
        Words are compared without regard to capitals and outer blanks.
    codes : AttendanceCodes, optional
        For attendance.
    blank : str, optional
        The status that an empty attendance mark means.
    empty : tuple of str
        Texts that mean an empty cell, such as NULL.
    earliest, latest : date
        No date may lie outside, births apart.
    calendar : SchoolCalendar
    delivered_on : date, optional
        No event may lie after it.
    constants : mapping of column to value
        For every row; already of the column's type.
    exit_is_last_day : bool
        Whether the exit date in the source is still a school day of the student.
    melted : str, optional
        The column that several source columns fill; `_melted` says which one did.
    """

    table: Table
    labels: Mapping[str, str]
    calendar: SchoolCalendar
    date_styles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    decimal: str = "."
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    codes: AttendanceCodes | None = None
    blank: str | None = None
    empty: tuple[str, ...] = ()
    earliest: date = EARLIEST
    latest: date = LATEST
    delivered_on: date | None = None
    constants: Mapping[str, Any] = field(default_factory=dict)
    exit_is_last_day: bool = False
    melted: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """Rows of one table.

    Attributes
    ----------
    rows : DataFrame
        Accepted; typed columns of the table, `records.faults.PLACE`, other columns whose name
        begins with `_`; for attendance also `status` and `namespace`.
    refused : DataFrame
        `records.faults.REFUSAL_SCHEMA`.
    read : int
        Rows that were not wholly empty.
    day_first_proof, month_first_proof : mapping of column to int
        See `dates.ParsedDates`.
    """

    rows: pl.DataFrame
    refused: pl.DataFrame
    read: int
    day_first_proof: Mapping[str, int]
    month_first_proof: Mapping[str, int]
