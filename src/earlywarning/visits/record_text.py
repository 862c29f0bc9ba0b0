"""The households of a list as JSON, column by column: the same bytes as a dict a family gives.

Keys stand in the order of their letters and nothing but commas and colons between values, as
`frozen.canonical` writes them; see there for what the record is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from earlywarning.calendar import day_date
from earlywarning.visits.capacity import KEEP_WATCHING, band_of
from earlywarning.visits.frozen import text
from earlywarning.visits.ranking import NEVER, NOT_LISTED, TRACKS, Cut, Families
from earlywarning.visits.table import Table, numbers, quoted

Columns = dict[str, pl.Series]

NULL = "null"
CHILDREN = "children"


class Bytes:
    """Texts as one run of bytes, of which any stretch is at hand.

    Parameters
    ----------
    texts : Series of str
        Each begins with a comma, which goes between it and the one before.
    """

    def __init__(self, texts: pl.Series) -> None:
        array = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
        _, offsets, data = array.buffers()
        self._starts = np.frombuffer(offsets, dtype=np.int64)[array.offset :]
        self._data = memoryview(data)

    def joined(self, start: int, end: int) -> memoryview:
        """The texts from one place to another, the second not included; no comma before them."""
        if start == end:
            return self._data[:0]
        return self._data[int(self._starts[start]) + 1 : int(self._starts[end])]


def households(
    table: Table,
    families: Families,
    cut: Cut,
    *,
    explained: np.ndarray,
    positions: np.ndarray,
    shadow: np.ndarray,
    shadow_track: np.ndarray,
    with_tracks: bool,
) -> pl.Series:
    """One JSON object a family after a comma, in the order of `cut`.

    Parameters
    ----------
    explained : array of bool, shape (n_families,)
        Whose children's reasons are written down; `null` for others.
    positions : array of int, shape (n_families,)
        Place on the school's list, 0 for none.
    shadow : array of bool, shape (n_families,)
        Families of leads who do not visit yet; only there a row says `shadow_track`.
    shadow_track : array of int, shape (n_families,)
        A place in `TRACKS` or `NOT_LISTED`.
    with_tracks : bool
        Whether the layout knows occasions.
    """
    at = cut.order
    frame = families.frame[at]
    listed = cut.track != NOT_LISTED
    columns = {
        "band": _gathered([band_of(name) for name in TRACKS], KEEP_WATCHING, cut.track),
        CHILDREN: _children(table, families, cut, explained, with_tracks=with_tracks),
        "class_id": quoted(frame["class_id"]),
        "cut": _floats("cut", cut.cut),
        "distance": _floats("distance", cut.distance),
        "excluded": _some(len(at), {place: text(why) for place, why in cut.excluded.items()}),
        "household_id": quoted(frame["household_id"]),
        "household_key": quoted(frame["key"]),
        "last_visit": _days(families.last_visit[at]),
        "lead": quoted(frame["lead"]),
        "listed": pl.Series(["false", "true"]).gather(listed.astype(np.int64)),
        "lottery": _some(
            len(at),
            {
                place: text(
                    {"block": lot.block, "probability": lot.probability, "draw": lot.draw,
                     "won": lot.won}
                )
                for place, lot in cut.lots.items()
            },
        ),
        "occasion": _some(len(at), {place: text(one) for place, one in cut.occasions.items()}),
        "others_told": _others_told(table, families, cut),
        "position": _ints(positions),
        "priority": _floats("priority", families.priority[at]),
        "rank": _ints(cut.rank),
        "shadow_track": _gathered(list(TRACKS), None, shadow_track),
        "tie_breaker": pl.Series(families.tie_breaker[at]).cast(pl.String),
        "track": _gathered(list(TRACKS), None, cut.track),
        "waiting_rank": _ints(cut.waiting_rank),
    }  # fmt: skip
    if not with_tracks:
        del columns["occasion"], columns["others_told"]
    if not shadow.any():
        del columns["shadow_track"]
        return _objects(columns, after=",")
    told = _objects(columns, after=",")
    del columns["shadow_track"]
    return told.zip_with(pl.Series(shadow), _objects(columns, after=","))


def _children(
    table: Table, families: Families, cut: Cut, explained: np.ndarray, *, with_tracks: bool
) -> pl.Series | Columns:
    """The children of each family with commas between them, in the order of `cut`.

    Where no family has two, the columns of each one's only child: so their texts are made once.
    """
    sizes = families.sizes[cut.order]
    ends = np.cumsum(sizes)
    # Places in the table, family after family.
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)
    at = families.children[np.repeat(families.starts[cut.order], sizes) + within]
    rows = table.rows[at]
    wanted = np.repeat(explained, sizes)
    reasons = pl.Series([NULL], dtype=pl.String).new_from_index(0, len(at))
    if wanted.all():
        reasons = pl.Series(table.reasons(at), dtype=pl.String)
    elif wanted.any():
        places = np.flatnonzero(wanted)
        # In the table's order, as everybody would be asked.
        asked = np.argsort(at[places], kind="stable")
        reasons = reasons.scatter(places[asked], pl.Series(table.reasons(at[places[asked]])))
    columns = {
        "class_id": quoted(rows["class_id"]),
        "completeness": rows["completeness"],
        "last_visit": _days(rows["last_visit"].fill_null(NEVER).to_numpy()),
        "occasions": _occasions(table, at),
        "priority": numbers(rows["priority"]),
        "reasons": reasons,
        "risks": rows["risks"],
        "student_id": quoted(rows["student_id"]),
    }
    if not with_tracks:
        del columns["occasions"]
    if (sizes == 1).all():
        return columns
    each = _objects(columns)
    family = pl.Series(np.repeat(np.arange(len(sizes)), sizes))
    together = (
        pl.DataFrame({"family": family, "each": each})
        .group_by("family", maintain_order=True)
        .agg(pl.col("each").str.join(","))["each"]
    )
    return together


def _objects(columns: Mapping[str, pl.Series | Columns], *, after: str = "") -> pl.Series:
    """Columns of values as one object a row, after some text; the names must be in order.

    Columns in the place of one are an object in a list.
    """
    given: list[pl.Series] = []

    def column(values: pl.Series) -> pl.Expr:
        given.append(values.alias(str(len(given))))
        return pl.col(given[-1].name)

    def parts(columns: Mapping[str, pl.Series | Columns], before: str) -> Iterator[pl.Expr]:
        for place, (name, values) in enumerate(columns.items()):
            led = f"{',' if place else before + '{'}{text(name)}:"
            if not isinstance(values, pl.Series):
                yield from parts(values, led + "[")
                yield pl.lit("]")
            elif name == CHILDREN:
                yield from (pl.lit(led + "["), column(values), pl.lit("]"))
            else:
                yield from (pl.lit(led), column(values))
        yield pl.lit("}")

    whole = pl.concat_str(list(parts(columns, after)))
    return pl.DataFrame(given).select(whole).to_series()


def _occasions(table: Table, at: np.ndarray) -> pl.Series:
    told = ["[]"] * len(table)
    known: dict[int, str] = {}
    for place, some in table.occasions.items():
        # Many children share one; the table keeps it, so that its id stays its own.
        found = known.get(id(some))
        if found is None:
            found = known[id(some)] = text([dict(one) for one in some])
        told[place] = found
    return pl.Series(told, dtype=pl.String).gather(at)


def _others_told(table: Table, families: Families, cut: Cut) -> pl.Series:
    """The other homeroom teachers of a family's children; see `households.others_told`."""
    found = {}
    for place in np.flatnonzero(families.sizes[cut.order] > 1).tolist():
        family = int(cut.order[place])
        leads = set(table.rows["lead"].gather(families.of(family)))
        found[place] = text(sorted(leads - {None, families.frame["lead"][family]}))
    return _some(len(cut.order), found, usual="[]")


