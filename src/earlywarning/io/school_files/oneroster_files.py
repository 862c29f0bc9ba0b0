"""The CSV files of a OneRoster bundle, read row by row, whatever version wrote them.

Versions name the same field differently and the manifest came only with 1.1. What is read here has
one name a field, dates as `2025-07-14`, and a mode (bulk or delta) for each file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from earlywarning.errors import DataError
from earlywarning.io.file_kind import FileKind
from earlywarning.io.school_files.interface import Bundle
from earlywarning.io.tabular import TextTable, open_text
from earlywarning.records import dates

ORGS, SESSIONS, COURSES, CLASSES = "orgs", "academicSessions", "courses", "classes"
USERS, ROLES, DEMOGRAPHICS, ENROLLMENTS = "users", "roles", "demographics", "enrollments"
CATEGORIES, LINE_ITEMS, RESULTS, MANIFEST = "categories", "lineItems", "results", "manifest"

FIELDS: Mapping[str, str] = {
    ORGS: "sourcedId name type identifier",
    SESSIONS: "sourcedId title type startDate endDate parentSourcedId schoolYear",
    COURSES: "sourcedId title",
    CLASSES: "sourcedId title grades courseSourcedId classType schoolSourcedId termSourcedIds",
    USERS: "sourcedId orgSourcedIds role username givenName familyName middleName identifier sms "
    "phone agentSourcedIds grades userMasterIdentifier primaryOrgSourcedId",
    ROLES: "sourcedId userSourcedId role orgSourcedId",
    DEMOGRAPHICS: "sourcedId birthDate sex",
    ENROLLMENTS: "sourcedId classSourcedId schoolSourcedId userSourcedId role primary beginDate "
    "endDate",
    CATEGORIES: "sourcedId title",
    LINE_ITEMS: "sourcedId title classSourcedId categorySourcedId sessionSourcedId "
    "schoolSourcedId resultValueMin resultValueMax",
    RESULTS: "sourcedId lineItemSourcedId studentSourcedId scoreStatus score scoreDate "
    "classSourcedId",
}
"""Files that are read, and their fields; besides these each has `status`, `dateLastModified`."""

_ALIASES: Mapping[str, Mapping[str, str]] = {
    CLASSES: {"grade": "grades", "termsourcedid": "termSourcedIds"},
    USERS: {"agents": "agentSourcedIds", "grade": "grades"},
    DEMOGRAPHICS: {"usersourcedid": "sourcedId"},
    LINE_ITEMS: {
        "gradingperiodsourcedid": "sessionSourcedId",
        "academicsessionsourcedid": "sessionSourcedId",
    },
}
"""Other names of a field, in small letters."""

_NOT_READ = (
    "classResources", "courseResources", "lineItemLearningObjectiveIds", "lineItemScoreScales",
    "resources", "resultLearningObjectiveIds", "resultScoreScales", "scoreScales", "userProfiles",
    "userResources",
)  # fmt: skip
_DATES = ("dateLastModified", "startDate", "endDate", "beginDate", "birthDate", "scoreDate")
_GONE = ("tobedeleted", "inactive")
_ISO = r"^\d{4}-\d{2}-\d{2}$"
_ISO_TIME = r"^(\d{4}-\d{2}-\d{2})[T ].*$"

Fault = tuple[int, str | None, str, str, str]
"""Row, column, found, allowed, reason: `tabular.FAULT_SCHEMA`."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file.

    Attributes
    ----------
    row : int
        Its number in the file.
    cells : mapping of field to str
        Of `FIELDS`; empty where the file has no such field.
    """

    row: int
    cells: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")

    def list(self, name: str) -> list[str]:
        """Several values in one field, commas between them."""
        return [part.strip() for part in self[name].split(",") if part.strip()]

    @property
    def is_gone(self) -> bool:
        """Whether the record was deleted."""
        return self["status"].lower() in _GONE


@dataclass(slots=True)
class BundleFiles:
    """The files of a bundle, opened.

    Attributes
    ----------
    version : str
        "1.0", "1.1" or "1.2", as the manifest says; without a manifest it is 1.0.
    style : str
        Of dates that are not written as the standard has them; by default what fits the column.
    faults : dict of file to list of Fault
        Rows that cannot be read, of every file that was read so far.
    warnings : list of str
    """

    files: Mapping[str, FileKind]
    modes: Mapping[str, str]
    version: str
    bundle: Bundle
    style: str = ""
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    _deltas: dict[str, bool] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether the bundle has a file."""
        return name in self.files

    def is_delta(self, name: str) -> bool:
        """Whether a file holds only what changed. Without a manifest: whether its rows say when."""
        if name not in self._deltas:
            mode = self.modes.get(name)
            self._deltas[name] = mode == "delta" or (mode is None and self._is_dated(name))
        return self._deltas[name]

    def _is_dated(self, name: str) -> bool:
        return any(line["status"] and line["dateLastModified"] for line in self._read(name))

    def lines(self, name: str) -> Iterator[Line]:
        """The rows of a file, those marked as deleted too, with what is wrong noted in `faults`."""
        self.faults[name] = []
        yield from self._read(name, self.faults[name], self.warnings)

    def kept(self, name: str) -> Iterator[Line]:
        """The rows that are not marked as deleted."""
        gone = 0
        for line in self.lines(name):
            if line.is_gone:
                gone += 1
            else:
                yield line
        if gone and not self.is_delta(name):
            self.warnings.append(
                f"{self.bundle.name}{name}.csv: {gone} rows are marked as deleted in a file that "
                "is no delta; they were left out"
            )

    def _read(
        self, name: str, faults: list[Fault] | None = None, warnings: list[str] | None = None
    ) -> Iterator[Line]:
        file = self.files.get(name)
        if file is None:
            return
        table = open_text(file, wanted=(), limits=self.bundle.limits)
        fields = _fields_of(table, name)
        for chunk in table.chunks(list(fields)):
            if faults is not None:
                faults += chunk.faults.rows()
            cells = chunk.cells.rename(fields).with_columns(
                pl.col(list(fields.values())).str.strip_chars().fill_null("")
            )
            for column in (column for column in _DATES if column in cells.columns):
                where = f"{self.bundle.name}{name}.csv: {column}"
                days, style = _as_iso(cells[column], where, self.style)
                cells = cells.with_columns(days.alias(column))
                if style and warnings is not None:
                    warnings.append(
                        f"{where} is not written as the standard has it (2025-07-14); it was "
                        f"read as {style}"
                    )
            for row in cells.iter_rows(named=True):
                yield Line(row.pop("_row"), row)
        if warnings is not None:
            warnings += table.warnings


