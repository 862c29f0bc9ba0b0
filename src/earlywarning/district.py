"""`district.toml`: what a district or school decides for itself.

Calendar, thresholds, weights, capacity and lags. Every value has a default except `visits.lottery`:
nobody gets a lottery unasked.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from earlywarning import visit_rules
from earlywarning.calendar import DEFAULT_QUARTER_STARTS, SchoolCalendar
from earlywarning.errors import ConfigError
from earlywarning.toml_checks import number, one_of, only, section
from earlywarning.visit_rules import Planning, Visits


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a student is in trouble. One set for the district, and one for a school that differs.

    Attributes
    ----------
    absence_rate : float
        Absent at least this share of enrolled school days, any reason; 0.10 is the chronic-absence
        definition of Attendance Works (2013). Exactly this share counts.
    first_warning_points : float
        Points at which the school sends its first warning letter (SP1). Points of two schools are
        compared only as shares of this.
    behaviour_share : float
        Share of `first_warning_points` in one quarter that counts as trouble.
    pass_mark : float
        Pass mark (KKM/KKTP), per cent of the scale, where a grade does not carry its own.
    subjects_below : int
        Subjects below the pass mark that count as trouble.
    """

    absence_rate: float = 0.10
    first_warning_points: float = 50.0
    behaviour_share: float = 0.5
    pass_mark: float = 75.0
    subjects_below: int = 2


@dataclass(frozen=True, slots=True)
class FileLimits:
    """How large a file may be, and what reading it may cost. No rule of any list depends on it.

    Attributes
    ----------
    file_mb, unpacked_mb : int
        Largest file that is not CSV, and what a workbook or zip file may unpack to, in millions of
        bytes. CSV is read in blocks and may be larger.
    memory_mb : int
        Of the process that opens files, in millions of bytes.
    seconds : int
        Of one step of reading.
    """

    file_mb: int = 20
    unpacked_mb: int = 100
    memory_mb: int = 2_000
    seconds: int = 120


@dataclass(frozen=True, slots=True)
class ImportRules:
    """When an import stops and asks.

    Attributes
    ----------
    swing : float
        A table whose row count differs from the source's last delivery by this share or more
        stops until confirmed.
    lag_days : mapping of table to int
        Days after an event at which the school's system usually knows it.
    files : FileLimits
    """

    swing: float = 0.5
    files: FileLimits = field(default_factory=FileLimits)
    lag_days: Mapping[str, int] = field(
        default_factory=lambda: {
            "attendance": 1,
            "attendance_summary": 7,
            "behaviour": 2,
            "grade": 7,
            "enrollment": 0,
            "visit": 3,
        }
    )


@dataclass(frozen=True, slots=True)
class MonitorLimits:
    """From when `earlywarning monitor` warns. No list depends on it.

    Attributes
    ----------
    recorded_drop : float
        How far the share of student-days with a mark may fall below the lowest past quarter.
    silent_days : int
        Days without any register beyond the longest past gap.
    movement : float
        How many times above the highest, or below the lowest, past quarter a rate may be.
    points_ratio : float
        The same for the points of an incident.
    marks_shift : float
        How far the mean distance to the pass mark may leave its past range, in points of 100.
    drift : float
        Population stability index of a feature or of a ranking. By the usual reading 0.25 is a
        major change; but a common wave of illness moves the days sick by 0.3.
    capture_drop : float
        How much less of the trouble a list may find than was found in training.
    calibration_error : float
        Mean distance between expectation and what happened, beyond luck.
    group_gap : float
        Difference between two groups in the share of trouble that was found.
    """

    recorded_drop: float = 0.05
    silent_days: int = 7
    movement: float = 2.0
    points_ratio: float = 1.4
    marks_shift: float = 2.5
    drift: float = 0.35
    capture_drop: float = 0.10
    calibration_error: float = 0.10
    group_gap: float = 0.25


@dataclass(frozen=True, slots=True)
class Protection:
    """What to do when a child may be in danger; shown instead of the next step of a visit.

    Attributes
    ----------
    steps : tuple of str
        The school's own path, step by step; empty for the words that the program has.
    contact : str
        Whom to call, and how.
    """

    steps: tuple[str, ...] = ()
    contact: str = ""


