"""The keys of a mapping, one by one: what each may say, and the error if it says something else."""

from __future__ import annotations

import re
from collections.abc import Mapping as Map
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from earlywarning.errors import ConfigError
from earlywarning.records import dates
from earlywarning.records.cell_values import school_year_code
from earlywarning.records.codes import ABSENT_STATUSES, ALLOWED, ATTENDANCE_STATUSES
from earlywarning.records.tables import Column, Table

_NEVER_STORED = re.compile(
    r"^(nik|(no|nomor)\.? ?(kk|kartu keluarga)|nomor induk kependudukan)$", re.IGNORECASE
)
_NUMBERS = ("int32", "int64", "float64")


@dataclass(frozen=True, slots=True)
class MeltedColumn:
    """One source column of several that fill the same column of ours.

    Attributes
    ----------
    heading : str
    constants : mapping of column to value
        What its rows are about, such as the period.
    """

    heading: str
    constants: Map[str, Any]


@dataclass(frozen=True, slots=True)
class Melt:
    """Wide to long: several source columns become rows.

    Attributes
    ----------
    into : str
        The column that their cells fill.
    columns : tuple of MeltedColumn
        Named one by one, or empty if `pattern` finds them.
    pattern : str
        Regular expression for headings.
    label, template : str
        The column that says which source column it was, and its value: `{1}` is the first group of
        `pattern`.
    """

    into: str
    columns: tuple[MeltedColumn, ...] = ()
    pattern: str = ""
    label: str = ""
    template: str = ""

    def resolve(self, headings: Sequence[str], label_type: str) -> tuple[MeltedColumn, ...]:
        """The source columns, once the headings are known. A date that does not exist is None."""
        if not self.pattern:
            return self.columns
        found = []
        for heading in headings:
            match = re.search(self.pattern, heading)
            if match:
                text = self.template
                for group, part in enumerate(match.groups(), start=1):
                    text = text.replace(f"{{{group}}}", part or "")
                value: Any = text
                if label_type == "date":
                    try:
                        value = date.fromisoformat(text)
                    except ValueError:
                        value = None
                found.append(MeltedColumn(heading, {self.label: value}))
        return tuple(found)


def refuse_unknown(data: Map[str, Any], where: str, allowed: set[str]) -> None:
    unknown = sorted(set(data) - allowed)
    if unknown:
        raise ConfigError(
            f"{where + ': ' if where else ''}unknown key {unknown[0]!r}; "
            f"allowed: {', '.join(sorted(allowed))}"
        )


def read_columns(
    data: Any, table: Table, where: str, *, hashed: Sequence[str] = ()
) -> dict[str, tuple[str, ...]]:
    where = f"{where} columns"
    if not isinstance(data, dict):
        raise ConfigError(f"{where} must be a table, found {data!r}")
    refuse_unknown(data, where, set(table.names))
    columns = {}
    for name, heading in data.items():
        parts = read_texts(heading, f"{where}.{name}", "a heading")
        if len(parts) > 1 and column_of(table, name).type != "str":
            raise ConfigError(f"{where}.{name}: only text can be joined from several columns")
        for part in parts:
            if _NEVER_STORED.match(part.strip()) and name not in hashed:
                raise ConfigError(
                    f"{where}.{name} is {part!r}: numbers of identity and family cards are never "
                    "stored; use the school's own number, or for the family card "
                    'hashed = ["household"]'
                )
        columns[name] = tuple(" ".join(part.split()) for part in parts)
    return columns


def column_of(table: Table, name: str) -> Column:
    return next(column for column in table.columns if column.name == name)


def read_constants(data: Any, table: Table, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ConfigError(f"{where} must be a table, found {data!r}")
    refuse_unknown(data, where, set(table.names))
    return {
        name: read_constant(value, column_of(table, name), table, f"{where}.{name}")
        for name, value in data.items()
    }


def read_constant(value: Any, column: Column, table: Table, where: str) -> Any:
    """A value of the column's type, as it will stand in every row."""
    if column.type == "date":
        return read_day(value, where)
    if column.type == "bool":
        return read_truth(value, where)
    if column.type in ("int32", "int64"):
        return read_whole(value, where, -1_000_000, 1_000_000)
    if column.type == "float64":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"{where} is {value!r}; allowed: a number")
        return float(value)
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{where} is {value!r}; allowed: a text in quotation marks")
    allowed = ALLOWED.get((table.name, column.name))
    if allowed and value not in allowed:
        raise ConfigError(f"{where} is {value!r}; allowed: {', '.join(allowed)}")
    if column.name == "school_year":
        return read_school_year(value, where)
    return " ".join(value.split())