def open_bundle(bundle: Bundle, *, style: str = "") -> BundleFiles | None:
    """The bundle's files; None if it is none.

    Raises
    ------
    DataError
        If the manifest announces a file that is not there.
    """
    files = {_known(file): file for file in files_of(bundle)}
    manifest: dict[str, str] = {}
    if MANIFEST in files:
        table = open_text(files[MANIFEST], wanted=(), limits=bundle.limits)
        for chunk in table.chunks():
            for name, value, *_ in chunk.cells.iter_rows():
                manifest[(name or "").strip()] = (value or "").strip()
    version = manifest.get("oneroster.version", "")
    if not version and not _is_old_bundle(files, bundle):
        return None
    modes = {
        name.removeprefix("file."): mode.lower()
        for name, mode in manifest.items()
        if name.startswith("file.")
    }
    lacking = [f"{name}.csv" for name in FIELDS if _announced(modes, name) and name not in files]
    if lacking:
        raise DataError(
            f"{bundle.name}manifest.csv announces {', '.join(lacking)}, which the bundle does not "
            "hold; it is incomplete, export it again"
        )
    found = BundleFiles(
        {name: file for name, file in files.items() if modes.get(name) != "absent"},
        modes, version or "1.0", bundle, style,
    )  # fmt: skip
    for name in files:
        if modes.get(name) == "absent":
            found.warnings.append(
                f"{bundle.name}{name}.csv: the manifest says that it is absent; it was not read"
            )
    return found


def files_of(bundle: Bundle) -> tuple[FileKind, ...]:
    """The files that belong to a bundle: a name of the standard, and its first heading."""
    return tuple(file for file in bundle.files if _known(file) and _has_headings(file, bundle))


def _known(file: FileKind) -> str:
    """The file's name in the standard; empty if it has none."""
    names = {name.lower(): name for name in (*FIELDS, *_NOT_READ, MANIFEST)}
    path = file.path
    return names.get(path.stem.lower(), "") if path.suffix.lower() == ".csv" else ""


def _has_headings(file: FileKind, bundle: Bundle) -> bool:
    if file.kind != "text":
        return False
    headings = {name.lower() for name in _headings(file, bundle)}
    if _known(file) == MANIFEST:
        return headings == {"propertyname", "value"}
    return bool(headings & {"sourcedid", "usersourcedid"})


def _headings(file: FileKind, bundle: Bundle) -> tuple[str, ...]:
    return open_text(file, wanted=(), limits=bundle.limits).headings


def _is_old_bundle(files: Mapping[str, FileKind], bundle: Bundle) -> bool:
    """Whether it is 1.0, which has no manifest; similar formats lack one of these fields."""
    if USERS not in files or ENROLLMENTS not in files:
        return False
    users = {name.lower() for name in _headings(files[USERS], bundle)}
    places = {name.lower() for name in _headings(files[ENROLLMENTS], bundle)}
    return {"orgsourcedids", "role", "givenname"} <= users and {
        "classsourcedid", "schoolsourcedid", "usersourcedid",
    } <= places  # fmt: skip


def _announced(modes: Mapping[str, str], name: str) -> bool:
    return modes.get(name) in ("bulk", "delta")


def _fields_of(table: TextTable, name: str) -> dict[str, str]:
    """The file's headings that are read, each with the field that it is."""
    wanted = ("status", "dateLastModified", *FIELDS[name].split())
    fields = {field.lower(): field for field in wanted} | dict(_ALIASES.get(name, {}))
    found: dict[str, str] = {}
    for heading in table.headings:
        field = fields.get(heading.lower())
        if field and field not in found.values():
            found[heading] = field
    return found


def _as_iso(text: pl.Series, where: str, style: str) -> tuple[pl.Series, str]:
    """Dates as `2025-07-14`, and the style if it was another; what is no date stays as it is."""
    days = text.str.replace(_ISO_TIME, "$1")
    other = pl.select(pl.when((days != "") & ~days.str.contains(_ISO)).then(days)).to_series()
    if other.null_count() == len(other):
        return days, ""
    style = style or dates.usual_style(other)
    parsed = dates.parse(other, (style,))
    if parsed.month_first_proof and not parsed.day_first_proof:
        example = pl.select(pl.when(parsed.impossible).then(other)).to_series().drop_nulls()[0]
        raise DataError(
            f"{where} seems to be month first ({example}), while the standard has 2025-07-14; "
            'export it so, or say dates = "%m/%d/%Y" in [table.options] of the mapping'
        )
    if parsed.dates.null_count() == len(other):
        return days, ""  # who checks the rows says what is wrong with them
    return parsed.dates.dt.strftime(dates.ISO).fill_null(days), style
