"""From facts to a frozen list, and back again byte for byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import select, update

from earlywarning.calendar import NEVER, day_number
from earlywarning.district import District, Visits
from earlywarning.errors import ArtifactError, Conflict, DataError, NotFound
from earlywarning.io.engine import Engine, open_engine
from earlywarning.io.facts import FactStore
from earlywarning.io.model_registry import ModelRegistry
from earlywarning.io.register import lists, plan_views, rights
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import (
    ClassGroup,
    Guardian,
    Household,
    School,
    Staff,
    Student,
    VisitList,
)
from earlywarning.io.register.visit_tables import VisitRequest
from earlywarning_pipelines import list_rows, publish
from people import AHMAD, BUDI, CHILDREN, CITRA, DEWI, SARI, SITI, SUPARMI, TEACHERS, YUSUF
from service_world import staff_id
from small_school import (
    DAYS,
    DISTRICT,
    NOW,
    QUARTER,
    absent,
    enrolled,
    facts,
    save_facts,
    settle,
    table,
)


@dataclass
class School_:
    """Everything that a list is made from."""

    store: FactStore
    register: Register
    registry: ModelRegistry
    engine: Engine
    district: District = DISTRICT

    def do(self, step: str, quarter: str = QUARTER, **more: Any) -> list[lists.ListRow]:
        """Draft or publish."""
        values = {
            "quarter": quarter, "engine": self.engine, "store": self.store,
            "register": self.register, "registry": self.registry, "district": self.district,
            "seed": 1, "by": "Bu Ratna", "at": NOW,
        }  # fmt: skip
        return getattr(publish, step)(**(values | more))

    def rebuild(self, visit_list_id: str) -> publish.Rebuilt:
        """Make a past list again."""
        return publish.rebuild(
            visit_list_id, engine=self.engine, store=self.store, register=self.register,
            registry=self.registry,
        )  # fmt: skip

    def document(self, row: lists.ListRow) -> dict[str, Any]:
        """The frozen record."""
        return lists.frozen_record(self.register, row.visit_list_id)[1]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine() as opened:
        yield opened


def opened(folder: Path, engine: Engine, *, settled: bool = True) -> Iterator[School_]:
    with open_register(f"sqlite:///{folder / 'register.db'}") as register:
        store = settle(folder, register) if settled else FactStore(folder / "facts")
        registry = ModelRegistry(
            f"sqlite:///{folder / 'mlflow.db'}",
            artifact_location=(folder / "artifacts").as_uri(),
            register=register,
        )
        yield School_(store, register, registry, engine)


@pytest.fixture
def school(tmp_path: Path, engine: Engine) -> Iterator[School_]:
    yield from opened(tmp_path, engine)


@pytest.fixture
def empty(tmp_path: Path, engine: Engine) -> Iterator[School_]:
    yield from opened(tmp_path, engine, settled=False)


def by_students(document: dict[str, Any]) -> dict[frozenset[str], dict[str, Any]]:
    names = {child.student_id: child.local_id for child in CHILDREN}
    return {
        frozenset(names[child["student_id"]] for child in row["children"]): row
        for row in document["households"]
    }


def test_a_list_by_the_rule(school: School_) -> None:
    (row,) = school.do("draft")
    assert (row.status, row.school_id, row.as_of_date) == ("draft", "SCH1", date(2026, 10, 1))
    rows = by_students(school.document(row))
    siti = rows[frozenset({SITI.local_id})]
    yusuf = rows[frozenset({YUSUF.local_id})]
    dewi = rows[frozenset({DEWI.local_id})]
    brothers = rows[frozenset({AHMAD.local_id, BUDI.local_id})]
    # Sari (2 places, 1 preventive): Siti for concern; then the brothers, never visited.
    assert (siti["rank"], siti["track"], siti["lead"]) == (1, "concern", staff_id("G01"))
    assert siti["position"] == 1
    # Bambang (1 place): Dewi ranks nowhere, so Yusuf.
    assert (dewi["rank"], dewi["excluded"], dewi["listed"]) == (None, "do_not_visit", False)
    assert dewi["priority"] > brothers["children"][0]["priority"]
    assert (yusuf["rank"], yusuf["track"], yusuf["household_id"]) == (1, "concern", None)
    # Retno has no capacity: Citra is ranked, not listed.
    citra = rows[frozenset({CITRA.local_id})]
    assert (citra["rank"], citra["listed"], citra["band"]) == (1, False, "keep_watching")
    assert siti["last_visit"] == "2026-03-06"
    assert row.header["counts"]["leads_without_capacity"] >= 1


def test_the_record_holds_what_cannot_be_computed_again_and_no_name(school: School_) -> None:
    (row,) = school.do("publish")
    document = school.document(row)
    header = document["header"]
    assert header["snapshot_id"] == school.register.current_snapshot()
    assert header["district_sha256"] == DISTRICT.content_hash
    assert {lead["lead"]: lead["capacity"] for lead in header["leads"]}[staff_id("G01")] == 2
    for model in header["models"].values():
        assert (model["serves"], model["why"], model["version"]) == ("rule", "no_model", None)
        assert model["rule"]["kind"] == "rule"
        assert len(model["artifact_sha256"]) == 64
        assert model["scored_students"] == 7
    for household in document["households"]:
        for child in household["children"]:
            assert set(child["risks"]) == {"attendance", "behaviour", "grades"}
            assert all(0 <= risk <= 1 for risk in child["risks"].values())
            assert len(child["reasons"]) <= 3
            assert child["completeness"]["available"] == 3
    text = json.dumps(document)
    for name in [c.name for c in CHILDREN] + [t.name for t in TEACHERS]:
        assert name not in text
        assert name.split()[0] not in text
    reasons = by_students(document)[frozenset({SITI.local_id})]["children"][0]["reasons"]
    assert reasons
    assert {reason["domain"] for reason in reasons} <= {"attendance", "grades"}


def test_7_publishing_takes_the_draft_as_it_was_seen(school: School_) -> None:
    (seen,) = school.do("draft", seed=7)
    (row,) = school.do("publish", seed=1, by="Pak Budi")
    assert row.frozen_sha256 == seen.frozen_sha256
    assert (row.visit_list_id, row.seed) == (seen.visit_list_id, 7)
    assert (row.made_by, row.published_by) == ("Bu Ratna", "Pak Budi")


def test_publishing_twice_says_who_and_when(school: School_) -> None:
    school.do("publish")
    for step in ("publish", "draft"):
        with pytest.raises(Conflict, match="published by Bu Ratna at 2026-10-05 08:00 UTC"):
            school.do(step, by="Pak Budi")


def test_a_draft_from_older_facts_is_not_published(school: School_) -> None:
    school.do("draft")
    save_facts(school.store, school.register, corrected())
    with pytest.raises(Conflict, match="a newer import replaced; run `earlywarning draft` again"):
        school.do("publish")
    school.do("draft")
    assert school.do("publish")[0].status == "published"


@pytest.mark.parametrize("quarter", ["2026-27-Q5", "2026-27", "2026-28-Q1", "next", ""])
@pytest.mark.parametrize("step", ["draft", "publish"])
def test_a_quarter_that_does_not_exist(school: School_, step: str, quarter: str) -> None:
    with pytest.raises(NotFound, match="write it like 2026-27"):
        school.do(step, quarter)


def test_nothing_imported_and_nobody_enrolled(empty: School_, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing was imported yet"):
        empty.do("publish")
    settle(tmp_path, empty.register)
    with pytest.raises(DataError, match="nobody is enrolled on 2020-07-01"):
        empty.do("publish", "2020-21-Q1")
    assert lists.everything(empty.register) == []


def corrected() -> dict[str, pl.DataFrame]:
    """Delivery 2: of Siti's absences all but three turn out to be none."""
    rows = absent(SITI, DAYS[::3])
    kept, gone = rows[:3], rows[3:]
    today = day_number(NOW.date())
    for row in gone:
        row["superseded_day"] = today
    present = [row | {"status": "present", "known_day": today, "superseded_day": NEVER}
               for row in gone]  # fmt: skip
    return {
        "attendance_event": table(
            "attendance_event", kept + gone + present + absent(DEWI, DAYS[::2], "sick")
        )
    }