def read_values(
    data: Any,
    table: Table,
    columns: set[str],
    melt: Melt | None,
    where: str,
    *,
    decimal: str = ".",
) -> dict[str, dict[str, str]]:
    """Words of the source and ours. In a column of numbers (`A = 95`) ours may be numbers."""
    where = f"{where} values"
    if not isinstance(data, dict):
        raise ConfigError(f"{where} must be a table, found {data!r}")
    refuse_unknown(data, where, columns | ({melt.into} if melt else set()))
    values: dict[str, dict[str, str]] = {}
    for name, words in data.items():
        if name == "code":
            raise ConfigError(f"{where}.code: give the meaning of marks in [table.codes]")
        if isinstance(words, dict) and column_of(table, name).type in _NUMBERS:
            words = {word: _as_cell(ours, decimal) for word, ours in words.items()}
        if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
            raise ConfigError(f'{where}.{name} must be lines like "L" = "M", found {words!r}')
        allowed = ALLOWED.get((table.name, name))
        wrong = sorted(set(words.values()) - set(allowed or words.values()))
        if allowed and wrong:
            raise ConfigError(
                f"{where}.{name} leads to {wrong[0]!r}; allowed: {', '.join(allowed)}"
            )
        values[name] = dict(words)
    return values


def _as_cell(value: Any, decimal: str) -> Any:
    """A number as a cell of the source would say it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return str(value).replace(".", decimal)


def read_codes(data: Any, where: str) -> dict[str, str]:
    where = f"{where} codes"
    if not isinstance(data, dict):
        raise ConfigError(f"{where} must be a table, found {data!r}")
    for code, status in data.items():
        if status not in ATTENDANCE_STATUSES:
            close = "unexcused, " if status in ("absent", "alpa") else ""
            raise ConfigError(
                f"{where}.{code} is {status!r}; allowed: {close}{', '.join(ATTENDANCE_STATUSES)} "
                f"(absent are {', '.join(ABSENT_STATUSES)})"
            )
    return dict(data)


def read_melt(data: Any, table: Table, where: str) -> Melt:
    where = f"{where} melt"
    if not isinstance(data, dict):
        raise ConfigError(f"{where} must be a table, found {data!r}")
    refuse_unknown(data, where, {"into", "label", "columns", "pattern", "template"})
    into, label = data.get("into"), data.get("label", "")
    if into not in table.names:
        raise ConfigError(f"{where}.into is {into!r}; allowed: {', '.join(table.names)}")
    if label and (label not in table.names or label == into):
        raise ConfigError(f"{where}.label is {label!r}; allowed: {', '.join(table.names)}")
    if "pattern" in data:
        return _melt_pattern(data, table, into, label, where)
    columns = data.get("columns")
    if not isinstance(columns, dict) or not columns:
        raise ConfigError(f"{where} needs columns = {{heading = value, …}}, or a pattern")
    melted = []
    for heading, value in columns.items():
        given = {label: value} if label and not isinstance(value, dict) else value
        if not isinstance(given, dict) or into in given:
            raise ConfigError(
                f"{where}.columns.{heading} is {value!r}; allowed: a value of {label or '…'}, "
                "or {column = value, …}"
            )
        constants = read_constants(given, table, f"{where}.columns.{heading}")
        melted.append(MeltedColumn(" ".join(heading.split()), constants))
    if len({tuple(sorted(column.constants)) for column in melted}) > 1:
        raise ConfigError(f"{where}.columns must all give the same columns")
    return Melt(into, tuple(melted), label=label)


def _melt_pattern(data: Map[str, Any], table: Table, into: str, label: str, where: str) -> Melt:
    pattern, template = data["pattern"], data.get("template", "{1}")
    try:
        groups = re.compile(pattern).groups
    except (re.error, TypeError) as error:
        raise ConfigError(
            f"{where}.pattern is {pattern!r}: no regular expression: {error}"
        ) from error
    if "columns" in data or not label or not isinstance(template, str):
        raise ConfigError(f"{where} with a pattern needs label and template, and no columns")
    if column_of(table, label).type not in ("str", "date"):
        raise ConfigError(f"{where}.label is {label!r}; allowed: a text or date column")
    wrong = [part for part in re.findall(r"\{(\d+)\}", template) if not 1 <= int(part) <= groups]
    if wrong:
        raise ConfigError(
            f"{where}.template names group {wrong[0]}, but the pattern has {groups} groups"
        )
    return Melt(into, pattern=pattern, label=label, template=template)


def read_text(value: Any, where: str) -> str | None:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ConfigError(f"{where} is {value!r}; allowed: a text in quotation marks")
    return value


def read_texts(value: Any, where: str, what: str, *, least: int = 1) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    if len(texts) < least or not all(
        isinstance(text, str) and (text.strip() or not least) for text in texts
    ):
        raise ConfigError(
            f"{where} is {value!r}; allowed: {what} in quotation marks, or a list of them"
        )
    return tuple(texts)


def read_whole(value: Any, where: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(f"{where} is {value!r}; allowed: a whole number from {low:,} to {high:,}")
    return value


def read_truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{where} is {value!r}; allowed: true or false")
    return value


def read_day(value: Any, where: str) -> date | None:
    if value is None:
        return None
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ConfigError(f"{where} is {value!r}; allowed: a date like 2026-08-31, without quotes")
    return value


def read_choice(
    entry: Map[str, Any], key: str, allowed: Sequence[str], where: str, usual: str | None
) -> Any:
    value = entry.get(key, usual)
    if value is not usual and value not in allowed:
        raise ConfigError(f"{where} {key} is {value!r}; allowed: {', '.join(allowed)}")
    return value


def read_sheet(value: Any, where: str) -> str | int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
        raise ConfigError(
            f"{where} sheet is {value!r}; allowed: a sheet's name, or its number from 1"
        )
    return value


def read_hashed(value: Any, where: str) -> tuple[str, ...]:
    """Columns of which only a keyed hash is kept."""
    columns = read_texts(value, where, "a column", least=0)
    if set(columns) - {"household"}:
        raise ConfigError(f'{where} is {value!r}; allowed: ["household"]')
    return columns


IDENTIFY = ("student", "national_id", "name")
MATCH = ("birth_date", "class_name")


def read_identify(
    entry: Map[str, Any], table: Table, columns: Map[str, tuple[str, ...]], where: str
) -> Any:
    """By what the heading under `student` names a student."""
    identify = read_choice(entry, "identify", IDENTIFY, where, "student")
    if identify == "student":
        return identify
    if table.name == "student" or "student" not in table.names:
        raise ConfigError(
            f"{where} identify is {identify!r}; it belongs to tables about students who are on "
            "record, such as attendance; remove it"
        )
    if "student" not in columns:
        raise ConfigError(
            f"{where} identify is {identify!r}; name the heading that holds it as student in "
            "[table.columns]"
        )
    return identify


def read_match(entry: Map[str, Any], identify: str, where: str) -> dict[str, str]:
    """Headings that help to find a student by name."""
    data = entry.get("match", {})
    if not isinstance(data, dict):
        raise ConfigError(f"{where} match must be a table, found {data!r}")
    refuse_unknown(data, f"{where} match", set(MATCH))
    if data and identify != "name":
        raise ConfigError(f'{where} match needs identify = "name"; remove it, or add that')
    found = {}
    for name, heading in data.items():
        text = read_text(heading, f"{where} match.{name}")
        found[name] = " ".join(str(text).split())
    return found


_NOT_WITH_LAYOUT = ("header_row", "data_row", "delimiter")


def read_layout(entry: Map[str, Any], where: str) -> tuple[str | None, str, dict[str, Any]]:
    """The reader of a school's file, the table it makes, and what it is told."""
    layout = read_text(entry.get("layout"), f"{where} layout")
    part = read_text(entry.get("part"), f"{where} part")
    options = entry.get("options", {})
    if not isinstance(options, dict):
        raise ConfigError(f"{where} options must be a table, found {options!r}")
    if layout is None:
        if part or options:
            raise ConfigError(f"{where}: part and options need a layout")
        return None, "", {}
    if part is None:
        raise ConfigError(f"{where}: layout = {layout!r} needs a part; `inspect` shows which")
    for key in _NOT_WITH_LAYOUT:
        if key in entry:
            raise ConfigError(f"{where}: {key} is found by the layout; remove it")
    return layout, part, dict(options)


