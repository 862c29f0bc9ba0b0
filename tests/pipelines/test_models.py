"""The life of a model: trained, compared, put in service, taken back, altered, made again."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import catalogue
from drawn_school import AFTER, CALENDAR, QUARTERS, facts
from earlywarning.errors import (
    ArtifactError,
    ConfigError,
    ConfirmationNeeded,
    Conflict,
    NotFound,
)
from earlywarning.io.model_registry import Run
from earlywarning.io.register import lists, model_events, model_versions
from earlywarning.io.register.model_events import Decision
from earlywarning.io.register.models import FactsSnapshot, ModelVersion, School
from earlywarning.risk import gates
from earlywarning.risk.estimators.logistic import Logistic
from earlywarning_pipelines import cli, models, promoting, publish, repeating, serving, train
from earlywarning_pipelines.console import CONFIRM_EXIT, REFUSED_EXIT
from earlywarning_pipelines.home import Home, open_home
from earlywarning_pipelines.promoting import Promotion
from earlywarning_pipelines.train import TrainResult

AT = datetime(2026, 1, 1, 6, 30)  # noqa: DTZ001 - the register keeps UTC without zone
EARLY: date = CALENDAR.quarter(QUARTERS[3]).end
QUARTER = CALENDAR.quarter_of(AFTER).code
RATNA = Promotion("Bu Ratna", "finds more")
OUTCOME = "grades"


@dataclass
class Life:
    """One installation, and the shortest way to each step."""

    home: Home
    clock: datetime = AT

    def now(self) -> datetime:
        self.clock += timedelta(minutes=1)
        return self.clock

    def train(self, as_of: date, **more: Any) -> TrainResult:
        return train.run(
            engine=self.home.engine, store=self.home.store, register=self.home.register,
            registry=self.home.models, district=self.home.district, as_of=as_of,
            trained_at=self.now(), outcomes=[OUTCOME], seed=1, **more,
        )  # fmt: skip

    def promote(self, version: int | None = None, *, override: bool = False) -> models.Promoted:
        return models.promote(
            OUTCOME, version, promotion=RATNA, override=override, at=self.now(),
            **self.records(),
        )  # fmt: skip

    def rollback(self) -> models.RolledBack:
        return models.rollback(self.home.models, OUTCOME, promotion=RATNA, at=self.now())

    def records(self) -> dict[str, Any]:
        return {
            "engine": self.home.engine, "store": self.home.store, "register": self.home.register,
            "registry": self.home.models, "district": self.home.district, "as_of": AFTER,
        }  # fmt: skip

    def draft(self) -> lists.ListRow:
        (row,) = publish.draft(
            quarter=QUARTER, engine=self.home.engine, store=self.home.store,
            register=self.home.register, registry=self.home.models, district=self.home.district,
            seed=1, by="x", at=self.now(),
        )  # fmt: skip
        return row

    def serving(self) -> int | None:
        row = model_versions.champion(self.home.register, OUTCOME)
        return None if row is None else row.version

    def aliases(self) -> dict[str, str]:
        row = model_versions.every(self.home.register, OUTCOME)[0]
        client = self.home.models._opened()
        (found,) = client.search_registered_models(f"name='{row.report['mlflow_model']}'")
        return {name: str(version) for name, version in found.aliases.items()}

    def actions(self) -> list[tuple[str, str]]:
        events = model_events.of_outcome(self.home.register, OUTCOME)
        return [(one.action, one.made_by) for one in events]


def folder(row: ModelVersion) -> Path:
    return Path(urlparse(row.artifact_uri).path)


def flip(path: Path, at: int = -1) -> bytes:
    whole = path.read_bytes()
    data = bytearray(whole)
    data[at] ^= 1
    path.write_bytes(data)
    return whole


def installed(folder: Path, promote: str = "by_person") -> Life:
    folder.mkdir(exist_ok=True)
    (folder / "district.toml").write_text(
        f'[district]\nname = "SMP Contoh"\n[visits]\nlottery = false\n'
        f'[models]\npromote = "{promote}"\n'
    )
    home = open_home(folder)
    with home.register.session() as session:
        known = session.get(School, "SCH1")
    if known is None:
        snapshot = home.store.write(facts(120), base=None)
        with home.register.session(writing=True) as session:
            session.add(School(school_id="SCH1", name="SMP Contoh"))
            session.add(
                FactsSnapshot(snapshot_id=snapshot.id, made_at=AT, is_current=True, rows={})
            )
            session.commit()
        catalogue.registry(folder, home.register)  # its tables, made once for all tests
    return Life(home)


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    made = installed(tmp_path / "home")
    yield made
    made.home.register.close()


def test_from_the_first_training_to_going_back(life: Life) -> None:
    """One long story, because each step needs the one before."""
    (first,) = life.train(EARLY).outcomes
    assert first.serves, "a school where nobody looks at models gets a list all the same"
    assert first.weighed is not None
    assert first.weighed.gates[gates.CHAMPION] == {"passed": None, "why": "nothing_serves"}
    assert life.aliases() == {"champion": "1"}
    assert life.actions() == [("trained", "earlywarning train"), ("promoted", "earlywarning train")]

    # The next one waits, and says so; what serves is as it was.
    (second,) = life.train(AFTER).outcomes
    assert not second.serves
    assert life.serving() == 1
    assert life.aliases() == {"champion": "1", "challenger": "2"}

    # Version 1 never saw the quarter that judges; version 2 did, and is learnt again without it.
    compared = models.compare(OUTCOME, **life.records())
    assert (compared.one.version, compared.other.version) == (2, 1)
    found = compared.comparison
    assert found is not None
    assert set(found.quarters) <= set(QUARTERS[4:])
    assert not found.unseen
    assert found.how == {"version 2": "refitted", "version 1": "as_served"}
    assert found.against.low <= found.against.gain <= found.against.high
    assert found.against.gain == pytest.approx(
        found.found_share["version 2"] - found.found_share["version 1"]
    )
    again = models.compare(OUTCOME, 2, 1, **life.records()).comparison
    assert again == found, "the same versions on the same facts"
    turned = models.compare(OUTCOME, 1, 2, **life.records()).comparison
    assert turned is not None
    if turned.quarters == found.quarters:
        assert turned.against.gain == pytest.approx(-found.against.gain)
    with pytest.raises(Conflict, match="cannot be compared with itself"):
        models.compare(OUTCOME, 1, 1, **life.records())

    # Put in service: by name and reason, with what was judged.
    done = life.promote(override=True)
    assert (done.row.version, life.serving()) == (2, 2)
    assert life.aliases() == {"champion": "2"}
    event = model_events.of_outcome(life.home.register, OUTCOME)[-1]
    assert (event.action, event.made_by, event.reason) == ("promoted", "Bu Ratna", "finds more")
    assert event.from_version_id == compared.other.model_version_id
    assert set(event.gates) == set(gates.NAMES)
    assert event.override == bool(gates.failed(event.gates))
    with pytest.raises(Conflict, match="version 2 serves already"):
        life.promote(2)
    client = life.home.models._opened()
    row = model_versions.numbered(life.home.register, OUTCOME, 2)
    tags = client.get_model_version(row.report["mlflow_model"], row.report["mlflow_version"]).tags
    assert tags["promoted.by"] == "Bu Ratna"
    assert tags["promoted.reason"] == "finds more"
    assert tags["artifact_sha256"] == row.artifact_sha256
    assert "beats_champion" in tags["promoted.gates"]
    list_ = life.draft()
    assert list_.header["models"][OUTCOME]["version"] == 2
    assert serving.refusals(list_.header) == {}

    # Altered: never opened, the one before decides, and everybody is told.
    whole = flip(folder(row) / "manifest.sig")
    list_ = life.draft()
    model = list_.header["models"][OUTCOME]
    assert (model["version"], model["why"]) == (1, "earlier_model")
    assert serving.refusals(list_.header) == {OUTCOME: 2}
    assert publish.rebuild(
        list_.visit_list_id, engine=life.home.engine, store=life.home.store,
        register=life.home.register, registry=life.home.models,
    ).identical  # fmt: skip
    life.draft()
    assert life.actions().count(("refused", "earlywarning")) == 1, "written once"
    assert models.shown(life.home.models, OUTCOME, 2).refusal
    with pytest.raises(ArtifactError):
        models.compare(OUTCOME, 1, 2, **life.records())
    (folder(row) / "manifest.sig").write_bytes(whole)
    assert life.draft().header["models"][OUTCOME]["version"] == 2

    # Back, in one step; and no further.
    back = life.rollback()
    assert (back.row.version, back.before.version, life.serving()) == (1, 2, 1)
    assert life.aliases() == {"champion": "1"}
    assert life.actions()[-1] == ("rolled_back", "Bu Ratna")
    with pytest.raises(NotFound, match="no version served before version 1"):
        life.rollback()
    # Without any intact model the rule decides.
    flip(folder(model_versions.numbered(life.home.register, OUTCOME, 1)) / "estimator.json")
    model = life.draft().header["models"][OUTCOME]
    assert (model["estimator"], model["version"], model["why"]) == ("rule", None, "refused")

    # Nothing of all this can be unwritten.
    for change in ("DELETE FROM model_event", "UPDATE model_event SET made_by = 'x'"):
        with (
            life.home.register.engine.connect() as connection,
            pytest.raises(Exception, match="only added"),
        ):
            connection.exec_driver_sql(change)


def test_the_same_run_again_gives_the_same_model(life: Life) -> None:
    (made,) = life.train(EARLY).outcomes
    assert made.model is not None
    row = model_versions.get(life.home.register, made.model.model_version_id)
    tools = {
        "engine": life.home.engine, "store": life.home.store, "register": life.home.register,
        "registry": life.home.models,
    }  # fmt: skip
    result = repeating.run(row.run_id, **tools)
    assert (result.identical, result.sha256) == (True, row.artifact_sha256)
    assert [one.row.version for one in models.listed(life.home.register)] == [1], "nothing is kept"
    with pytest.raises(NotFound, match="no model version was made by run 'x'"):
        repeating.run("x", **tools)

    # Of a run whose recorded seed is another, the difference is named.
    client = life.home.models._opened()
    where = Path(urlparse(str(client.get_run(row.run_id).info.artifact_uri)).path)
    spec = (where / "spec.toml").read_text("utf-8")
    (where / "spec.toml").write_text(spec.replace("min_positives = ", "min_positives = 1"))
    other = repeating.run(row.run_id, **tools)
    assert not other.identical
    assert any(line.startswith("spec.toml: ") for line in other.differences)


@pytest.mark.slow
def test_a_district_can_let_training_decide(tmp_path: Path) -> None:
    life = installed(tmp_path / "home", promote="automatic")
    life.train(EARLY)
    (second,) = life.train(AFTER).outcomes
    assert second.weighed is not None
    assert second.serves == gates.clear(second.weighed.gates)
    assert life.serving() == (2 if second.serves else 1)
    # A person is asked for a name and a reason, and told which gate failed.
    (third,) = life.train(AFTER, promotion=RATNA).outcomes
    assert third.weighed is not None
    assert third.weighed.comparison is not None
    assert third.serves == (not gates.failed(third.weighed.gates))
    life.home.register.close()


def test_flipped_bytes_at_twenty_random_places_never_serve(life: Life) -> None:
    life.train(EARLY)
    row = model_versions.champion(life.home.register, OUTCOME)
    assert row is not None
    rng = random.Random(5)  # noqa: S311 - places, not secrets
    paths = sorted(path for path in folder(row).rglob("*") if path.is_file())
    for _ in range(20):
        path = rng.choice(paths)
        whole = flip(path, rng.randrange(path.stat().st_size))
        (decider,) = (one for one in serving.in_service(life.home.models) if one.outcome == OUTCOME)
        assert decider.record["why"] == "refused", path
        path.write_bytes(whole)
    (decider,) = (one for one in serving.in_service(life.home.models) if one.outcome == OUTCOME)
    assert decider.record["version"] == 1


class Canary:
    """What must never be opened: its pickle writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.marker), "w"))


