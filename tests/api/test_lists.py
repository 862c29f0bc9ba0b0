"""Lists and their families, as each reader gets them."""

from __future__ import annotations

import csv
import io

import pytest

from people import AHMAD, BUDI, CITRA, SITI, SUPARMI, YUSUF
from service_world import World, staff_id

Q2 = "2026-27-Q2"


def items(world: World, who: str = "coordinator", query: str = "", quarter: str = Q2) -> list[dict]:
    answer = world.get(f"/api/v1/visit_lists/{world.lists[quarter]}/items{query}", who)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def names(rows: list[dict]) -> list[list[str]]:
    return [[child["full_name"] for child in row["students"]] for row in rows]


def test_quarters_newest_first_with_drafts_for_coordinators_only(world: World) -> None:
    answer = world.get("/api/v1/quarters")
    assert answer.json()["quarters"] == [
        {"quarter": "2026-27-Q3", "as_of_date": "2027-01-01", "drafts": 1, "published": 0},
        {"quarter": "2026-27-Q2", "as_of_date": "2026-10-01", "drafts": 0, "published": 1},
        {"quarter": "2026-27-Q1", "as_of_date": "2026-07-01", "drafts": 0, "published": 1},
    ]
    codes = [row["quarter"] for row in world.get("/api/v1/quarters", "sari").json()["quarters"]]
    assert codes == ["2026-27-Q2", "2026-27-Q1"]


def test_lists_of_a_quarter(world: World) -> None:
    answer = world.get(f"/api/v1/visit_lists?quarter={Q2}", accept_language="en")
    (row,) = answer.json()["visit_lists"]
    assert row["visit_list_id"] == world.lists[Q2]
    assert row["status"] == {"code": "published", "text": "Published"}
    assert (row["school_name"], row["published_by"]) == ("SMP Contoh", "Bu Ratna")
    assert row["published_at"] == "2026-10-05T08:00:00Z"
    assert row["counts"]["students"] == 7
    assert row["counts"]["excluded"] == 1
    assert row["models"][0] == {
        "outcome": {"code": "attendance", "text": "Attendance"},
        "serves": "rule",
        "estimator": {"code": "rule", "text": "Rule (thresholds)"},
        "version": None,
        "why": "No model was trained on this school's records yet, so the rule decides",
    }
    assert world.get("/api/v1/visit_lists?quarter=2030-31-Q1").json() == {"visit_lists": []}
    everything = world.get("/api/v1/visit_lists").json()["visit_lists"]
    assert [one["quarter"] for one in everything] == ["2026-27-Q3", Q2, "2026-27-Q1"]


def test_a_teacher_without_capacity_is_said_to_have_none(world: World) -> None:
    row = world.get(f"/api/v1/visit_lists/{world.lists[Q2]}", accept_language="en").json()
    by_name = {lead["name"]: lead for lead in row["leads"]}
    assert by_name["Retno"] == {
        "staff_id": staff_id("G03"), "name": "Retno", "capacity": 0, "concern_places": 0,
        "preventive_places": 0, "households": 1, "listed": 0, "excluded": 0,
        "note": "No visits possible this quarter: 1 family is ranked, none is listed",
    }  # fmt: skip
    assert by_name["Sari Wulandari, S.Pd."]["note"] is None


def test_the_families_of_the_list_in_order(world: World) -> None:
    rows = items(world)
    # Sari: 2 places, 1 preventive. Siti (1.2) before the brothers (0.75); then the longest wait:
    # the brothers or Suparmi, by the seed. Bambang: 1 place, Dewi is not to be visited, so Yusuf.
    assert [row["position"] for row in rows] == [1, 2, 3]
    assert names(rows)[0] == [SITI.name]
    assert names(rows)[2] == [YUSUF.name]
    assert [row["track"]["code"] for row in rows] == ["concern", "preventive", "concern"]
    assert [row["band"]["text"] for row in rows] == ["Kunjungi dulu", "Jadwalkan", "Kunjungi dulu"]
    assert rows[0]["lead"] == {"staff_id": staff_id("G01"), "name": "Sari Wulandari, S.Pd."}


def test_a_child_comes_with_dated_reasons_in_words_and_no_probability(world: World) -> None:
    answer = world.get(
        f"/api/v1/visit_lists/{world.lists[Q2]}/items", accept_language="en-GB,id;q=0.5"
    )
    assert answer.headers["content-language"] == "en"
    child = answer.json()["items"][0]["students"][0]
    assert child["reasons"] == [
        {
            "code": "absent_days",
            "domain": "attendance",
            "numbers": {"absent": 9, "days": 20, "since": "2026-09-01"},
            "as_of": "2026-10-01",
            "text": "Absent 9 of 20 school days since 1 Sep 2026 (known before 1 Oct 2026)",
        }
    ]
    assert child["completeness"]["text"] == "2 of 3 kinds of records available"
    assert child["class_name"] == "VII-A"
    for word in ("risk", "priority", "probability", "score", "0.4"):
        assert word not in answer.text


def test_filters(world: World) -> None:
    assert names(items(world, query="?track=preventive")) == names(items(world))[1:2]
    assert items(world, query="?track=good_news") == []
    assert names(items(world, query=f"?class_id={YUSUF.class_id}")) == [[YUSUF.name]]
    assert items(world, query="?class_id=SCH1/2026-27/IX-Z") == []
    assert items(world, query="?class_id=SCH2/2026-27/VII-A") == []


