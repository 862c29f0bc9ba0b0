"""No code of a program reaches a page: actions of the audit, browsers, staff, a parents' letter."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import earlywarning
from earlywarning.io import wording
from earlywarning_api.pages import audit_words
from earlywarning_api.pages.devices import Device, device
from expectations import planned_of
from service_world import World, staff_id

SOURCES = Path(earlywarning.__file__).parents[2]
WRITTEN = re.compile(
    r"""(?:action=|record\(session, |_note\([^)]*?|read\(\s*request, person, )"""
    r"""["']([a-z_]+\.[a-z_]+)["']"""
)
AGENTS = {
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Mobile Safari/537.36": ("Chrome", "Android"),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/17.5 Mobile/15E148 Safari/604.1": ("Safari", "iPhone"),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0":
        ("Firefox", "Windows"),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0": ("Edge", "Windows"),
    "Mozilla/5.0 (Linux; Android 13; SM-A145F) AppleWebKit/537.36 SamsungBrowser/25.0 Chrome/121":
        ("Samsung Internet", "Android"),
    "curl/8.5.0": (None, None),
}  # fmt: skip


@pytest.mark.parametrize("agent", AGENTS)
def test_a_browser_is_called_as_people_call_it(agent: str) -> None:
    assert device(agent[:120]) in (Device(*AGENTS[agent]), Device("Chrome", "Windows"))


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_every_action_that_is_written_has_words(language: str) -> None:
    text = "\n".join(
        path.read_text("utf-8")
        for part in ("src", "api", "pipelines")
        for path in (SOURCES / part).rglob("*.py")
    )
    written = set(WRITTEN.findall(text))
    assert len(written) >= 40
    assert written <= set(audit_words.ACTIONS), written - set(audit_words.ACTIONS)
    words = {audit_words.action(code, language) for code in audit_words.ACTIONS}
    assert len(words) == len(audit_words.ACTIONS)
    assert not [one for one in words if "_" in one or "." in one]


def test_the_audit_is_read_and_searched_in_words(world: World) -> None:
    world.as_("coordinator").get(f"/lists/{world.lists['2026-27-Q2']}")
    admin = world.as_("admin")
    page = admin.get("/audit", headers={"Accept-Language": "en"}).text
    assert "Read a list" in page
    cells = re.findall(r"<td>(.*?)</td>", page, re.DOTALL)
    assert not [one for one in cells if re.search(r">?[a-z_]+\.(read|published|made)", one)]
    one = admin.get("/audit?action=visit_list.published", headers={"Accept-Language": "en"}).text
    assert 'value="visit_list.published" selected' in one
    assert "Published a list" in one


def test_staff_are_chosen_from_a_list(world: World) -> None:
    admin = world.browser("admin")
    page = admin.get("/people").text
    assert '<optgroup label="SMP Contoh">' in page
    assert f'<option value="{staff_id("G02")}"' in page
    assert 'name="number"' not in page


def test_a_letter_to_parents_tells_no_reason(world: World) -> None:
    planned = planned_of(world)["own"]["planned_visit_id"]
    for language in wording.LANGUAGES:
        page = world.as_("homeroom_teacher").get(
            f"/planned/{planned}/notice", headers={"Accept-Language": language}
        )
        assert page.status_code == 200
        sheet = re.findall(r'<article class="sheet".*?</article>', page.text, re.DOTALL)[0]
        assert "SMP Contoh" in sheet
        words = {
            form.lower()
            for key, message in wording.catalogue(language).items()
            if key.startswith(("band.", "track.", "reason.", "outcome."))
            for form in message.forms
            if "{" not in form
        }
        bare = re.sub(r"<[^>]*>", " ", sheet).lower()
        assert not [one for one in words if re.search(rf"\b{re.escape(one)}\b", bare)]
    other = planned_of(world)["other class"]["planned_visit_id"]
    assert world.as_("homeroom_teacher").get(f"/planned/{other}/notice").status_code == 404