def test_a_list_is_made_again_byte_for_byte_whatever_changed_since(school: School_) -> None:
    (row,) = school.do("publish")
    before = lists.frozen_record(school.register, row.visit_list_id)[0]
    assert school.rebuild(row.visit_list_id).identical
    # A corrected delivery, another homeroom teacher, capacity, family, wish; a child erased.
    save_facts(school.store, school.register, corrected())
    with school.register.session(writing=True) as session:
        session.execute(update(ClassGroup).values(homeroom_staff_id=staff_id("G03")))
        session.execute(update(Staff).values(max_visits=9))
        session.execute(update(Household).values(do_not_visit=False))
        session.execute(update(Student).values(household_id=None, full_name="Someone"))
        session.commit()
    again = school.rebuild(row.visit_list_id)
    assert again.identical, again.difference
    assert again.frozen == before
    assert (again.sha256, again.difference) == (row.frozen_sha256, None)
    # The next quarter's list follows the new state.
    (later,) = school.do("draft", "2026-27-Q3")
    assert {lead["lead"] for lead in later.header["leads"]} == {staff_id("G03")}


def test_a_family_that_objected_is_not_computed_and_stands_for_a_person(school: School_) -> None:
    with school.register.session(writing=True) as session:
        rights.object_to(
            session, student_id=AHMAD.student_id, made_on=date(2026, 9, 1), by="a" * 32, at=NOW
        )
        session.commit()
    (row,) = school.do("publish")
    brothers = by_students(school.document(row))[frozenset({AHMAD.local_id, BUDI.local_id})]
    assert (brothers["excluded"], brothers["rank"], brothers["position"]) == (
        "objection", None, None,
    )  # fmt: skip
    # Neither about Ahmad nor about his brother is anything computed.
    for child in brothers["children"]:
        assert set(child["risks"].values()) == {None}
        assert (child["priority"], child["reasons"], child["occasions"]) == (0.0, [], [])
    with school.register.session() as session:
        shown = plan_views.unranked(session, select(Student.student_id), row.visit_list_id)
    assert {(one.excluded, len(one.students)) for one in shown} >= {("objection", 2)}
    assert school.rebuild(row.visit_list_id).identical


