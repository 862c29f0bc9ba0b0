"""A study and the result of an invented district whose visits help, worked out once a process."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date
from functools import cache
from typing import Any

from earlywarning.impact import analysis
from earlywarning.impact.study import Study
from earlywarning.io.register import evidence
from earlywarning.simulation.rough_world import RoughWorld
from earlywarning.simulation.trial import Plan, run
from service_world import NOW, World

ASKED = Study("Kunjungan", "Apakah kunjungan membantu?", "2026-27-Q3", "2026-27-Q4")


@cache
def result() -> dict[str, Any]:
    """What the analysis says; not to be changed."""
    panel = run(RoughWorld(1.5), Plan(homerooms=40, lottery=True), seed=3)
    return analysis.analyse(panel, asdict(ASKED), {"lists": 4, "broken": 0, "registered": True})


def registered(world: World, name: str) -> str:
    """The id of the study under another name, with its result."""
    made = evidence.register_study(
        world.register, replace(ASKED, name=name), facts_until=None, first_day=date(2027, 1, 1),
        by="terminal", at=NOW,
    )  # fmt: skip
    evidence.keep_result(
        world.register, 2 * made.study_id, result(), study_id=made.study_id, by="terminal", at=NOW
    )
    return made.study_id
