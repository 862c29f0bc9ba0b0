"""One table of one file: from the source's columns to ours, as the mapping says, and checked."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from earlywarning.district import District
from earlywarning.errors import ConfigError, DataError
from earlywarning.io.delivery import labels_of
from earlywarning.io.identifying import MATCH_COLUMNS
from earlywarning.io.mapping import ROW_NUMBER, TableMapping
from earlywarning.io.mapping_keys import MeltedColumn, column_of
from earlywarning.io.numbered import spelled, told_apart
from earlywarning.io.second_heading import refuse_second_heading
from earlywarning.io.tabular import Chunk
from earlywarning.io.workbook import NUMBER
from earlywarning.records import dates, judged
from earlywarning.records.cell_values import EARLIEST, ID_COLUMNS, LATEST, TYPES, period_code
from earlywarning.records.codes import attendance_codes
from earlywarning.records.distinct import Numberings
from earlywarning.records.faults import REFUSAL_SCHEMA, Faults
from earlywarning.records.judged import Judged, Judgements
from earlywarning.records.tables import SOURCE_TABLES
from earlywarning.records.validation import Checked, Rules, check

_FIRST = 1_000
"""Rows among which one is looked for that is good."""
_WORTH_JUDGING = 100_000
"""Rows of a block from which to judge each text costs less than to check each row."""


def rules_for(
    entry: TableMapping, number: int, district: District, delivered_on: date | None
) -> Rules:
    """How the rows of one entry of the mapping are checked.

    Parameters
    ----------
    entry : TableMapping
    number : int
        Its place in the mapping, 0 first.

    Raises
    ------
    ConfigError
        If a period, school year or code list of the mapping is not known.
    """
    where = f"[[table]] {number + 1} ({entry.table})"
    codes = None
    if entry.table == "attendance":
        namespace = entry.namespace or district.attendance_namespace
        own = district.attendance_codes if namespace == district.attendance_namespace else {}
        try:
            codes = attendance_codes(namespace, {**own, **entry.codes})
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error
    melt = entry.melt
    return Rules(
        table=SOURCE_TABLES[entry.table],
        labels=labels_of(entry.columns) | ({melt.into: melt.into} if melt else {}),
        calendar=district.calendar,
        decimal=entry.decimal,
        values=entry.values,
        codes=codes,
        blank=entry.blank,
        empty=entry.empty,
        earliest=entry.date_from or EARLIEST,
        latest=entry.date_to or LATEST,
        delivered_on=delivered_on,
        constants=_coded(entry.constants, entry.table, district, f"{where} constants"),
        exit_is_last_day=entry.exit_is == "last_day",
        melted=melt.into if melt else None,
    )


def _coded(
    constants: Mapping[str, Any], table: str, district: District, where: str
) -> dict[str, Any]:
    """Constants whose period the calendar knows."""
    period = constants.get("period")
    if period is None:
        return dict(constants)
    code = period_code(period, district.calendar, totals=table == "attendance_summary")
    if code is None:
        quarters = len(district.calendar.quarter_starts)
        raise ConfigError(
            f"{where}.period is {period!r}; allowed: Q1 to Q{quarters} of a school year, "
            "like 2026-27-Q1, or a semester, like 2026-27-S1"
        )
    return {**constants, "period": code}


class EntryReader:
    """Reads one entry of the mapping from one file, block after block.

    Parameters
    ----------
    entry, number : TableMapping, int
        The entry and its place in the mapping.
    rules : Rules
        From `rules_for`.
    district : District
    headings : sequence of str
        Of the file.
    name, sheet : str
        Of the file, for messages and for the rows' `_file` and `_sheet`.
    first_row : int
        Row number of the first row under the headings.
    household_key : bytes, optional
        Secret for the columns that the entry says to hash.
    numberings : Numberings, optional
        By these texts may stand in the rows.
    judgements : dict of entry to Judgements, optional
        What became of the texts of earlier files; it learns.
    """

    def __init__(
        self,
        entry: TableMapping,
        number: int,
        rules: Rules,
        district: District,
        *,
        headings: Sequence[str],
        name: str,
        sheet: str | None,
        first_row: int,
        household_key: bytes | None = None,
        numberings: Numberings | None = None,
        judgements: dict[int, Judgements] | None = None,
    ) -> None:
        self._judgements = {} if judgements is None else judgements
        self._numberings = numberings if _is_judged_by_text(entry) else None
        self._judged: Judged | None = None
        self._household_key = household_key
        self.entry, self.number, self.name, self.sheet = entry, number, name, sheet
        self._rules, self._first_row = rules, first_row
        self._headings = tuple(headings)
        self._melted, self._impossible = self._resolve_melt(headings, district)
        self._styles: dict[str, tuple[str, ...]] = {}
        self._proofs: dict[str, list[int]] = {}
        self._american: dict[str, str] = {}
        self._numeric_ids: dict[str, int] = {}
        self._is_first = True

    @property
    def needed(self) -> set[str]:
        """Headings whose cells are read; all of them where whole rows are compared."""
        if self.entry.rollup != "error":
            return set(self._headings)
        melted = {column.heading for column in self._melted} | set(self._impossible)
        return set(self.entry.headings) | melted

    @property
    def warnings(self) -> list[str]:
        """What a person should know about the file."""
        return [
            f"{self.name}: column {label!r} holds a number in row {row}, and perhaps more below, "
            "so leading zeros would be lost; "
            "format it as text"
            for label, row in sorted(self._numeric_ids.items())
        ]

    def check(self, chunk: Chunk) -> Checked:
        """Shape and check one block.

        Raises
        ------
        DataError
            If its first row is a second row of headings.
        """
        headings = {name: parts[0] for name, parts in self.entry.columns.items()}
        texts = {
            name: chunk.texts[heading]
            for name, heading in headings.items()
            if heading in chunk.texts
        }
        small = self._judged is None and chunk.cells.height < _WORTH_JUDGING
        if small or chunk.kinds is not None or texts.keys() != headings.keys():
            return self._check_rows(chunk)
        self._choose_styles(texts, None)
        if self._judged is None or self._judged.judgements.rules.date_styles != self._styles:
            self._begin(chunk)
        if self._judged is None:
            return self._check_rows(chunk)
        numbers = [pl.col(heading).alias(name) for name, heading in headings.items()]
        rows, good = self._judged.rows(chunk.cells.select("_row", *numbers), texts)
        for name, proof in self._judged.day_first.items():
            self._proofs.setdefault(name, [0, 0])[0] += proof
        if good is None:
            return Checked(rows, pl.DataFrame(schema=REFUSAL_SCHEMA), rows.height, {}, {})
        rest = self._check_rows(
            replace(chunk, cells=chunk.cells.filter(~good)),
            dated=self._judged.dates if rows.height else (),
        )
        if rest.rows.height:
            assert self._numberings is not None  # noqa: S101
            others = self._numberings.numbered(rest.rows).select(rows.columns)
            rows = pl.concat([rows, others]).sort("_row")
        return replace(rest, rows=rows, read=rest.read + int(good.sum()))

    def _begin(self, chunk: Chunk) -> None:
        """Judge texts from now on, if one of the next rows is good, and may be the example."""
        self._judged = None
        if self._numberings is None:
            return
        first = chunk.cells.head(_FIRST)
        cells, _ = self._shape(replace(chunk, cells=spelled(first, chunk.texts), texts={}))
        rules = self._rules_of(cells, None)
        good = check(cells, rules).rows["_row"]
        if not len(good):
            return
        example = cells.filter(pl.col("_row") == good[0])
        before = self._judgements.get(self.number)
        if before is None or before.rules != rules:
            before = self._judgements[self.number] = Judgements(rules, example, self._numberings)
        self._judged = Judged(before, example)

    def _rules_of(self, cells: pl.DataFrame, kinds: pl.DataFrame | None) -> Rules:
        """How the file's rows are checked, of which the first are no second row of headings."""
        rules = replace(self._rules, date_styles=dict(self._styles))
        if self._is_first and cells.height:
            refuse_second_heading(self.name, cells, kinds, rules)
            self._is_first = False
        return rules

    def _check_rows(self, chunk: Chunk, *, dated: Collection[str] = ()) -> Checked:
        """Check a block row by row."""
        cells, known = told_apart(chunk.cells, chunk.texts)
        chunk = replace(chunk, cells=cells, texts=known)
        cells, kinds = self._shape(chunk)
        self._choose_styles(cells, kinds)
        rules = self._rules_of(cells, kinds)
        texts = {} if self._melted else {
            name: chunk.texts[parts[0]]
            for name, parts in self.entry.columns.items()
            if len(parts) == 1 and parts[0] in chunk.texts and name not in self.entry.hashed
        }  # fmt: skip
        checked = check(cells, rules, kinds=kinds, apart=texts, dated=dated)
        for name in checked.day_first_proof:
            proofs = self._proofs.setdefault(name, [0, 0])
            proofs[0] += checked.day_first_proof[name]
            proofs[1] += checked.month_first_proof[name]
            if checked.month_first_proof[name] and name not in self._american:
                example = checked.refused.filter(
                    (pl.col("reason") == "impossible_date")
                    & (pl.col("column") == rules.labels[name])
                )
                self._american[name] = (
                    f"{example['found'][0]} in row {example['row'][0]}" if example.height else ""
                )
        if self._impossible:
            lost = self._days_that_do_not_exist(chunk)
            checked = replace(
                checked, refused=pl.concat([checked.refused, lost]), read=checked.read + lost.height
            )
        return checked

    def refuse_month_first(self) -> None:
        """Stop if the file's dates make sense only month first.

        Raises
        ------
        DataError
            For otherwise half of them would be read as other days.
        """
        for name, (day_first, month_first) in self._proofs.items():
            if month_first and not day_first:
                raise DataError(
                    f"{self.name}: column {self._rules.labels[name]!r} seems to be month first "
                    f"({self._american[name]}; no date there needs the day first); correct "
                    f"date_format in the mapping, found {' or '.join(self._styles[name])}"
                )

    def _resolve_melt(
        self, headings: Sequence[str], district: District
    ) -> tuple[tuple[MeltedColumn, ...], tuple[str, ...]]:
        """The source columns that become rows, and those whose heading is no date."""
        melt = self.entry.melt
        if melt is None:
            return (), ()
        table = SOURCE_TABLES[self.entry.table]
        label_type = column_of(table, melt.label).type if melt.label else "str"
        columns = melt.resolve(headings, label_type)
        if not columns:
            raise DataError(
                f"{self.name}: no heading fits the pattern {melt.pattern!r} of the mapping; "
                f"found: {', '.join(headings[:30])}"
            )
        where = f"[[table]] {self.number + 1} ({self.entry.table}) melt"
        nowhere = tuple(column.heading for column in columns if None in column.constants.values())
        melted = tuple(
            MeltedColumn(
                column.heading, _coded(column.constants, self.entry.table, district, where)
            )
            for column in columns
            if column.heading not in nowhere
        )
        return melted, nowhere

    def _shape(self, chunk: Chunk) -> tuple[pl.DataFrame, pl.DataFrame | None]:
        """Our columns out of the source's, still text."""
        place = [
            pl.lit(self.name, pl.String).alias("_file"),
            pl.lit(self.sheet, pl.String).alias("_sheet"),
            pl.col("_row"),
            pl.lit(self.number, pl.Int32).alias("_entry"),
        ]
        if self.entry.rollup != "error":
            texts = pl.struct(pl.exclude("_row").cast(pl.String))
            place.append(texts.hash(seed=0).alias("_hash"))
        place += [
            _text(heading).str.strip_chars().alias(MATCH_COLUMNS[name])
            for name, heading in self.entry.match.items()
        ]
        ours = [self._joined(name, parts) for name, parts in self.entry.columns.items()]
        plain = {
            name: parts[0]
            for name, parts in self.entry.columns.items()
            if len(parts) == 1 and parts[0] != ROW_NUMBER
        }
        kinds = chunk.kinds
        if kinds is not None:
            kinds = kinds.select(pl.col(heading).alias(name) for name, heading in plain.items())
            for name, heading in plain.items():
                if name in ID_COLUMNS and (kinds[name] == NUMBER).any():
                    rows = chunk.cells["_row"].filter(kinds[name] == NUMBER)
                    self._numeric_ids.setdefault(heading, int(rows[0]))
        if not self._melted:
            return chunk.cells.select(*ours, *place), kinds
        return self._melt(chunk, ours, place, kinds)

    def _joined(self, name: str, parts: Sequence[str]) -> pl.Expr:
        number = (pl.col("_row") - (self._first_row - 1)).cast(pl.String)
        if tuple(parts) == (ROW_NUMBER,):
            return number.alias(name)
        if len(parts) == 1:
            if name in self.entry.hashed:
                return _text(parts[0]).map_batches(self._hidden, pl.String).alias(name)
            return pl.col(parts[0]).alias(name)
        texts = [_text(part).str.strip_chars() for part in parts if part != ROW_NUMBER]
        pieces = iter(texts)
        shown = [
            number if part == ROW_NUMBER
            else pl.when((piece := next(pieces)) != "").then(piece)
            for part in parts
        ]  # fmt: skip
        joined = pl.concat_str(shown, separator=" ", ignore_nulls=True)
        some = pl.any_horizontal((text != "").fill_null(False) for text in texts)
        return pl.when(some).then(joined).alias(name)

    def _hidden(self, numbers: pl.Series) -> pl.Series:
        """A keyed hash of each number, the same at each delivery; the number itself is dropped."""
        if self._household_key is None:
            raise ConfigError("a mapping with hashed columns needs the installation's key")
        digits = numbers.str.replace_all(r"\D", "")
        key = self._household_key
        hashes = {
            text: "kk-" + hmac.digest(key, text.encode(), "sha256").hex()[:24]
            for text in digits.drop_nulls().unique()
            if text.strip("0")
        }
        return digits.replace_strict(hashes, default=None, return_dtype=pl.String)

    def _melt(
        self,
        chunk: Chunk,
        ours: Sequence[pl.Expr],
        place: Sequence[pl.Expr],
        kinds: pl.DataFrame | None,
    ) -> tuple[pl.DataFrame, pl.DataFrame | None]:
        melt = self.entry.melt
        assert melt is not None  # noqa: S101
        types = {
            column.name: TYPES[column.type] for column in SOURCE_TABLES[self.entry.table].columns
        }
        frames, kind_frames = [], []
        for column in self._melted:
            cell = _text(column.heading).str.strip_chars()
            filled = (cell != "").fill_null(False) & ~cell.is_in(list(self.entry.empty))
            mask = None if melt.into == "code" else chunk.cells.select(filled).to_series()
            about = [
                pl.lit(value, types[name]).alias(name) for name, value in column.constants.items()
            ]
            heading = pl.lit(column.heading).alias("_melted")
            cells = chunk.cells.select(*ours, *place, cell.alias(melt.into), *about, heading)
            frames.append(cells if mask is None else cells.filter(mask))
            if kinds is not None and chunk.kinds is not None:
                kind = kinds.with_columns(chunk.kinds[column.heading].alias(melt.into))
                kind_frames.append(kind if mask is None else kind.filter(mask))
        cells = pl.concat(frames)
        order = cells.with_row_index("_i").sort("_row", maintain_order=True)["_i"]
        return cells[order], (pl.concat(kind_frames)[order] if kind_frames else None)

    def _days_that_do_not_exist(self, chunk: Chunk) -> pl.DataFrame:
        """Marks under a heading such as 31 in a month of 30 days."""
        place = chunk.cells.select(
            pl.lit(self.name).alias("_file"), pl.lit(self.sheet, pl.String).alias("_sheet"), "_row"
        )
        faults = Faults(self.entry.table, place)
        for heading in self._impossible:
            cell = chunk.cells[heading].cast(pl.String).str.strip_chars()
            faults.add(
                cell != "", "impossible_date", column=heading, found=cell,
                allowed="an empty column: the month has no such day",
            )  # fmt: skip
        return faults.frame()

    def _choose_styles(
        self, cells: pl.DataFrame | Mapping[str, pl.Series], kinds: pl.DataFrame | None
    ) -> None:
        for column in SOURCE_TABLES[self.entry.table].columns:
            name = column.name
            if column.type != "date" or name not in self.entry.columns or name in self._styles:
                continue
            if self.entry.date_format:
                self._styles[name] = self.entry.date_format
                continue
            text = cells[name].cast(pl.String).str.strip_chars()
            if kinds is not None:
                text = text.filter(kinds[name] == 1)
            text = text.filter(text != "")
            if len(text):
                self._styles[name] = (dates.usual_style(text),)


def _is_judged_by_text(entry: TableMapping) -> bool:
    """Whether a row is good if each of its texts is, and needs nothing but what these become."""
    plain = all(len(parts) == 1 and parts[0] != ROW_NUMBER for parts in entry.columns.values())
    return (
        entry.table in judged.TABLES and plain and entry.identify == "student"
        and entry.rollup == "error"
        and not (entry.distinct or entry.melt or entry.hashed or entry.match)
        and "student" in entry.columns
    )  # fmt: skip


def _text(heading: str) -> pl.Expr:
    """A column's texts, whether or not each different one came once."""
    return pl.col(heading).cast(pl.String)
