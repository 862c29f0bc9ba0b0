"""The layouts by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from earlywarning.simulation.layouts import (
    canonical,
    dapodik,
    edfi,
    monthly_sheets,
    oneroster,
    sis_dump,
)
from earlywarning.simulation.layouts.canonical import Frames


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout.

    Attributes
    ----------
    carry : function of (tables, until)
        What of the records it can hold.
    write : function of (tables, folder, until)
        Writes what was carried.
    attendance : str
        What a mapping of the same records as our own tables says of attendance.
    """

    carry: Callable[[Mapping[str, pl.DataFrame], date], Frames]
    write: Callable[[Mapping[str, pl.DataFrame], Path, date], None]
    attendance: str = canonical.BLANKS


def _carry_school(tables: Mapping[str, pl.DataFrame], until: date) -> Frames:
    return dapodik.carry(tables, until) | {
        "attendance": monthly_sheets.carry(tables, until)["attendance"]
    }


def _write_school(tables: Mapping[str, pl.DataFrame], folder: Path, until: date) -> None:
    dapodik.write(tables, folder, made_on=until)
    monthly_sheets.write(tables, folder / "absensi")


LAYOUTS: dict[str, Layout] = {
    "school_folder": Layout(_carry_school, _write_school),
    "oneroster": Layout(oneroster.carry, lambda tables, folder, _: oneroster.write(tables, folder)),
    "edfi": Layout(
        edfi.carry,
        lambda tables, folder, _: edfi.write(tables, folder),
        'namespace = "edfi5.2"\ncoverage = "exceptions"',
    ),
    "sis_dump": Layout(sis_dump.carry, lambda tables, folder, _: sis_dump.write(tables, folder)),
}
"""`school_folder` is what an Indonesian school has: Dapodik's list, a sheet a class and month."""
