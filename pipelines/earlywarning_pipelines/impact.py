"""From frozen lists, facts and visits to what may be said of the visits' effect."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
from sqlalchemy import select

import earlywarning
from earlywarning.calendar import Quarter, day_date, day_number
from earlywarning.district import District
from earlywarning.errors import ConfigError, DataError
from earlywarning.impact import analysis, counting, panel, power
from earlywarning.impact.columns import FORMAT, MAY_BE_EMPTY
from earlywarning.impact.counting import Window
from earlywarning.impact.limits import LIMITS
from earlywarning.impact.panel import RollOut
from earlywarning.impact.power import Power
from earlywarning.impact.study import LOTTERY, ROLL_OUT, Study, draw_order
from earlywarning.io import impact_export
from earlywarning.io.facts import FactStore
from earlywarning.io.register import audit_log, evidence, exports, list_basis, research
from earlywarning.io.register.db import Register
from earlywarning.io.register.evidence import Registered
from earlywarning.io.register.visit_tables import ContactAttempt
from earlywarning.visits.capacity import split

if TYPE_CHECKING:
    from earlywarning_pipelines.home import Home

TABLES = (
    "enrollment", "register_day", "attendance_event", "attendance_summary", "behaviour_event",
    "grade", "visit",
)  # fmt: skip
HISTORY = 6
"""Past quarters that are looked at for what could be seen."""

FIRST_LOOK = "First look"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Analysed:
    """A study's result and what it rests on.

    Attributes
    ----------
    panel : DataFrame
    result : dict
        As `impact.analysis.analyse` gives it.
    study : Study
    registered : Registered or None
    from_cache : bool
    """

    panel: pd.DataFrame
    result: dict[str, Any]
    study: Study
    registered: Registered | None
    from_cache: bool

    @property
    def evidence(self) -> dict[str, Any]:
        """What of it goes into an export."""
        return self.result["evidence"]


def propose(
    home: Home, *, first: str, quarters: int, name: str, roll_out: bool, seed: int
) -> tuple[Study, Power]:
    """A design that fits the district, and what it could see.

    Raises
    ------
    DataError
        If nothing was imported yet.
    ConfigError
        If an order is to be drawn, and no class has a homeroom teacher.
    """
    calendar = home.district.calendar
    start = calendar.quarter(first)
    codes = [start]
    while len(codes) < quarters:
        codes.append(calendar.next(codes[-1]))
    designs = [LOTTERY] if home.district.visits.lottery else ["discontinuity"]
    order: dict[str, str | None] | None = None
    if roll_out:
        order = draw_order(_leads(home.register, start), [one.code for one in codes], seed=seed)
        if not order:
            raise ConfigError(
                "no class has a homeroom teacher, so no order can be drawn; import the classes "
                "with their teachers first"
            )
        designs.insert(0, ROLL_OUT)
    study = Study(
        name=name,
        question="Do home visits lower absence in the quarter in which they are made?",
        first_quarter=start.code,
        last_quarter=codes[-1].code,
        designs=(*designs, "listing"),
        seed=seed,
        roll_out=order,
        limits=LIMITS,
    )
    return study, what_could_be_seen(home, before=start, quarters=quarters)


def _leads(register: Register, quarter: Quarter) -> dict[str, list[str]]:
    """Homerooms as the panel names them, by school."""
    found: dict[str, set[str]] = {}
    for class_id, lead in list_basis.registered(register, quarter).leads.items():
        school, year = class_id.split("/")[:2]
        if year == quarter.school_year:
            found.setdefault(school, set()).add(f"{school}/{lead}")
    return {school: sorted(leads) for school, leads in found.items()}


def what_could_be_seen(home: Home, *, before: Quarter, quarters: int) -> Power:
    """Smallest detectable effects of a lottery, from the absences of the past quarters."""
    facts = _facts(home.store, _snapshot(home.register))
    calendar = home.district.calendar
    past = [calendar.previous(before)]
    while len(past) < HISTORY:
        past.append(calendar.previous(past[-1]))
    rates = {
        one.code: _rates(facts, Window(one.start_day, one.end_day)) for one in past
    }  # newest first
    families = list_basis.registered(home.register, before).households
    out = list(_not_to_be_studied(home.register))
    frames = []
    for t, (now, earlier) in enumerate(pairwise(past)):
        both = rates[now.code].join(rates[earlier.code]["rate"].rename("before"), how="inner")
        both = both.drop(index=out, errors="ignore")
        rooms = _rooms(facts, now)
        frames.append(
            pd.DataFrame(
                {
                    "student_id": both.index, "t": t, "absence_rate": both["rate"].to_numpy(),
                    "absence_before": both["before"].to_numpy(),
                    "homeroom": [rooms.get(one, "") for one in both.index],
                    "household_id": [families.get(one) or one for one in both.index],
                }
            )
        )  # fmt: skip
    visits = home.district.visits
    places = split(visits.capacity, visits.preventive_share).concern
    return power.detectable(pd.concat(frames), places=places, quarters=quarters)


def _rates(facts: Mapping[str, Any], window: Window) -> pd.DataFrame:
    found = counting.attendance(facts, window)
    known = found[(found["days"] > 0) & (found["days"] >= found["possible"] / 2)]
    return pd.DataFrame({"rate": known["absent"] / known["days"]})


def _rooms(facts: Mapping[str, Any], quarter: Quarter) -> dict[str, str]:
    here = facts["enrollment"].filter(
        pl.col("entry_day") <= quarter.start_day, pl.col("exit_day") > quarter.start_day
    )
    return dict(zip(here["student_id"], here["class_id"], strict=True))


def in_words(found: Power, language: str) -> list[str]:
    """Power as a principal reads it."""
    from earlywarning.io.impact_page import number, words

    said = words(language)
    if not math.isfinite(found.visit):
        return [said["power_unknown"]]

    def days(value: float) -> str:
        return number(100 * value, language, 1)

    return [
        said["power_one"].format(
            homerooms=found.homerooms, blocks=found.blocks, days=days(found.visit)
        ),
        said["power_smaller"],
        *(said[f"power_{key}"].format(days=days(value)) for key, value in found.pooled.items()),
        said["power_take_up"].format(
            share=number(100 * found.take_up, language, 0), low=days(0.0035), high=days(0.04)
        ),
    ]


def register_study(home: Home, study: Study, *, by: str, at: datetime) -> Registered:
    """Stamp a design before its outcomes are known; see `evidence.register_study`.

    Raises
    ------
    ConfigError
        If its roll-out is not the order that its seed draws: an order that somebody chose shows
        what they chose by, not what visits do.
    """
    snapshot = home.register.current_snapshot()
    newest = _newest_day(home.store, snapshot) if snapshot else None
    calendar = home.district.calendar
    first = calendar.quarter(study.first_quarter).start
    if study.roll_out:
        last = calendar.quarter(study.last_quarter).start
        codes = [one.code for one in calendar.quarters_between(first, last)]
        leads: dict[str, list[str]] = {}
        for lead in study.roll_out:
            leads.setdefault(lead.split("/")[0], []).append(lead)
        if draw_order(leads, codes, seed=study.seed) != dict(study.roll_out):
            raise ConfigError(
                f"roll_out of study {study.name!r} is not the order that seed {study.seed} draws "
                "for these homerooms and quarters; do not change it by hand, draw another one: "
                "`earlywarning impact design --roll-out`"
            )
    return evidence.register_study(
        home.register, study, facts_until=newest, first_day=first, by=by, at=at
    )


def _newest_day(store: FactStore, snapshot: str) -> date | None:
    days = [
        value
        for table in ("register_day", "attendance_summary")
        if isinstance(value := store.read(snapshot, table)["day"].max(), int)
    ]
    return day_date(max(days)) if days else None


def analyse(
    home: Home,
    *,
    study_name: str | None,
    as_of: date,
    at: datetime,
    by: str = "terminal",
    since: str | None = None,
    until: str | None = None,
    progress: Progress | None = None,
) -> Analysed:
    """Build the panel and run a study on it; a result from the same data is not made twice.

    Parameters
    ----------
    study_name : str or None
        A registered study; None for a first look at `since` to `until`, which says of itself that
        nothing was registered.
    as_of : date
        Quarters that end later are left out.
    by : str
        Who asks, as the audit keeps it.

    Raises
    ------
    NotFound, DataError
        No such study or list; no quarter has ended.
    ArtifactError
        A list, the design, the facts or the audit are not as they were recorded.
    """
    told = progress or (lambda stage, done, total: None)
    registered = evidence.find(home.register, study_name) if study_name else None
    study = registered.study if registered else _first_look(home, since, until)
    told("lists", 0, 1)
    lists = evidence.frozen_lists(
        home.register, since=study.first_quarter, until=study.last_quarter,
        head_file=home.settings.audit_head,
    )  # fmt: skip
    snapshot = _snapshot(home.register)
    home.store.verify(snapshot)
    told("panel", 0, 1)
    rows = panel.build(
        lists,
        _facts(home.store, snapshot),
        calendar=home.district.calendar,
        absence_limit=home.district.thresholds.absence_rate,
        as_of_day=day_number(as_of),
        roll_out=_roll_out(study),
        without=_not_to_be_studied(home.register),
        attempts=_attempts(home.register),
    )
    used = [one for one in lists if one.sha256 in set(rows["list_sha256"])]
    found = {
        "lists": len(used), "broken": 0, "registered": registered is not None,
        "facts_until": registered.facts_until.isoformat()
        if registered and registered.facts_until else None,
    }  # fmt: skip
    code = impact_export.code_sha256()
    key = evidence.result_key(
        analysis.data_hash(rows), study.sha256, code, str(FORMAT),
        str(found), *sorted(one.sha256 for one in used),
    )  # fmt: skip
    result = evidence.kept_result(home.register, key)
    kept = result is not None
    if result is None:
        result = analysis.analyse(
            rows, asdict(study), found, told=lambda done, total: told("estimates", done, total)
        )
        result["origin"] = {
            "district": home.district.name, "code_version": earlywarning.__version__,
            "code_sha256": code,
            "snapshot_id": snapshot, "study_sha256": study.sha256,
            "lists": sorted(one.sha256 for one in used),
        }  # fmt: skip
        evidence.keep_result(
            home.register, key, result, by=by, at=at,
            study_id=registered.study_id if registered else None,
        )  # fmt: skip
    return Analysed(rows, result, study, registered, kept)


def _not_to_be_studied(register: Register) -> frozenset[str]:
    with register.session() as session:
        return research.outside_research(session)


def _attempts(register: Register) -> pl.DataFrame:
    """How families were asked before a visit, as the panel takes it."""
    with register.session() as session:
        rows = session.execute(
            select(ContactAttempt.household_key, ContactAttempt.at, ContactAttempt.channel)
        ).all()
    return pl.DataFrame(
        [(key, day_number(at.date()), channel) for key, at, channel in rows],
        schema={"household_key": pl.String, "day": pl.Int64, "channel": pl.String},
        orient="row",
    )


def _first_look(home: Home, since: str | None, until: str | None) -> Study:
    from earlywarning.io.register import lists

    codes = sorted({row.quarter for row in lists.everything(home.register)
                    if row.status == lists.PUBLISHED})  # fmt: skip
    if not codes:
        raise DataError("no list was published yet; `earlywarning publish` first")
    return Study(
        name=FIRST_LOOK,
        question="Did home visits lower absence in the quarter in which they were made?",
        first_quarter=since or codes[0],
        last_quarter=until or codes[-1],
        secondary=("chronic", "incidents", "mark"),
    )


def _roll_out(study: Study) -> RollOut | None:
    if not study.roll_out:
        return None
    return RollOut(study.roll_out, {lead: lead.split("/")[0] for lead in study.roll_out})


def _snapshot(register: Register) -> str:
    found = register.current_snapshot()
    if found is None:
        raise DataError("nothing was imported yet; `earlywarning import` first")
    return found


def _facts(store: FactStore, snapshot: str) -> dict[str, Any]:
    return {name: store.read(snapshot, name) for name in TABLES}


def report(
    found: Analysed, home: Home, *, folder: Path, languages: Sequence[str], at: datetime, pdf: bool
) -> list[Path]:
    """Write the report, a file a language, and print each where asked.

    Raises
    ------
    DataError
        If no browser prints; the files are there then.
    """
    from earlywarning.io import impact_page

    folder.mkdir(parents=True, exist_ok=True)
    made = []
    stamped = found.registered.registered_at if found.registered else None
    for language in languages:
        about = impact_page.about(
            found.result, language, zone=home.district.timezone, made_at=at, registered_at=stamped
        )
        path = folder / f"impact-{language}.html"
        path.write_text(
            impact_page.render(found.result, language=language, about=about), encoding="utf-8"
        )
        made.append(path)
    if pdf:
        for path in list(made):
            impact_page.print_pdf(path, path.with_suffix(".pdf"))
            made.append(path.with_suffix(".pdf"))
    return made


def export(
    found: Analysed, home: Home, *, folder: Path, agreement_id: str, by: str, at: datetime
) -> dict[str, str]:
    """Write the table without names, the results and the analysis; the audit says that it left.

    Raises
    ------
    NotFound, DataError
        If no agreement with this id holds today, or it does not cover all that would leave.
    """
    with home.register.session() as session:
        row = exports.agreement(session, agreement_id, researcher=None, at=at)
        agreed = impact_export.Agreed(
            row.agreement_id, row.purpose, frozenset(row.schools), row.smallest_group,
            row.expires_on,
        )  # fmt: skip
    hashes = impact_export.write(
        folder, found.panel, study=asdict(found.study), evidence=found.evidence,
        result=found.result, agreement=agreed,
    )  # fmt: skip
    with home.register.session(writing=True) as session:
        audit_log.record(
            session, actor=by, action="impact.exported", entity="impact_study",
            entity_id=found.registered.study_id if found.registered else found.study.sha256[:32],
            detail={"rows": len(found.panel), "panel_sha256": hashes["panel.csv"],
                    "agreement_id": agreement_id}, at=at,
        )  # fmt: skip
        session.commit()
    return hashes


def write_panel(found: Analysed, path: Path) -> int:
    """Write the panel as it is, with the register's ids: for inside use only."""
    if path.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"{path}: ends with {path.suffix!r}; allowed: .csv, .parquet")
    if path.suffix == ".csv":
        found.panel.to_csv(path, index=False)
    else:
        empty = {name: found.panel[name].astype("string") for name in MAY_BE_EMPTY}
        pl.from_pandas(found.panel.assign(**empty)).write_parquet(path)
    path.chmod(0o600)
    return len(found.panel)


def study_of(district: District, text: str, *, where: str) -> Study:
    """A design from a file; see `impact.study.parse`."""
    from earlywarning.impact.study import parse

    return parse(text, calendar=district.calendar, where=where)
