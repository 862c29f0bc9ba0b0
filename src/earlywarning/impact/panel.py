"""The panel: a row a student and quarter with a list, from facts, frozen lists and visits made.

Both arms are followed from the day of the list to the end of its quarter: a clock that started at
the visit would give the visited a head start. The first outcome is all days absent by the register,
whatever their reason: a visit explains absences, so the unexplained ones fall by themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from earlywarning.calendar import NEVER, Quarter, SchoolCalendar, day_number
from earlywarning.errors import DataError
from earlywarning.impact.columns import COLUMNS
from earlywarning.impact.counting import Window, attendance, grades, incidents, leavers, visits

LEAST_SHARE = 0.5
"""Recorded days, as a share of the window's, below which a quarter's outcome is not known."""


@dataclass(frozen=True, slots=True)
class FrozenList:
    """One published list, its hash checked.

    Attributes
    ----------
    document : mapping
        `header` and `households`; see `visits.visit_list`.
    sha256 : str
    """

    document: Mapping[str, Any]
    sha256: str


@dataclass(frozen=True, slots=True)
class RollOut:
    """A drawn order of homerooms.

    Attributes
    ----------
    starts : mapping of lead to quarter code or None
        First visiting quarter of each; None for those that start after the study.
    strata : mapping of lead to str
        Within which the order was drawn.
    """

    starts: Mapping[str, str | None]
    strata: Mapping[str, str]


def build(
    lists: Sequence[FrozenList],
    facts: Mapping[str, pl.DataFrame],
    *,
    calendar: SchoolCalendar,
    absence_limit: float,
    as_of_day: int,
    roll_out: RollOut | None = None,
    without: Collection[str] = (),
    attempts: pl.DataFrame | None = None,
) -> pd.DataFrame:
    """The panel of some lists.

    Parameters
    ----------
    lists : sequence of FrozenList
        Each school and quarter once.
    facts : mapping of table to DataFrame
        Of one snapshot, every version; the newest of each fact is used.
    calendar : SchoolCalendar
    absence_limit : float
        Share of days from which absence is chronic.
    as_of_day : int
        Quarters that end later are left out: their outcomes are not known yet.
    roll_out : RollOut, optional
    without : collection of student ids
        Children whose family wants no research about them: nothing of them is counted.
    attempts : DataFrame, optional
        How families were asked before a visit: `household_key`, `day`, `channel`.

    Returns
    -------
    DataFrame
        The columns of `COLUMNS`, by quarter, school, student.

    Raises
    ------
    DataError
        If no list's quarter has ended.
    """
    ended = [
        one for one in lists
        if calendar.quarter(one.document["header"]["quarter"]).end_day <= as_of_day
    ]  # fmt: skip
    if not ended:
        raise DataError(
            "no quarter with a published list has ended and was imported; come back when one has"
        )
    rows = pd.concat([_rows(one) for one in ended], ignore_index=True)
    rows = rows[~rows["student_id"].isin(list(without))].reset_index(drop=True)
    codes = sorted(rows["quarter"].unique())
    quarters = {code: calendar.quarter(code) for code in codes}
    rows["t"] = rows["quarter"].map(_numbers(quarters, calendar)).astype(int)
    rows = _with_roll_out(rows, roll_out, quarters, calendar)
    newest = {
        name: table.filter(pl.col("superseded_day") == NEVER) for name, table in facts.items()
    }
    rows = _with_outcomes(rows, newest, quarters, calendar)
    rows["channel"] = _first_channels(rows, attempts, quarters)
    known = rows["absence_rate"].notna()
    rows["chronic"] = np.where(known, rows["absence_rate"] >= absence_limit - 1e-12, np.nan)
    rows["override"] = (rows["visited"] > 0) & ~rows["listed"]
    ordered = rows.sort_values(["t", "school_id", "student_id"], ignore_index=True)
    return ordered[list(COLUMNS)]


def _rows(one: FrozenList) -> pd.DataFrame:
    """A row a child of a list."""
    header = one.document["header"]
    version = "; ".join(
        f"{outcome} {model.get('version') or model.get('kind') or 'rule'}"
        for outcome, model in sorted(header["models"].items())
    )
    day = day_number(pd.Timestamp(header["as_of_date"]).date())
    made = []
    for home in one.document["households"]:
        lot = home["lottery"]
        lead = home["lead"] or "no-lead"
        common = {
            "household_id": home["household_key"], "homeroom": f"{header['school_id']}/{lead}",
            "s": home["priority"] if home["rank"] is not None else np.nan, "rank": home["rank"],
            "cut": home["cut"], "x": home["distance"],
            "block": lot["block"] if lot else None,
            "p_assign": lot["probability"] if lot else np.nan,
            "won": bool(lot and lot["won"]),
            "listed": bool(home["listed"]) or home.get("shadow_track") is not None,
            "track": home["track"] or home.get("shadow_track") or "none",
            "excluded": home["excluded"],
            "siblings": float(len(home["children"]) - 1),
        }  # fmt: skip
        made += [
            common | {"student_id": child["student_id"], "class_id": child["class_id"]}
            for child in home["children"]
        ]
    frame = pd.DataFrame(made)
    waiting = {f"{header['school_id']}/{lead}" for lead in header.get("shadow_leads", ())}
    shadow = frame["homeroom"].isin(waiting)
    return frame.assign(
        shadow=shadow, school_id=header["school_id"], quarter=header["quarter"],
        list_sha256=one.sha256,
        model_version=version, list_day=day,
    )  # fmt: skip


def _numbers(quarters: Mapping[str, Quarter], calendar: SchoolCalendar) -> dict[str, int]:
    """Quarters counted from the first with a list; one without keeps its number."""
    first, last = min(quarters), max(quarters)
    between = calendar.quarters_between(quarters[first].start, quarters[last].start)
    return {quarter.code: place for place, quarter in enumerate(between)}


def _with_roll_out(
    rows: pd.DataFrame,
    plan: RollOut | None,
    quarters: Mapping[str, Quarter],
    calendar: SchoolCalendar,
) -> pd.DataFrame:
    if plan is None:
        return rows.assign(wave=np.nan, stratum="")
    numbers = _numbers(quarters, calendar)
    later = max(numbers.values()) + 1
    # A start outside the quarters seen is before the first, or after the last.
    wave = {
        lead: numbers.get(start, -1 if start < min(quarters) else later) if start else later
        for lead, start in plan.starts.items()
    }
    of = rows["homeroom"].map(wave)
    return rows.assign(
        wave=of,
        stratum=rows["homeroom"].map(plan.strata).fillna(""),
        shadow=rows["shadow"] | (of.notna() & (of > rows["t"])),
    )


def _with_outcomes(
    rows: pd.DataFrame,
    facts: Mapping[str, pl.DataFrame],
    quarters: Mapping[str, Quarter],
    calendar: SchoolCalendar,
) -> pd.DataFrame:
    """Outcomes after each list, and the same measures of the two quarters before."""
    parts = []
    for code, quarter in quarters.items():
        part = rows[rows["quarter"] == code].copy()
        before = calendar.previous(quarter)
        earlier = calendar.previous(before)
        students = part["student_id"].to_numpy()
        start = int(part["list_day"].max())
        after = Window(start, quarter.end_day)
        for window, suffix in (
            (after, ""),
            (Window(before.start_day, start), "_before"),
            (Window(earlier.start_day, earlier.end_day), "_earlier"),
        ):
            counted = attendance(facts, window).reindex(students)
            days, absent = (counted[name].to_numpy() for name in ("days", "absent"))
            possible = counted["possible"].to_numpy()
            enough = (days > 0) & (days >= LEAST_SHARE * possible)
            rate = np.where(enough, absent / np.where(days > 0, days, 1), np.nan)
            if suffix:
                part[f"absence{suffix}"] = rate
            else:
                part["enrolled_days"] = np.nan_to_num(days)
                part["absent_days"] = np.nan_to_num(absent)
                part["unexplained_days"] = counted["unexplained"].fillna(0).to_numpy()
                part["absence_rate"] = rate
            if suffix != "_earlier":
                found = incidents(facts, window).reindex(students, fill_value=0).to_numpy()
                part[f"incidents{suffix}"] = np.where(np.isnan(rate), np.nan, found)
                part[f"mark{suffix}"] = grades(facts, window).reindex(students).to_numpy()
        home = part["household_id"]
        made = visits(facts, after).reindex(students)
        part["visited"] = _by_family(made["done"].fillna(0), home).astype(float)
        part["attempted"] = _by_family(made["tried"].fillna(0), home).astype(float)
        first = pd.Series(made["day"].to_numpy(), index=home.to_numpy())
        part["visit_day"] = home.map(first.groupby(level=0).min())
        past = visits(facts, Window(before.start_day, before.end_day)).reindex(students)
        part["visited_before"] = _by_family(past["done"].fillna(0), home).astype(float)
        gone = leavers(facts, after).reindex(students)
        part["left"] = gone["left"].fillna(0).to_numpy() > 0
        part["exit_reason"] = gone["reason"].to_numpy()
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _first_channels(
    rows: pd.DataFrame, attempts: pl.DataFrame | None, quarters: Mapping[str, Quarter]
) -> np.ndarray:
    """How each family was asked first, from its list's day to the quarter's end."""
    channel = np.full(len(rows), None, dtype=object)
    if attempts is None or attempts.is_empty():
        return channel
    tried = attempts.sort("day", "channel").to_pandas()
    for code, quarter in quarters.items():
        mine = (rows["quarter"] == code).to_numpy()
        start = int(rows.loc[mine, "list_day"].max())
        some = tried[(tried["day"] >= start) & (tried["day"] < quarter.end_day)]
        first = some.drop_duplicates("household_key").set_index("household_key")["channel"]
        found = rows.loc[mine, "household_id"].map(first)
        channel[mine] = found.astype(object).where(found.notna(), None)
    return channel


def _by_family(values: pd.Series, home: pd.Series) -> np.ndarray:
    """One child visited is the family visited."""
    code = pd.factorize(home)[0]
    most = np.zeros(code.max() + 1)
    np.maximum.at(most, code, values.to_numpy(dtype=float))
    return most[code]
