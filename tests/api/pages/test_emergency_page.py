"""Emergency access on a page: a reason is needed, it ends, and the coordinator sees it."""

from __future__ import annotations

from playwright.sync_api import expect

from browser import Site, violations
from people import CITRA


def test_a_principal_sees_one_child_for_a_reason(own: Site) -> None:
    with own.page("principal", size="telephone") as page:
        assert page.goto(f"/students/{CITRA.student_id}").status == 404  # type: ignore[union-attr]
        page.goto("/emergency")
        page.get_by_label("Nomor induk").fill(CITRA.local_id)
        page.get_by_label("Alasan").fill("singkat")
        page.get_by_role("button", name="Buka selama tiga jam").click()
        expect(
            page.get_by_text("Tulis alasannya, sedikitnya sepuluh huruf", exact=True)
        ).to_be_visible()
        expect(page.get_by_label("Nomor induk")).to_have_value(CITRA.local_id)
        assert not violations(page)
        page.get_by_label("Alasan").fill("Orang tua menunggu di kantor")
        page.get_by_role("button", name="Buka selama tiga jam").click()
        expect(page.get_by_role("heading", name=CITRA.name)).to_be_visible()
    with own.page("coordinator") as page:
        page.goto("/emergency")
        expect(page.get_by_text("Orang tua menunggu di kantor")).to_be_visible()
        assert not violations(page)
    with own.page("principal") as page:
        page.goto("/emergency")
        page.get_by_role("button", name="Akhiri").click()
        expect(page.get_by_text("selesai")).to_be_visible()
        assert page.goto(f"/students/{CITRA.student_id}").status == 404  # type: ignore[union-attr]


def test_a_number_that_is_not_there_opens_nothing(own: Site) -> None:
    answer = own.world.as_("principal").post(
        "/emergency", data={"number": "9999", "reason": "Orang tua menunggu di kantor"}
    )
    assert answer.status_code == 422
    assert "tidak ada siswa dengan nomor ini" in answer.text
