"""From records to the page: groups of a registered school, and proof that no model knows them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pytest

import catalogue
from drawn_school import AFTER, QUARTERS, facts
from earlywarning.district import District, Visits
from earlywarning.features.build import FEATURES
from earlywarning.io.engine import open_engine
from earlywarning.io.facts import FactStore
from earlywarning.io.model_registry import ModelRegistry
from earlywarning.io.register import model_versions
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import ClassGroup, FactsSnapshot, School, Student
from earlywarning.risk import spec
from earlywarning_pipelines import evaluating, train
from earlywarning_pipelines.train import TrainedOutcome

AT = datetime(2026, 1, 1, 6, 30)  # noqa: DTZ001 - the register keeps UTC without zone
STUDENTS = 240
DISTRICT = District(visits=Visits(lottery=False, capacity=12), name="SMP Contoh", language="en")
STUDENT_FIELDS = {column.name for column in Student.__table__.columns}


@dataclass
class Home:
    """One installation in a folder."""

    store: FactStore
    register: Register
    registry: ModelRegistry


def registered(folder: Path, *, girls: int) -> Home:
    """A school of four classes, two of each grade level; students 0, 2, 4 … or 1, 3, 5 … girls."""
    store = FactStore(folder / "facts")
    register = open_register(f"sqlite:///{folder / 'register.db'}")
    snapshot = store.write(facts(STUDENTS, QUARTERS[:5]), base=None)
    home = Home(store, register, catalogue.registry(folder, register))
    years = sorted({code[:7] for code in QUARTERS})
    with home.register.session(writing=True) as session:
        session.add(FactsSnapshot(snapshot_id=snapshot.id, made_at=AT, is_current=True, rows={}))
        session.add(School(school_id="SCH1", name="SMP Contoh"))
        session.flush()
        for year in years:
            session.add_all(
                ClassGroup(class_id=f"SCH1/{year}/{name}", school_id="SCH1", school_year=year,
                           name=name, grade_level=level)
                for name, level in zip("ABCD", (7, 7, 8, 8), strict=True)
            )  # fmt: skip
        session.add_all(
            Student(student_id=f"{i:032x}", school_id="SCH1", local_id=str(i),
                    full_name=f"Siswa Karangan {i}", sex="female" if i % 2 == girls else "male")
            for i in range(STUDENTS)
        )  # fmt: skip
        session.commit()
    return home


def trained(home: Home, folder: Path) -> TrainedOutcome:
    result = train.run(
        engine=open_engine(),
        store=home.store,
        register=home.register,
        registry=home.registry,
        district=DISTRICT,
        as_of=AFTER,
        trained_at=AT,
        outcomes=["attendance"],
        seed=1,
        reports_folder=folder,
    )
    (one,) = result.outcomes
    return one


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, TrainedOutcome]]:
    folder = tmp_path_factory.mktemp("judged")
    home = registered(folder, girls=0)
    yield home, trained(home, folder / "reports")
    home.register.close()


def test_the_report_answers_with_intervals(outcome: tuple[Home, TrainedOutcome]) -> None:
    report = outcome[1].report
    evaluation = report["evaluation"]
    assert evaluation["candidate"] == report["served"]
    assert list(evaluation["candidates"]) == list(report["test"])
    for name, one in evaluation["candidates"].items():
        # The same figure by another way.
        assert one["found_share"]["value"] == pytest.approx(report["test"][name]["found_share"])
        assert one["precision"]["value"] == pytest.approx(report["test"][name]["precision"])
        assert one["brier"] == pytest.approx(report["test"][name]["brier"])
        assert 0 <= one["found_share"]["low"] < one["found_share"]["high"] <= 1
    assert evaluation["chance"]["found_share"] == pytest.approx(report["capacity_share"], abs=0.01)
    assert evaluation["chance"]["precision"] == pytest.approx(
        report["test"]["rule"]["positives"] / report["test"]["rule"]["n"]
    )
    assert evaluation["candidates"]["rule"]["gain_over_rule"] == {"value": 0, "low": 0, "high": 0}
    assert len(evaluation["stability"]["redrawn"]) == 5
    assert sum(one["students"] for one in evaluation["calibration"]["curve"]) == STUDENTS
    assert evaluation["classes"]["counted"] == 4


def test_groups_and_gates_are_there_to_be_read(outcome: tuple[Home, TrainedOutcome]) -> None:
    report = outcome[1].report
    groups = {(one["attribute"], one["value"]): one for one in report["groups"]["groups"]}
    assert groups["sex", "female"]["students"] == groups["sex", "male"]["students"] == 120
    assert groups["grade_level", "7"]["students"] == 120
    assert groups["sex × grade_level", "female × 7"]["students"] == 60
    assert report["groups"]["alone"] == ["school"]
    gates = report["gates"]
    assert set(gates) == {"calibration", "groups"}
    assert set(gates["calibration"]) == {"passed", "error", "limit"}
    assert {"passed", "gap", "low", "high", "group", "against"} <= set(gates["groups"])
    limit = spec.load("attendance").max_group_gap
    gap = gates["groups"]
    assert gap["passed"] is not (gap["gap"] > limit and gap["low"] > 0)
    assert json.loads(json.dumps(report)) == report


def test_no_model_can_know_what_it_is_audited_by(
    outcome: tuple[Home, TrainedOutcome], tmp_path: Path
) -> None:
    """The same records with every child's sex exchanged: the same model, other groups."""
    _, first = outcome
    other = registered(tmp_path, girls=1)
    second = trained(other, tmp_path / "reports")
    other.register.close()
    assert first.result.estimator is not None
    assert second.result.estimator is not None
    assert first.result.estimator.to_files() == second.result.estimator.to_files()
    assert first.model is not None
    assert second.model is not None
    assert first.model.artifact_sha256 == second.model.artifact_sha256, "the whole signed folder"
    for one, again in zip(first.result.judged, second.result.judged, strict=True):
        for name in one.risks:
            assert np.array_equal(one.risks[name], again.risks[name])
    girls, boys = (
        next(g for g in report["groups"]["groups"] if g["value"] == value)
        for report, value in ((first.report, "female"), (second.report, "male"))
    )
    assert {**girls, "value": "male"} == boys
    # Nothing of a register entry is a feature, so that a spec cannot name it either.
    assert not STUDENT_FIELDS & {feature.name for feature in FEATURES}


