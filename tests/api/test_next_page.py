"""Whoever follows `Link` comes to the same pages as by `next_cursor`, by the same filters."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from people import AHMAD, SITI
from service_world import World, opened_world, staff_id


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """With two visits and two follow-ups."""
    with opened_world(tmp_path_factory.mktemp("filled")) as made:
        client = made.as_("coordinator")
        for child in (SITI, AHMAD):
            visit = {"student_id": child.student_id, "status": "done", "day": "2026-10-01"}
            answer = client.put(f"/api/v1/visits/{uuid.uuid4()}", json=visit)
            assert answer.status_code == 201, answer.text
            follow_up = {"student_id": child.student_id, "action": "ask again",
                         "owner_staff_id": staff_id("G01"), "due": "2026-11-01"}  # fmt: skip
            answer = client.put(f"/api/v1/follow_ups/{uuid.uuid4()}", json=follow_up)
            assert answer.status_code == 201, answer.text
        yield made


@pytest.mark.parametrize(
    ("who", "path", "query"),
    [
        ("coordinator", "/api/v1/visits", "status=done"),
        ("coordinator", "/api/v1/follow_ups", ""),
        ("coordinator", "/api/v1/visit_lists/{list}/items", "track=concern"),
        ("admin", "/api/v1/audit_events", "action=visit_list"),
        ("admin", "/api/v1/users", ""),
    ],
)
def test_the_header_leads_where_the_cursor_does(
    filled: World, who: str, path: str, query: str
) -> None:
    client = filled.as_(who)
    path = path.format(list=filled.lists["2026-27-Q2"])
    pages = [client.get(f"{path}?{query}&limit=1")]
    while "link" in pages[-1].headers and len(pages) < 50:
        where, _, relation = pages[-1].headers["link"].partition(">; ")
        assert relation == 'rel="next"'
        asked = parse_qs(urlsplit(where).query)
        assert asked.pop("cursor") == [pages[-1].json()["next_cursor"]]
        assert asked == parse_qs(f"{query}&limit=1")
        pages.append(client.get(where.removeprefix("<")))
    assert len(pages) >= 2
    assert pages[-1].json()["next_cursor"] is None
    kind = next(name for name, value in pages[0].json().items() if isinstance(value, list))
    shown = [str(page.json()[kind]) for page in pages]
    assert len(set(shown)) == len(pages)
