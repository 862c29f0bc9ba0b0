"""Find a student: only whom one may see, on record by the child, and nothing said of the others."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser import Site, sideways, violations
from earlywarning.io.register import audit_log
from earlywarning.io.register.models import Student
from earlywarning_api.pages.find import MOST
from people import AHMAD, BUDI, CHILDREN, CITRA, DEWI, SCHOOL_ID, SITI, SUPARMI, YUSUF
from service_world import World, opened_world

ENGLISH = {"Accept-Language": "en"}
FOREIGN = "Rina Lain"
NOBODY = "Nobody found whom you may see."


@pytest.fixture
def own_world(tmp_path: Path) -> Iterator[World]:
    with opened_world(tmp_path) as opened:
        yield opened


def found(world: World, who: str, q: str) -> set[str]:
    """Ids of the children whom a search shows."""
    answer = world.as_(who).get("/students", params={"q": q})
    assert answer.status_code == 200
    return set(re.findall(r'href="/students/([0-9a-f]{32})"', answer.text))


def ids(*children) -> set[str]:
    return {one.student_id for one in children}


def test_a_child_who_is_on_no_list_is_found_by_name_and_by_number(world: World) -> None:
    for q in ("dewi", "RAHMA", "  rahmawati   dewi ", "0201", "dewi 020"):
        assert found(world, "coordinator", q) == ids(DEWI), q
    assert found(world, "counsellor", "fulan") == ids(AHMAD, BUDI)
    assert found(world, "coordinator", "a") >= ids(AHMAD, DEWI, YUSUF, CITRA)


def test_a_teacher_finds_their_own_children_and_those_they_visit(world: World) -> None:
    own = ids(AHMAD, SITI, SUPARMI, BUDI)  # she leads the visit to Budi and his brother
    every = "".join(sorted({letter for one in CHILDREN for letter in one.local_id}))
    seen = set().union(*(found(world, "homeroom_teacher", one) for one in every))
    assert seen == own
    assert found(world, "bambang", "contoh") == ids(YUSUF)
    assert found(world, "bambang", "siti") == set()
    assert FOREIGN in world.as_("other coordinator").get("/students?q=rina").text
    assert not found(world, "other coordinator", "0") & ids(*CHILDREN)


def test_a_child_of_others_looks_like_one_who_is_not_there(world: World) -> None:
    def told(q: str) -> str:
        text = world.as_("bambang").get("/students", params={"q": q}, headers=ENGLISH).text
        assert NOBODY in text
        return re.sub(re.escape(q), "", text)

    assert told("Citra") == told("Zqxnobody") == told("Rina") == told("0302")


def test_signs_of_a_pattern_are_only_signs(world: World) -> None:
    for q in ("%", "_", "0_01", "/", "\\", "' OR 1=1 --"):
        assert found(world, "coordinator", q) == set(), q
    assert found(world, "coordinator", "=SUM(A1)") == ids(CITRA)
    answer = world.as_("coordinator").get("/students", params={"q": '"><script>x</script>'})
    assert "<script>x" not in answer.text
    for wrong in ("x" * 81, "a\x00b"):
        assert world.as_("coordinator").get("/students", params={"q": wrong}).status_code == 422


def test_what_is_shown_is_on_record_by_the_child_and_what_is_not_is_not(own_world: World) -> None:
    def read(student_id: str) -> list[audit_log.Entry]:
        with own_world.register.session() as session:
            return audit_log.search(session, entity_id=student_id)

    found(own_world, "counsellor", "fulan")
    (ahmad,), (budi,) = read(AHMAD.student_id), read(BUDI.student_id)
    assert ahmad == budi  # one row for the page
    assert (ahmad.action, ahmad.entity, ahmad.entity_id) == ("students.found", "school", SCHOOL_ID)
    assert read(SITI.student_id) == []
    assert "fulan" not in ahmad.detail.lower()
    found(own_world, "bambang", "siti")
    found(own_world, "bambang", "")
    assert read(SITI.student_id) == []
    with own_world.register.session() as session:
        assert len(audit_log.search(session, action="students.found")) == 1


def test_no_log_and_no_title_names_who_was_looked_for(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    text = world.as_("coordinator").get("/students?q=Dewi+Rahmawati").text
    assert DEWI.name in text
    (title,) = re.findall(r"<title>(.*?)</title>", text)
    assert "Dewi" not in title
    lines = [one for one in caplog.records if one.name.startswith("earlywarning")]
    assert any(getattr(one, "route", "") == "/students" for one in lines)
    for one in lines:
        assert "rahmawati" not in str(vars(one)).lower()


def test_of_many_the_first_are_shown_and_only_they_are_on_record(own_world: World) -> None:
    with own_world.register.session(writing=True) as session:
        session.add_all(
            Student(student_id=f"{n:032d}", school_id=SCHOOL_ID, local_id=f"N{n}",
                    full_name=f"Banyak Contoh {n:03d}")
            for n in range(5000, 5000 + MOST + 5)
        )  # fmt: skip
        session.commit()
    answer = own_world.as_("coordinator").get("/students?q=banyak", headers=ENGLISH)
    assert len(set(re.findall(r'href="/students/([0-9]{32})"', answer.text))) == MOST
    assert f"The first {MOST}; more fit." in answer.text
    assert "no class" in answer.text
    with own_world.register.session() as session:
        last = f"{5000 + MOST:032d}"
        assert audit_log.search(session, entity_id=f"{5000 + MOST - 1:032d}")
        assert audit_log.search(session, entity_id=last) == []


@pytest.mark.parametrize(
    ("size", "scheme", "language"),
    [("telephone", "light", "id"), pytest.param("desk", "dark", "en", marks=pytest.mark.slow)],
)
def test_nobody_is_shut_out(read_only: Site, size: str, scheme: str, language: str) -> None:
    with read_only.page("coordinator", size=size, scheme=scheme, language=language) as page:
        for q in ("", "contoh", "zqxnobody"):
            page.goto(f"/students?q={q}")
            expect(page.locator("h1")).to_have_count(1)
            assert not violations(page), q
            assert sideways(page) <= 0, q


@pytest.mark.parametrize("script", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_from_the_menu_to_the_form_of_a_child_on_no_list(read_only: Site, script: bool) -> None:
    with read_only.page("coordinator", language="en", script=script) as page:
        page.goto("/quarter")
        page.get_by_role("link", name="Find a student").click()
        page.get_by_label("Part of the name").fill("dewi")
        page.get_by_role("button", name="Search").click()
        page.get_by_role("link", name=DEWI.name).click()
        expect(page.locator("h1")).to_have_text(DEWI.name)
        page.get_by_role("link", name="Record").first.click()
        expect(page.locator("main")).to_contain_text(DEWI.name)
