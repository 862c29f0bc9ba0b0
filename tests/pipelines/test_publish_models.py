"""Lists by trained models: of every kind, the same bytes in any process, made again later."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest

import catalogue
from drawn_school import AFTER, CALENDAR, QUARTERS, facts
from earlywarning.district import District, Visits
from earlywarning.errors import ArtifactError
from earlywarning.io.dataset import load_dataset
from earlywarning.io.engine import open_engine
from earlywarning.io.facts import FactStore
from earlywarning.io.model_registry import ModelRegistry, Run
from earlywarning.io.register import lists, model_versions
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.model_events import Decision
from earlywarning.io.register.models import ClassGroup, FactsSnapshot, School, Staff, Student
from earlywarning.risk import spec
from earlywarning.risk.estimators.base import Estimator
from earlywarning.risk.estimators.boosted import Boosted
from earlywarning.risk.estimators.last_value import LastValue
from earlywarning.risk.estimators.logistic import Logistic
from earlywarning.risk.spec import BoostedSetting
from earlywarning_pipelines import list_rows, publish

AT = datetime(2026, 1, 1, 6, 30)  # noqa: DTZ001 - the register keeps UTC without zone
DISTRICT = District(visits=Visits(lottery=True, capacity=8, preventive_share=0.25))
QUARTER = CALENDAR.quarter_of(AFTER)
HERE = Path(__file__).parents[1]
KINDS = {"attendance": "logistic", "behaviour": "boosted", "grades": "last_value"}


@dataclass
class Place:
    """One installation whose models were fitted."""

    folder: Path
    store: FactStore
    register: Register
    registry: ModelRegistry

    def make(self, step: str = "draft", **more: Any) -> lists.ListRow:
        with open_engine() as engine:
            (row,) = getattr(publish, step)(
                quarter=QUARTER.code, engine=engine, store=self.store, register=self.register,
                registry=self.registry, district=DISTRICT, by="x", at=AT, **({"seed": 1} | more),
            )  # fmt: skip
        return row

    def rebuild(self, row: lists.ListRow) -> publish.Rebuilt:
        with open_engine() as engine:
            return publish.rebuild(
                row.visit_list_id, engine=engine, store=self.store, register=self.register,
                registry=self.registry,
            )  # fmt: skip


def found(folder: Path) -> Place:
    """The installation of a folder, as any process finds it."""
    register = open_register(f"sqlite:///{folder / 'register.db'}")
    return Place(
        folder, FactStore(folder / "facts"), register, catalogue.registry(folder, register)
    )


def candidates(seed: int) -> dict[str, Estimator]:
    """A candidate of each kind, quick to fit; another seed, other features."""
    chosen = {outcome: spec.load(outcome) for outcome in KINDS}
    grades = chosen["grades"]
    return {
        "attendance": Logistic(chosen["attendance"].features[seed:], (1.0,)),
        "behaviour": Boosted(
            chosen["behaviour"].features, [BoostedSetting(2, 0.3, 1.0)], rounds=10 + seed
        ),
        "grades": LastValue(grades.last_value, grades.last_value_direction),
    }


def fit(place: Place, seed: int) -> None:
    """Fit each kind on what was known, and let it serve."""
    snapshot = place.register.current_snapshot()
    assert snapshot is not None
    with open_engine() as engine:
        dataset = load_dataset(
            engine, place.store.folder(snapshot), DISTRICT,
            quarters=[CALENDAR.quarter(code) for code in QUARTERS[1:4]], known_before=AFTER,
        )  # fmt: skip
    models = []
    for outcome, estimator in candidates(seed).items():
        estimator.fit(
            dataset.X, dataset.y[outcome].to_numpy(), visited=dataset.visited,
            quarters=dataset.ids["quarter"].to_numpy(), seed=seed,
        )  # fmt: skip
        logged = place.registry.log("test", Run(outcome), estimator.to_files(), at=AT)
        assert logged is not None
        models.append((outcome, estimator.kind, logged, {"why": "model_better"}))
    decision = Decision("Bu Ratna", "for the test", AT)
    place.registry.keep(
        "test", models, snapshot_id=snapshot, trained=decision,
        promoted=dict.fromkeys(KINDS, decision),
    )  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = found(tmp_path)
    snapshot = made.store.write(facts(120), base=None)
    year = QUARTER.school_year
    with made.register.session(writing=True) as session:
        session.add(School(school_id="SCH1", name="SMP Contoh"))
        session.add(FactsSnapshot(snapshot_id=snapshot.id, made_at=AT, is_current=True, rows={}))
        session.flush()
        session.add_all(
            Staff(staff_id=f"t{name}", school_id="SCH1", local_id=name, name=f"Guru {name}")
            for name in "ABCD"
        )
        session.flush()
        session.add_all(
            ClassGroup(class_id=f"SCH1/{year}/{name}", school_id="SCH1", school_year=year,
                       name=name, homeroom_staff_id=f"t{name}")
            for name in "ABCD"
        )  # fmt: skip
        session.add_all(
            Student(
                student_id=f"{n:032x}", school_id="SCH1", local_id=str(n), full_name=f"Siswa {n}"
            )
            for n in range(120)
        )
        session.commit()
    fit(made, seed=0)
    yield made
    made.register.close()


CHILD = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from pathlib import Path
from test_publish_models import found
print(found(Path(sys.argv[3])).make().frozen_sha256)
"""


