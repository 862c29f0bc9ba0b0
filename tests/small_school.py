"""The cast's school with a quarter of records, written straight into register and facts.

School days are the weekdays from 13 July to 30 September 2026; the list is for 2026-27-Q2.

- Siti was absent on every third day and is below the pass mark in two subjects
- Yusuf has 30 of the 50 points at which the first warning letter comes
- Dewi was absent on every second day, Ahmad on every ninth: he leads the brothers' household
- Suparmi, Budi, Citra: nothing
- Suparmi's family was visited in May, Siti's in March
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from earlywarning.calendar import NEVER, day_number
from earlywarning.district import District, Visits
from earlywarning.io.facts import FACT_SCHEMAS, FactStore
from earlywarning.io.register.db import Register
from earlywarning.io.register.models import FactsSnapshot
from people import AHMAD, CHILDREN, DEWI, SCHOOL_ID, SCHOOL_YEAR, SITI, SUPARMI, YUSUF, Child
from service_world import people

QUARTER = "2026-27-Q2"
NOW = datetime(2026, 10, 5, 8, 0)  # noqa: DTZ001 - the register keeps UTC without zone
DISTRICT = District(visits=Visits(lottery=False, capacity=3, preventive_share=0.4))
FIRST_DAY = date(2026, 7, 13)
LAST_DAY = date(2026, 9, 30)
DAYS = [
    FIRST_DAY + timedelta(days=n)
    for n in range((LAST_DAY - FIRST_DAY).days + 1)
    if (FIRST_DAY + timedelta(days=n)).isoweekday() < 6
]


def table(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a fact table; each known the day after it happened, unless it says otherwise."""
    whole = [
        {"school_id": SCHOOL_ID, "known_day": row.get("day", 0) + 1, "superseded_day": NEVER} | row
        for row in rows
    ]
    schema = FACT_SCHEMAS[name]
    return pl.DataFrame([{key: row.get(key) for key in schema} for row in whole], schema=schema)


def enrolled(children: tuple[Child, ...] = CHILDREN) -> pl.DataFrame:
    first = day_number(FIRST_DAY)
    return table(
        "enrollment",
        [
            {
                "student_id": child.student_id, "class_id": child.class_id, "entry_day": first,
                "exit_day": NEVER, "school_year": SCHOOL_YEAR, "known_day": first - 1,
                "grade_level": 8 if child.class_name.startswith("VIII") else 7,
            }
            for child in children
        ],
    )  # fmt: skip


def absent(child: Child, days: list[date], status: str = "unexcused") -> list[dict[str, Any]]:
    return [
        {"student_id": child.student_id, "day": day_number(day), "class_id": child.class_id,
         "status": status, "namespace": "id", "raw_code": "A"}
        for day in days
    ]  # fmt: skip


def facts(children: tuple[Child, ...] = CHILDREN) -> dict[str, pl.DataFrame]:
    """Every fact of the school."""
    classes = sorted({child.class_id for child in children})
    exam = day_number(date(2026, 9, 18))
    return {
        "enrollment": enrolled(children),
        "register_day": table(
            "register_day",
            [
                {"class_id": name, "day": day_number(day), "taken": True, "assumed": False}
                for name in classes
                for day in DAYS
            ],
        ),
        "attendance_event": table(
            "attendance_event",
            absent(SITI, DAYS[::3]) + absent(DEWI, DAYS[::2], "sick") + absent(AHMAD, DAYS[::9]),
        ),
        "behaviour_event": table(
            "behaviour_event",
            [
                {"event_id": f"e{n}", "student_id": YUSUF.student_id, "type_code": "B01",
                 "day": day_number(day), "severity": "moderate", "polarity": "offence",
                 "centipoints": 1500, "is_attendance_related": False}
                for n, day in enumerate((date(2026, 8, 3), date(2026, 9, 7)))
            ],
        ),
        "grade": table(
            "grade",
            [
                {"student_id": child.student_id, "subject": subject, "period": "2026-27-Q1",
                 "kind": "midterm", "day": exam, "class_id": child.class_id, "max_score": 100.0,
                 "score_centi": 5500 if child is SITI else 8500, "pass_centi": 7500}
                for child in children
                for subject in ("IPA", "Matematika", "PKn")
            ],
        ),
        "visit": table(
            "visit",
            [
                {"visit_id": f"v{n}", "student_id": child.student_id, "day": day_number(day),
                 "status": "done", "track": "concern"}
                for n, (child, day) in enumerate(
                    ((SUPARMI, date(2026, 5, 8)), (SITI, date(2026, 3, 6)))
                )
            ],
        ),
    }  # fmt: skip


def save_facts(
    store: FactStore, register: Register, tables: Mapping[str, pl.DataFrame], *, at: datetime = NOW
) -> str:
    """A new current snapshot; tables left out stay as they were."""
    base = register.current_snapshot()
    snapshot = store.write(tables, base=base)
    with register.session(writing=True) as session:
        for row in session.query(FactsSnapshot).all():
            row.is_current = False
        session.flush()
        if found := session.get(FactsSnapshot, snapshot.id):
            found.is_current = True
        else:
            session.add(
                FactsSnapshot(
                    snapshot_id=snapshot.id, made_at=at, is_current=True, rows=dict(snapshot.rows)
                )
            )
        session.commit()
    return snapshot.id


def settle(folder: Path, register: Register) -> FactStore:
    """People and facts of the whole school."""
    people(register)
    store = FactStore(folder / "facts")
    save_facts(store, register, facts())
    return store