def read_data_row(entry: Map[str, Any], where: str) -> int | None:
    if "data_row" not in entry:
        return None
    header = entry.get("header_row", 1)
    return read_whole(entry["data_row"], f"{where} data_row", header + 1, 200)


def read_school_year(value: Any, where: str) -> str:
    """A school year as the calendar writes it."""
    code = school_year_code(value) if isinstance(value, str) else None
    if code is None:
        raise ConfigError(f'{where} is {value!r}; write it like "2026-27"')
    return code


def read_lag(entry: Map[str, Any], where: str) -> int | None:
    """Days after an event at which the source usually knows it."""
    if "lag_days" not in entry:
        return None
    return read_whole(entry["lag_days"], f"{where} lag_days", 0, 400)


def read_delimiter(value: Any, where: str) -> str | None:
    if value is not None and (not isinstance(value, str) or value not in (";", ",", "\t", "|")):
        raise ConfigError(f"{where} delimiter is {value!r}; allowed: ';' ',' '|' or a tab")
    return value


def read_date_format(value: Any, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    styles = read_texts(value, f"{where} date_format", 'a style like "%d/%m/%Y"')
    for style in styles:
        problem = dates.problem_of(style)
        if problem:
            raise ConfigError(f"{where} date_format is {style!r}: {problem}")
    return styles
