"""Reading a delivery: files and a mapping in, checked rows and refusals out.

Nothing is saved here. A file that cannot be understood stops the reading with an error that says
why; a row that is wrong is refused alone, by file, sheet, row and column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from earlywarning.district import District
from earlywarning.errors import DataError
from earlywarning.io.delivery import Delivery, FileRead, PartStore, schema_of
from earlywarning.io.file_kind import FileKind, Limits, inspect
from earlywarning.io.mapping import Mapping, TableMapping
from earlywarning.io.settling import settle_delivery
from earlywarning.io.shaping import EntryReader, rules_for
from earlywarning.io.tabular import Chunk, TextTable, open_text
from earlywarning.io.workbook import WorkbookTable, open_workbook
from earlywarning.records.faults import REFUSAL_SCHEMA

Progress = Callable[[str, int, int], None]
_NO_DATA = (".toml", ".md")
_BYTES_A_STEP = 1 << 24


@dataclass(frozen=True, slots=True)
class _Job:
    """A file and the entries of the mapping that it serves, by number."""

    path: Path
    name: str
    entries: tuple[int, ...]


def read_delivery(
    files: Sequence[Path],
    mapping: Mapping,
    *,
    district: District,
    known_students: pl.DataFrame | None = None,
    delivered_on: date | None = None,
    limits: Limits | None = None,
    work_dir: Path | None = None,
    progress: Progress | None = None,
) -> Delivery:
    """Read and check every file of a delivery.

    Parameters
    ----------
    files : sequence of Path
        Files, and folders whose files are meant.
    mapping : Mapping
    district : District
        Its calendar, and its attendance codes unless the mapping names others.
    known_students : DataFrame, optional
        `school_id`, `student` of earlier deliveries. Without it and without a student list in the
        delivery, students are not checked.
    delivered_on : date, optional
        Events after this day are refused.
    limits : Limits, optional
    work_dir : Path, optional
        Where large tables wait; the system's temporary folder by default.
    progress : callable, optional
        Called with "read", bytes done, bytes in all.

    Raises
    ------
    DataError
        If a file is missing, of another kind, cut off, or lacks columns; or if a file belongs to no
        table of the mapping.
    ConfigError
        If the mapping says something that the district's calendar or code lists do not know.
    """
    limits = limits or Limits()
    jobs, warnings = _plan(files, mapping)
    store = PartStore(work_dir)
    reader = _Reader(
        Delivery(mapping.source, mapping, store), district, delivered_on, limits, warnings
    )
    try:
        total = max(sum(job.path.stat().st_size for job in jobs), 1)
        done = 0
        for job in jobs:
            size = job.path.stat().st_size
            for step in reader.read(job):
                if progress:
                    progress("read", min(done + min(step, size), total), total)
            done += size
        settle_delivery(
            reader.finished(), calendar=district.calendar, known_students=known_students
        )
    except BaseException:
        store.close()
        raise
    if progress:
        progress("read", total, total)
    return reader.delivery


def _plan(files: Sequence[Path], mapping: Mapping) -> tuple[list[_Job], list[str]]:
    """Which file serves which entries; every file is used, every entry has a file."""
    given: list[tuple[Path, str, bool]] = []
    for path in files:
        if not path.exists():
            raise DataError(f"{path}: there is no such file or folder")
        if path.is_dir():
            inside = sorted(item for item in path.rglob("*") if item.is_file())
            given += [
                (item, item.relative_to(path).as_posix(), False)
                for item in inside
                if item.suffix.lower() not in _NO_DATA and not item.name.startswith((".", "~$"))
            ]
        else:
            given.append((path, path.name, True))
    jobs: list[_Job] = []
    strange, spare = [], []
    seen: set[Path] = set()
    for path, name, is_named in given:
        if path.resolve() in seen:
            continue
        seen.add(path.resolve())
        entries = tuple(
            number for number, entry in enumerate(mapping.tables) if entry.matches(path)
        )
        if entries:
            taken = {job.name for job in jobs}
            jobs.append(_Job(path, name if name not in taken else path.as_posix(), entries))
        else:
            (strange if is_named else spare).append(name)
    used = {number for job in jobs for number in job.entries}
    lacking = [
        f"{entry.table} ({' or '.join(entry.files)})"
        for number, entry in enumerate(mapping.tables)
        if number not in used and not entry.optional
    ]
    if strange or lacking or not jobs:
        raise DataError(_plan_error(strange, spare, lacking, mapping))
    warnings = [f"{name}: belongs to no table of the mapping and was not read" for name in spare]
    return jobs, warnings


def _plan_error(
    strange: Sequence[str], spare: Sequence[str], lacking: Sequence[str], mapping: Mapping
) -> str:
    parts = []
    if strange:
        parts.append(f"no table of the mapping names these files: {', '.join(strange)}")
    if lacking:
        parts.append(
            f"no file was given for: {', '.join(lacking)}; "
            "add it, or set optional = true in the mapping"
        )
    if spare and lacking:
        parts.append(f"files of the folder that no table names: {', '.join(spare[:20])}")
    if not parts:
        parts.append("no files were given")
    patterns = dict.fromkeys(name for entry in mapping.tables for name in entry.files)
    return f"{'; '.join(parts)}. The mapping names: {', '.join(patterns)}"


class _Reader:
    """Reads file after file into one delivery."""

    def __init__(
        self,
        delivery: Delivery,
        district: District,
        delivered_on: date | None,
        limits: Limits,
        warnings: list[str],
    ) -> None:
        self.delivery, self.limits, self.warnings = delivery, limits, warnings
        self._district = district
        self._rules = [
            rules_for(entry, number, district, delivered_on)
            for number, entry in enumerate(delivery.mapping.tables)
        ]
        self._refused: list[pl.DataFrame] = []
        self._files: list[FileRead] = []

    def finished(self) -> Delivery:
        """The delivery with all that was read."""
        delivery = self.delivery
        delivery.files = tuple(self._files)
        delivery.refused = pl.concat([pl.DataFrame(schema=REFUSAL_SCHEMA), *self._refused])
        delivery.warnings = tuple(dict.fromkeys(self.warnings))
        return delivery

    def read(self, job: _Job) -> Iterator[int]:
        """Read one file; yields the bytes read so far, roughly."""
        file = inspect(job.path, limits=self.limits)
        counts = {self.delivery.mapping.tables[number].table: 0 for number in job.entries}
        layouts: dict[tuple[object, ...], list[int]] = {}
        for number in job.entries:
            entry = self.delivery.mapping.tables[number]
            layout = (entry.sheet, entry.header_row, entry.data_row, entry.delimiter)
            layouts.setdefault(layout, []).append(number)
        if file.encoding == "cp1252":
            self.warnings.append(
                f"{job.name}: is no UTF-8 and was read as Windows-1252; check names with accents"
            )
        step = 0
        for numbers in layouts.values():
            table = self._open(file, [self.delivery.mapping.tables[number] for number in numbers])
            readers = [
                EntryReader(
                    self.delivery.mapping.tables[number], number, self._rules[number],
                    self._district, headings=table.headings, name=job.name, sheet=table.sheet,
                    first_row=table.data_row,
                )
                for number in numbers
            ]  # fmt: skip
            for chunk in table.chunks(set().union(*(reader.needed for reader in readers))):
                self._refuse_lines(chunk, readers[0], counts)
                for reader in readers:
                    self._take(reader, chunk, counts)
                step += _BYTES_A_STEP
                yield step
            for reader in readers:
                reader.refuse_month_first()
                self.warnings += reader.warnings
            self.warnings += table.warnings
        for name, rows in counts.items():
            _increase(self.delivery.rows_read, name, rows)
            if not rows:
                self.warnings.append(f"{job.name}: holds no rows for {name}")
        self._files.append(FileRead(job.name, file.sha256, file.size, counts))

    def _open(self, file: FileKind, entries: Sequence[TableMapping]) -> TextTable | WorkbookTable:
        first = entries[0]
        wanted = list(dict.fromkeys(name for entry in entries for name in entry.headings))
        if file.kind == "workbook":
            return open_workbook(
                file, wanted=wanted, sheet=first.sheet, header_row=first.header_row,
                data_row=first.data_row, limits=self.limits,
            )  # fmt: skip
        return open_text(
            file, wanted=wanted, header_row=first.header_row, data_row=first.data_row,
            delimiter=first.delimiter, limits=self.limits,
        )  # fmt: skip

    def _refuse_lines(self, chunk: Chunk, reader: EntryReader, counts: dict[str, int]) -> None:
        """Lines that are no rows; listed under the first table that the file serves."""
        if chunk.faults.height:
            table = reader.entry.table
            faults = chunk.faults.with_columns(
                pl.lit(table).alias("table"), pl.lit(reader.name).alias("file"),
                pl.lit(reader.sheet, pl.String).alias("sheet"), pl.col("_row").alias("row"),
            )  # fmt: skip
            self._refused.append(faults.select(*REFUSAL_SCHEMA))
            counts[table] += faults.height
            _increase(self.delivery.rows_refused, table, faults.height)

    def _take(self, reader: EntryReader, chunk: Chunk, counts: dict[str, int]) -> None:
        checked = reader.check(chunk)
        table, rows = reader.entry.table, checked.rows
        counts[table] += checked.read
        self._refused.append(checked.refused)
        _increase(self.delivery.rows_refused, table, checked.read - rows.height)
        if reader.entry.distinct:
            values = [name for name in rows.columns if not name.startswith("_")]
            rows = rows.unique(values, keep="first", maintain_order=True)
            _increase(self.delivery.merged, table, checked.rows.height - rows.height)
        columns = [*schema_of(table), *(name for name in rows.columns if name == "_hash")]
        self.delivery.store.add(table, rows.select(columns))


def _increase(counts: dict[str, int], table: str, number: int) -> None:
    counts[table] = counts.get(table, 0) + number
