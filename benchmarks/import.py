"""Reading a delivery against pandas reading the same file: one million marks, as CSV and as XLSX.

Ours reads, checks every cell, looks up every student, settles repeated days and leaves typed rows;
the files are opened in a process of its own, whose start and work count. pandas only reads:
`read_csv` or `read_excel`, without any option but the delimiter. `value`: the greatest ratio of
processor seconds; at most 3. The CSV has the 13 columns of a system's export
(`tests/data/contoso`), the XLSX four. CSV with these four columns is measured beside it, without a
bar: pandas takes an eighth of a second there, of which the start of a process alone is most.
Peak memory, of CSV with one school year and with four and of Ed-Fi's XML, must not grow with the
file.

`--students 1000000` reads the quarter of a province instead: `QUARTER_DAYS` days in a file for each
month, by pandas a million rows at a time, for the whole of it fits no memory. Bars: at most 3 times
pandas, and no more memory than with a quarter as many students, within 1.25. What one month of the
same students takes stands beside it: who is known must be in memory, what was delivered need not.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from _measure import Cost, finish, median, run_apart, table, work

BAR, BAR_GROWTH = 3.0, 1.25
SIDES = ("pandas", "ours")
KINDS = {"export": "export.csv", "xlsx": "marks.xlsx", "narrow": "marks.csv"}
WITHOUT_BAR = ("narrow",)
REPEATS = 3
"""Of CSV; the run of median processor time counts."""
DAYS = 200
"""School days of a year in the files; the students are as many as the rows ask for."""
QUARTER_DAYS, MONTH_DAYS, SCHOOL = 60, 20, 500
HEADINGS = {
    "marks": ("student_id", "attendance_date", "AttendanceCode", "section_id"),
    "export": (
        "id", "student_id", "school_year", "school_id", "attendance_date", "all_day", "Period",
        "section_id", "AttendanceCode", "PresenceFlag", "attendance_status", "attendance_type",
        "attendance_sequence",
    ),
}  # fmt: skip
STATUSES = {"H": "Present", "S": "Sick", "I": "Permitted", "A": "Absent"}
SEED = 1
LARGEST = 2_000_000_000
"""Bytes that a workbook may have here, packed and unpacked: far above what an import allows."""

MAPPING = """
source = "bench"
[defaults]
school_id = "S1"
[[table]]
table = "attendance"
file = "*"
date_format = "%d/%m/%Y"
[table.columns]
student = "student_id"
date = "attendance_date"
code = "AttendanceCode"
class_name = "section_id"
"""
PROVINCE = MAPPING.replace('[defaults]\nschool_id = "S1"\n', "") + 'school_id = "school_id"\n'


def marks(rows: int, years: int) -> Iterator[tuple[str, date, str, str]]:
    """Marks of `rows` student-days a year, day by day: nine of ten are present."""
    import numpy as np

    students = rows // DAYS
    random = np.random.default_rng(SEED)
    names = [(f"st{number:05d}", f"VII-{number % 9 + 1}") for number in range(students)]
    for year in range(years):
        day, count = date(2022 + year, 7, 18), 0
        while count < DAYS:
            if day.isoweekday() < 6:
                codes = random.choice(list(STATUSES), size=students, p=(0.9, 0.04, 0.03, 0.03))
                for (student, section), code in zip(names, codes.tolist(), strict=True):
                    yield student, day, code, section
                count += 1
            day += timedelta(days=1)


def make(path: Path, rows: int, years: int) -> int:
    """Write one file; its size in bytes."""
    if path.suffix == ".xlsx":
        import openpyxl

        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("Kehadiran")
        sheet.append(HEADINGS["marks"])
        for mark in marks(rows, years):
            sheet.append(mark)
        book.save(path)
        return path.stat().st_size
    is_export = path.stem == "export"
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(",".join(HEADINGS[path.stem]) + "\r\n")
        stream.writelines(
            f"{number},{student},{2022 + number // rows},S1,{day:%d/%m/%Y},Yes,1,{section},{code},"
            f"{int(code == 'H')},{STATUSES[code]},DailyAttendance,0\r\n"
            if is_export
            else f"{student},{day:%d/%m/%Y},{code},{section}\r\n"
            for number, (student, day, code, section) in enumerate(marks(rows, years))
        )
    return path.stat().st_size


def school_ids(students: int) -> list[str]:
    """The school of each student of a province."""
    return [f"S{number // SCHOOL}" for number in range(students)]


def make_quarter(folder: Path, students: int) -> int:
    """Write the exports of one quarter, a file a month, day by day; their size in bytes."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(SEED)
    of_code = pl.Series(list(STATUSES))
    words = pl.Series(list(STATUSES.values()))
    number = pl.int_range(students, eager=True)
    pupils = pl.DataFrame(
        {
            "student_id": pl.select(
                pl.format("st{}", number.cast(pl.String).str.zfill(7))
            ).to_series(),
            "school_id": school_ids(students),
            "section_id": pl.select(pl.format("VII-{}", number % 9 + 1)).to_series(),
        }
    )
    folder.mkdir(exist_ok=True)
    days = (date(2022, 7, 18) + timedelta(days=number) for number in range(2 * QUARTER_DAYS))
    school_days = [day for day in days if day.isoweekday() < 6][:QUARTER_DAYS]
    for start in range(0, QUARTER_DAYS, MONTH_DAYS):
        with (folder / f"export-{start // MONTH_DAYS + 1}.csv").open("wb") as stream:
            stream.write((",".join(HEADINGS["export"]) + "\r\n").encode())
            for count, day in enumerate(school_days[start : start + MONTH_DAYS], start):
                drawn = random.choice(4, size=students, p=(0.9, 0.04, 0.03, 0.03))
                rows = pupils.select(
                    number + count * students, "student_id", pl.lit(2022).alias("year"),
                    "school_id", pl.lit(f"{day:%d/%m/%Y}").alias("day"),
                    pl.lit("Yes").alias("all"), pl.lit(1).alias("period"), "section_id",
                    of_code[drawn].alias("code"), pl.Series("flag", (drawn == 0).astype(np.int8)),
                    words[drawn].alias("status"), pl.lit("DailyAttendance").alias("type"),
                    pl.lit(0).alias("sequence"),
                )  # fmt: skip
                rows.write_csv(stream, include_header=False, line_terminator="\r\n")
    return sum(file.stat().st_size for file in folder.iterdir())


