"""How heavy a list of fifty families is, as a browser counts it: a telephone on 3G loads it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from browser import Site, site
from earlywarning.io.register import lists
from earlywarning.io.register.models import ClassGroup, Student
from earlywarning.visits.households import Child as Scored
from earlywarning.visits.visit_list import ListBasis, build
from people import SARI, SCHOOL_ID
from service_world import DISTRICT, MODELS, NOW, opened_world, staff_id

FAMILIES = 60
FIRST_VIEW = 100_000
NEXT_VIEW = 30_000
CLASS = f"{SCHOOL_ID}/2027-28/VII-Z"


def long_list(register) -> str:
    """A published list of sixty families, each with three reasons."""
    ids = [f"{number:032x}" for number in range(0xA000, 0xA000 + FAMILIES)]
    with register.session(writing=True) as session:
        session.add(ClassGroup(class_id=CLASS, school_id=SCHOOL_ID, school_year="2027-28",
                               name="VII-Z", grade_level=7,
                               homeroom_staff_id=staff_id(SARI.local_id)))  # fmt: skip
        session.flush()
        session.add_all(
            Student(student_id=id_, school_id=SCHOOL_ID, local_id=f"9{place:03d}",
                    full_name=f"Contoh Nama Panjang {place}", class_id=CLASS)
            for place, id_ in enumerate(ids)
        )  # fmt: skip
        session.commit()
    day = {"domain": "attendance", "as_of": "2027-07-01"}
    since = {"days": 60, "since": "2027-04-01"}
    reasons = (
        {"code": "absent_days", "numbers": {"absent": 9, **since}, **day},
        {"code": "late_days", "numbers": {"late": 7, "since": "2027-04-01"}, **day},
        {"code": "near_first_warning", "numbers": {"points": 45, "warning": 50, **since}, **day},
    )
    children = [
        Scored(id_, 1 - place / 100, risks={"attendance": 0.3}, class_id=CLASS,
               lead=staff_id(SARI.local_id), reasons=reasons,
               completeness={"available": 3, "of": 3, "attendance": "daily"})
        for place, id_ in enumerate(ids)
    ]  # fmt: skip
    basis = ListBasis(
        quarter="2027-28-Q1", as_of_date=date(2027, 7, 1), school_id=SCHOOL_ID,
        snapshot_id="0" * 64, district=DISTRICT, models=MODELS, seed=1, code_version="0.1.0",
        classes={CLASS: {"lead": staff_id(SARI.local_id), "grade_level": 7}},
        capacities={staff_id(SARI.local_id): FAMILIES},
    )  # fmt: skip
    (row,) = lists.save(register, [build(children, basis)], by="Bu Ratna", at=NOW, publish=True)
    return row.visit_list_id


@pytest.fixture(scope="module")
def heavy(browser: Browser, tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("heavy")
    with opened_world(folder) as world:
        list_id = long_list(world.register)
        with site(world, browser) as served:
            yield served, f"/lists/{list_id}"


def test_a_list_of_fifty_is_light(heavy: tuple[Site, str]) -> None:
    served, path = heavy
    with served.page("coordinator", size="telephone") as page:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        loaded: list[float] = []
        session.on("Network.loadingFinished", lambda one: loaded.append(one["encodedDataLength"]))
        page.goto(path, wait_until="networkidle")
        assert page.locator(".family").count() == 50
        first = sum(loaded)
        loaded.clear()
        page.get_by_role("link", name="Berikutnya").click()
        page.wait_for_load_state("networkidle")
        assert page.locator(".family").count() == 10
        following = sum(loaded)
        assert 0 < first <= FIRST_VIEW
        assert 0 < following <= NEXT_VIEW


def test_it_is_usable_soon_on_a_slow_line(heavy: tuple[Site, str]) -> None:
    served, path = heavy
    with served.page("coordinator", size="telephone") as page:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        slow = {"offline": False, "latency": 400, "downloadThroughput": 400_000 / 8,
                "uploadThroughput": 400_000 / 8}  # fmt: skip
        session.send("Network.emulateNetworkConditions", slow)
        page.goto(path, wait_until="load")
        took = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        assert took <= 5000