def test_requests_and_empty_homes_come_from_the_register_and_survive_it(school: School_) -> None:
    with school.register.session(writing=True) as session:
        session.add(
            VisitRequest(
                request_id="7" * 32, school_id="SCH1", household_key=f"student-{YUSUF.student_id}",
                student_id=SUPARMI.student_id, asked_by="family", asked_on=date(2026, 9, 20),
                wish="mohon bicara", status="open", revision=1, entered_at=NOW, entered_by="a" * 32,
                changed_at=NOW, changed_by="a" * 32, content_sha256="0" * 64,
            )
        )  # fmt: skip
        session.add_all(
            Guardian(guardian_id=f"{place}" * 32, student_id=YUSUF.student_id, relation=relation,
                     vital=vital)
            for place, (relation, vital) in enumerate(
                [("father", "abroad"), ("mother", "deceased")]
            )
        )  # fmt: skip
        session.commit()
    (row,) = school.do("publish")
    rows = by_students(school.document(row))
    suparmi = rows[frozenset({SUPARMI.local_id})]
    # Sari's one place that is not for concern goes to the family who asked.
    assert (suparmi["track"], suparmi["occasion"]["code"]) == ("requested", "asked_by_family")
    assert "mohon" not in json.dumps(school.document(row))
    assert rows[frozenset({YUSUF.local_id})]["excluded"] == "no_guardian_at_home"
    with school.register.session(writing=True) as session:
        session.execute(update(VisitRequest).values(status="met"))
        session.execute(update(Guardian).values(vital="alive"))
        session.commit()
    again = school.rebuild(row.visit_list_id)
    assert again.identical, again.difference
    shown = list_rows.rows(school.register, row.visit_list_id, language="en")
    assert "The family asked for a visit on 20 Sep 2026" in [
        reason for one in shown for reason in one.reasons
    ]


def test_a_rebuild_says_where_it_differs(school: School_) -> None:
    (row,) = school.do("publish")
    document = school.document(row)
    # Somebody swapped two families and the hash with them: the rebuild notices.
    one, two = document["households"][:2]
    one["rank"], two["rank"] = two["rank"], one["rank"]
    from earlywarning.visits.frozen import canonical, digest

    swapped = canonical(document)
    with school.register.session(writing=True) as session:
        session.execute(update(VisitList).values(frozen=swapped, frozen_sha256=digest(swapped)))
        session.commit()
    again = school.rebuild(row.visit_list_id)
    assert not again.identical
    assert again.difference == "/households/0/rank is 1, recorded was 2"