class Page(HTMLParser):
    """What a page holds: tags, attributes, and whether its tables can be read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.heads: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.ids += [str(found["id"])] if "id" in found else []
        self.links += [str(found[key]) for key in ("src", "href", "xlink:href") if key in found]
        if tag == "th":
            self.heads.append(found)


def test_the_page_needs_nothing_else(outcome: tuple[Home, TrainedOutcome]) -> None:
    home, one = outcome
    assert one.page is not None
    assert one.page.name == f"attendance-{AFTER.isoformat()}.html"
    text = one.page.read_text("utf-8")
    page = Page()
    page.feed(text)
    assert '<html lang="en">' in text
    assert not {"script", "link", "img", "iframe", "form"} & set(page.tags)
    assert all(link.startswith("#") for link in page.links)
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    assert len(page.ids) == len(set(page.ids)), "three figures, no id twice"
    assert page.tags.count("svg") == 3
    assert page.tags.count("caption") == page.tags.count("table") >= 5
    assert all(head.get("scope") in ("row", "col") for head in page.heads)
    assert "Siswa Karangan" not in text
    assert f"{7:032x}" not in text
    row = model_versions.champion(home.register, "attendance")
    assert row is not None
    run = Path(urlparse(row.artifact_uri).path).parent
    assert (run / "report.html").read_text("utf-8") == text
    assert (run / "classes.csv").read_text("utf-8").count("\n") == 5
    (every,) = run.glob("every_capacity-*.csv")
    assert len(every.read_text("utf-8").splitlines()) == 1 + 4 * STUDENTS


def test_a_page_where_nothing_was_judged_says_so(outcome: tuple[Home, TrainedOutcome]) -> None:
    _, one = outcome
    unjudged = {**one.report, **evaluating.told(None)}
    for language, said in (("en", "No quarter could be judged"), ("id", "Belum ada triwulan")):
        district = replace(DISTRICT, language=language)
        texts = evaluating.texts(one.result, None, unjudged, district, AFTER)
        assert set(texts) == {"report.html"}
        assert f'<html lang="{language}">' in texts["report.html"]
        assert said in texts["report.html"]
        assert "<svg" not in texts["report.html"]


def test_a_second_page_of_the_day_replaces_the_first(tmp_path: Path) -> None:
    first = evaluating.write("one", tmp_path / "reports", "grades", date(2026, 1, 1))
    second = evaluating.write("two", tmp_path / "reports", "grades", date(2026, 1, 1))
    assert first == second
    assert [path.name for path in first.parent.iterdir()] == ["grades-2026-01-01.html"]
    assert second.read_text("utf-8") == "two"
