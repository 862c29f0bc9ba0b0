"""Results of studies through the service: groups only, in words, biased figures labelled."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date

from analysed import ASKED, registered, result
from earlywarning.impact import analysis
from earlywarning.impact.public import public
from earlywarning.io.register import evidence
from earlywarning.simulation.rough_world import RoughWorld
from earlywarning.simulation.trial import Plan, run
from service_world import NOW, World


def test_a_principal_reads_what_can_be_said_in_their_language(world: World) -> None:
    id_ = registered(world, "Dengan hasil")
    caller = world.as_("principal")
    researcher = world.as_("researcher")
    every = caller.get("/api/v1/impact/studies").json()["studies"]
    (summary,) = (one for one in every if one["study_id"] == id_)
    assert summary["question"] == ASKED.question
    assert len(summary["design_sha256"]) == 64
    answer = caller.get(f"/api/v1/impact/studies/{id_}", headers={"Accept-Language": "en"})
    found = answer.json()
    assert found["said"][0].startswith("A place on the visit list helped")
    assert "BIASED" not in found["said"]
    assert "That visits have no effect" not in " ".join(found["not_said"]), "they helped"
    assert found["results"] is found["naive"] is found["reach"] is None, "for researchers"
    whole = researcher.get(f"/api/v1/impact/studies/{id_}", headers={"Accept-Language": "en"})
    assert whole.json()["said"] == found["said"]
    assert len(whole.json()["naive"]) == 4
    assert all(one["biased"] for one in whole.json()["naive"])
    assert {one["design"] for one in whole.json()["results"]} == set(ASKED.designs)
    spoken = caller.get(f"/api/v1/impact/studies/{id_}", headers={"Accept-Language": "id"})
    assert spoken.json()["said"][0].startswith("Tempat dalam daftar")
    again = caller.get(
        f"/api/v1/impact/studies/{id_}",
        headers={"Accept-Language": "en", "If-None-Match": answer.headers["ETag"]},
    )
    assert again.status_code == 304


def test_a_study_without_result_is_not_there(world: World) -> None:
    made = evidence.register_study(
        world.register, ASKED, facts_until=None, first_day=date(2027, 1, 1), by="terminal", at=NOW
    )
    caller = world.as_("researcher")
    assert caller.get(f"/api/v1/impact/studies/{made.study_id}").status_code == 404
    assert caller.get("/api/v1/impact/studies/Kunjungan").status_code == 404


def test_no_number_of_fewer_than_ten_children_leaves() -> None:
    few = json.loads(json.dumps(result()))
    few["results"][0]["flow"] = [["assigned", 300, 310], ["visited", 240, 9]]
    few["reach"].append({"by": "track", "group": "x", "children": 9, "tried": 1, "reached": 1})
    shown = public(few)
    assert shown["results"][0]["flow"][1] == {
        "step": "visited", "assigned": None, "not_assigned": None,
    }  # fmt: skip
    assert shown["results"][0]["itt"] is not None
    assert all(row["children"] >= 10 for row in shown["reach"])
    few["results"][0]["flow"] = [["assigned", 8, 7]]
    assert public(few)["results"][0]["itt"] is None
    assert public(few)["results"][0]["baseline"] == []


def test_what_is_withheld_has_no_number() -> None:
    broken = {"lists": 4, "broken": 1, "registered": True}
    panel = run(RoughWorld(1.5), Plan(homerooms=12, lottery=True), seed=3)
    found = analysis.analyse(panel, asdict(ASKED), broken)
    assert all(one["itt"] is None and one["effect"] is None for one in public(found)["results"])
