"""What can be wrong with a row, and the list of refused rows.

A row is refused alone and by name: file, sheet, row, column, what was found, what is allowed.
Nothing is mended silently, and nothing is refused without a reason of this closed list.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

REASONS: Mapping[str, str] = {
    "missing": "A value that every row needs is empty.",
    "wrong_date_style": "The text is no date in the style that the mapping names.",
    "mixed_date_styles": "The column mixes dates in several styles; this row has another one.",
    "impossible_date": "The date does not exist, such as 31 September.",
    "date_out_of_range": "The date lies outside the school years of the delivery.",
    "after_delivery": "The date lies after the day of the delivery.",
    "exit_before_entry": "The student left before they came.",
    "unknown_code": "The code is not in the code list or the mapping.",
    "blank_code": "The mark is empty, and the mapping does not say what that means.",
    "wrong_number": "The text is no number in the notation that the mapping names.",
    "out_of_range": "The number is below or above what is possible.",
    "wrong_period": "The period is no quarter of the district's calendar.",
    "wrong_school_year": "The school year is not written like 2026-27.",
    "too_long": "The text is longer than such a text can be.",
    "duplicate": "The same row stands there twice; it was kept once.",
    "duplicates_disagree": "Two rows say different things about the same; both were refused.",
    "unknown_student": "The student is neither in this delivery nor known from an earlier one.",
    "unmatched_student": "No student has this national id, or nobody is known by this name.",
    "ambiguous_student": "Several students have this national id or may be meant by this name.",
    "needs_confirmation": "A student is proposed by name; a person must say yes or no.",
    "not_a_school_day": "Only absences are delivered, and the calendar has no school on the day.",
    "not_enrolled": "The student is in no class on that day.",
    "no_such_reference": "The row names a record of another file that is not in this bundle.",
    "cannot_withdraw": "The source deletes what an earlier delivery brought; that is not undone.",
    "lost_zeros": "The number differs from a known one only in leading zeros.",
    "id_as_number": "A spreadsheet program rounded a long number; its last digits are lost.",
    "became_date": "A spreadsheet program turned the text into a date.",
    "identity_number": "A number of 16 digits, as on identity and family cards, is never stored.",
    "error_value": "The cell holds a spreadsheet error such as #N/A.",
    "formula_without_value": "The cell holds a formula whose result is not stored in the file.",
    "too_many_fields": "The row has more fields than there are headings.",
    "too_few_fields": "The row has fewer fields than there are headings.",
    "wrong_quotes": "A quotation mark stands in the middle of a field.",
    "repeated_heading": "The row repeats the headings.",
}
"""Reason codes and what they mean."""

REFUSAL_SCHEMA = {
    "table": pl.String, "file": pl.String, "sheet": pl.String, "row": pl.Int32,
    "column": pl.String, "found": pl.String, "allowed": pl.String, "reason": pl.String,
}  # fmt: skip
"""One line a refused row and faulty column; `row` as a spreadsheet shows it, headings counted."""

PLACE = ("_file", "_sheet", "_row", "_entry")
"""Columns that say where a row comes from; `_entry` is its entry in the mapping, 0 first."""

_LONGEST_FOUND = 200


class Faults:
    """Gathers the faults of the rows of one table.

    Parameters
    ----------
    table : str
    place : DataFrame
        `_file`, `_sheet`, `_row` of the rows, in order.
    """

    def __init__(self, table: str, place: pl.DataFrame) -> None:
        self._table = table
        self._place = place.select(
            pl.col("_file").alias("file"), pl.col("_sheet").alias("sheet"),
            pl.col("_row").alias("row"),
        )  # fmt: skip
        self._frames: list[pl.DataFrame] = []
        self._bad: pl.Series | None = None

    def add(
        self,
        mask: pl.Series,
        reason: str,
        *,
        column: str | pl.Series | None,
        found: pl.Series | str | None,
        allowed: pl.Series | str,
    ) -> None:
        """Refuse the rows where `mask` is true (null counts as false)."""
        mask = mask.fill_null(False)
        if not mask.any():
            return
        rows = self._place.with_columns(
            pl.lit(self._table).alias("table"),
            *(
                (value if isinstance(value, pl.Series) else pl.lit(value, pl.String))
                .cast(pl.String)
                .alias(name)
                for name, value in (("column", column), ("found", found), ("allowed", allowed))
            ),
            pl.lit(reason).alias("reason"),
        )
        rows = rows.filter(mask).with_columns(pl.col("found").str.slice(0, _LONGEST_FOUND))
        self._frames.append(rows.select(*REFUSAL_SCHEMA))
        self._bad = mask if self._bad is None else self._bad | mask

    @property
    def some(self) -> bool:
        """Whether anything is wrong with any row."""
        return self._bad is not None

    @property
    def good(self) -> pl.Series:
        """Whether nothing is wrong with each row."""
        if self._bad is None:
            return pl.repeat(True, self._place.height, dtype=pl.Boolean, eager=True)
        return ~self._bad

    def frame(self) -> pl.DataFrame:
        """The list of refused rows (`REFUSAL_SCHEMA`)."""
        return pl.concat([pl.DataFrame(schema=REFUSAL_SCHEMA), *self._frames])
