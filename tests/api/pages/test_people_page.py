"""Users on pages: a form saved by mistake promotes nobody; the audit is searched by name."""

from __future__ import annotations

import re
from pathlib import Path

from service_world import World, opened_world


def chosen(text: str) -> set[str]:
    return set(re.findall(r'value="(\w+)" selected', text))


def test_a_form_saved_by_mistake_makes_nobody_an_administrator(world: World) -> None:
    admin = world.as_("admin")
    people = admin.get("/people").text
    assert chosen(people) == {"homeroom_teacher"}
    (address,) = set(re.findall(r'href="(/people/\w+)">Other Coordinator<', people))
    assert chosen(admin.get(address).text) == {"coordinator", "SCH2"}


def test_the_audit_is_searched_by_name(tmp_path: Path) -> None:
    with opened_world(tmp_path) as world:
        world.as_("joko").get("/quarter")
        admin = world.as_("admin")
        actors = set()
        for typed in ("joko", "JOKO", "jok"):
            rows = admin.get("/audit", params={"actor": typed}).text
            actors |= set(re.findall(r'href="\?actor=(\w+)"', rows))
        assert len(actors) == 1
        assert re.search(r'<option value="[a-z_]+\.[a-z_]+">', rows)  # what can be searched for
        # Several coordinators, or nobody: an id is asked for, as it was typed.
        rows = admin.get("/audit", params={"actor": "coordinat"}).text
        assert 'href="?actor=' not in rows
