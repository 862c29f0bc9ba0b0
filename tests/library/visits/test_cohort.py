"""Scores and people put together."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd

from earlywarning.visits import cohort
from earlywarning.visits.cohort import Registered, Scored
from earlywarning.visits.households import Child
from earlywarning.visits.table import of_children

X = pd.DataFrame(
    {
        "attendance_known": [1, 0, 0],
        "summary_known": [0, 1, 0],
        "behaviour_known": [1, 0, 0],
        "grades_known": [1, 1, 0],
        "expected_days_quarter": [60.0, np.nan, 0.0],
        "recorded_days_quarter": [57.0, np.nan, 0.0],
    }
)
REGISTERED = Registered(
    households={"a": "K1", "b": "K1"},
    leads={"VII-A": "sari"},
    grade_levels={"VII-A": 7, "VII-B": None},
    capacities={},
)


def test_how_complete_the_records_are() -> None:
    assert [json.loads(one) for one in cohort.completeness(X)] == [
        {"available": 3, "of": 3, "attendance": "daily", "behaviour": "yes", "grades": "yes",
         "expected_days": 60, "recorded_days": 57},
        {"available": 2, "of": 3, "attendance": "totals", "behaviour": "no", "grades": "yes",
         "expected_days": None, "recorded_days": None},
        {"available": 0, "of": 3, "attendance": "no", "behaviour": "no", "grades": "no",
         "expected_days": 0, "recorded_days": 0},
    ]  # fmt: skip


def test_children_by_school_with_their_family_and_lead() -> None:
    scored = Scored(
        ids=pd.DataFrame(
            {"student_id": ["a", "b", "c"], "school_id": ["S1", "S1", "S2"],
             "class_id": ["VII-A", "VII-B", None]}
        ),
        risks=pd.DataFrame({"attendance": [0.5, np.nan, 0.25]}),
        priority=np.array([0.5, 0.0, 0.25]),
        reasons=lambda places: [["[1]", "[]", "[]"][place] for place in places],
        completeness=["{}", "{}", "{}"],
    )  # fmt: skip
    sick = {"track": "sick_child", "urgency": -5}
    asked = {"track": "requested", "urgency": 9}
    registered = replace(REGISTERED, requests={"b": [asked]})
    found = cohort.table(scored, registered, {"b": 7}, {"b": [sick], "c": []})
    assert found.rows.rows() == [
        ("a", "S1", "VII-A", "sari", "K1", 0.5, None, '{"attendance":0.5}', "{}"),
        ("b", "S1", "VII-B", None, "K1", 0.0, 7, '{"attendance":null}', "{}"),
        ("c", "S2", None, None, None, 0.25, None, '{"attendance":0.25}', "{}"),
    ]
    assert found.occasions == {1: (asked, sick)}
    assert cohort.scored_students(scored) == {
        "S1": {"attendance": 1, "behaviour": 0, "grades": 0},
        "S2": {"attendance": 1, "behaviour": 0, "grades": 0},
    }
    assert cohort.classes(found, registered) == {
        "S1": {
            "VII-A": {"lead": "sari", "grade_level": 7},
            "VII-B": {"lead": None, "grade_level": None},
        },
        "S2": {},
    }
    second = found.of_schools({"S2"})
    assert second.rows["student_id"].to_list() == ["c"]
    assert (second.occasions, second.reasons(np.array([0]))) == ({}, ["[]"])
    assert found.of_schools({"S1"}).occasions == {1: (asked, sick)}
    assert found.of_schools({"S1", "S2"}) is found


def test_one_child_visited_is_the_family_visited_and_a_wish_comes_first() -> None:
    some = [
        Child("a", 1.0, household="K1"),
        Child("b", 1.0, household="K1"),
        Child("c", 1.0, household="K2"),
        Child("d", 1.0, household="K3"),
        Child("e", 1.0),
    ]
    assert cohort.excluded(
        of_children(some, "S1"),
        closed={"K2": "do_not_visit"},
        visited={"b", "c", "e"},
        moved={"e"},
    ) == {"S1": {"K1": "visited_this_quarter", "K2": "do_not_visit", "student-e": "moved"}}
    assert cohort.excluded(of_children(some, "S1"), closed={}, visited=()) == {}
