"""The week view of a plan, as a coordinator reads it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from earlywarning.calendar import SchoolCalendar
from earlywarning.io.register import lists, plans
from earlywarning.visit_rules import Planning
from earlywarning_pipelines.plan_commands import week_view
from people import SITI
from service_world import NOW, opened_world


@pytest.mark.parametrize(
    ("language", "hours", "slots"),
    [
        ("en", "in the evening: 19:20–20:30", ("afternoon", "evening", "Saturday")),
        ("id", "malam hari: 19:20–20:30", ("sore", "malam", "Sabtu")),
    ],
)
def test_a_plan_is_shown_week_by_week(
    tmp_path: Path, language: str, hours: str, slots: tuple[str, ...]
) -> None:
    with opened_world(tmp_path) as world:
        (made,) = lists.find(world.register, [world.lists["2026-27-Q2"]])
        assert "earlywarning plan" in week_view(world.register, made, Planning(), language)
        plans.make(
            world.register, made.visit_list_id, quarter=SchoolCalendar().quarter(made.quarter),
            rules=Planning(), by="Ratna", actor="terminal", at=NOW, today=date(2026, 10, 5),
        )  # fmt: skip
        shown = week_view(world.register, made, Planning(), language)
    assert hours in shown  # after magrib and isya
    (line,) = [one for one in shown.splitlines() if SITI.name in one]
    assert any(slot in line for slot in slots)
    assert "(!)" not in shown