def _some(count: int, told: Mapping[int, str], *, usual: str = NULL) -> pl.Series:
    column = pl.Series([usual]).new_from_index(0, count)
    return column.scatter(list(told), list(told.values())) if told else column


def _gathered(names: Sequence[Any], without: Any, places: np.ndarray) -> pl.Series:
    """A word a row; `without` at `NOT_LISTED`, which is the last."""
    words = pl.Series([text(one) for one in [*names, without]])
    return words.gather(np.where(places == NOT_LISTED, len(names), places))


def _ints(values: np.ndarray) -> pl.Series:
    """Whole numbers, null for 0."""
    return _null_where(values == 0, pl.Series(values).cast(pl.String))


def _floats(name: str, values: np.ndarray) -> pl.Series:
    """Numbers, null for NaN."""
    return numbers(pl.Series(name, values).fill_nan(None))


def _days(days: np.ndarray) -> pl.Series:
    """Day numbers as dates, null for `NEVER`."""
    some, of = np.unique(days, return_inverse=True)
    words = [NULL if day == NEVER else text(day_date(day).isoformat()) for day in some.tolist()]
    return pl.Series(words, dtype=pl.String).gather(of)


def _null_where(mask: np.ndarray, column: pl.Series) -> pl.Series:
    return pl.Series([NULL]).new_from_index(0, len(column)).zip_with(pl.Series(mask), column)
