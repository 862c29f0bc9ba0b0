"""A child whose reasons were not written down: a sentence in both languages, never a gap."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import update

import service_world
from earlywarning.io import wording
from earlywarning.io.register import lists
from earlywarning.io.register.models import VisitListStudent
from earlywarning_pipelines import list_rows
from people import CITRA, SITI
from service_world import NOW, World, opened_world

Q4 = "2026-27-Q4"
SAYS = {
    "en": "Reasons were written down for listed families only",
    "id": "Alasan hanya dicatat untuk keluarga yang masuk daftar",
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service whose newest list has the reasons of listed families alone."""
    folder = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch, opened_world(folder) as opened:
        rules = service_world.DISTRICT
        few = replace(rules.visits, reasons="listed", reasons_next=0)
        patch.setattr(service_world, "DISTRICT", replace(rules, visits=few))
        draft = service_world.draft(Q4, date(2027, 4, 1), 7)
        (row,) = lists.save(opened.register, [draft], by="Bu Ratna", at=NOW, publish=True)
        opened.lists[Q4] = row.visit_list_id
        yield opened


@pytest.mark.parametrize("language", ["en", "id"])
def test_a_child_without_a_place(kept: World, language: str) -> None:
    citra = kept.get(f"/api/v1/students/{CITRA.student_id}", accept_language=language).json()["now"]
    assert (citra["quarter"], citra["listed"]) == (Q4, False)
    assert (citra["reasons"], citra["reasons_note"]) == ([], SAYS[language])
    siti = kept.get(f"/api/v1/students/{SITI.student_id}", accept_language=language).json()["now"]
    assert (len(siti["reasons"]), siti["reasons_note"]) == (1, None)
    page = kept.as_("coordinator").get(
        f"/students/{CITRA.student_id}", headers={"Accept-Language": language}
    )
    assert SAYS[language] in page.text
    assert wording.say("reason.none", language) not in page.text


def test_a_listed_child_without_them_is_told_on_every_paper(tmp_path: Path) -> None:
    """As if somebody had got a place whose reasons were not asked for."""
    with opened_world(tmp_path) as world:
        list_id = world.lists["2026-27-Q2"]
        with world.register.session(writing=True) as session:
            session.execute(
                update(VisitListStudent)
                .where(VisitListStudent.student_id == SITI.student_id)
                .values(reasons=None)
            )
            session.commit()
        rows = world.get(f"/api/v1/visit_lists/{list_id}/items", accept_language="en").json()
        (siti,) = rows["items"][0]["students"]
        assert (siti["reasons"], siti["reasons_note"]) == ([], SAYS["en"])
        sheet = world.get(f"/api/v1/visit_lists/{list_id}/items.csv", accept_language="en")
        assert next(csv.DictReader(io.StringIO(sheet.text)))["reasons"] == SAYS["en"]
        for path in (f"/lists/{list_id}", f"/lists/{list_id}/print"):
            page = world.as_("coordinator").get(path, headers={"Accept-Language": "en"})
            assert SAYS["en"] in page.text
        family = list_rows.rows(world.register, list_id, language="en")[0]
        assert family.reasons == (SAYS["en"],)
