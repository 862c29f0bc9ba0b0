"""A simulated district that lives with real lists: published, frozen and acted on by quarter.

Schools live side by side; as each quarter begins, what they wrote down so far becomes the facts,
the lists are published by the real pipeline, and the simulated teachers visit who is listed.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import polars as pl
from sqlalchemy import insert, update

from earlywarning.calendar import Quarter, day_number
from earlywarning.io.register import lists
from earlywarning.io.register.models import (
    ClassGroup,
    FactsSnapshot,
    Household,
    School,
    Staff,
    Student,
)
from earlywarning.records.tables import FACT_TABLES
from earlywarning.simulation import facts, records, rosters, world
from earlywarning.simulation.school_days import CALENDAR
from earlywarning_pipelines import impact, publish
from earlywarning_pipelines.home import Home, open_home

TOML = """
[district]
name = "Kabupaten Simulasi"
language = "en"

[visits]
lottery = true
capacity = {capacity}
preventive_share = 0.2
"""


@dataclass(frozen=True)
class Lived:
    """What came of it.

    Attributes
    ----------
    truth : DataFrame
        By `student_id` and `quarter`.
    until : date
        First day after the last quarter.
    """

    home: Home
    truth: pl.DataFrame
    first_listed: str
    last_listed: str
    until: date


def live(
    folder: Path, *, schools: int, size: int, effect: float, listed: int, seed: int,
    capacity: int = 5, study: str | None = None, roll_out: bool = False,
) -> Lived:  # fmt: skip
    """Let a district live with lists in its last quarters.

    Parameters
    ----------
    listed : int
        So many last quarters have lists; four come before them.
    study : str, optional
        Name of a design that is registered before the first list.
    roll_out : bool
        Its homerooms start in a drawn order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    home = open_home(folder)
    home.settings.district_file.write_text(TOML.format(capacity=capacity), encoding="utf-8")
    until = date(2026, 7, 1)
    quarters = CALENDAR.quarters_between(date(2026 - (listed + 4 + 3) // 4, 7, 1), until)
    first = quarters[-1 - listed]
    built = [
        world.build_school(number, size, years=3, seed=seed, until=until)
        for number in range(1, schools + 1)
    ]
    _register(home, built)
    turn = threading.Barrier(schools + 1, timeout=3600)
    written: dict[str, records.Records] = {}
    chosen: dict[str, list[tuple[int, str]]] = {}
    done: dict[str, records.Records] = {}

    def choose(school: world.School):
        def called(quarter: Quarter, so_far: records.Records):
            written[school.school_id] = so_far
            turn.wait()
            turn.wait()
            return chosen.get(school.school_id, [])

        return called

    def run(school: world.School) -> None:
        done[school.school_id] = records.live(
            school, quarters=quarters, effect=effect, draws=1, choose_visits=choose(school)
        )

    threads = [threading.Thread(target=run, args=(school,), daemon=True) for school in built]
    for one in threads:
        one.start()
    for quarter in quarters[1:-1]:
        turn.wait()
        chosen.clear()
        if quarter.start >= first.start:
            _deliver(home, written, quarter.start)
            if quarter == first and study is not None:
                design, _ = impact.propose(
                    home, first=quarter.code, quarters=listed, name=study, roll_out=roll_out,
                    seed=3,
                )  # fmt: skip
                impact.register_study(home, design, by="terminal", at=_at(quarter.start))
            chosen.update(_publish(home, built, quarter))
        turn.wait()
    turn.wait()
    turn.wait()
    for one in threads:
        one.join()
    _deliver(home, done, until)
    truth = pl.concat(
        found.truth.with_columns(
            student_id=pl.Series(facts.student_ids(found.school)).gather(found.truth["student"])
        )
        for found in done.values()
    )
    return Lived(home, truth, first.code, quarters[-2].code, until)


def _at(day: date) -> datetime:
    return datetime.combine(day, time(3, 0))


def _register(home: Home, built: list[world.School]) -> None:
    """The people of the schools: what an import of their files would put into the register."""
    with home.register.session(writing=True) as session:
        for school in built:
            at = school.school_id
            session.execute(insert(School), [{"school_id": at, "name": f"SMP {at}"}])
            staff = rosters.staff(school)
            ids = {one: f"{at}-{one}"[:32] for one in staff["staff"]}
            session.execute(
                insert(Staff),
                [
                    {"staff_id": ids[row["staff"]], "school_id": at, "local_id": row["staff"],
                     "name": row["name"], "role": row["role"]}
                    for row in staff.to_dicts()
                ],
            )  # fmt: skip
            leads = {
                row["class_name"]: ids[row["staff"]]
                for row in staff.to_dicts() if row["class_name"]
            }  # fmt: skip
            stays = rosters.enrolments(school)
            classes = stays.select("school_year", "class_name", "grade_level").unique().to_dicts()
            session.execute(
                insert(ClassGroup),
                [
                    {"class_id": f"{at}/{row['school_year']}/{row['class_name']}",
                     "school_id": at, "school_year": row["school_year"],
                     "name": row["class_name"], "grade_level": row["grade_level"],
                     "homeroom_staff_id": leads.get(row["class_name"])}
                    for row in classes
                ],
            )  # fmt: skip
            people = rosters.students(school).to_dicts()
            homes = sorted({row["household"] for row in people})
            session.execute(
                insert(Household),
                [
                    {"household_id": one[:32], "school_id": at, "local_key": one}
                    for one in homes
                ],
            )  # fmt: skip
            of = dict(zip(school.local_ids(), facts.student_ids(school), strict=True))
            session.execute(
                insert(Student),
                [
                    {"student_id": of[row["student"]], "school_id": at,
                     "local_id": row["student"], "full_name": row["full_name"],
                     "sex": row["sex"], "household_id": row["household"][:32]}
                    for row in people
                ],
            )  # fmt: skip
        session.commit()


def _deliver(home: Home, written: dict[str, records.Records], day: date) -> None:
    """What is written down becomes the current facts."""
    made: dict[str, list[pl.DataFrame]] = {}
    for school in sorted(written):
        for name, table in facts.facts(written[school], delivered_day=day_number(day) - 1).items():
            made.setdefault(name, []).append(table)
    tables = {
        name: pl.concat(parts).sort(*FACT_TABLES[name].key, "known_day")
        for name, parts in made.items()
    }
    snapshot = home.store.write(tables, base=None)
    with home.register.session(writing=True) as session:
        session.execute(update(FactsSnapshot).values(is_current=False))
        session.flush()
        session.merge(
            FactsSnapshot(
                snapshot_id=snapshot.id, made_at=_at(day), is_current=True, rows=snapshot.rows
            )
        )
        session.commit()


def _publish(
    home: Home, built: list[world.School], quarter: Quarter
) -> dict[str, list[tuple[int, str]]]:
    """Publish as the command does, and read who is listed."""
    made = publish.publish(
        quarter=quarter.code, engine=home.engine, store=home.store, register=home.register,
        registry=home.models, district=home.district, seed=int(quarter.start_day), by="terminal",
        at=_at(quarter.start),
    )  # fmt: skip
    places = {
        school.school_id: {one: place for place, one in enumerate(facts.student_ids(school))}
        for school in built
    }
    chosen: dict[str, list[tuple[int, str]]] = {}
    for row in made:
        _, document = lists.frozen_record(home.register, row.visit_list_id)
        chosen[row.school_id] = [
            (places[row.school_id][child["student_id"]], item["track"])
            for item in document["households"] if item["listed"]
            for child in item["children"]
        ]  # fmt: skip
    return chosen