def test_facts_that_were_altered_are_not_used(school: School_) -> None:
    (row,) = school.do("publish")
    path = next((school.store.folder(row.snapshot_id) / "attendance_event").glob("*.parquet"))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ArtifactError, match="altered"):
        school.rebuild(row.visit_list_id)
    with pytest.raises(NotFound, match="no visit list"):
        school.rebuild("nothing")


def test_a_family_visited_in_the_quarter_is_not_listed_again(school: School_) -> None:
    visits = facts()["visit"]
    more = table(
        "visit",
        [{"visit_id": "v9", "student_id": BUDI.student_id, "day": day_number(date(2026, 10, 2)),
          "status": "done", "track": "concern"}],
    )  # fmt: skip
    save_facts(school.store, school.register, {"visit": pl.concat([visits, more])})
    (row,) = school.do("draft")
    rows = by_students(school.document(row))
    brothers = rows[frozenset({AHMAD.local_id, BUDI.local_id})]
    assert (brothers["excluded"], brothers["rank"]) == ("visited_this_quarter", None)
    # Not yet known on the as-of date: it is no feature and no last visit of theirs.
    assert brothers["last_visit"] is None
    suparmi = rows[frozenset({SUPARMI.local_id})]
    assert (suparmi["track"], suparmi["last_visit"]) == ("preventive", "2026-05-08")


def test_every_school_gets_its_list_in_one_go(
    school: School_, monkeypatch: pytest.MonkeyPatch
) -> None:
    with school.register.session(writing=True) as session:
        session.add(School(school_id="SCH3", name="SMP Ketiga"))
        session.commit()
    other = enrolled((replace(CITRA, local_id="0901"),)).with_columns(
        school_id=pl.lit("SCH3"), class_id=pl.lit("SCH3/2026-27/VIII-A")
    )
    save_facts(
        school.store, school.register, {"enrollment": pl.concat([facts()["enrollment"], other])}
    )
    together = [row.frozen_sha256 for row in school.do("draft")]
    # A province: a part of it is scored and listed at a time, while the lists are saved.
    monkeypatch.setattr(publish, "PART", 1)
    rows = school.do("draft")
    assert [row.frozen_sha256 for row in rows] == together
    rows = school.do("publish")
    assert [row.school_id for row in rows] == ["SCH1", "SCH3"]
    alone = school.document(rows[1])
    # No homeroom teacher and no records: the pool, the district's capacity, no outcome scored.
    (lead,) = alone["header"]["leads"]
    assert (lead["lead"], lead["capacity"]) == (None, 3)
    assert {model["why"] for model in alone["header"]["models"].values()} == {"no_records"}
    (family,) = alone["households"]
    assert family["priority"] == 0.0
    assert family["track"] == "preventive"
    assert family["children"][0]["completeness"]["available"] == 0
    for row in rows:
        assert school.rebuild(row.visit_list_id).identical


def test_a_school_that_joins_later_gets_a_list_of_its_own(school: School_) -> None:
    school.do("publish")
    with school.register.session(writing=True) as session:
        session.add(School(school_id="SCH3", name="SMP Ketiga"))
        session.commit()
    other = enrolled((CITRA,)).with_columns(
        school_id=pl.lit("SCH3"), class_id=pl.lit("SCH3/2026-27/VIII-A"),
        student_id=pl.lit("d" * 32),
    )  # fmt: skip
    save_facts(
        school.store, school.register, {"enrollment": pl.concat([facts()["enrollment"], other])}
    )
    assert [row.school_id for row in school.do("publish")] == ["SCH3"]


@pytest.mark.parametrize("history", ["none", "one quarter"])
def test_one_student(empty: School_, tmp_path: Path, history: str) -> None:
    settle(tmp_path, empty.register)
    everything = facts((SITI,)) if history == "one quarter" else {"enrollment": enrolled((SITI,))}
    nothing = {name: frame.clear() for name, frame in facts().items()}
    nothing["attendance_event"] = (
        facts()["attendance_event"].filter(pl.col("student_id") == SITI.student_id)
        if history == "one quarter"
        else nothing["attendance_event"]
    )
    save_facts(empty.store, empty.register, nothing | {
        name: frame for name, frame in everything.items() if name != "attendance_event"
    })  # fmt: skip
    (row,) = empty.do("publish")
    (family,) = empty.document(row)["households"]
    assert family["listed"]
    assert (family["cut"], family["distance"]) == (None, None)
    assert family["track"] == ("concern" if history == "one quarter" else "preventive")
    assert empty.rebuild(row.visit_list_id).identical


