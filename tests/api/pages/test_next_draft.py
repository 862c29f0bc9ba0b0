"""The draft of a later quarter: found from the task list, and not published by haste."""

from __future__ import annotations

from service_world import World


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
