"""What an incident is: its points, its sign, its gravity, and whether it is about attendance.

The log says it, or the school's catalogue of offences and merits does. Nothing else is assumed but
one thing, and that is reported: offences whose words speak of absence or lateness are about
attendance, which is counted elsewhere already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from earlywarning.io.mapping import TableMapping

CATALOGUE_SCHEMA = {
    "school_id": pl.String, "type_code": pl.String, "name": pl.String,
    "centipoints": pl.Int32, "polarity": pl.String, "severity": pl.String,
    "is_attendance_related": pl.Boolean,
}  # fmt: skip
"""A catalogue as the register keeps it; centipoints as in the facts, merits negative."""

ATTENDANCE_WORDS = (
    "alpa", "alpha", "alfa", "mangkir", "bolos", "membolos", "cabut", "kabur", "minggat",
    "terlambat", "telat", "kesiangan", "tidak hadir", "tidak masuk", "tanpa keterangan",
    "absent", "absence", "tardy", "tardiness", "late", "lateness", "truant", "truancy",
    "skipping class", "cutting class",
)  # fmt: skip
"""Whole words by which an offence is taken as one of attendance where nobody says."""

_WORDS = r"(?i)(^|[^\pL])(" + "|".join(ATTENDANCE_WORDS) + r")([^\pL]|$)"
_SHOWN = 8


def catalogue(rows: pl.DataFrame, entries: Sequence[TableMapping]) -> pl.DataFrame:
    """The types of a delivery as the register keeps them.

    Parameters
    ----------
    rows : DataFrame
        Accepted rows of the source table `behaviour_type`.
    entries : sequence of TableMapping
        Of the mapping, for `direction`.

    Returns
    -------
    DataFrame
        `CATALOGUE_SCHEMA`.
    """
    raw = (pl.col("points") * 100).round().cast(pl.Int32)
    polarity = pl.coalesce("polarity", _by_sign(raw, rows, entries))
    return rows.with_columns(
        polarity=polarity,
        centipoints=pl.when(polarity == "merit").then(-raw.abs()).otherwise(raw.abs()),
    ).select(*CATALOGUE_SCHEMA)


def completed(
    rows: pl.DataFrame, types: pl.DataFrame, entries: Sequence[TableMapping]
) -> tuple[pl.DataFrame, list[str]]:
    """Incidents with all that the facts need, and what a person should know.

    What the log leaves empty comes from the catalogue, by the code of the type or else by its name,
    capitals apart. Without a polarity the sign of the points decides, as `direction` says. With
    one, the sign is not looked at, for some schools write offences as minus.

    Parameters
    ----------
    rows : DataFrame
        Accepted rows of the source table `behaviour`.
    types : DataFrame
        `CATALOGUE_SCHEMA`: every type that is known, this delivery's among them.
    entries : sequence of TableMapping
        Of the mapping, for `direction` and `attendance_types`.

    Returns
    -------
    rows, warnings
        The rows with `polarity`, `severity`, `centipoints`, `is_attendance_related`, none empty.
    """
    known = _by_code_and_name(types)
    rows = rows.with_columns(_type=_plain("type_code")).join(
        known, left_on=["school_id", "_type"], right_on=["school_id", "_key"], how="left",
        maintain_order="left",
    )  # fmt: skip
    raw = (pl.col("points") * 100).round().cast(pl.Int32)
    sign = _by_sign(raw, rows, entries)
    warnings = _told(rows, entries)
    polarity = pl.coalesce("polarity", "_polarity", sign, pl.lit("offence"))
    amount = pl.coalesce(raw, "_centipoints", pl.lit(0)).abs()
    rows = rows.with_columns(
        polarity=polarity,
        centipoints=pl.when(polarity == "merit").then(-amount).otherwise(amount).cast(pl.Int32),
        severity=pl.coalesce("severity", "_severity", pl.lit("minor")),
    )
    rows = _with_attendance(rows, entries)
    warnings += _assumed(rows)
    flag = pl.coalesce("is_attendance_related", "_about_attendance", "_by_words")
    return rows.with_columns(is_attendance_related=flag.fill_null(value=False)), warnings


def _plain(column: str) -> pl.Expr:
    return pl.col(column).str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()


def _by_code_and_name(types: pl.DataFrame) -> pl.DataFrame:
    """Each type under its code, and under its name if no other type has that."""
    own = types.select(
        "school_id", "type_code",
        _name="name", _centipoints="centipoints", _polarity="polarity", _severity="severity",
        _about_attendance="is_attendance_related",
    )  # fmt: skip
    codes = own.with_columns(_key=_plain("type_code"))
    names = own.with_columns(_key=_plain("_name")).filter(pl.col("_key").is_not_null())
    names = names.filter(pl.struct("school_id", "_key").is_duplicated().not_())
    names = names.join(codes, on=["school_id", "_key"], how="anti")
    codes = codes.unique(["school_id", "_key"], keep="last", maintain_order=True)
    found = pl.concat([codes, names])
    return found.with_columns(_listed=pl.lit(value=True)).drop("type_code")


def _by_sign(raw: pl.Expr, rows: pl.DataFrame, entries: Sequence[TableMapping]) -> pl.Expr:
    """Offence or merit by the sign of the points; null where they are empty."""
    below = _of_entry(rows, {
        number: "offence" if entry.direction == "subtract" else "merit"
        for number, entry in enumerate(entries)
    })  # fmt: skip
    above = _of_entry(rows, {
        number: "merit" if entry.direction == "subtract" else "offence"
        for number, entry in enumerate(entries)
    })  # fmt: skip
    return (
        pl.when(raw < 0).then(below).when(raw > 0).then(above)
        .when(raw == 0).then(pl.lit("offence"))
    )  # fmt: skip


def _of_entry(rows: pl.DataFrame, values: Mapping[int, str]) -> pl.Expr:
    if len(set(values.values())) == 1 or rows.is_empty():
        return pl.lit(next(iter(values.values()), None), pl.String)
    return pl.col("_entry").replace_strict(values, return_dtype=pl.String)


def _told(rows: pl.DataFrame, entries: Sequence[TableMapping]) -> list[str]:
    warnings = []
    silent = [number for number, entry in enumerate(entries) if entry.direction is None]
    guessed = rows.filter(
        pl.col("polarity").is_null() & pl.col("_polarity").is_null() & (pl.col("points") < 0)
        & pl.col("_entry").is_in(silent)
    ).height  # fmt: skip
    if guessed:
        warnings.append(
            f"behaviour: {guessed:,} rows have points below 0 and no polarity, and were "
            'taken as merits; if they are offences, say polarity = "offence" under '
            '[table.constants] in the mapping, or direction = "subtract" if offences subtract '
            "and merits add"
        )
    if rows["_listed"].any():
        lost = rows.filter(pl.col("_listed").is_null() & pl.col("points").is_null())
        if lost.height:
            warnings.append(
                f"behaviour: {lost.height:,} rows have no points and types that the catalogue does "
                f"not have ({_some(lost['type_code'])}); they count as incidents of 0 points; "
                "add them to the catalogue and import the log again"
            )
    return warnings


def _with_attendance(rows: pl.DataFrame, entries: Sequence[TableMapping]) -> pl.DataFrame:
    """`_by_words`: whether an offence is about attendance, where neither log nor catalogue says."""
    words = pl.concat_str("type_code", "_name", separator=" ", ignore_nulls=True)
    by_words = words.str.contains(_WORDS) & (pl.col("polarity") == "offence")
    rows = rows.with_columns(_by_words=by_words, _assumed=pl.lit(value=True))
    for number, entry in enumerate(entries):
        if entry.attendance_types is not None:
            listed = [" ".join(code.lower().split()) for code in entry.attendance_types]
            here = pl.col("_entry") == number
            rows = rows.with_columns(
                _by_words=pl.when(here).then(pl.col("_type").is_in(listed)).otherwise("_by_words"),
                _assumed=pl.col("_assumed") & ~here,
            )
    return rows


def _assumed(rows: pl.DataFrame) -> list[str]:
    said = pl.coalesce("is_attendance_related", "_about_attendance")
    found = rows.filter(said.is_null() & pl.col("_by_words") & pl.col("_assumed"))
    if found.is_empty():
        return []
    codes = found["type_code"].unique().sort().to_list()
    listing = ", ".join(f'"{code}"' for code in codes)
    return [
        f"behaviour: {found.height:,} rows were taken as offences of attendance by their words, "
        "and do not count as incidents of behaviour; if that is not so, correct this line in "
        f"their [[table]] of the mapping: attendance_types = [{listing}]"
    ]


def _some(codes: pl.Series) -> str:
    found = codes.unique().sort().to_list()
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more