def test_siblings_are_one_row_and_the_other_class_finds_it_too(world: World) -> None:
    # Whether the brothers are the preventive family is up to the seed.
    for quarter in (Q2, "2026-27-Q1", "2026-27-Q3"):
        rows = [row for row in items(world, quarter=quarter) if len(row["students"]) == 2]
        if rows:
            assert sorted(names(rows)[0]) == [AHMAD.name, BUDI.name]
            found = items(world, query=f"?class_id={BUDI.class_id}", quarter=quarter)
            assert found == rows
    assert names(items(world, query=f"?class_id={BUDI.class_id}")) in (
        [],
        [[AHMAD.name, BUDI.name]],
    )


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_pages_cover_everything_exactly_once(world: World, limit: int) -> None:
    path: str | None = f"/api/v1/visit_lists/{world.lists[Q2]}/items?limit={limit}"
    seen: list[int] = []
    pages = 0
    while path is not None:
        answer = world.get(path)
        page = answer.json()
        seen += [row["position"] for row in page["items"]]
        assert len(page["items"]) <= limit
        pages += 1
        following = answer.headers.get("link")
        assert (following is None) == (page["next_cursor"] is None)
        path = None
        if following is not None:
            target, relation = following.split("; ")
            assert relation == 'rel="next"'
            path = target.strip("<>")
    assert seen == [1, 2, 3]
    assert pages == -(-3 // limit)


def test_a_cursor_of_other_filters_or_another_list_is_refused(world: World) -> None:
    path = f"/api/v1/visit_lists/{world.lists[Q2]}/items"
    cursor = world.get(f"{path}?limit=1").json()["next_cursor"]
    assert world.get(f"{path}?limit=1&cursor={cursor}").status_code == 200
    assert world.get(f"{path}?limit=1&track=concern&cursor={cursor}").status_code == 422
    other = f"/api/v1/visit_lists/{world.lists['2026-27-Q1']}/items"
    assert world.get(f"{other}?cursor={cursor}").status_code == 422


def test_csv_by_accept_and_by_name(world: World) -> None:
    path = f"/api/v1/visit_lists/{world.lists[Q2]}/items"
    page = world.get(f"{path}?limit=1", accept="text/csv", accept_language="en")
    assert page.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert 'rel="next"' in page.headers["link"]
    whole = world.get(f"{path}.csv", accept_language="en")
    assert (
        whole.headers["content-disposition"] == 'attachment; filename="visit-list-2026-27-Q2.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(whole.text, newline="")))
    assert [row["position"] for row in rows] == sorted(row["position"] for row in rows)
    assert rows[0] == {
        "position": "1", "band": "Visit first", "track": "Concern",
        "lead": "Sari Wulandari, S.Pd.", "class": "VII-A", "student_id": SITI.student_id,
        "student": SITI.name, "completeness": "2 of 3 kinds of records available",
        "reasons": "Absent 9 of 20 school days since 1 Sep 2026 (known before 1 Oct 2026)",
    }  # fmt: skip
    assert page.text == "\r\n".join(whole.text.split("\r\n")[:2]) + "\r\n"
    assert world.get(path, accept="text/csv;q=0.3, application/json").headers["content-type"] == (
        "application/json"
    )


@pytest.mark.parametrize("suffix", ["", "/items", "/items.csv"])
def test_an_unchanged_answer_is_304(world: World, suffix: str) -> None:
    path = f"/api/v1/visit_lists/{world.lists[Q2]}{suffix}"
    first = world.get(path)
    etag = first.headers["etag"]
    assert etag.startswith('"')  # strong
    again = world.get(path, if_none_match=f'"other", W/{etag}')
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    assert world.get(path, if_none_match="*").status_code == 304
    assert world.get(path, if_none_match='"other"').status_code == 200
    # Another language, or what another reader may see, is another representation.
    assert world.get(path, if_none_match=etag, accept_language="en").status_code == 200
    assert world.get(path, "sari", if_none_match=etag).status_code == 200
    assert "Authorization" in first.headers["vary"]


def test_one_student_now_and_before(world: World) -> None:
    student = world.get(f"/api/v1/students/{SITI.student_id}", accept_language="en").json()
    assert (student["full_name"], student["class_name"]) == (SITI.name, "VII-A")
    assert student["now"] == student["history"][0]
    assert student["now"]["quarter"] == Q2
    assert [place["quarter"] for place in student["history"]] == [Q2, "2026-27-Q1"]
    assert student["now"]["listed"]
    assert student["now"]["band"] == {"code": "visit_first", "text": "Visit first"}
    assert "Absent 9 of 20" in student["now"]["reasons"][0]["text"]
    assert "Absent 4 of 20" in student["history"][1]["reasons"][0]["text"]
    citra = world.get(f"/api/v1/students/{CITRA.student_id}").json()
    assert not citra["now"]["listed"]
    assert citra["now"]["track"]["text"] == "Tidak dalam daftar triwulan ini"
    assert citra["now"]["band"]["code"] == "keep_watching"
    etag = world.get(f"/api/v1/students/{SITI.student_id}").headers["etag"]
    assert world.get(
        f"/api/v1/students/{SITI.student_id}", if_none_match=etag
    ).status_code == 304  # fmt: skip


def test_models_say_what_decides_and_why(world: World) -> None:
    rows = world.get("/api/v1/models", "data_staff", accept_language="en").json()["models"]
    assert [row["outcome"]["code"] for row in rows] == ["attendance", "behaviour", "grades"]
    assert all(row["serves"] == "rule" for row in rows)
    assert rows[0]["why"].startswith("No model was trained")


def test_names_that_look_like_formulas_stay_text(world: World) -> None:
    assert CITRA.name.startswith("Citra =")  # harmless inside; the cells tests do the rest
    assert SUPARMI.name in world.get(f"/api/v1/students/{SUPARMI.student_id}").text