@dataclass(frozen=True, slots=True)
class District:
    """One `district.toml`, checked.

    Attributes
    ----------
    name, timezone, language : str
    calendar : SchoolCalendar
    attendance_namespace : str
        Code list of attendance marks unless a mapping says otherwise.
    attendance_codes : mapping of code to status
        Codes of the school's own.
    thresholds : Thresholds
        For every school that has no set of its own.
    school_thresholds : mapping of school_id to Thresholds
    weights : mapping of outcome to float
        How much one area of trouble counts in the priority.
    visits : Visits
    imports : ImportRules
    monitor : MonitorLimits
    plan : Planning
        Weeks, hours and loads of the visits. No list depends on it.
    protection : Protection
    promote : str
        Who lets a newly trained model serve: `by_person`, or `automatic` if it passes every gate.
    preset : str
        Label of the thresholds, for people.
    """

    visits: Visits
    name: str = "School"
    timezone: str = "Asia/Jakarta"
    language: str = "id"
    calendar: SchoolCalendar = field(default_factory=SchoolCalendar)
    attendance_namespace: str = "id"
    attendance_codes: Mapping[str, str] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=Thresholds)
    school_thresholds: Mapping[str, Thresholds] = field(default_factory=dict)
    weights: Mapping[str, float] = field(
        default_factory=lambda: {"attendance": 1.0, "behaviour": 1.0, "grades": 1.0}
    )
    imports: ImportRules = field(default_factory=ImportRules)
    monitor: MonitorLimits = field(default_factory=MonitorLimits)
    plan: Planning = field(default_factory=Planning)
    protection: Protection = field(default_factory=Protection)
    promote: str = "by_person"
    preset: str = "indonesia_smp"

    def thresholds_of(self, school_id: str) -> Thresholds:
        """The thresholds that hold in one school."""
        return self.school_thresholds.get(school_id, self.thresholds)

    @property
    def content_hash(self) -> str:
        """SHA-256 of every value, so that a list can say which rules made it."""
        return self.hash_as(NEWEST_LAYOUT)

    def hash_as(self, layout: int) -> str:
        """The same, as it was for the lists of a layout; see `visits.frozen.district_values`."""
        rules = asdict(self)
        del rules["imports"]["files"], rules["monitor"], rules["plan"], rules["promote"]
        del rules["protection"]
        leave_out(rules["visits"], layout)
        values = json.dumps(rules, sort_keys=True, default=str, separators=(",", ":"))
        return hashlib.sha256(values.encode()).hexdigest()


def leave_out(visits: dict[str, Any], layout: int) -> None:
    """Take out of the values of `[visits]` what a list has not on record.

    Lists of the first layout knew no tracks; and whose reasons are written down is only said where
    it is not everybody's, as in all lists from before it could be chosen.
    """
    if layout < TRACKS_LAYOUT:
        del visits["tracks"]
    if visits["reasons"] == visit_rules.EVERYONE:
        del visits["reasons"], visits["reasons_next"]


PRESETS: dict[str, Thresholds] = {
    # Chronic absence >= 10 %; SP1 at 50 points; KKM 75; two subjects below (common school rules).
    "indonesia_smp": Thresholds(),
    # Bands of schools whose first letter comes at 100 or 300 points (observed in public systems).
    "indonesia_smp_sp100": Thresholds(first_warning_points=100.0),
    "indonesia_smp_sp300": Thresholds(first_warning_points=300.0),
    # Fallback of the national report-card software where a subject has no KKM.
    "indonesia_smp_kkm60": Thresholds(pass_mark=60.0),
    # Absence, behaviour, course failure as in US early-warning practice.
    "us_abc": Thresholds(pass_mark=60.0, subjects_below=1),
}
"""Labelled sets of thresholds; `[thresholds] preset = "..."` starts from one."""

_FILE_LIMITS = {
    "file_mb": (1, 2_000), "unpacked_mb": (1, 20_000), "memory_mb": (500, 100_000),
    "seconds": (5, 86_400),
}  # fmt: skip
"""Less memory than the least is needed by the libraries that read."""

_MONITOR_LIMITS = {
    "recorded_drop": (0.001, 1), "silent_days": (1, 400), "movement": (1.01, 100),
    "points_ratio": (1.01, 100), "marks_shift": (0.1, 100), "drift": (0.01, 10),
    "capture_drop": (0.01, 1), "calibration_error": (0.01, 1), "group_gap": (0.01, 1),
}  # fmt: skip

TRACKS_LAYOUT = 2
"""From this layout of a frozen list on, a district's tracks are on record."""

NEWEST_LAYOUT = 2

_MONTH_DAY = re.compile(r"^(\d{2})-(\d{2})$")


def load(path: Path) -> District:
    """Read and check a `district.toml`.

    Raises
    ------
    ConfigError
        Names the file, the key, what was found and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: not found; write one with `earlywarning init`") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text; save it as UTF-8") from error
    return parse(text, where=str(path))


def parse(text: str, *, where: str = "district.toml") -> District:
    """Check the text of a `district.toml`; see `load`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: is not valid TOML: {error}") from error
    try:
        return _district(data)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def _district(data: Mapping[str, Any]) -> District:
    only(data, "", {"district", "calendar", "attendance", "thresholds", "school", "weights",
                     "visits", "plan", "import", "monitor", "models",
                     "protection"})  # fmt: skip
    about = section(data, "district")
    only(about, "district", {"name", "timezone", "language"})
    attendance = section(data, "attendance")
    only(attendance, "attendance", {"namespace", "codes"})
    chosen = dict(section(data, "thresholds"))
    preset = str(chosen.pop("preset", "indonesia_smp"))
    if preset not in PRESETS:
        raise ConfigError(f"[thresholds] preset {preset!r}; allowed: {', '.join(sorted(PRESETS))}")
    thresholds = _thresholds(chosen, PRESETS[preset], "thresholds")
    visits = section(data, "visits")
    return District(
        name=str(about.get("name", "School")),
        timezone=str(about.get("timezone", "Asia/Jakarta")),
        language=one_of(about.get("language", "id"), "district.language", ("id", "en")),
        calendar=_calendar(section(data, "calendar")),
        attendance_namespace=str(attendance.get("namespace", "id")),
        attendance_codes={
            str(code): str(status)
            for code, status in section(attendance, "codes", "attendance.codes").items()
        },
        thresholds=thresholds,
        school_thresholds={
            school: _thresholds(own, thresholds, f"school.{school}")
            for school, own in section(data, "school").items()
        },
        weights=_weights(section(data, "weights")),
        visits=visit_rules.visits(visits),
        plan=visit_rules.planning(section(data, "plan")),
        imports=_imports(section(data, "import")),
        monitor=_monitor(section(data, "monitor")),
        protection=_protection(section(data, "protection")),
        promote=_promote(section(data, "models")),
        preset=preset,
    )


