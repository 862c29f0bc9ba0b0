"""From text cells to typed rows of a source table; every row that is wrong is refused by name.

Whole columns at once. What a cell must be comes from the table (`records.tables`), the code lists
(`records.codes`) and the mapping (here as plain `Rules`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import polars as pl

from earlywarning.records import dates
from earlywarning.records.cell_values import (
    BIRTHS,
    DECIMALS,
    ERRORS,
    EVENT_TABLES,
    ID_COLUMNS,
    LENGTHS,
    LONG_NUMBER,
    RANGES,
    ROUNDED,
    TEXT_LENGTH,
    TRUTHS,
    TYPES,
    USUAL_SCORE,
    period_code,
    school_year_code,
)
from earlywarning.records.codes import ALLOWED
from earlywarning.records.distinct import Texts, without
from earlywarning.records.faults import PLACE, Faults
from earlywarning.records.rules import Checked, Rules
from earlywarning.records.tables import Column

TEXT_KIND, NUMBER_KIND, DATE_KIND, FORMULA_KIND = 1, 2, 3, 5
"""Kinds of workbook cells that matter here; see `io.workbook.KINDS`."""


def check(
    cells: pl.DataFrame,
    rules: Rules,
    *,
    kinds: pl.DataFrame | None = None,
    apart: Mapping[str, pl.Series] | None = None,
    dated: Collection[str] = (),
) -> Checked:
    """Turn text cells into typed rows.

    Parameters
    ----------
    cells : DataFrame of str
        Columns named as in the table, those of `rules.labels`; and `records.faults.PLACE`.
        A column that is already typed is taken as it is.
    rules : Rules
    kinds : DataFrame of uint8, optional
        Kind of each cell of a workbook, same columns and rows.
    apart : mapping of column to Series, optional
        The different texts of `Categorical` columns, by number; each stands in some row.
    dated : collection of str, optional
        Columns in which rows beside these hold good dates.
    """
    names = [name for name in rules.labels if name in cells.columns]
    is_plain = kinds is None
    texts = Texts(cells, names, rules.empty, apart=is_plain, known=apart)
    filled = texts.filled(cells.height)
    if not filled.all():
        cells = cells.filter(filled)
        kinds = None if kinds is None else kinds.filter(filled)
        texts = Texts(cells, names, rules.empty, apart=is_plain)
    return _Check(cells, texts, rules, kinds, dated).run()


class _Check:
    """One pass over one block of rows; columns of text by their different values (`Texts`)."""

    def __init__(
        self,
        cells: pl.DataFrame,
        texts: Texts,
        rules: Rules,
        kinds: pl.DataFrame | None,
        dated: Collection[str],
    ) -> None:
        self.cells, self.texts, self.rules, self.kinds = cells, texts, rules, kinds
        self.dated = dated
        self.faults = Faults(rules.table.name, cells)
        self.typed: dict[str, pl.Series] = {}
        self.typed_texts: dict[str, pl.Series] = {}
        self.day_first: dict[str, int] = {}
        self.month_first: dict[str, int] = {}

    def run(self) -> Checked:
        self._repeated_headings()
        for column in self.rules.table.columns:
            self.typed[column.name] = self._column(column).alias(column.name)
        extra = self._attendance() if self.rules.table.name == "attendance" else {}
        self._across_columns()
        place = self.cells.select(pl.col(f"^({'|'.join(PLACE)}|_.*)$"))
        place = place.drop("_melted", strict=False)
        values = [*self.typed.values(), *extra.values()]
        # Columns that say one thing for all rows take no room as long as nobody takes them out.
        rows = place.with_columns(values).select(*(one.name for one in values), *place.columns)
        return Checked(
            rows.filter(self.faults.good) if self.faults.some else rows, self.faults.frame(),
            self.cells.height, self.day_first, self.month_first,
        )  # fmt: skip

    def refuse(
        self, mask: pl.Series, reason: str, name: str, allowed: str, found: object = None
    ) -> None:
        """Refuse rows."""
        if not mask.any():
            return
        label: str | pl.Series = self.rules.labels.get(name, name)
        if name == self.rules.melted:
            label = self.cells["_melted"]
        if found is None and name in self.texts.values:
            found = self.texts.whole(name, self.texts.values[name])
        self.faults.add(mask, reason, column=label, found=found, allowed=allowed)  # type: ignore[arg-type]

    def refuse_texts(
        self, mask: pl.Series, reason: str, name: str, allowed: str, found: object = None
    ) -> None:
        """Refuse the rows whose text is one of those marked."""
        if mask.any():
            self.refuse(self.texts.whole(name, mask), reason, name, allowed, found)

    def _repeated_headings(self) -> None:
        mask = None
        for name, values in self.texts.values.items():
            if name != self.rules.melted:
                same = values == self.rules.labels[name]
                if not same.any():
                    return
                same = self.texts.whole(name, same)
                mask = same if mask is None else mask & same
        if mask is not None:
            first = next(iter(self.rules.labels))
            self.refuse(mask, "repeated_heading", first, "data; the headings stand above")

    def _column(self, column: Column) -> pl.Series:
        name, dtype = column.name, TYPES[column.type]
        if name in self.rules.constants:
            return pl.repeat(self.rules.constants[name], self.cells.height, dtype=dtype, eager=True)
        if name not in self.cells.columns:
            return pl.repeat(None, self.cells.height, dtype=dtype, eager=True)
        if name not in self.texts.values:
            return self.cells[name].cast(dtype)
        typed = self._text_column(column, self.texts.values[name], dtype)
        self.typed_texts[name] = typed
        return self.texts.whole(name, typed)

    def _text_column(self, column: Column, text: pl.Series, dtype: Any) -> pl.Series:
        """Each different text of a column, typed."""
        name = column.name
        kind = self.kinds[name] if self.kinds is not None and name in self.kinds.columns else None
        if column.required and name != "code":  # what an empty mark means, the mapping says
            self.refuse_texts(text.is_null(), "missing", name, "a value in every row", "(empty)")
        text = self._spreadsheet_errors(name, text, kind)
        if name in self.rules.values:
            text = _translate(text, self.rules.values[name])
        if column.type == "date":
            return self._date(name, text, kind)
        if column.type == "bool":
            return self._truth(name, text)
        if column.type == "str":
            return self._text(name, text, kind)
        return self._number(name, text, kind, whole=column.type != "float64").cast(dtype)

    def _spreadsheet_errors(self, name: str, text: pl.Series, kind: pl.Series | None) -> pl.Series:
        errors = (text.str.starts_with("#") & text.str.contains(ERRORS)).fill_null(False)
        self.refuse_texts(errors, "error_value", name, "a value; correct the formula")
        text = without(text, errors)
        if kind is not None:
            formulas = kind == FORMULA_KIND
            self.refuse_texts(
                formulas, "formula_without_value", name,
                "a value; open the file in a spreadsheet program and save it again",
            )  # fmt: skip
            text = without(text, formulas)
        return text

    def _text(self, name: str, text: pl.Series, kind: pl.Series | None) -> pl.Series:
        if kind is not None:
            self.refuse_texts(
                kind == DATE_KIND, "became_date", name,
                "text; format the column as text and type the value again",
            )  # fmt: skip
        if name in ID_COLUMNS:
            self._id(name, text, kind)
        if name == "class_name":
            text = text.str.replace_all(r"\s+", " ")
        longest = LENGTHS.get(name, TEXT_LENGTH)
        if name == "school_year":
            return self._each(
                name, text, school_year_code, "wrong_school_year", "a year like 2026-27"
            )
        if name == "period":
            return self._each(name, text, self._period, "wrong_period", self._periods_allowed())
        self.refuse_texts(
            text.str.len_chars() > longest, "too_long", name, f"at most {longest} letters"
        )
        return self._closed_list(name, text)

    def _id(self, name: str, text: pl.Series, kind: pl.Series | None) -> None:
        long = text.str.contains(r"^\d{16}$")
        if kind is not None:
            number = text.cast(pl.Float64, strict=False)
            rounded = (kind == NUMBER_KIND) & (number >= LONG_NUMBER)
            # A CSV file that went through a spreadsheet program holds it as text.
            rounded |= (kind == TEXT_KIND) & text.str.contains(ROUNDED)
            long &= ~rounded
        else:
            rounded = text.str.contains(ROUNDED)
        self.refuse_texts(
            rounded, "id_as_number", name, "all digits; format the column as text and export again"
        )
        self.refuse_texts(
            long, "identity_number", name, "a number of the school's own", "(16 digits)"
        )

    def _each(
        self, name: str, text: pl.Series, convert: object, reason: str, allowed: str
    ) -> pl.Series:
        """Convert the few distinct texts one by one."""
        found = text.drop_nulls().unique()
        converted = [convert(value) for value in found]  # type: ignore[operator]
        result = text.replace_strict(
            found, pl.Series(converted, dtype=pl.String), default=None, return_dtype=pl.String
        )
        self.refuse_texts(text.is_not_null() & result.is_null(), reason, name, allowed)
        return result

    def _period(self, value: str) -> str | None:
        return period_code(value, self.rules.calendar, totals=self._totals())

    def _totals(self) -> bool:
        return self.rules.table.name == "attendance_summary"

    def _periods_allowed(self) -> str:
        count = len(self.rules.calendar.quarter_starts)
        halves = "" if count % 2 else ", 2026-27-S1 or S2"
        years = ", or 2026-27" if self._totals() else ""
        return f"2026-27-Q1 to Q{count}{halves}{years}; translate with [table.values.period]"

    def _closed_list(self, name: str, text: pl.Series) -> pl.Series:
        allowed = ALLOWED.get((self.rules.table.name, name))
        if allowed is None:
            return text
        upper = [value.upper() for value in allowed]
        found = text.str.to_uppercase().replace_strict(
            upper, list(allowed), default=None, return_dtype=pl.String
        )
        self.refuse_texts(
            text.is_not_null() & found.is_null(), "unknown_code", name,
            f"{', '.join(allowed)}, or a word translated in [table.values.{name}]",
        )  # fmt: skip
        return found

    def _truth(self, name: str, text: pl.Series) -> pl.Series:
        found = text.str.to_lowercase().replace_strict(
            list(TRUTHS), list(TRUTHS.values()), default=None, return_dtype=pl.Boolean
        )
        self.refuse_texts(
            text.is_not_null() & found.is_null(), "unknown_code", name,
            f"{', '.join(TRUTHS)}, or a word translated in [table.values.{name}]",
        )  # fmt: skip
        return found

    def _number(
        self, name: str, text: pl.Series, kind: pl.Series | None, *, whole: bool
    ) -> pl.Series:
        mark = self.rules.decimal
        shaped = text.str.contains(DECIMALS[mark])
        plain = text if mark == "." else text.str.replace(",", ".", literal=True)
        if kind is not None:
            shaped |= (kind == NUMBER_KIND) & text.str.contains(r"^-?[\d.]+(e[+-]?\d+)?$")
        number = without(plain.cast(pl.Float64, strict=False), ~shaped)
        if whole:
            number = without(number, number != number.floor())
        self.refuse_texts(
            text.is_not_null() & number.is_null(), "wrong_number", name,
            "a whole number" if whole else f"a number such as 77{mark}5",
        )  # fmt: skip
        low, high = RANGES.get(name, (float("-inf"), float("inf")))
        outside = ~number.is_between(low, high)
        self.refuse_texts(outside, "out_of_range", name, f"{low:g} to {high:g}")
        return without(number, outside)

    def _date(self, name: str, text: pl.Series, kind: pl.Series | None) -> pl.Series:
        styles = self.rules.date_styles.get(name, (dates.ISO,))
        real = None
        if kind is not None and (kind == DATE_KIND).any():
            real = without(text, kind != DATE_KIND).str.slice(0, 10).str.to_date(dates.ISO)
            text = without(text, kind == DATE_KIND)
        parsed = dates.parse(text, styles)
        shown = " or ".join(styles)
        example = f"a date in the style {shown}, like {date(2026, 8, 31).strftime(styles[0])}"
        mixed = name in self.dated or bool(parsed.dates.is_not_null().any()) or real is not None
        self.refuse_texts(
            parsed.impossible, "impossible_date", name, f"{example}; a day that exists"
        )
        self.refuse_texts(
            parsed.ambiguous, "wrong_date_style", name, f"a date that only one of {shown} can read"
        )
        self.refuse_texts(
            parsed.other_style, "mixed_date_styles" if mixed else "wrong_date_style", name, example
        )
        self.refuse_texts(parsed.wrong, "wrong_date_style", name, example)
        self.day_first[name] = parsed.day_first_proof
        self.month_first[name] = parsed.month_first_proof
        found = parsed.dates
        if real is not None:
            found = self._real_dates(name, text, real, found)
        low, high = BIRTHS if name == "birth_date" else (self.rules.earliest, self.rules.latest)
        outside = ~found.is_between(low, high)
        self.refuse_texts(
            outside, "date_out_of_range", name,
            f"{low} to {high}, the year in four digits" if name == "birth_date"
            else f"{low} to {high}, the year in four digits; "
            "date_from and date_to in the mapping widen this",
        )  # fmt: skip
        return without(found, outside)

    def _real_dates(
        self, name: str, text: pl.Series, real: pl.Series, found: pl.Series
    ) -> pl.Series:
        """Excel turns `1/9/2019` into 9 January and leaves `13/9/2019` as text: then both lie."""
        if not text.is_not_null().any():
            return real
        allowed = "dates of one kind: format the whole column as a date, or as text"
        self.refuse_texts(found.is_not_null(), "mixed_date_styles", name, allowed)
        if not (real.dt.day() > 12).any():
            self.refuse_texts(real.is_not_null(), "mixed_date_styles", name, allowed)
        return real

    def _attendance(self) -> dict[str, pl.Series]:
        rules, code = self.rules, self.typed_texts.get("code", self.typed["code"])
        assert rules.codes is not None  # noqa: S101  (the mapping's reader sees to it)
        known = rules.codes.statuses
        status = code.str.to_uppercase().replace_strict(
            list(known), list(known.values()), default=None, return_dtype=pl.String
        )
        listing = " ".join(list(known)[:40]) or "none"
        self.refuse_texts(
            code.is_not_null() & status.is_null(), "unknown_code", "code",
            f"{listing} (list {rules.codes.namespace}), or a code given in [table.codes]",
            self.typed["code"],
        )  # fmt: skip
        if rules.blank is None:
            self.refuse_texts(
                code.is_null(), "blank_code", "code",
                'a code; or blank = "unrecorded", "present" or "no_school" in the mapping',
                "(empty)",
            )  # fmt: skip
        else:
            status = pl.select(
                pl.when(code.is_null()).then(pl.lit(rules.blank)).otherwise(status)
            ).to_series()
        height = self.cells.height
        return {
            "status": self.texts.whole("code", status).alias("status"),
            "namespace": pl.repeat(
                rules.codes.namespace, height, dtype=pl.String, eager=True
            ).alias("namespace"),
        }

    def _across_columns(self) -> None:
        table, typed, rules = self.rules.table.name, self.typed, self.rules
        if table == "grade":
            highest = typed["max_score"].fill_null(USUAL_SCORE)
            for name in ("score", "pass_mark"):
                outside = ~typed[name].is_between(pl.lit(0.0), highest)
                top = f"{highest.max() or USUAL_SCORE:g}"
                self.refuse(
                    outside, "out_of_range", name,
                    f"0 to {top}; set max_score in the mapping if the scale is another",
                )  # fmt: skip
        if table == "enrollment":
            gone = typed["exit_date"]
            if rules.exit_is_last_day:
                gone = typed["exit_date"] = gone.dt.offset_by("1d")
            self.refuse(
                gone < typed["entry_date"], "exit_before_entry", "exit_date",
                "a day on or after the entry",
            )  # fmt: skip
        if table == "attendance_summary":
            self._summary()
        if table in EVENT_TABLES and rules.delivered_on is not None:
            late = typed["date"] > rules.delivered_on
            if table == "visit":
                late &= typed["status"] != "planned"
            self.refuse(
                late, "after_delivery", "date", f"up to the day of delivery, {rules.delivered_on}"
            )

    def _summary(self) -> None:
        kinds = pl.DataFrame([self.typed[name] for name in ("sick", "permitted", "unexcused")])
        given = kinds.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
        total = kinds.sum_horizontal()
        absent = self.typed["absent"]
        self.refuse(
            ~given & absent.is_null(), "missing", "absent",
            "days absent, or days sick, permitted and unexcused", "(empty)",
        )  # fmt: skip
        most = pl.DataFrame([total.alias("a"), absent.fill_null(0).alias("b")]).max_horizontal()
        self.refuse(
            most > self.typed["effective_days"], "out_of_range", "effective_days",
            "at least as many school days as days absent",
        )  # fmt: skip


def _translate(text: pl.Series, words: Mapping[str, str]) -> pl.Series:
    table = {word.strip().upper(): ours for word, ours in words.items()}
    found = (
        text.str.strip_chars()
        .str.to_uppercase()
        .replace_strict(list(table), list(table.values()), default=None, return_dtype=pl.String)
    )
    return found.fill_null(text)
