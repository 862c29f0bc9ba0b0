"""The whole path: design, real lists with lots, visits, and a report that may be believed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from typer.testing import CliRunner

from earlywarning.errors import ArtifactError, ConfigError, Conflict
from earlywarning.impact.study import Study
from earlywarning.io.register import audit_log, evidence, exports, rights, tokens
from earlywarning.io.register.models import School, VisitList
from earlywarning.visits import frozen
from earlywarning_api.app import create_app
from earlywarning_pipelines import impact, publish
from earlywarning_pipelines.cli import app
from lived_district import Lived, live

AT = datetime(2026, 7, 1, 3)  # noqa: DTZ001 - the register keeps UTC without zone


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """One school, one year of lists."""
    return live(
        tmp_path_factory.mktemp("school") / "home", schools=1, size=240, effect=1.0, listed=3,
        seed=7,
    )  # fmt: skip


def schools_of(lived: Lived) -> list[str]:
    with lived.home.register.session() as session:
        return list(session.scalars(select(School.school_id)))


def command(lived: Lived, *words: str) -> str:
    done = CliRunner().invoke(app, ["--home", str(lived.home.settings.home), "impact", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_one_school_cannot_tell_and_says_so(school: Lived, tmp_path: Path) -> None:
    told = command(school, "report", "--as-of", str(school.until), "--out", str(tmp_path))
    assert "Inconclusive" in told
    assert "smallest effect of a visit that could be seen" in told
    page = (tmp_path / "impact-en.html").read_text()
    assert "That visits have no effect" in page
    assert "BIASED" in page
    assert "not registered before its outcomes" in page
    assert "Apakah kunjungan rumah membantu?" in (tmp_path / "impact-id.html").read_text()
    assert "<script" not in page
    assert "http" not in page


def test_the_same_data_is_not_analysed_twice(school: Lived) -> None:
    first = impact.analyse(school.home, study_name=None, as_of=school.until, at=AT)
    again = impact.analyse(school.home, study_name=None, as_of=school.until, at=AT)
    assert again.from_cache
    assert again.result == json.loads(json.dumps(first.result))


def test_the_panel_counts_what_the_school_lived_through(school: Lived) -> None:
    found = impact.analyse(school.home, study_name=None, as_of=school.until, at=AT)
    rows = found.panel.set_index(["student_id", "quarter"])
    truth = school.truth.to_pandas().set_index(["student_id", "quarter"])
    both = rows.join(truth.add_suffix("_true"), how="inner")
    assert len(both) == len(rows)
    # Registers miss some days and marks, nothing more.
    assert (both["absent_days"] <= both["absent_days_true"]).all()
    assert both["absent_days"].sum() > 0.93 * both["absent_days_true"].sum()
    assert (both["enrolled_days"] <= both["enrolled_days_true"]).all()
    assert ((both["visited"] > 0) >= (both["visited_true"])).all()
    assert rows.loc[rows["visited"] > 0, "listed"].all()
    assert rows["x"].notna().sum() > 0.5 * len(rows)
    won = rows[rows["block"].notna()]
    assert won.loc[won["won"], "listed"].all()


def test_a_quarter_that_has_not_ended_has_no_outcome(school: Lived) -> None:
    found = impact.analyse(school.home, study_name=None, as_of=date(2026, 6, 15), at=AT)
    assert school.last_listed not in set(found.panel["quarter"])


def test_a_design_says_what_could_be_seen_and_is_stamped_once(
    school: Lived, tmp_path: Path
) -> None:
    path = tmp_path / "study.toml"
    told = command(school, "design", "--quarter", "2026-27-Q1", "--out", str(path))
    assert "only an effect of a visit above" in told
    assert "Four times the schools" in told
    assert "registered" in command(school, "design", "--register", str(path))
    assert "Home visits" in command(school, "studies")
    study = impact.study_of(school.home.district, path.read_text(), where="study.toml")
    with pytest.raises(Conflict, match="registered already"):
        impact.register_study(school.home, study, by="terminal", at=AT)


def test_a_design_of_known_outcomes_is_refused(school: Lived) -> None:
    study = Study("Too late", "Did it?", school.first_listed, school.last_listed)
    with pytest.raises(Conflict, match="already known"):
        impact.register_study(school.home, study, by="terminal", at=AT)


def test_an_order_that_was_chosen_is_no_drawn_order(school: Lived) -> None:
    home = school.home
    study, _ = impact.propose(
        home, first="2026-27-Q1", quarters=2, name="Chosen", roll_out=True, seed=5
    )
    order = dict(study.roll_out or {})
    early = next(lead for lead, start in order.items() if start == "2026-27-Q1")
    late = next(lead for lead, start in order.items() if start != "2026-27-Q1")
    order[early], order[late] = order[late], order[early]
    with pytest.raises(ConfigError, match="is not the order that seed 5 draws"):
        impact.register_study(home, replace(study, roll_out=order), by="terminal", at=AT)
    assert impact.register_study(home, study, by="terminal", at=AT).study == study


def test_an_exported_study_runs_elsewhere(school: Lived, tmp_path: Path) -> None:
    folder = tmp_path / "given"
    with school.home.register.session(writing=True) as session:
        agreed = exports.agree(
            session, researcher="r" * 32, purpose="Do visits help?",
            schools=schools_of(school), expires_on=date(2099, 1, 1), by="terminal", at=AT,
        )  # fmt: skip
        session.commit()
    with_it = ("--agreement", agreed, "--as-of", str(school.until))
    command(school, "export", str(folder), *with_it)
    told = CliRunner().invoke(
        app, ["--home", str(school.home.settings.home), "impact", "export", str(tmp_path / "x"),
              "--agreement", "none"]
    )  # fmt: skip
    assert told.exit_code == 1
    assert "no agreement" in told.output
    assert not (tmp_path / "x").exists()
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "analyse.py")], capture_output=True, text=True,
        check=False, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same numbers" in done.stdout
    table = (folder / "panel.csv").read_text()
    assert not any(one in table for one in school.truth["student_id"].unique().to_list())


def test_the_service_works_a_study_out_apart_and_says_how_it_ended(tmp_path: Path) -> None:
    """The command, started by the service on a real installation, asked until it has ended."""
    lived = live(
        tmp_path / "home", schools=1, size=200, effect=1.0, listed=3, seed=4, study="Order",
        roll_out=True,
    )  # fmt: skip
    home = lived.home
    key = tokens.create(
        home.register, role="researcher", label="Study", at=AT, expires_days=1
    ).secret
    (asked,) = evidence.studies(home.register)
    path = f"/api/v1/impact/studies/{asked.study_id}"
    service = create_app(home.register, clock=lambda: AT, home=home.settings.home)
    with TestClient(service, headers={"Authorization": f"Bearer {key}"}) as client:
        assert client.get(path).status_code == 404
        begun = client.post(f"{path}/runs", headers={"Idempotency-Key": str(uuid.uuid4())})
        assert begun.status_code == 202, begun.text
        deadline = time.monotonic() + 240
        while (now := client.get(begun.headers["Location"]).json())["status"] == "running":
            assert time.monotonic() < deadline, now
            time.sleep(0.5)
        assert now["status"] == "finished", now
        found = client.get(path).json()
        assert {one["design"] for one in found["results"]} == {"rollout", "lottery", "listing"}
        again = impact.analyse(home, study_name=asked.study.name, as_of=lived.until, at=AT)
        assert again.from_cache
        page = client.get(f"/impact/{asked.study_id}", headers={"Accept-Language": "en"})
        assert page.status_code == 200
        assert "Kabupaten Simulasi" in page.text
    with home.register.session() as session:
        made = audit_log.search(session, action="impact.result_made", entity_id=asked.study_id)
    assert len(made) == 1


def test_nothing_is_counted_of_whoever_wants_no_research(school: Lived) -> None:
    """An objection, and an agreement to research that was taken back, whatever the list was."""
    home = school.home
    before = impact.analyse(home, study_name=None, as_of=school.until, at=AT).panel
    objects, takes_back = before.loc[before["block"].notna(), "student_id"].unique()[:2]
    with home.register.session(writing=True) as session:
        id_ = rights.object_to(session, student_id=objects, made_on=AT.date(), by="terminal", at=AT)
        consent = rights.add_consent(
            session, student_id=takes_back, purpose="research", given_by="mother",
            given_on=AT.date(), evidence="signed form", by="terminal", at=AT,
        )  # fmt: skip
        rights.withdraw_consent(session, consent, by="terminal", at=AT)
        session.commit()
    try:
        after = impact.analyse(home, study_name=None, as_of=school.until, at=AT).panel
        assert set(before["student_id"]) - set(after["student_id"]) == {objects, takes_back}
    finally:
        with home.register.session(writing=True) as session:
            rights.lift(session, id_, by="terminal", at=AT)
            session.commit()


def test_a_secret_swap_at_the_cut_is_refused(school: Lived) -> None:
    """Two families change places in the frozen list: no statistic sees it, the hash does."""
    home = school.home
    with home.register.session() as session:
        id_, kept, sha256 = session.execute(
            select(VisitList.visit_list_id, VisitList.frozen, VisitList.frozen_sha256)
            .order_by(VisitList.quarter).limit(1)
        ).one()  # fmt: skip
    document = json.loads(kept)
    ranked = [one for one in document["households"] if one["rank"] is not None]
    above = next(one for one in ranked if one["listed"])
    below = next(one for one in ranked if not one["listed"] and one["lead"] == above["lead"])
    above["priority"], below["priority"] = below["priority"], above["priority"]
    forged = frozen.canonical(document)
    for values in (
        {"frozen": forged},
        {"frozen": forged, "frozen_sha256": frozen.digest(forged)},
    ):
        with home.register.session(writing=True) as session:
            session.execute(
                update(VisitList).where(VisitList.visit_list_id == id_).values(**values)
            )
            session.commit()
        try:
            with pytest.raises(ArtifactError, match="audit is not whole"):
                impact.analyse(home, study_name=None, as_of=school.until, at=AT)
            done = CliRunner().invoke(app, ["--home", str(home.settings.home), "impact", "report"])
            assert done.exit_code == 4
        finally:
            with home.register.session(writing=True) as session:
                session.execute(
                    update(VisitList)
                    .where(VisitList.visit_list_id == id_)
                    .values(frozen=kept, frozen_sha256=sha256)
                )
                session.commit()


@pytest.mark.slow
def test_two_registered_years_of_lots_find_what_visits_do(tmp_path: Path) -> None:
    """Design, eight quarters of real lists with lots, visits, and a report that holds the truth."""
    lived = live(
        tmp_path / "home", schools=12, size=360, effect=2.0, listed=8, seed=8, study="Home visits"
    )
    told = command(
        lived, "report", "--study", "Home visits", "--as-of", str(lived.until), "--language", "en",
        "--out", str(tmp_path / "report"),
    )  # fmt: skip
    assert "A place on the visit list helped" in told
    page = (tmp_path / "report" / "impact-en.html").read_text()
    assert "was not registered before" not in page
    found = impact.analyse(lived.home, study_name="Home visits", as_of=lived.until, at=AT)
    assert found.from_cache
    assert len(found.result["data"]["quarters"]) == 8
    one = found.result["results"][found.result["decides"]]
    assert (one["design"], one["verdict"], one["role"]) == ("lottery", "helped", "primary")
    rows = found.panel[found.panel["block"].notna()]
    truth = lived.truth.to_pandas().set_index(["student_id", "quarter"])
    truth = truth[["absence_change_by_visit"]]
    drawn = rows.set_index(["student_id", "quarter"]).join(truth)
    change = drawn.loc[drawn["won"] & (drawn["visited"] > 0), "absence_change_by_visit"].mean()
    assert one["effect"]["low"] <= change <= one["effect"]["high"]


def test_a_drawn_order_holds_lists_back_and_freezes_them_in_the_shadow(tmp_path: Path) -> None:
    lived = live(
        tmp_path / "home", schools=1, size=200, effect=1.0, listed=3, seed=4, study="Order",
        roll_out=True,
    )  # fmt: skip
    found = impact.analyse(lived.home, study_name="Order", as_of=lived.until, at=AT)
    rows = found.panel
    assert rows["shadow"].any()
    assert rows.loc[rows["shadow"], "listed"].any(), "somebody would have had a place"
    by_score = rows["track"].isin(["concern", "preventive"])
    assert not rows.loc[rows["shadow"] & by_score, "visited"].any(), "and nobody was sent there"
    assert rows.loc[~rows["shadow"] & by_score, "visited"].any()
    assert (rows["shadow"] == (rows["wave"] > rows["t"])).all()
    assert {one["design"] for one in found.result["results"]} == {"rollout", "lottery", "listing"}
    with lived.home.register.session() as session:
        id_ = session.scalar(
            select(VisitList.visit_list_id).order_by(VisitList.quarter.desc()).limit(1)
        )
    assert id_ is not None
    again = publish.rebuild(
        id_, engine=lived.home.engine, store=lived.home.store, register=lived.home.register,
        registry=lived.home.models,
    )  # fmt: skip
    assert again.identical, again.difference
