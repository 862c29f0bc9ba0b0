"""The mapping: a TOML file that says where in a school's files each of our columns stands.

Parsed and checked before any file is opened; an error names the file and the key.
`docs/mapping.md` is its reference.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping as Map
from dataclasses import asdict, dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Any, Literal

from earlywarning.errors import ConfigError
from earlywarning.io.mapping_keys import (
    Melt,
    read_choice,
    read_codes,
    read_columns,
    read_constant,
    read_constants,
    read_data_row,
    read_date_format,
    read_day,
    read_delimiter,
    read_hashed,
    read_identify,
    read_lag,
    read_layout,
    read_match,
    read_melt,
    read_school_year,
    read_sheet,
    read_text,
    read_texts,
    read_truth,
    read_values,
    read_whole,
    refuse_unknown,
)
from earlywarning.records.codes import NO_SCHOOL, PRESENT, UNRECORDED
from earlywarning.records.tables import SOURCE_TABLES

ROW_NUMBER = "#row"
"""Instead of a heading: the number of the row under the headings, 1 for the first."""

ENTRY_KEYS = {
    "table", "file", "sheet", "header_row", "data_row", "delimiter", "date_format", "decimal",
    "namespace", "codes", "blank", "coverage", "lag_days", "rollup", "distinct", "optional",
    "empty", "exit_is", "date_from", "date_to", "columns", "values", "constants", "melt",
    "layout", "part", "options", "hashed", "identify", "match",
    "direction", "attendance_types",
}  # fmt: skip
_ONLY_FOR = {
    **dict.fromkeys(("namespace", "codes", "blank", "coverage", "rollup"), ("attendance",)),
    "direction": ("behaviour", "behaviour_type"),
    "attendance_types": ("behaviour",),
}
"""Keys that only some tables know."""


@dataclass(frozen=True, slots=True)
class TableMapping:
    """Where one of our tables stands in the files. Attributes as in `docs/mapping.md`."""

    table: str
    files: tuple[str, ...]
    columns: Map[str, tuple[str, ...]]
    constants: Map[str, Any] = field(default_factory=dict)
    values: Map[str, Map[str, str]] = field(default_factory=dict)
    sheet: str | int | None = None
    header_row: int = 1
    data_row: int | None = None
    delimiter: str | None = None
    date_format: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    namespace: str | None = None
    codes: Map[str, str] = field(default_factory=dict)
    blank: str | None = None
    coverage: Literal["all_marks", "exceptions"] = "all_marks"
    lag_days: int | None = None
    rollup: Literal["worst", "majority", "error"] = "error"
    distinct: bool = False
    optional: bool = False
    empty: tuple[str, ...] = ()
    exit_is: Literal["first_day_gone", "last_day"] = "first_day_gone"
    date_from: date | None = None
    date_to: date | None = None
    melt: Melt | None = None
    layout: str | None = None
    part: str = ""
    options: Map[str, Any] = field(default_factory=dict)
    hashed: tuple[str, ...] = ()
    direction: Literal["add", "subtract"] | None = None
    attendance_types: tuple[str, ...] | None = None
    identify: Literal["student", "national_id", "name"] = "student"
    match: Map[str, str] = field(default_factory=dict)

    @property
    def headings(self) -> tuple[str, ...]:
        """Source columns that must be there, those that a pattern finds apart."""
        names = [name for parts in self.columns.values() for name in parts if name != ROW_NUMBER]
        names += [column.heading for column in self.melt.columns] if self.melt else []
        names += self.match.values()
        return tuple(dict.fromkeys(names))

    def matches(self, path: PurePath) -> bool:
        """Whether a file is meant: its last folders and name match a pattern, capitals apart."""
        parts = [part.lower() for part in path.parts]
        for pattern in self.files:
            wanted = PurePath(pattern.lower()).parts
            if len(wanted) <= len(parts) and all(
                fnmatchcase(part, glob)
                for part, glob in zip(parts[-len(wanted) :], wanted, strict=True)
            ):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping file, checked.

    Attributes
    ----------
    source : str
        Name of the source; corrections are recognised within one source.
    defaults : mapping of column to value
        For every table that has no such column of its own.
    tables : tuple of TableMapping
        In the order of the file; `defaults` are already among their constants.
    content_hash : str
        SHA-256 of what the file says, comments and layout apart.
    """

    source: str
    defaults: Map[str, Any]
    tables: tuple[TableMapping, ...]
    content_hash: str


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file.

    Raises
    ------
    ConfigError
        Names the file, the key, what was found and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); write a mapping first"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text; save it as UTF-8") from error
    return parse_mapping(text, where=str(path))


