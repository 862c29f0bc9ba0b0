"""Marks of a plain table: one a row, or one column a subject, test or period; and their scale."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from earlywarning.io.school_files.column_roles import LETTER_MARK, NUMBER, Column, Roles
from earlywarning.io.school_files.headings_known import KINDS, PERIOD_COLUMN, SUBJECTS, plain

_SCALES = (4.0, 20.0, 100.0)
_SURE_ABOVE = 20.0
_NUMERIC = 0.8
_PERIOD = re.compile(r"^\d{4}-\d{2}-[QS]\d$")


@dataclass(frozen=True, slots=True)
class Marks:
    """What was understood of the marks of a table.

    Attributes
    ----------
    entry : mapping
        Columns, constants, values and melt of a `[[table]]` entry for `grade`, names apart.
    what : str
    questions, warnings
        As of `interface.Found`.
    """

    entry: dict[str, Any]
    what: str
    questions: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def find_marks(
    columns: Sequence[Column], roles: Roles, pass_marks: Mapping[str, float]
) -> Marks | None:
    """The marks of a table; None if there are none.

    Parameters
    ----------
    columns : sequence of Column
    roles : Roles
    pass_marks : mapping of heading to number
        Of a line KKM under or above the marks.
    """
    if "score" in roles and ("subject" in roles or "section" in roles):
        return _long(roles)
    subjects = [one for one in columns if plain(one.heading) in SUBJECTS and _is_marks(one)]
    if len(subjects) >= 2:
        return _wide_subjects(columns, subjects, roles, pass_marks)
    tests = [one for one in columns if plain(one.heading) in KINDS and _is_marks(one)]
    periods = [one for one in columns if PERIOD_COLUMN.match(plain(one.heading)) and _is_marks(one)]
    if len(periods) >= 2:
        return _wide_periods(periods, roles)
    if tests and (len(tests) >= 2 or "subject" in roles):
        melt = {one.heading: {"kind": KINDS[plain(one.heading)]} for one in tests}
        made = _melted(tests, {"into": "score", "columns": melt}, "one column a test")
        _ask_subject(made, roles)
        _ask_period(made, roles)
        return made
    if "score" in roles and "student" in roles:
        made = _scaled([roles["score"]], "one mark a row")
        made.entry["columns"] = {"score": roles["score"].heading}
        _ask_subject(made, roles)
        _ask_period(made, roles)
        return made
    return None


def _is_marks(column: Column) -> bool:
    return column.share("mark") >= _NUMERIC


def _long(roles: Roles) -> Marks:
    made = _scaled([roles["score"]], "one mark a row")
    subject = "subject" if "subject" in roles else "section"
    names = {name: name for name in ("score", "pass_mark", "max_score")}
    made.entry["columns"] = roles.headings(subject=subject, **names)
    if "max_score" in roles:
        made.entry["constants"].pop("max_score", None)
        made.questions[:] = [one for one in made.questions if one[0] != "max_score"]
    if subject == "section":
        made.warnings.append(
            f"the file names no subject, so {roles['section'].heading!r} stands for it"
        )
    if "grade_kind" in roles:
        kinds = roles["grade_kind"]
        words = {word: KINDS[plain(word)] for word in kinds.distinct() if plain(word) in KINDS}
        made.entry["columns"]["kind"] = kinds.heading
        if words:
            made.entry["values"]["kind"] = words
        unknown = [word for word in kinds.distinct() if plain(word) not in KINDS]
        if unknown:
            made.questions.append(
                ("values.kind",
                 f"are these marks formative, midterm or final: {', '.join(unknown[:6])}?")
            )  # fmt: skip
    _ask_period(made, roles)
    return made


def _wide_subjects(
    columns: Sequence[Column],
    subjects: Sequence[Column],
    roles: Roles,
    pass_marks: Mapping[str, float],
) -> Marks:
    places = [columns.index(one) for one in subjects]
    known = {role.heading for role in roles.columns.values()}
    between = [
        one
        for one in columns[min(places) : max(places) + 1]
        if one not in subjects and one.heading not in known and _is_marks(one)
    ]
    melt: dict[str, dict[str, Any]] = {}
    with_pass = all(one.heading in pass_marks for one in (*subjects, *between))
    for one in columns:
        if one in subjects or one in between:
            about: dict[str, Any] = {"subject": SUBJECTS.get(plain(one.heading), one.heading)}
            if with_pass:
                about["pass_mark"] = pass_marks[one.heading]
            melt[one.heading] = about
    made = _melted(
        [*subjects, *between], {"into": "score", "columns": melt}, f"{len(melt)} subjects"
    )
    for one in between:
        made.warnings.append(
            f"{one.heading!r} stands among the subjects and was taken as one; if it is none, take "
            "it out of [table.melt]"
        )
    outside = [
        one.heading
        for one in columns
        if one.heading not in melt and one.heading not in known and _is_marks(one)
        and plain(one.heading) not in ("no", "nomor", "id")
    ]  # fmt: skip
    if outside:
        made.warnings.append(
            f"columns of numbers that were not taken as subjects: {', '.join(outside[:12])}"
        )
    if pass_marks and not with_pass:
        made.warnings.append("the line KKM lacks some subjects and was not used")
    _ask_period(made, roles)
    return made


def _wide_periods(periods: Sequence[Column], roles: Roles) -> Marks:
    melt = {one.heading: one.heading for one in periods}
    made = _melted(
        periods, {"into": "score", "label": "period", "columns": melt}, "one column a period"
    )
    names = ", ".join(melt)
    made.questions.append(
        ("melt", f"which quarter or semester is each of {names}, like 2026-27-Q1?")
    )
    _ask_subject(made, roles)
    return made


def _melted(columns: Sequence[Column], melt: dict[str, Any], what: str) -> Marks:
    made = _scaled(columns, what)
    made.entry["melt"] = melt
    return made


def _scaled(columns: Sequence[Column], what: str) -> Marks:
    """The scale, by the values of the whole file."""
    values = [value for one in columns for value in one.filled]
    numbers = [float(value.replace(",", ".")) for value in values if NUMBER.match(value)]
    letters = sorted({value.upper() for value in values if LETTER_MARK.match(value)})
    entry: dict[str, Any] = {"columns": {}, "constants": {}, "values": {}}
    made = Marks(entry, what)
    if letters:
        made.questions.append(
            ("values.score",
             f"how many points is each letter worth: {', '.join(letters)}? Write lines like "
             '"A" = 95')
        )  # fmt: skip
    if not numbers:
        return Marks(entry, f"{what}, in letters", made.questions, made.warnings)
    highest = max(numbers)
    scale = next((one for one in _SCALES if highest <= one), None)
    commas = sum("," in value for value in values if NUMBER.match(value))
    points = sum("." in value for value in values if NUMBER.match(value))
    if commas and not points:
        entry["decimal"] = ","
    elif commas:
        made.warnings.append(
            f"{commas} marks have a decimal comma and {points} a decimal point; those with a comma "
            'are refused unless the mapping says decimal = ","'
        )
    if scale is None:
        made.questions.append(
            ("max_score", f"the highest mark is {highest:g}; of how many points at most?")
        )
    else:
        if scale != _SCALES[-1]:
            entry["constants"]["max_score"] = scale
        if highest <= _SURE_ABOVE:
            made.questions.append(
                ("max_score",
                 f"no mark is above {highest:g}, so the scale was taken to be 0 to {scale:g}; is "
                 "that right, or is it 0 to 100?")
            )  # fmt: skip
    zeros = sum(number == 0 for number in numbers)
    if zeros:
        made.warnings.append(
            f"{zeros} of {len(numbers)} marks are 0; if that means not entered, write "
            'empty = ["0"] in the mapping'
        )
    said = f"{what}, {min(numbers):g} to {highest:g}" + (f" of {scale:g}" if scale else "")
    return Marks(entry, said, made.questions, made.warnings)


def _ask_subject(made: Marks, roles: Roles) -> None:
    if "subject" in roles:
        made.entry["columns"]["subject"] = roles["subject"].heading
    else:
        made.questions.append(("subject", "of which subject are these marks?"))


def _ask_period(made: Marks, roles: Roles) -> None:
    if "period" not in roles:
        made.questions.append(
            (
                "period",
                "of which quarter or semester are these marks, like 2026-27-Q1 or 2026-27-S1?",
            )
        )
        return
    made.entry["columns"]["period"] = roles["period"].heading
    words = [word for word in roles["period"].distinct() if not _is_quarter(word)]
    if words:
        made.questions.append(
            ("values.period",
             f"which quarter or semester is each of {', '.join(words[:8])}? Write lines like "
             f'"{words[0]}" = "2026-27-Q2"')
        )  # fmt: skip


def _is_quarter(word: str) -> bool:
    return bool(_PERIOD.match(word))
