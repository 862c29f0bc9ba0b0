"""What calls for a visit besides concern, by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import polars as pl

from earlywarning.calendar import NEVER, day_number
from earlywarning.visit_rules import Tracks
from earlywarning.visits import past
from earlywarning.visits.occasions import good_news, request, sick_children

AS_OF = day_number(date(2026, 10, 1))
FIRST = AS_OF - 20


def registers(days: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        [{"class_id": "VII-A", "day": day, "taken": True, "known_day": day,
          "superseded_day": NEVER} for day in days]
    )  # fmt: skip


def sick(student: str, days: list[int], **more: int) -> list[dict[str, object]]:
    return [
        {"student_id": student, "class_id": "VII-A", "day": day, "status": "sick",
         "known_day": more.get("known", day), "superseded_day": NEVER}
        for day in days
    ]  # fmt: skip


def test_a_run_is_of_days_on_which_the_register_was_taken() -> None:
    # The register was not taken on day 3 (a holiday): a run passes over it.
    taken = [FIRST + i for i in range(15) if i != 3]
    events = pl.DataFrame(
        [
            *sick("ahmad", [FIRST + i for i in (0, 1, 2, 4, 5)]),  # five in a row
            *sick("siti", [FIRST + i for i in (0, 1, 2, 4, 6, 7)]),  # present on day 5: four
            *sick("budi", [FIRST + i for i in (8, 9, 10, 11, 12)], known=AS_OF),  # told too late
            *sick("dewi", [FIRST + i for i in (5, 6, 7, 8, 9, 10)]),
        ]
    )
    found = sick_children(events, registers(taken), as_of_day=AS_OF, tracks=Tracks())
    assert sorted(found) == ["ahmad", "dewi"]
    (occasion,) = found["ahmad"]
    assert (occasion["track"], occasion["numbers"]) == (
        "sick_child",
        {"days": 5, "since": "2026-09-11", "until": "2026-09-16"},
    )
    assert found["dewi"][0]["urgency"] < occasion["urgency"]  # six days come before five
    # Only lately: with a window of 14 days Ahmad's illness is over for too long.
    late = sick_children(
        events, registers(taken), as_of_day=AS_OF, tracks=Tracks(sick_within_days=14)
    )
    assert sorted(late) == ["dewi"]


def test_good_news_are_fewer_absences_better_marks_and_merits() -> None:
    X = pd.DataFrame(
        {
            "absence_rate_change_quarter": [-0.05, -0.04, float("nan"), 0.2],
            "absence_rate_quarter": [0.01, 0.0, float("nan"), 0.3],
            "grade_distance_change_quarter": [float("nan"), 4.9, 5.0, -8.0],
            "merits_quarter": [0, 0, 0, 2],
        }
    )
    found = good_news(X, Tracks())
    assert {row: [one["code"] for one in news] for row, news in found.items()} == {
        0: ["absence_fell"], 2: ["grades_rose"], 3: ["merits"],
    }  # fmt: skip
    assert found[0][0]["numbers"] == {"before": 6, "now": 1}


def test_an_earlier_request_is_more_urgent() -> None:
    first = request("1" * 32, asked_by="family", asked_on=date(2026, 9, 1))
    later = request("2" * 32, asked_by="staff", asked_on=date(2026, 9, 2))
    assert first["urgency"] < later["urgency"]
    assert (first["code"], later["code"]) == ("asked_by_family", "asked_by_staff")


def test_a_family_that_moved_is_left_out_until_it_is_met_again() -> None:
    def visit(student: str, day: int, status: str) -> dict[str, object]:
        return {"visit_id": f"{student}{day}", "student_id": student, "day": day,
                "status": status, "known_day": day, "superseded_day": NEVER}  # fmt: skip

    visits = pl.DataFrame(
        [
            visit("ahmad", FIRST, "moved"),
            visit("siti", FIRST, "moved"),
            visit("siti", FIRST + int(timedelta(days=3).days), "done"),
            visit("budi", FIRST, "no_one_home"),
        ]
    )
    assert past.moved_away(visits, before_day=AS_OF) == {"ahmad"}