def parse_mapping(text: str, *, where: str = "mapping.toml") -> Mapping:
    """Check the text of a mapping; see `load_mapping`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: is not valid TOML: {error}") from error
    try:
        return _mapping(data)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def _mapping(data: Map[str, Any]) -> Mapping:
    refuse_unknown(data, "", {"source", "defaults", "table"})
    source = data.get("source")
    if not isinstance(source, str) or not source.strip():
        raise ConfigError(f'source is {source!r}; give the source a name, like source = "smp-1"')
    defaults = data.get("defaults", {})
    entries = data.get("table", [])
    if not isinstance(defaults, dict):
        raise ConfigError(f"[defaults] must be a table, found {defaults!r}")
    if not isinstance(entries, list) or not entries:
        raise ConfigError("there is no [[table]]; add one for each table that the files fill")
    known = {name for table in SOURCE_TABLES.values() for name in table.names}
    refuse_unknown(defaults, "defaults", known)
    if "school_year" in defaults:
        year = read_school_year(defaults["school_year"], "[defaults] school_year")
        defaults = {**defaults, "school_year": year}
    used: set[str] = set()
    tables = []
    for number, entry in enumerate(entries, start=1):
        table = _table(entry, number, defaults)
        used |= set(table.constants)
        tables.append(table)
    # The school year also says which dates are possible.
    useless = sorted(set(defaults) - used - {"school_year"})
    if useless:
        raise ConfigError(f"[defaults] {useless[0]} is used by no table; remove it")
    content = json.dumps([source, [asdict(table) for table in tables]], sort_keys=True, default=str)
    return Mapping(
        source.strip(), defaults, tuple(tables), hashlib.sha256(content.encode()).hexdigest()
    )


def _table(entry: Any, number: int, defaults: Map[str, Any]) -> TableMapping:
    where = f"[[table]] {number}"
    if not isinstance(entry, dict):
        raise ConfigError(f"{where} must be a table, found {entry!r}")
    name = entry.get("table")
    if name not in SOURCE_TABLES:
        raise ConfigError(f"{where} table is {name!r}; allowed: {', '.join(SOURCE_TABLES)}")
    where = f"{where} ({name})"
    refuse_unknown(entry, where, {key for key in ENTRY_KEYS if name in _ONLY_FOR.get(key, (name,))})
    table = SOURCE_TABLES[name]
    hashed = read_hashed(entry.get("hashed", []), f"{where} hashed")
    columns = read_columns(entry.get("columns", {}), table, where, hashed=hashed)
    layout, part, options = read_layout(entry, where)
    melt = read_melt(entry["melt"], table, where) if "melt" in entry else None
    melted = {melt.into, melt.label} | {
        key for column in melt.columns for key in column.constants
    } if melt else set()  # fmt: skip
    constants = read_constants(entry.get("constants", {}), table, f"{where} constants")
    both = sorted((set(constants) & set(columns)) | (melted & (set(columns) | set(constants))))
    if both:
        raise ConfigError(f"{where}: {both[0]} is given twice; keep one place that fills it")
    for column in table.columns:
        if column.name in defaults and column.name not in {*columns, *constants, *melted}:
            constants[column.name] = read_constant(
                defaults[column.name], column, table, f"[defaults] {column.name}"
            )
    for column in table.columns:
        filled = {*columns, *constants, *melted}
        if column.required and column.name not in filled:
            raise ConfigError(
                f"{where}: the column {column.name} is required; name its heading in "
                "[table.columns], or its value in [table.constants] or [defaults]"
            )
    identify = read_identify(entry, table, columns, where)
    decimal = read_choice(entry, "decimal", (".", ","), where, ".")
    coverage = read_choice(entry, "coverage", ("all_marks", "exceptions"), where, "all_marks")
    return TableMapping(
        table=name,
        files=read_texts(entry.get("file"), f"{where} file", "a file name or pattern"),
        columns=columns,
        constants=constants,
        values=read_values(
            entry.get("values", {}), table, set(columns), melt, where, decimal=decimal
        ),
        sheet=read_sheet(entry.get("sheet"), where),
        header_row=read_whole(entry.get("header_row", 1), f"{where} header_row", 0, 100),
        data_row=read_data_row(entry, where),
        delimiter=read_delimiter(entry.get("delimiter"), where),
        date_format=read_date_format(entry.get("date_format"), where),
        decimal=decimal,
        namespace=read_text(entry.get("namespace"), f"{where} namespace"),
        codes=read_codes(entry.get("codes", {}), where),
        blank=read_choice(entry, "blank", (UNRECORDED, PRESENT, NO_SCHOOL), where, None),
        coverage=coverage,
        lag_days=read_lag(entry, where),
        rollup=read_choice(entry, "rollup", ("worst", "majority", "error"), where, "error"),
        distinct=read_truth(entry.get("distinct", False), f"{where} distinct"),
        optional=read_truth(entry.get("optional", False), f"{where} optional"),
        empty=read_texts(entry.get("empty", []), f"{where} empty", "a text", least=0),
        exit_is=read_choice(
            entry, "exit_is", ("first_day_gone", "last_day"), where, "first_day_gone"
        ),
        date_from=read_day(entry.get("date_from"), f"{where} date_from"),
        date_to=read_day(entry.get("date_to"), f"{where} date_to"),
        melt=melt,
        layout=layout,
        part=part,
        options=options,
        hashed=hashed,
        direction=read_choice(entry, "direction", ("add", "subtract"), where, None),
        attendance_types=(
            read_texts(
                entry["attendance_types"], f"{where} attendance_types", "a type code", least=0
            )
            if "attendance_types" in entry
            else None
        ),
        identify=identify,
        match=read_match(entry, identify, where),
    )  # fmt: skip
