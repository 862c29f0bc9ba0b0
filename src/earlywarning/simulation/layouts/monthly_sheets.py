"""A month's attendance sheet for each class: students down, days across, totals beside.

In turn a `;` CSV in Windows-1252 under title lines, a workbook with merged titles, and a web page
called `.xls`, as schools' programs write them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import openpyxl
import polars as pl

from earlywarning.simulation.layouts.canonical import Frames, current_year
from earlywarning.simulation.layouts.workbooks import save

MONTHS = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September",
    "Oktober", "November", "Desember",
)  # fmt: skip
DAYS = ("Sen", "Sel", "Rab", "Kam", "Jum", "Sab", "Min")
COUNTED = ("H", "S", "I", "A")
Sheet = list[list[str]]


def carry(tables: Mapping[str, pl.DataFrame], until: date) -> Frames:
    """This year's classes and their marks; a student of the class without one has a blank."""
    kept = current_year(tables, until)
    in_class = kept["enrollment"].select("school_id", "student", "class_name")
    marks = kept["attendance"].join(in_class, on=["school_id", "student"])
    # A day on which nobody of a class has a mark is no column of its sheet.
    days = marks.filter(pl.col("code") != "").select("class_name", "date").unique()
    cells = in_class.join(days, on="class_name").join(
        marks.drop("class_name"), on=["school_id", "student", "date"], how="left"
    )
    names = ("school", "class_group", "student", "enrollment")
    return {name: kept[name] for name in names} | {
        "attendance": cells.select(
            "school_id", "student", "date", pl.col("code").fill_null("")
        ).sort("student", "date")
    }


def write(
    tables: Mapping[str, pl.DataFrame],
    folder: Path,
    *,
    spoil: Callable[[Sheet, str], Sheet] | None = None,
) -> None:
    """One file a class and month, in `folder`.

    Parameters
    ----------
    spoil : function of (sheet, file name), optional
        Puts faults in before a sheet is written; see `mess`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    people = tables["student"].join(
        tables["enrollment"].select("student", "school_year", "class_name"), on="student"
    )
    marks = tables["attendance"].join(people.select("student", "class_name"), on="student")
    marks = marks.with_columns(month=pl.col("date").dt.strftime("%Y-%m"))
    school = tables["school"]["name"][0]
    writers = ((".csv", _write_csv), (".xlsx", _write_workbook), (".xls", _write_page))
    groups = marks.sort("month", "class_name", "student").group_by(
        "month", "class_name", maintain_order=True
    )
    for number, ((month, class_name), cells) in enumerate(groups):
        members = people.filter(pl.col("class_name") == class_name).sort("student")
        ending, written = writers[number % len(writers)]
        name = f"absensi-{month}-{class_name}{ending}"
        rows = sheet(str(school), str(class_name), members, cells)
        written(spoil(rows, name) if spoil else rows, folder / name)


def sheet(school: str, class_name: str, members: pl.DataFrame, cells: pl.DataFrame) -> Sheet:
    """The rows of one sheet: titles, headings, students with marks and totals, footer."""
    days = sorted(cells["date"].unique())
    year = members["school_year"][0]
    by_place = {(row[0], row[1]): row[2] for row in cells.select("student", "date", "code").rows()}
    width = 3 + len(days) + len(COUNTED)
    titles = [
        ["DAFTAR HADIR SISWA"], [school.upper()],
        [f"TAHUN PELAJARAN {year[:4]}/{int(year[:4]) + 1}"],
        [f"Bulan : {MONTHS[days[0].month - 1]}", "", "", f"Kelas : {class_name}"],
        ["No", "NIS", "Nama", "Hari/Tanggal"],
        ["", "", "", *(DAYS[day.weekday()] for day in days), "Total"],
        ["", "", "", *(f"{day.day:02d}" for day in days), *COUNTED],
    ]  # fmt: skip
    rows = []
    for number, (student, name) in enumerate(members.select("student", "full_name").rows(), 1):
        marks = [by_place.get((student, day), "") for day in days]
        totals = [str(marks.count(code) or "-") for code in COUNTED]
        rows.append([str(number), student, name, *marks, *totals])
    sexes = members["sex"].to_list()
    footer = [
        [], ["Jumlah siswa", f": {len(sexes)}"], ["Laki-laki", f": {sexes.count('M')}"],
        ["Perempuan", f": {sexes.count('F')}"],
    ]  # fmt: skip
    return [row + [""] * (width - len(row)) for row in (*titles, *rows, *footer)]


def _write_csv(rows: Sequence[Sequence[str]], path: Path) -> None:
    text = "\r\n".join(";".join(row) for row in rows) + "\r\n"
    path.write_bytes(text.encode("cp1252"))


def _write_workbook(rows: Sequence[Sequence[str]], path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None  # noqa: S101
    page.title = "Daftar Hadir"
    width = len(rows[0])
    for row in rows:
        page.append([cell or None for cell in row])
    for number in (1, 2, 3):
        page.merge_cells(start_row=number, start_column=1, end_row=number, end_column=width)
    for column in (1, 2, 3):
        page.merge_cells(start_row=5, start_column=column, end_row=7, end_column=column)
    page.merge_cells(start_row=5, start_column=4, end_row=5, end_column=width - len(COUNTED))
    save(book, path)


def _write_page(rows: Sequence[Sequence[str]], path: Path) -> None:
    lines = ["<html><head><meta charset='utf-8'></head><body><table border='1'>"]
    for row in rows:
        lines.append("<tr>" + "".join(f"<td>{_escaped(cell)}</td>" for cell in row) + "</tr>")
    lines.append("</table></body></html>")
    path.write_text("\n".join(lines), encoding="utf-8")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
