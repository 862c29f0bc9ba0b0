"""A quarter from records to a draft: is everything there, is it as usual, who comes first.

Made for a timer: each step is written down when it is done, so a run that was killed goes on where
it stopped, and one with nothing new to do does nothing. It publishes nothing: people do.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

import earlywarning
from earlywarning.calendar import NEVER, Quarter
from earlywarning.errors import DataError
from earlywarning.io.only_one import only_one
from earlywarning.io.register import evidence, list_basis, lists, model_versions
from earlywarning.risk.watch.checks import ACT, LOOK, OK
from earlywarning_pipelines import monitor, publish, recorded, serving, state
from earlywarning_pipelines.home import Home
from earlywarning_pipelines.missing import Missing, missing
from earlywarning_pipelines.run_journal import Journal, write_whole

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]

CHECK, MONITOR, DRAFT, NOTICE = STEPS = ("check", "monitor", "draft", "notice")
CURRENT = "current"
"""The quarter in which the day of the run lies."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run did, or found done.

    Attributes
    ----------
    quarter : str
    missing : tuple of Missing
    held_back : bool
        Whether the run stopped before the list because of what is missing.
    checks : dict of status to int
        What watching found; empty if it was not reached.
    lists : tuple of dict
        School, id, status, families listed and ranked of each list.
    refused : dict of outcome to int
        Model versions that were altered and did not decide.
    steps : tuple of str
        Done by this run; empty if everything was done before.
    """

    quarter: str
    missing: tuple[Missing, ...]
    held_back: bool
    checks: dict[str, int]
    lists: tuple[dict[str, Any], ...]
    refused: dict[str, int]
    steps: tuple[str, ...]

    @property
    def must_act(self) -> bool:
        """Whether watching says that somebody must act."""
        return bool(self.checks.get(ACT))


def run(
    home: Home,
    *,
    quarter: str,
    today: date,
    at: datetime,
    by: str,
    seed: int = 1,
    go_on: bool = False,
    words: Callable[[Ran], str],
    wait_seconds: float = 0.0,
    progress: Progress | None = None,
) -> Ran:
    """Check, watch, draft, and leave a notice for the coordinator.

    Parameters
    ----------
    home : Home
    quarter : str
        Code, or `current`.
    today : date
        Of the school.
    at : datetime
        Now, in UTC without zone.
    by : str
        Who makes the drafts.
    seed : int
        Settles ties and lots, and the bootstrap of watching.
    go_on : bool
        Make the list although records are missing.
    words : function
        From what was found to the text of the notice.
    wait_seconds : float
        For another run to end.
    progress : function of (stage, done, total), optional

    Raises
    ------
    Busy
        Another run works on this installation.
    NotFound
        There is no such quarter.
    DataError
        Nothing was imported yet, or the quarter has not begun.
    """
    calendar = home.district.calendar
    wanted = calendar.quarter_of(today) if quarter == CURRENT else calendar.quarter(quarter)
    if wanted.start > today:
        raise DataError(
            f"{wanted.code} begins on {wanted.start}, after {today}; its list rests on what is "
            "known by then, so run it on that day or later"
        )
    busy = f"another run works on {home.settings.home}; nothing was done, try again when it ended"
    with only_one(home.settings.home / "run.lock", wait_seconds=wait_seconds, busy=busy):
        return _steps(home, wanted, today, at, by, seed, go_on, words, progress)


def _steps(
    home: Home,
    quarter: Quarter,
    today: date,
    at: datetime,
    by: str,
    seed: int,
    go_on: bool,
    words: Callable[[Ran], str],
    progress: Progress | None,
) -> Ran:
    recorded.take_in(
        store=home.store, register=home.register, timezone=home.district.timezone, at=at
    )
    journal = Journal.opened(journal_path(home, quarter.code), _inputs(home, quarter, seed, go_on))
    before = set(journal.done)

    def step(name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        return journal.done[name] if name in journal.done else journal.write(name, work())

    step(CHECK, lambda: _check(home, quarter))
    if go_on or not _missing(journal, holding_back=True):
        step(MONITOR, lambda: _monitor(home, quarter, today, at, seed, progress))
        step(DRAFT, lambda: _draft(home, quarter, at, by, seed, progress))
    ran = _ran(quarter.code, journal, before)
    step(NOTICE, lambda: _notice(notice_path(home, quarter.code), words(ran)))
    ran = _ran(quarter.code, journal, before)
    log.info("run of %s: did %s", quarter.code, ", ".join(ran.steps) or "nothing")
    return ran


def journal_path(home: Home, quarter: str) -> Path:
    """Where it is written down how far a quarter's run came."""
    return home.settings.home / "runs" / f"{quarter}.json"


