"""The report of a study as a page: by role, in both languages, for everybody to read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import date

import pytest
from playwright.sync_api import Browser, expect

from browser import Site, sideways, site, violations
from earlywarning.impact import analysis
from earlywarning.impact.study import DESIGNS, Study
from earlywarning.io.register import evidence
from earlywarning.simulation.rough_world import RoughWorld
from earlywarning.simulation.trial import Plan, run
from service_world import NOW, World, opened_world

ASKED = Study("Kunjungan & kehadiran", "Apakah kunjungan membantu?", "2026-27-Q3", "2026-27-Q4",
              designs=DESIGNS[:3], secondary=("chronic",), subgroups=("s",))  # fmt: skip
ORIGIN = {"district": "Kabupaten Maju", "code_version": "0", "snapshot_id": "ab" * 32,
          "study_sha256": "ef" * 32, "lists": ["cd" * 32]}  # fmt: skip


def registered(world: World, study: Study) -> str:
    return evidence.register_study(
        world.register, study, facts_until=None, first_day=date(2027, 1, 1), by="terminal", at=NOW
    ).study_id


@pytest.fixture(scope="module")
def known(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str]]:
    """A world with two studies, one with a result."""
    panel = run(RoughWorld(1.5), Plan(homerooms=50, lottery=True), seed=3)
    panel["channel"] = "telephone"
    result = analysis.analyse(panel, asdict(ASKED), {"lists": 4, "broken": 0, "registered": True})
    with opened_world(tmp_path_factory.mktemp("impact")) as world, site(world, browser) as served:
        id_ = registered(world, ASKED)
        evidence.keep_result(
            world.register, "0" * 64, result | {"origin": ORIGIN}, study_id=id_, by="terminal",
            at=NOW,
        )  # fmt: skip
        registered(world, replace(ASKED, name="Belum"))
        yield served, id_


@pytest.mark.parametrize(
    ("who", "language", "heading", "said"),
    [
        ("principal", "id", "Apakah kunjungan rumah membantu?", "Tempat dalam daftar"),
        pytest.param(
            "coordinator",
            "en",
            "Did home visits help?",
            "A place on the visit list helped",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_principal_reads_one_page_and_nobody_is_shut_out(
    known: tuple[Site, str], who: str, language: str, heading: str, said: str
) -> None:
    served, _ = known
    for size, scheme in (("telephone", "light"), ("desk", "dark")):
        with served.page(who, size=size, language=language, scheme=scheme) as page:
            page.goto("/impact")
            page.get_by_role("link", name=ASKED.name).click()
            expect(page.get_by_role("heading", level=1)).to_have_text(heading)
            expect(page.locator(".lead")).to_contain_text(said)
            expect(page.locator(".researcher")).to_have_count(0)
            assert not re.search("MENYESATKAN|BIASED", page.content())
            assert not violations(page)
            assert sideways(page) <= 0


@pytest.mark.parametrize(
    ("language", "biased"),
    [pytest.param("id", "MENYESATKAN", marks=pytest.mark.slow), ("en", "BIASED")],
)
def test_a_researcher_reads_the_rest_with_biased_figures_labelled(
    known: tuple[Site, str], language: str, biased: str
) -> None:
    served, id_ = known
    for size, scheme in (("telephone", "dark"), ("desk", "light")):
        with served.page("researcher", size=size, language=language, scheme=scheme) as page:
            page.goto(f"/impact/{id_}")
            expect(page.locator(".researcher tr.biased")).to_have_count(4)
            for row in page.locator(".researcher tr.biased").all():
                expect(row).to_contain_text(biased)
            expect(page.locator(".researcher figure svg")).to_have_count(1)
            expect(page.locator("code").filter(has_text="cd" * 32)).to_have_count(1)
            assert not violations(page)
            assert sideways(page) <= 0


def test_a_study_without_result_says_what_it_waits_for(known: tuple[Site, str]) -> None:
    served, _ = known
    with served.page("principal", language="en") as page:
        page.goto("/impact")
        expect(page.get_by_role("link", name="Belum")).to_have_count(0)
        expect(page.get_by_text("The result is not computed yet")).to_be_visible()
    waiting = next(
        one for one in evidence.studies(served.world.register) if one.study.name == "Belum"
    )
    with served.page("researcher", language="en") as page:
        page.goto(f"/impact/{waiting.study_id}")
        expect(page.get_by_text("The result is not computed yet")).to_be_visible()
        page.get_by_role("button", name="Work it out now").click()
        expect(page.get_by_role("alert")).to_contain_text("works out nothing")
        assert not violations(page)


def test_the_page_prints_without_its_buttons(known: tuple[Site, str]) -> None:
    served, id_ = known
    with served.page("researcher", language="en") as page:
        page.goto(f"/impact/{id_}")
        expect(page.get_by_role("button", name="Work it out now")).to_be_visible()
        page.emulate_media(media="print")
        expect(page.get_by_role("button", name="Work it out now")).to_be_hidden()
        assert page.pdf().startswith(b"%PDF")