def pandas_in_chunks(folder: Path) -> int:
    """pandas alone, a million rows at a time; rows read."""
    import pandas as pd

    return sum(
        len(chunk)
        for path in sorted(folder.iterdir())
        for chunk in pd.read_csv(path, sep=",", chunksize=1_000_000)
    )


def pandas(path: Path) -> int:
    """pandas alone; rows read."""
    import pandas as pd

    return len(pd.read_csv(path, sep=",") if path.suffix == ".csv" else pd.read_excel(path))


def ours(paths: list[Path], students: int, *, province: bool = False) -> int:
    """The delivery read and checked; rows accepted."""
    import polars as pl

    from earlywarning.district import District, Visits
    from earlywarning.io.file_kind import Limits
    from earlywarning.io.mapping import parse_mapping
    from earlywarning.io.reading import read_delivery

    # By Polars, as the register's own: a list of a million texts in Python would be memory of ours.
    numbers = pl.int_range(students, eager=True)
    known = pl.select(
        school_id=pl.format("S{}", numbers // SCHOOL) if province else pl.lit("S1"),
        student=pl.format("st{}", numbers.cast(pl.String).str.zfill(7 if province else 5)),
    )
    with read_delivery(
        paths,
        parse_mapping(PROVINCE if province else MAPPING),
        district=District(visits=Visits(lottery=False)),
        known_students=known,
        limits=Limits(workbook_bytes=LARGEST, unpacked_bytes=LARGEST),
    ) as delivery:
        assert delivery.refused.is_empty()
        return delivery.rows["attendance"]


def opener_seconds() -> float:
    """Processor seconds of the processes that opened the files and have ended."""
    spent = os.times()
    return round(spent.children_user + spent.children_system, 2)


def make_xml(folder: Path, times: int) -> int:
    """Ed-Fi's sample files, the absences as many times as told; bytes of these."""
    source = Path(__file__).parents[1] / "tests" / "data" / "edfi_grandbend"
    folder.mkdir(exist_ok=True)
    for name in ("Student.xml", "EducationOrganization.xml", "EducationOrgCalendar.xml"):
        shutil.copy(source / name, folder)
    text = (source / "StudentSchoolAttendance.xml").read_text(encoding="utf-8")
    first, end = text.index("<StudentSchoolAttendanceEvent"), text.rindex("</")
    with (folder / "StudentSchoolAttendance.xml").open("w", encoding="utf-8") as stream:
        stream.write(text[:first])
        for _ in range(times):
            stream.write(text[first:end])
        stream.write(text[end:])
        return stream.tell()


def ours_xml(folder: Path) -> int:
    """Recognise the folder and read its absences; rows read."""
    import tomllib

    from earlywarning.io.child import Child
    from earlywarning.io.file_kind import Limits
    from earlywarning.io.recognising import inspect_files
    from earlywarning.io.school_files.interface import Bundle

    limits = Limits(markup_bytes=LARGEST)
    with Child(limits) as opener:
        found = inspect_files([folder], source="bench", limits=limits, child=opener)
        entries = tomllib.loads(found.mapping)["table"]
        entry = next(one for one in entries if one["table"] == "attendance")
        files = tuple(opener.inspect(path, ("xml",)) for path in sorted(folder.glob("*.xml")))
        opened = opener.open(
            Bundle(files, "edfi/", limits), layout=entry["layout"], part=entry["part"],
            options=entry.get("options"),
        )  # fmt: skip
        return sum(chunk.cells.height for chunk in opened.chunks())


def child(arguments: argparse.Namespace) -> None:
    """One side, in its own process; no side pays for its own imports."""
    path = Path(arguments.path)
    if arguments.side == "make":
        work(lambda: make(path, arguments.rows, arguments.years), told=int)
    elif arguments.side == "make-xml":
        work(lambda: make_xml(path, arguments.years), told=int)
    elif arguments.side == "make-quarter":
        work(lambda: make_quarter(path, arguments.rows), told=int)
    elif arguments.side == "xml":
        import earlywarning.io.recognising

        work(lambda: ours_xml(path), told=int)
    elif arguments.side.startswith("pandas"):
        import openpyxl  # noqa: F401
        import pandas as pd  # noqa: F401

        read = pandas_in_chunks if arguments.side == "pandas-quarter" else pandas
        work(lambda: read(path), told=int)
    else:
        import earlywarning.io.reading  # noqa: F401

        if arguments.side == "ours-quarter":
            work(
                lambda: ours(sorted(path.iterdir()), arguments.rows, province=True),
                told=lambda rows: [rows, opener_seconds()],
            )
            return
        work(lambda: ours([path], arguments.rows // DAYS), told=int)


def run_side(side: str, path: Path, rows: int, years: int = 1, *, repeats: int = 1) -> Cost:
    """The median run of one side."""
    runs = [
        run_apart(
            Path(__file__), f"--side={side}", f"--path={path}", f"--rows={rows}",
            f"--years={years}",
        )
        for _ in range(repeats)
    ]  # fmt: skip
    return median(runs)


def province(students: int) -> int:
    """One quarter of a quarter of the students, then of all."""
    costs: dict[tuple[int, str], Cost] = {}
    failed: list[str] = []
    sizes = (students // 4, students)
    with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as folder:
        path = Path(folder) / "quarter"
        for size in sizes:
            stored = run_side("make-quarter", path, size).result
            print(f"{size:,} students: {stored / 1e6:.0f} MB", flush=True)
            for side in SIDES:
                cost = costs[size, side] = run_side(f"{side}-quarter", path, size)
                print(f"{side}: {cost.cpu:.1f} CPU s, {cost.wall:.1f} s, {cost.peak_mb:.0f} MB",
                      flush=True)  # fmt: skip
                rows = cost.result
                if side == "ours":
                    rows, opener = cost.result
                    print(f"of that the opener's process: {opener:.1f} CPU s", flush=True)
                if rows != size * QUARTER_DAYS:
                    failed.append(f"{side} read {rows:,} rows of {size:,} students")
        # The same students with a month of marks: what the file adds, apart from who is known.
        later = sorted(path.iterdir())[1:]
        for file in later:
            file.unlink()
        month = run_side("ours-quarter", path, students)
        print(f"ours, one month of them: {month.peak_mb:.0f} MB", flush=True)
    value = costs[students, "ours"].cpu / costs[students, "pandas"].cpu
    growth = costs[students, "ours"].peak_mb / costs[sizes[0], "ours"].peak_mb
    if value > BAR:
        failed.append(f"{value:.2f} times pandas, at most {BAR}")
    if growth > BAR_GROWTH:
        failed.append(f"memory grew by {growth:.2f} with 4 times the students")
    figures = {
        "name": "import", "bar": BAR, "unit": "x pandas", "sizes": list(sizes), "seeds": [SEED],
        "days": QUARTER_DAYS, "memory_growth": round(growth, 2),
        "peak_mb": round(costs[students, "ours"].peak_mb),
        "peak_mb_of_a_month": round(month.peak_mb),
    }  # fmt: skip
    return finish(value, figures, failed)


def main() -> int:
    """Every kind of file, a table, the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="XLSX with 50,000 rows only")
    for name in ("side", "path"):
        parser.add_argument(f"--{name}", default="", help=argparse.SUPPRESS)
    for name in ("rows", "years"):
        parser.add_argument(f"--{name}", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--students", type=int, help="the quarter of so many students instead")
    arguments = parser.parse_args()
    if arguments.side:
        child(arguments)
        return 0
    if arguments.students:
        return province(arguments.students)
    million = 1_000_000
    sizes = dict.fromkeys(KINDS, million) | {"xlsx": 50_000 if arguments.quick else million}
    costs: dict[tuple[str, str], Cost] = {}
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as folder:
        for kind, name in KINDS.items():
            rows, path = sizes[kind], Path(folder) / name
            size = run_side("make", path, rows).result
            print(f"{kind}: {rows:,} marks, {size / 1e6:.1f} MB", flush=True)
            for side in SIDES:
                repeats = 1 if kind == "xlsx" else REPEATS
                cost = costs[kind, side] = run_side(side, path, rows, repeats=repeats)
                if cost.result != rows:
                    failed.append(f"{side} read {cost.result:,} of {rows:,} rows of {kind}")
            path.unlink()
        quick = arguments.quick
        growth = {
            "csv": _growth(Path(folder) / "export.csv", million // (4 if quick else 1), (1, 4)),
            "xml": _growth(Path(folder) / "edfi", 0, (2, 8) if quick else (10, 40)),
        }
    ratios = {kind: costs[kind, "ours"].cpu / costs[kind, "pandas"].cpu for kind in KINDS}
    print()
    table(
        ["file", "rows", "side", "CPU s", "wall s", "peak MB", "÷ pandas"],
        [
            [
                kind, f"{sizes[kind]:,}", side, f"{cost.cpu:.2f}", f"{cost.wall:.2f}",
                f"{cost.peak_mb:.0f}", f"{cost.cpu / costs[kind, 'pandas'].cpu:.2f}",
            ]
            for (kind, side), cost in costs.items()
        ],
    )  # fmt: skip
    judged = {kind: ratio for kind, ratio in ratios.items() if kind not in WITHOUT_BAR}
    failed += [
        f"{kind}: {ratio:.2f} times pandas, at most {BAR}"
        for kind, ratio in judged.items()
        if ratio > BAR
    ]
    if not quick:  # small files are smaller than one block
        failed += [
            f"{kind}: memory grew by {grown:.2f} with a file 4 times as large"
            for kind, grown in growth.items()
            if grown > BAR_GROWTH
        ]
    figures = {
        "name": "import", "bar": BAR, "unit": "x pandas", "sizes": list(sizes.values()),
        "seeds": [SEED], **{f"{kind}_x": round(ratio, 2) for kind, ratio in ratios.items()},
        **{f"{kind}_memory_growth": round(grown, 2) for kind, grown in growth.items()},
    }  # fmt: skip
    return finish(max(judged.values()), figures, failed)


def _growth(path: Path, rows: int, times: tuple[int, int]) -> float:
    """Peak memory of reading a file four times as large over that of the smaller one."""
    peaks = []
    is_xml = not path.suffix
    for number in times:
        size = run_side("make-xml" if is_xml else "make", path, rows, number).result
        cost = run_side("xml" if is_xml else "ours", path, rows, number)
        peaks.append(cost.peak_mb)
        print(
            f"{'XML' if is_xml else 'CSV'}, {size / 1e6:.0f} MB, {cost.result:,} rows: "
            f"peak {cost.peak_mb:.0f} MB",
            flush=True,
        )
    return peaks[1] / peaks[0]


if __name__ == "__main__":
    sys.exit(main())