def notice_path(home: Home, quarter: str) -> Path:
    """Where the newest notice about a quarter lies."""
    return home.settings.home / "runs" / f"{quarter}.txt"


def _inputs(home: Home, quarter: Quarter, seed: int, go_on: bool) -> str:
    """Hash of what decides the outcome: facts, models, rules, families and wishes."""
    registered = list_basis.registered(home.register, quarter)
    published = lists.of_quarter(home.register, quarter.code, status=lists.PUBLISHED)
    parts = {
        "program": earlywarning.__version__,
        "snapshot": home.register.current_snapshot(),
        "models": [one.model_version_id for one in model_versions.champions(home.register)],
        "district": home.district.content_hash,
        "registered": asdict(registered) | {"unscored": sorted(registered.unscored)},
        "shadow": sorted(evidence.not_started(home.register, quarter.code)),
        "published": [one.visit_list_id for one in published],
        "seed": seed,
        "go_on": go_on,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _check(home: Home, quarter: Quarter) -> dict[str, Any]:
    return {"missing": [one.as_json() for one in missing_before(home, quarter)]}


def missing_before(home: Home, quarter: Quarter) -> list[Missing]:
    """What of the quarter before is missing, as known when this one begins."""
    calendar = home.district.calendar
    before = calendar.previous(quarter)
    newer, older = (
        state.run(
            engine=home.engine,
            store=home.store,
            register=home.register,
            district=home.district,
            as_of=quarter.start,
            quarter=one.code,
        )
        for one in (before, calendar.previous(before))
    )
    return missing(newer, older)


def _monitor(
    home: Home, quarter: Quarter, today: date, at: datetime, seed: int, progress: Progress | None
) -> dict[str, Any]:
    found = monitor.run(
        engine=home.engine,
        store=home.store,
        register=home.register,
        registry=home.models,
        district=home.district,
        as_of=min(today, quarter.end),
        at=at,
        quarter=quarter.code,
        seed=seed,
        progress=progress,
    )
    statuses = [row.status for row in found.rows]
    return {"checks": {status: statuses.count(status) for status in (OK, LOOK, ACT)}}


def _draft(
    home: Home, quarter: Quarter, at: datetime, by: str, seed: int, progress: Progress | None
) -> dict[str, Any]:
    """Drafts of every school that has no published list."""
    published = lists.of_quarter(home.register, quarter.code, status=lists.PUBLISHED)
    rows = []
    if _schools(home, quarter) - {one.school_id for one in published}:
        rows = publish.draft(
            quarter=quarter.code,
            engine=home.engine,
            store=home.store,
            register=home.register,
            registry=home.models,
            district=home.district,
            seed=seed,
            by=by,
            at=at,
            progress=progress,
        )
    return {
        "refused": serving.refusals(rows[0].header) if rows else {},
        "lists": [
            {
                "school_id": one.school_id,
                "visit_list_id": one.visit_list_id,
                "status": one.status,
                "listed": sum(lead["listed"] for lead in one.header["leads"]),
                "families": sum(lead["households"] for lead in one.header["leads"]),
            }
            for one in sorted([*published, *rows], key=lambda one: one.school_id)
        ],
    }


def _schools(home: Home, quarter: Quarter) -> set[str]:
    """Schools with somebody enrolled when the quarter begins."""
    rows = home.store.read_part(
        home.register.current_snapshot(), "enrollment", quarter.school_year
    ).filter(
        pl.col("superseded_day") == NEVER,
        pl.col("entry_day") <= quarter.start_day,
        pl.col("exit_day") > quarter.start_day,
    )
    return set(rows["school_id"].to_list())


def _notice(path: Path, text: str) -> dict[str, Any]:
    write_whole(path, f"{text}\n".encode())
    return {}


def _missing(journal: Journal, *, holding_back: bool = False) -> tuple[Missing, ...]:
    found = (
        Missing(**row | {"newest": row["newest"] and date.fromisoformat(row["newest"])})
        for row in journal.done[CHECK]["missing"]
    )
    return tuple(one for one in found if one.holds_back or not holding_back)


def _ran(quarter: str, journal: Journal, before: set[str]) -> Ran:
    drafted = journal.done.get(DRAFT, {"lists": [], "refused": {}})
    return Ran(
        quarter=quarter,
        missing=_missing(journal),
        held_back=DRAFT not in journal.done,
        checks=journal.done.get(MONITOR, {}).get("checks", {}),
        lists=tuple(drafted["lists"]),
        refused=drafted["refused"],
        steps=tuple(name for name in STEPS if name in journal.done and name not in before),
    )