def _thresholds(data: Mapping[str, Any], base: Thresholds, where: str) -> Thresholds:
    if not isinstance(data, Mapping):
        raise ConfigError(f"[{where}] must be a table, found {data!r}")
    only(data, where, {item.name for item in fields(Thresholds)})

    def pick(key: str, low: float, high: float, *, whole: bool = False) -> Any:
        return number(data.get(key, getattr(base, key)), f"[{where}] {key}", low, high, whole=whole)

    return Thresholds(
        absence_rate=pick("absence_rate", 0.01, 1.0),
        first_warning_points=pick("first_warning_points", 0.01, 100_000),
        behaviour_share=pick("behaviour_share", 0.01, 10),
        pass_mark=pick("pass_mark", 1, 100),
        subjects_below=pick("subjects_below", 1, 30, whole=True),
    )


def _calendar(data: Mapping[str, Any]) -> SchoolCalendar:
    only(data, "calendar", {"quarter_starts", "school_weekdays"})
    starts = DEFAULT_QUARTER_STARTS
    if "quarter_starts" in data:
        matches = [_MONTH_DAY.match(str(item)) for item in data["quarter_starts"]]
        if not all(matches):
            raise ConfigError(
                f"[calendar] quarter_starts is {data['quarter_starts']!r}; write it like "
                '["07-01", "10-01", "01-01", "04-01"] (month-day)'
            )
        starts = tuple((int(m[1]), int(m[2])) for m in matches if m)
    weekdays = data.get("school_weekdays", [1, 2, 3, 4, 5, 6])
    return SchoolCalendar(starts, tuple(weekdays))


def _weights(data: Mapping[str, Any]) -> Mapping[str, float]:
    names = ("attendance", "behaviour", "grades")
    only(data, "weights", set(names))
    weights = {name: number(data.get(name, 1.0), f"[weights] {name}", 0, 100) for name in names}
    if not any(weights.values()):
        raise ConfigError("[weights] are all 0; at least one area must count")
    return weights


def _imports(data: Mapping[str, Any]) -> ImportRules:
    sizes = [item.name for item in fields(FileLimits)]
    only(data, "import", {"swing", "lag_days", *sizes})
    usual = ImportRules()
    lags = section(data, "lag_days", "import.lag_days")
    only(lags, "import.lag_days", set(usual.lag_days))
    return ImportRules(
        swing=number(data.get("swing", usual.swing), "[import] swing", 0.01, 100),
        lag_days={
            **usual.lag_days,
            **{
                table: number(days, f"[import.lag_days] {table}", 0, 400, whole=True)
                for table, days in lags.items()
            },
        },
        files=FileLimits(
            **{
                name: number(
                    data.get(name, getattr(usual.files, name)),
                    f"[import] {name}",
                    *_FILE_LIMITS[name],
                    whole=True,
                )
                for name in sizes
            }
        ),
    )


def _protection(data: Mapping[str, Any]) -> Protection:
    only(data, "protection", {"steps", "contact"})
    steps, contact = data.get("steps", []), data.get("contact", "")
    if not isinstance(steps, list) or not all(isinstance(step, str) for step in [*steps, contact]):
        raise ConfigError(
            '[protection] write it like steps = ["Tell the principal today"], contact = "…"'
        )
    return Protection(tuple(steps), contact)


def _promote(data: Mapping[str, Any]) -> str:
    only(data, "models", {"promote"})
    return one_of(data.get("promote", "by_person"), "models.promote", ("by_person", "automatic"))


def _monitor(data: Mapping[str, Any]) -> MonitorLimits:
    only(data, "monitor", set(_MONITOR_LIMITS))
    usual = MonitorLimits()
    return MonitorLimits(
        **{
            name: number(
                data.get(name, getattr(usual, name)),
                f"[monitor] {name}",
                low,
                high,
                whole=name == "silent_days",
            )
            for name, (low, high) in _MONITOR_LIMITS.items()
        }
    )