def test_5_a_pickle_anywhere_is_never_opened(life: Life, tmp_path: Path) -> None:
    life.train(EARLY)
    row = model_versions.champion(life.home.register, OUTCOME)
    assert row is not None
    marker = tmp_path / "fired"
    poison = pickle.dumps(Canary(marker))
    pickle.loads(poison).close()  # noqa: S301 - that the canary can sing at all
    assert marker.exists()
    marker.unlink()
    run_folder = folder(row).parent
    extra = [
        place / name
        for place in (folder(row), run_folder)
        for name in ("model.pkl", "python_model.pkl", "MLmodel", "extra.skops", "conda.yaml")
    ]
    for path in extra:
        path.write_bytes(poison)
    for path in sorted(p for p in run_folder.rglob("*") if p.is_file() and p not in extra):
        whole = path.read_bytes()
        path.write_bytes(poison)
        serving.in_service(life.home.models)
        models.shown(life.home.models, OUTCOME)
        life.draft()
        path.write_bytes(whole)
    assert life.draft().header["models"][OUTCOME]["version"] == 1
    assert not marker.exists()


def test_5_a_pickle_that_was_signed_is_no_estimator(life: Life, tmp_path: Path) -> None:
    """Even one with our own signature: nothing here reads pickles."""
    marker = tmp_path / "fired"
    poison = pickle.dumps(Canary(marker))
    honest = Logistic(["a", "b"], (1.0,)).fit(
        pd.DataFrame({"a": [0.0, 1.0, 0.0, 1.0], "b": [0.0, 0.0, 1.0, 1.0]}),
        np.array([0.0, 1.0, 0.0, 1.0]), visited=None, quarters=np.array(["q"] * 4), seed=1,
    )  # fmt: skip
    for files in (
        {"estimator.json": poison},
        honest.to_files() | {"pipeline.skops": poison},
        {"estimator.json": b'{"kind":"boosted"}', "trees.ubj": poison},
    ):
        logged = life.home.models.log("SMP Contoh", Run(OUTCOME), files, at=AT)
        assert logged is not None
        with pytest.raises(ArtifactError, match=r"cannot be (read|opened)"):
            life.home.models.keep(
                "SMP Contoh", [(OUTCOME, "rule", logged, {"why": "x"})], snapshot_id="5" * 64,
                trained=Decision("x", "x", AT), promoted={},
            )  # fmt: skip
    assert not marker.exists()


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    life = installed(tmp_path / "home")

    def said(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(cli.app, ["--home", str(tmp_path / "home"), *words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.stdout + result.stderr
        return result.stdout + result.stderr

    assert "no model yet" in said("models", "list")
    assert "no version is in service" in said("models", "show", OUTCOME, code=1)
    out = said("train", "--outcome", OUTCOME, "--as-of", EARLY.isoformat())
    assert "put in service by earlywarning train: the first model of this outcome" in out
    out = said("train", "--outcome", OUTCOME, "--as-of", AFTER.isoformat())
    assert "waits as version 2, a challenger" in out
    assert f"`earlywarning models promote {OUTCOME} --by NAME --reason TEXT`" in out
    out = said("models", "list", "--outcome", OUTCOME)
    assert [line.split()[2] for line in out.splitlines()] == ["challenger", "champion"]
    out = said("models", "compare", OUTCOME, "--as-of", AFTER.isoformat())
    assert "difference between the two: " in out
    assert "95 % interval" in out
    assert "learnt again from the quarters before each" in out
    assert "--reason is missing" in said("models", "promote", OUTCOME, "--by", "Bu Ratna", code=1)
    assert "--by is missing" in said("train", "--promote", code=1)
    decide = ("--by", "Bu Ratna", "--reason", "newer records")
    out = said("models", "promote", OUTCOME, *decide, "--override", "--as-of", AFTER.isoformat())
    assert "version 2 serves from now on instead of version 1" in out
    assert "no less than what serves now: " in out
    out = said("models", "show", OUTCOME)
    assert "version 2 was put in service instead of 1" in out
    assert "by Bu Ratna: newer records" in out
    assert "hash and signature match" in out
    run_id = model_versions.numbered(life.home.register, OUTCOME, 2).run_id
    assert "identical" in said("train", "--like", run_id)
    assert "leave the other options out" in said("train", "--like", run_id, "--promote", code=1)

    flip(folder(model_versions.numbered(life.home.register, OUTCOME, 2)) / "report.json", 5)
    assert "REFUSED" in said("models", "show", OUTCOME)
    out = said("draft", "--quarter", QUARTER, "--language", "en", code=REFUSED_EXIT)
    assert "was altered after it was recorded and was not opened, so the one that served" in out
    assert f"{OUTCOME}: version 2 serves, but was altered" in out
    assert "DIFFERENT" not in said("models", "rollback", OUTCOME, *decide)
    said("draft", "--quarter", QUARTER)
    assert CONFIRM_EXIT != REFUSED_EXIT
    life.home.register.close()


def test_a_name_and_a_reason_are_asked_for() -> None:
    assert promoting.person(" Bu Ratna ", " more ") == Promotion("Bu Ratna", "more")
    for by, reason in ((None, "x"), ("  ", "x"), ("x", None), ("x", " ")):
        with pytest.raises(ConfigError, match="is missing"):
            promoting.person(by, reason)


def test_a_failed_gate_waits_for_a_person(life: Life) -> None:
    life.train(EARLY)
    life.train(AFTER)
    row = model_versions.numbered(life.home.register, OUTCOME, 2)
    told = {**row.report, "gates": {"groups": {"passed": False, "why": "girls less often found"}}}
    with life.home.register.session(writing=True) as session:
        kept = session.get(ModelVersion, row.model_version_id)
        assert kept is not None
        kept.report = told
        session.commit()
    with pytest.raises(ConfirmationNeeded, match=r"fair to every group: NOT passed \(girls less"):
        life.promote()
    assert life.serving() == 1
    done = life.promote(override=True)
    assert done.decision.override
    event = model_events.of_outcome(life.home.register, OUTCOME)[-1]
    assert event.override
    assert event.gates["groups"]["passed"] is False