def test_a_lottery_is_stored_and_drawn_again(school: School_) -> None:
    school.district = District(visits=Visits(lottery=True, capacity=3, preventive_share=0.0))
    (row,) = school.do("publish", seed=5)
    document = school.document(row)
    lots = [one["lottery"] for one in document["households"] if one["lottery"] is not None]
    # Sari: N = 2, three families with a concern, so three draw for two.
    assert [lot["probability"] for lot in lots] == [2 / 3] * 3
    assert {lot["block"] for lot in lots} == {f"SCH1/{QUARTER}/{staff_id(SARI.local_id)}"}
    assert sum(lot["won"] for lot in lots) == 2
    assert school.rebuild(row.visit_list_id).identical


def test_rows_for_people(school: School_) -> None:
    (row,) = school.do("publish")
    english = list_rows.rows(school.register, row.visit_list_id, language="en")
    assert [(one.position, one.place, one.lead) for one in english] == [
        (1, 1, SARI.name), (2, 2, SARI.name), (3, 1, "Bambang O'Connor"),
    ]  # fmt: skip
    assert (english[0].students, english[0].class_names) == (SITI.name, "VII-A")
    assert (english[0].band, english[0].track) == ("Visit first", "Concern")
    assert english[0].completeness == "3 of 3 kinds of records available"
    assert any("known before 1 Oct 2026" in text for text in english[0].reasons)
    indonesian = list_rows.rows(school.register, row.visit_list_id, language="id", first=1)
    assert [one.band for one in indonesian] == ["Kunjungi dulu"]
    brothers = english[1]
    assert set(brothers.students.split(", ")) == {AHMAD.name, BUDI.name}
    plain = list_rows.rows(school.register, row.visit_list_id, language="en", names=False)
    text = repr(plain)
    assert SITI.student_id in text
    assert SITI.name not in text
    assert SARI.name not in text


def test_a_family_listed_without_a_fact_is_not_left_without_a_word(
    school: School_,
) -> None:
    # Bambang's only listed family is Yusuf's; without his points nothing speaks for it.
    save_facts(school.store, school.register, {"behaviour_event": facts()["behaviour_event"][:0]})
    (row,) = school.do("publish")
    family = list_rows.rows(school.register, row.visit_list_id, language="en")[-1]
    assert (family.students, family.track) == (YUSUF.name, "Concern")
    assert family.reasons == ("No single fact that can change stands out in the records",)


def test_progress_is_told_and_ends(school: School_) -> None:
    told: list[tuple[str, int, int]] = []
    school.do("draft", progress=lambda *step: told.append(step))
    assert [step for step in told if step[1] == step[2]][-1] == ("allocate", 1, 1)
    assert {step[0] for step in told} == {"features", "score", "allocate"}


CHILD = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from earlywarning.io.engine import open_engine
from earlywarning.io.facts import FactStore
from earlywarning.io.model_registry import ModelRegistry
from earlywarning.io.register.db import open_register
from earlywarning_pipelines import publish
from small_school import DISTRICT, NOW, QUARTER

folder = Path(sys.argv[1])
with open_register(f"sqlite:///{folder / 'register.db'}") as register, open_engine() as engine:
    (row,) = publish.draft(
        quarter=QUARTER, engine=engine, store=FactStore(folder / "facts"), register=register,
        registry=ModelRegistry(f"sqlite:///{folder / 'mlflow.db'}", register=register,
                               artifact_location=(folder / "artifacts").as_uri()),
        district=DISTRICT, seed=1, by="x", at=NOW,
    )
    print(row.frozen_sha256)
"""


def test_the_same_bytes_in_any_process(school: School_, tmp_path: Path) -> None:
    """Two runs here, and one with one thread and another hash seed."""
    (first,) = school.do("draft")
    (second,) = school.do("draft", at=NOW + timedelta(days=1), by="somebody else")
    found = {first.frozen_sha256, second.frozen_sha256}
    result = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path), str(Path(__file__).parents[1])],
        env=os.environ
        | {"PYTHONHASHSEED": "12345"}
        | dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    found.add(result.stdout.strip())
    assert len(found) == 1
