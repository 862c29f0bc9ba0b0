"""Of which month, school year and class a table of days is; what stays open becomes a question.

Titles above the table are believed first, then those higher up on the sheet, then the text around
it, the sheet's name, the file's name. What a person states as an option wins over all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from earlywarning.errors import ConfigError
from earlywarning.io.school_files.day_sheet import Block, DayColumn
from earlywarning.io.school_files.month_titles import (
    MONTH_NAMES,
    Said,
    months_of,
    school_year_of,
    year_in,
)
from earlywarning.records.cell_values import school_year_code

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OPTIONS = ("month", "school_year", "class_name", "block")
Question = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Options:
    """What a person states about a table.

    Attributes
    ----------
    month : tuple of (year, month) or None
    school_year, class_name : str or None
    block : int or None
        Which table of the sheet, 1 for the first.
    """

    month: tuple[int, int] | None = None
    school_year: str | None = None
    class_name: str | None = None
    block: int | None = None


@dataclass(slots=True)
class Timed:
    """A table whose days have dates, as far as that is known.

    Attributes
    ----------
    block : Block
    dates : dict of DayColumn to (year, month, day)
        Also of days that do not exist, such as 31 September; empty while the month is unknown.
    month : tuple of (year, month) or None
        The month of most days.
    school_year, class_name, school, npsn : str or None
    questions : list of (str, str)
        What must be said before the table can be read.
    warnings : list of str
    """

    block: Block
    dates: dict[DayColumn, tuple[int, int, int]] = field(default_factory=dict)
    month: tuple[int, int] | None = None
    school_year: str | None = None
    class_name: str | None = None
    school: str | None = None
    npsn: str | None = None
    questions: list[Question] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_options(options: Mapping[str, Any]) -> Options:
    """Check `[table.options]`.

    Raises
    ------
    ConfigError
        If one is unknown or does not fit.
    """
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ConfigError(
            f"monthly_sheet has no option {unknown[0]!r}; allowed: {', '.join(OPTIONS)}"
        )
    month, year = options.get("month"), options.get("school_year")
    match = re.fullmatch(r"((?:19|20)\d\d)-(0[1-9]|1[0-2])", str(month))
    if month is not None and match is None:
        raise ConfigError(f'monthly_sheet: month is {month!r}; write it like month = "2025-09"')
    code = school_year_code(year) if isinstance(year, str) else None
    if year is not None and code is None:
        raise ConfigError(
            f'monthly_sheet: school_year is {year!r}; write it like school_year = "2025-26"'
        )
    name = options.get("class_name")
    if name is not None and not (isinstance(name, str) and name.strip()):
        raise ConfigError(f'monthly_sheet: class_name is {name!r}; write it like "VII-A"')
    block = options.get("block")
    if block is not None and (not isinstance(block, int) or isinstance(block, bool) or block < 1):
        raise ConfigError(
            f"monthly_sheet: block is {block!r}; allowed: 1 for the sheet's first table, 2, …"
        )
    return Options((int(match[1]), int(match[2])) if match else None, code, name, block)


def date_days(block: Block, said: Sequence[tuple[str, Said]], options: Options) -> Timed:
    """Give the days of a table their dates.

    Parameters
    ----------
    block : Block
    said : sequence of (str, Said)
        What the title, the sheet's name and so on say, each with its name for messages; the most
        believed first.
    options : Options
    """
    timed = Timed(block)
    timed.school_year = options.school_year or _first(said, "school_year")
    timed.class_name = options.class_name or _first(said, "class_name")
    timed.school, timed.npsn = _first(said, "school"), _first(said, "npsn")
    _find_month(timed, said, options)
    _find_dates(timed, options)
    if timed.month and timed.school_year is None and not timed.questions:
        timed.school_year = school_year_of(*timed.month)
    if timed.month:
        _compare_years(timed, said, options)
        _compare_weekdays(timed, options)
    if timed.class_name is None and block.student_column("class") is None:
        timed.questions.append(
            (
                "options.class_name",
                f"{block.grid.where}: of which class is this sheet? say class_name = "
                f'"…" under [table.options]{_which(block)}',
            )
        )
    return timed


def _which(block: Block) -> str:
    return f" (table {block.number} of the sheet)" if block.number > 1 else ""


def _first(said: Sequence[tuple[str, Said]], name: str) -> Any:
    return next((value for _, one in said if (value := getattr(one, name)) is not None), None)


def _find_month(timed: Timed, said: Sequence[tuple[str, Said]], options: Options) -> None:
    """Month and year by option, titles and names."""
    where = timed.block.grid.where
    if options.month:
        timed.month = options.month
        return
    timed.warnings += [
        f"{where}: the month in the {name}, {one.unread_month!r}, is no month that is known; "
        "what else says the month was believed"
        for name, one in said
        if one.unread_month
    ]
    months = [(name, one) for name, one in said if one.month is not None]
    if not months:
        return
    source, first = months[0]
    assert first.month is not None  # noqa: S101
    for slip in first.slips:
        timed.warnings.append(f"{where}: {slip!r} was read as {MONTH_NAMES[first.month - 1]}")
    for name, one in months[1:]:
        if one.month != first.month:
            assert one.month is not None  # noqa: S101
            timed.warnings.append(
                f"{where}: the {source} says {MONTH_NAMES[first.month - 1]}, the {name} "
                f"{MONTH_NAMES[one.month - 1]}; the {source} was believed; if it is wrong, say "
                'month = "…" under [table.options]'
            )
    year = first.year or next(
        (one.year for _, one in months[1:] if one.month == first.month and one.year), None
    )
    if options.school_year or (year is None and timed.school_year):
        year = year_in(options.school_year or str(timed.school_year), first.month)
    if year is not None:
        timed.month = (year, first.month)
    elif not _has_years(timed.block):
        timed.questions.append(
            (
                "options.school_year",
                f"{where}: {MONTH_NAMES[first.month - 1]} of which year? say school_year = "
                f'"2025-26", or month = "2025-{first.month:02d}", under [table.options] and '
                "school_year under [defaults]",
            )
        )


def _has_years(block: Block) -> bool:
    return all(day.label.year and day.label.month for day in block.days)


def _find_dates(timed: Timed, options: Options) -> None:
    """A date for each day column; a question if that cannot be."""
    block = timed.block
    own = [(day.label.year, day.label.month) for day in block.days if day.label.month]
    if timed.questions:
        return
    if len(own) == len(block.days):
        for day in block.days:
            assert day.label.month is not None  # noqa: S101
            year = day.label.year or _year_of(timed, day.label.month)
            if year is None:
                timed.questions.append(_month_question(timed))
                timed.dates.clear()
                return
            timed.dates[day] = (year, day.label.month, day.label.day)
        found = [(year, month) for year, month, _ in timed.dates.values()]
        usual = max(sorted(set(found)), key=found.count)
        if timed.month and timed.month not in found:
            timed.questions.append(
                (
                    "options.month",
                    f"{block.grid.where}: the title or the option says {_shown(timed.month)}, the "
                    f"headings {_shown(usual)}; correct the file, or the option month",
                )
            )
        timed.month = usual
        return
    again = next(
        (after for before, after in zip(block.days, block.days[1:], strict=False)
         if after.label.day < before.label.day), None,
    )  # fmt: skip
    if again is not None:
        timed.questions.append(
            (
                "options.month",
                f"{block.grid.where}: the days begin anew at {again.shown}, and no month stands "
                "over each of the two; save each month as a sheet of its own",
            )
        )
    elif timed.month is None:
        timed.questions.append(_month_question(timed))
    else:
        timed.dates = {day: (*timed.month, day.label.day) for day in block.days}


def _year_of(timed: Timed, month: int) -> int | None:
    if timed.school_year:
        return year_in(timed.school_year, month)
    if timed.month:
        return year_in(school_year_of(*timed.month), month)
    return None


def _month_question(timed: Timed) -> Question:
    block = timed.block
    fitting = ""
    if any(day.label.weekdays for day in block.days):
        if timed.school_year:
            names = [_shown(one) for one in months_of(timed.school_year) if _fits(block, *one)]
            fitting = f"; by its weekdays it can be {', '.join(names) or 'no month of that year'}"
        else:
            day = next(day for day in block.days if day.label.weekdays)
            weekday = " or ".join(WEEKDAYS[number - 1] for number in sorted(day.label.weekdays))
            fitting = f"; in it, day {day.label.day} is a {weekday}"
    return (
        "options.month",
        f'{block.grid.where}: of which month is this sheet? say month = "2025-09" under '
        f"[table.options]{_which(block)}{fitting}",
    )


def _fits(block: Block, year: int, month: int) -> bool:
    """Whether every weekday agrees with a month."""
    return all(
        day_of((year, month, day.label.day), day.label.weekdays) is not False for day in block.days
    )


def day_of(parts: tuple[int, int, int], weekdays: frozenset[int]) -> bool | None:
    """Whether a date falls on one of the weekdays; None if there is no such day or no weekday."""
    found = as_date(parts)
    if found is None or not weekdays:
        return None
    return found.isoweekday() in weekdays


def as_date(parts: tuple[int, int, int]) -> date | None:
    """The date; None if the month has no such day."""
    try:
        return date(*parts)
    except ValueError:
        return None


def _shown(month: tuple[int, int]) -> str:
    return f"{MONTH_NAMES[month[1] - 1]} {month[0]}"


def _compare_years(timed: Timed, said: Sequence[tuple[str, Said]], options: Options) -> None:
    """A month outside the school year of the same titles: one of them is out of date."""
    assert timed.month is not None  # noqa: S101
    where = timed.block.grid.where
    if timed.school_year and school_year_of(*timed.month) != timed.school_year:
        text = f"{where}: {_shown(timed.month)} is not in the school year {timed.school_year}"
        if options.month and options.school_year:
            timed.questions.append(("options.month", f"{text}; correct one of the two options"))
        elif options.month:
            timed.warnings.append(f"{text} that the titles name; the option month was believed")
            timed.school_year = school_year_of(*timed.month)
        else:
            timed.questions.append(
                ("options.month", f'{text}; say which is right: month = "…" under [table.options]')
            )
    semester = _first(said, "semester")
    if semester and semester != (1 if timed.month[1] >= 7 else 2):
        timed.warnings.append(
            f"{where}: the titles say the {('first', 'second')[semester - 1]} semester, but "
            f"{_shown(timed.month)} is in the other; check the month"
        )


def _compare_weekdays(timed: Timed, options: Options) -> None:
    """Weekdays over the days that are not those of the month."""
    where, block = timed.block.grid.where, timed.block
    judged = {
        day: fits for day, parts in timed.dates.items()
        if (fits := day_of(parts, day.label.weekdays)) is not None
    }  # fmt: skip
    wrong = [day for day, fits in judged.items() if not fits]
    if not wrong:
        return
    assert timed.month is not None  # noqa: S101
    if len(wrong) >= 3 and len(wrong) >= len(judged) / 2:
        first = wrong[0]
        text = (
            f"{where}: {len(wrong)} of {len(judged)} weekdays are not those of "
            f"{_shown(timed.month)}: {first.shown} would be a {_weekday(timed, first)}; the month "
            "or the year is probably wrong"
        )
        if options.month:
            timed.warnings.append(text)
            return
        years = [timed.school_year] if timed.school_year else []
        fitting = [_shown(one) for year in years for one in months_of(year) if _fits(block, *one)]
        hint = f" (the weekdays fit {', '.join(fitting)})" if fitting else ""
        timed.questions.append(
            (
                "options.month",
                f'{text}; say which it is: month = "2025-09" under [table.options]{hint}',
            )
        )
        return
    timed.warnings += [
        f"{where}: the weekday over {day.shown} is not that of the date: it is a "
        f"{_weekday(timed, day)}; its marks were taken for {_iso(timed.dates[day])}"
        for day in wrong
    ]


def _weekday(timed: Timed, day: DayColumn) -> str:
    found = as_date(timed.dates[day])
    assert found is not None  # noqa: S101
    return WEEKDAYS[found.isoweekday() - 1]


def _iso(parts: tuple[int, int, int]) -> str:
    return "{:04d}-{:02d}-{:02d}".format(*parts)


def headings(timed: Timed) -> Iterator[tuple[DayColumn, str]]:
    """A heading for each day column: `2025-09-01`; one that is there again is `2025-09-01#2`."""
    seen: dict[str, int] = {}
    for day, parts in timed.dates.items():
        name = _iso(parts)
        seen[name] = seen.get(name, 0) + 1
        yield day, name if seen[name] == 1 else f"{name}#{seen[name]}"
