"""Reading a delivery: files and a mapping in, checked rows and refusals out.

Nothing is saved here. A file that cannot be understood stops the reading with an error that says
why; a row that is wrong is refused alone, by file, sheet, row and column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from earlywarning.district import District
from earlywarning.errors import ConfigError, DataError
from earlywarning.io.child import Child, ChildTable
from earlywarning.io.class_joining import join_classes
from earlywarning.io.delivery import Delivery, FileRead, PartStore, schema_of
from earlywarning.io.file_kind import TABLES, Limits
from earlywarning.io.identifying import MATCH_COLUMNS, identify, keep_waiting
from earlywarning.io.mapping import Mapping, TableMapping
from earlywarning.io.matching import Known
from earlywarning.io.recognising import holds_nothing
from earlywarning.io.school_files import readers
from earlywarning.io.school_files.interface import Bundle
from earlywarning.io.settling import settle_delivery
from earlywarning.io.shaping import EntryReader, rules_for
from earlywarning.io.tabular import Chunk
from earlywarning.io.unpacking import OUTSIDE, Delivered, Given, delivered
from earlywarning.records.faults import REFUSAL_SCHEMA
from earlywarning.records.judged import Judgements

Progress = Callable[[str, int, int], None]
_BYTES_A_STEP = 1 << 24


@dataclass(frozen=True, slots=True)
class _Job:
    """A file, or files read together, and the entries of the mapping served, by number."""

    paths: tuple[Path, ...]
    name: str
    entries: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(path.stat().st_size for path in self.paths)


def read_delivery(
    files: Sequence[Path],
    mapping: Mapping,
    *,
    district: District,
    known_students: pl.DataFrame | None = None,
    known: Known | None = None,
    known_classes: pl.DataFrame | None = None,
    delivered_on: date | None = None,
    limits: Limits | None = None,
    work_dir: Path | None = None,
    household_key: bytes | None = None,
    progress: Progress | None = None,
    child: Child | None = None,
) -> Delivery:
    """Read and check every file of a delivery; a child process opens them (`io.child`).

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
    known : Known, optional
        Students on record, to find those whom a file names by national id or by name.
    known_classes : DataFrame, optional
        `class_joining.CLASSES_SCHEMA`: classes on record, whose spelling stays.
    delivered_on : date, optional
        Events after this day are refused.
    limits : Limits, optional
        Those of the district by default.
    work_dir : Path, optional
        Where large tables wait; the system's temporary folder by default.
    household_key : bytes, optional
        Secret that hides the numbers of family cards; needed if the mapping reads any.
    progress : callable, optional
        Called with "read", bytes done, bytes in all.
    child : Child, optional
        Serves several deliveries; each has its own by default.

    Raises
    ------
    DataError
        If a file is missing, of another kind, cut off, or lacks columns; or if a file belongs to no
        table of the mapping.
    ConfigError
        If the mapping says something that the district's calendar or code lists do not know.
    """
    limits = limits or Limits.chosen(district.imports.files)

    def is_wanted(path: Path) -> bool:
        return any(entry.matches(path) for entry in mapping.tables)

    with (
        delivered(files, limits=limits, work_dir=work_dir, is_wanted=is_wanted) as given,
        nullcontext(child) if child else Child(limits) as opener,
    ):
        jobs, warnings = _plan(given, mapping, opener)
        store = PartStore(work_dir)
        reader = _Reader(
            Delivery(mapping.source, mapping, store), district, delivered_on, opener, warnings,
            household_key,
        )  # fmt: skip
        try:
            _read_jobs(reader, jobs, progress)
            delivery = reader.finished()
            identify(delivery, known or Known())
            join_classes(delivery, known_classes)
            settle_delivery(delivery, calendar=district.calendar, known_students=known_students)
        except BaseException:
            store.close()
            raise
    return reader.delivery


def _read_jobs(reader: _Reader, jobs: Sequence[_Job], progress: Progress | None) -> None:
    total = max(sum(job.size for job in jobs), 1)
    done = 0
    for job in jobs:
        for step in reader.read(job):
            if progress:
                progress("read", min(done + min(step, job.size), total), total)
        done += job.size
    if progress:
        progress("read", total, total)


def _plan(delivery: Delivered, mapping: Mapping, child: Child) -> tuple[list[_Job], list[str]]:
    """Which file serves which entries; every file is used, every entry has a file."""
    if delivery.broken:
        raise DataError("; ".join(problem for _, problem in delivery.broken))
    jobs: list[_Job] = []
    strange, spare = [], []
    used_archives: set[str] = set()
    for given in delivery.files:
        entries = tuple(
            number for number, entry in enumerate(mapping.tables) if entry.matches(given.path)
        )
        if entries:
            _add_job(jobs, mapping, given, entries)
            used_archives.add(given.archive)
        else:
            is_strange = given.is_named and not holds_nothing(given.path, given.name, child)
            (strange if is_strange else spare).append(given.name)
    strange += [name for name in delivery.named_archives if name not in used_archives]
    used = {number for job in jobs for number in job.entries}
    lacking = [
        f"{entry.table} ({' or '.join(entry.files)})"
        for number, entry in enumerate(mapping.tables)
        if number not in used and not entry.optional
    ]
    if strange or lacking or not jobs:
        raise DataError(_plan_error(strange, spare, lacking, mapping))
    warnings = [f"{name}: belongs to no table of the mapping and was not read" for name in spare]
    warnings += [f"{name}: {OUTSIDE}" for name in delivery.outside]
    return jobs, warnings


def _add_job(jobs: list[_Job], mapping: Mapping, given: Given, entries: Sequence[int]) -> None:
    """Files that a reader takes together become one job for each folder and reader."""
    path, name = given.path, given.name
    alone = []
    for number in entries:
        layout = mapping.tables[number].layout
        if layout is None or not readers.reader(layout).is_bundle:
            alone.append(number)
            continue
        folder = path.parent
        label = f"{Path(name).parent.as_posix().removeprefix('.') or folder.name}/"
        for place, job in enumerate(jobs):
            together = mapping.tables[job.entries[0]].layout == layout
            if together and job.paths[0].parent == folder:
                paths = dict.fromkeys((*job.paths, path))
                jobs[place] = _Job(tuple(paths), label, tuple(sorted({*job.entries, number})))
                break
        else:
            jobs.append(_Job((path,), label, (number,)))
    if alone:
        taken = {job.name for job in jobs}
        jobs.append(_Job((path,), name if name not in taken else path.as_posix(), tuple(alone)))


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
        child: Child,
        warnings: list[str],
        household_key: bytes | None,
    ) -> None:
        self._household_key = household_key
        self.delivery, self.warnings = delivery, warnings
        self._child, self.limits = child, child.limits
        self._district = district
        self._rules = [
            rules_for(entry, number, district, delivered_on)
            for number, entry in enumerate(delivery.mapping.tables)
        ]
        self._judgements: dict[int, Judgements] = {}
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
        """Read one job; yields the bytes read so far, roughly."""
        entries = self.delivery.mapping.tables
        layout = entries[job.entries[0]].layout
        accept = readers.reader(layout).kinds if layout else TABLES
        files = tuple(self._child.inspect(path, accept, name=job.name) for path in job.paths)
        bundle = Bundle(files, job.name, self.limits)
        counts = {entries[number].table: 0 for number in job.entries}
        for file in files:
            if file.encoding == "cp1252":
                self.warnings.append(
                    f"{file.path.name}: is no UTF-8 and was read as Windows-1252; check names with "
                    "accents"
                )
        step = 0
        for numbers in self._same_table(job.entries):
            table = self._open(bundle, [entries[number] for number in numbers])
            entry_readers = [
                EntryReader(
                    entries[number], number, self._rules[number], self._district,
                    headings=table.headings, name=job.name + _file_of(table),
                    sheet=table.sheet,
                    first_row=table.data_row, household_key=self._household_key,
                    numberings=self.delivery.store.dtypes, judgements=self._judgements,
                )
                for number in numbers
            ]  # fmt: skip
            needed = set().union(*(reader.needed for reader in entry_readers))
            for chunk in table.chunks(needed, coded=True):
                self._refuse_lines(job.name, chunk, entry_readers[0], counts)
                for reader in entry_readers:
                    self._take(reader, chunk, counts)
                step += _BYTES_A_STEP
                yield step
            for reader in entry_readers:
                reader.refuse_month_first()
                self.warnings += reader.warnings
            self.warnings += table.warnings
        for name, rows in counts.items():
            _increase(self.delivery.rows_read, name, rows)
            if not rows:
                self.warnings.append(f"{job.name}: holds no rows for {name}")
        for place, file in enumerate(files):
            name = job.name if len(files) == 1 else job.name + file.path.name
            self._files.append(FileRead(name, file.sha256, file.size, {} if place else counts))

    def _same_table(self, numbers: Sequence[int]) -> Iterator[list[int]]:
        """Entries that read the same table of the same file, together."""
        groups: dict[tuple[object, ...], list[int]] = {}
        for number in numbers:
            entry = self.delivery.mapping.tables[number]
            key = (
                entry.sheet, entry.header_row, entry.data_row, entry.delimiter, entry.layout,
                entry.part, repr(sorted(entry.options.items())),
            )  # fmt: skip
            groups.setdefault(key, []).append(number)
        yield from groups.values()

    def _open(self, bundle: Bundle, entries: Sequence[TableMapping]) -> ChildTable:
        first = entries[0]
        wanted = list(dict.fromkeys(name for entry in entries for name in entry.headings))
        if first.layout:
            return self._open_layout(bundle, first, wanted)
        return self._child.open(
            bundle, wanted=wanted, sheet=first.sheet, header_row=first.header_row,
            data_row=first.data_row, delimiter=first.delimiter,
        )  # fmt: skip

    def _open_layout(
        self, bundle: Bundle, entry: TableMapping, wanted: Sequence[str]
    ) -> ChildTable:
        assert entry.layout is not None  # noqa: S101
        reader = readers.reader(entry.layout)
        if entry.part not in reader.parts:
            raise ConfigError(
                f"the mapping asks {entry.layout} for the part {entry.part!r}; "
                f"allowed: {', '.join(reader.parts)}"
            )
        table = self._child.open(
            bundle, layout=reader.name, part=entry.part, options=entry.options, sheet=entry.sheet
        )
        missing = [name for name in wanted if name not in table.headings]
        if missing:
            raise DataError(
                f"{bundle.name}: {entry.layout} found no column {', '.join(map(repr, missing))}; "
                f"found: {', '.join(map(repr, table.headings[:40]))}"
            )
        return table

    def _refuse_lines(
        self, bundle: str, chunk: Chunk, reader: EntryReader, counts: dict[str, int]
    ) -> None:
        """Lines that are no rows; listed under the first table that the file serves."""
        if chunk.faults.height:
            table = reader.entry.table
            name = bundle + chunk.file if chunk.file else reader.name
            faults = chunk.faults.with_columns(
                pl.lit(table).alias("table"), pl.lit(name).alias("file"),
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
            beside = MATCH_COLUMNS.values()
            values = [name for name in rows.columns if name[0] != "_" or name in beside]
            rows = rows.unique(values, keep="first", maintain_order=True)
            _increase(self.delivery.merged, table, checked.rows.height - rows.height)
        if reader.entry.identify != "student":
            keep_waiting(self.delivery.store, reader.entry, reader.number, rows)
            return
        columns = [*schema_of(table), *(name for name in rows.columns if name == "_hash")]
        self.delivery.store.add(table, rows.select(columns))


def _file_of(table: ChildTable) -> str:
    """Of several files that are read together, the one whose rows the table's are."""
    file = getattr(table, "file", "")
    return file if isinstance(file, str) else ""


def _increase(counts: dict[str, int], table: str, number: int) -> None:
    counts[table] = counts.get(table, 0) + number