def test_lists_by_trained_models(place: Place) -> None:
    draft = place.make()
    models = draft.header["models"]
    for outcome, kind in KINDS.items():
        champion = model_versions.champion(place.register, outcome)
        assert champion is not None
        one = models[outcome]
        assert (one["estimator"], one["serves"], one["why"]) == (kind, "model", "model_better")
        assert one["artifact_sha256"] == champion.artifact_sha256
        assert one["model_version_id"] == champion.model_version_id
        assert one["scored_students"] == 120
    _, document = lists.frozen_record(place.register, draft.visit_list_id)
    for household in document["households"]:
        (child,) = household["children"]
        assert household["priority"] == pytest.approx(sum(child["risks"].values()), abs=2e-9)
    # Four leads with 8 places: 2 preventive, 6 for concern, of which two by lot.
    assert draft.header["counts"]["listed"] == 32
    assert sum(row["lottery"] is not None for row in document["households"]) == 16
    with_reasons = [
        row for row in list_rows.rows(place.register, draft.visit_list_id, language="en")
        if row.reasons
    ]  # fmt: skip
    assert len(with_reasons) > 16

    # The same bytes here again, in other processes, with other threads and hash seeds.
    hashes = {draft.frozen_sha256, place.make().frozen_sha256}
    for threads, hash_seed in (("1", "0"), ("2", "4242")):
        numbers = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        result = subprocess.run(
            [sys.executable, "-c", CHILD, str(HERE), str(Path(__file__).parent),
             str(place.folder)],
            env=os.environ | {"PYTHONHASHSEED": hash_seed} | dict.fromkeys(numbers, threads),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        hashes.add(result.stdout.strip())
    assert hashes == {draft.frozen_sha256}

    # Other models serve now: the old list is still made again by those that made it.
    published = place.make("publish")
    assert published.frozen_sha256 == draft.frozen_sha256
    fit(place, seed=1)
    for outcome in ("attendance", "behaviour"):
        champion = model_versions.champion(place.register, outcome)
        assert champion is not None
        assert champion.artifact_sha256 != models[outcome]["artifact_sha256"]
    again = place.rebuild(published)
    assert again.identical, again.difference

    # A model that was altered since is not opened, for no list.
    row = model_versions.get(place.register, models["behaviour"]["model_version_id"])
    path = next(Path(urlparse(row.artifact_uri).path).glob("*.ubj"))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ArtifactError):
        place.rebuild(published)
