"""The draft of a later quarter: found from the task list, and not published by haste."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from earlywarning.io.register import lists
from service_world import NOW, World, opened_world


def test_the_next_draft_can_be_looked_at_and_says_that_it_is_early(world: World) -> None:
    coordinator = world.as_("coordinator")
    review = f"/lists/{world.lists['2026-27-Q3']}/review"
    assert f'href="{review}"' in coordinator.get("/quarter").text
    page = coordinator.get(review).text
    assert "Triwulan ini mulai 1 Jan 2027." in page
    assert f'href="{review}"' not in world.as_("homeroom_teacher").get("/quarter").text


def test_the_principal_is_led_to_the_counts(world: World) -> None:
    summary = f"/lists/{world.lists['2026-27-Q2']}/summary"
    principal = world.as_("principal")
    assert f'href="{summary}"' in principal.get("/quarter").text
    assert principal.get(summary).status_code == 200
    # Where names are not for the reader, no count of them is claimed either.
    assert "0 keluarga" not in principal.get(f"/lists/{world.lists['2026-27-Q2']}").text


def test_the_list_that_runs_is_opened_though_the_next_one_is_published(tmp_path: Path) -> None:
    with opened_world(tmp_path) as own:
        q2, q3 = own.lists["2026-27-Q2"], own.lists["2026-27-Q3"]
        lists.publish_drafts(own.register, lists.find(own.register, [q3]), by="terminal", at=NOW)
        teacher = own.as_("homeroom_teacher")
        assert teacher.get("/lists").headers["location"] == f"/lists/{q2}"
        assert f"/lists/{q3}" in teacher.get(f"/lists/{q2}").text
        own.app.state.clock = lambda: NOW + timedelta(days=100)
        assert own.browser("coordinator").get("/lists").headers["location"] == f"/lists/{q3}"
