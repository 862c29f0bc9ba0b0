"""A province's lists, made column by column, are those that one teacher's families make by hand."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, replace
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earlywarning.calendar import day_date, day_number
from earlywarning.district import District, Visits
from earlywarning.visits.capacity import CALLED, Allocation, allocate
from earlywarning.visits.chance import tie_breaker
from earlywarning.visits.frozen import canonical, opened
from earlywarning.visits.households import Child, group, others_told
from earlywarning.visits.ranking import tie_breakers
from earlywarning.visits.table import Table, numbers, of_children, quoted
from earlywarning.visits.visit_list import ListBasis, build_all, places_of, within_year

AS_OF = date(2026, 10, 1)
YEAR_AGO = day_number(AS_OF) - 365


def school(draw: random.Random, school_id: str) -> list[Child]:
    """Up to forty children: ties, siblings in other classes, odd names, occasions."""
    children = []
    for number in range(draw.randint(1, 40)):
        class_id = draw.choice([None, *(f"{school_id}/2026-27/VII-{name}" for name in "ABC")])
        lead = None if class_id is None or class_id.endswith("C") else f"t{class_id[-1]}"
        if draw.random() < 0.05:
            lead = 'the "other"\\one'
        home = f"K{draw.randrange(30)}" if draw.random() < 0.6 else None
        occasions = tuple(
            {"track": track, "code": "x", "numbers": {"days": 1.5}, "urgency": draw.randint(0, 2)}
            for track in CALLED
            if draw.random() < 0.2
        )
        priority = draw.choice([0.0, 0.5, 0.5, 1.0, 3e-05, draw.random()])
        children.append(
            Child(
                f"s{number}", priority, {"grades": None, "attendance": priority / 3},
                class_id=class_id, lead=lead, household=home,
                last_visit=draw.choice([None, YEAR_AGO + draw.randint(-200, 300)]),
                reasons=({"code": "x", "numbers": {"days": number}},) * draw.randint(0, 2),
                completeness={"of": 3, "available": draw.randint(0, 3)}, occasions=occasions,
            )
        )  # fmt: skip
    return children


def together(schools: dict[str, list[Child]]) -> Table:
    """One table of several schools, in no order of theirs."""
    tables = [of_children(some, name) for name, some in schools.items()]
    starts = np.cumsum([0, *(len(one) for one in tables)])
    everybody = [child for some in schools.values() for child in some]
    return Table(
        rows=pl.concat([one.rows for one in tables]),
        occasions={
            at + int(start): some
            for start, one in zip(starts, tables, strict=False)
            for at, some in one.occasions.items()
        },
        reasons=lambda places: [
            json.dumps(list(everybody[at].reasons), sort_keys=True, separators=(",", ":"))
            for at in places.tolist()
        ],
    )


def by_hand(item: Allocation) -> dict[str, object]:
    """What the record must say of one family, from the allocation of its lead alone."""
    home = item.household
    return {
        "household_key": home.key,
        "household_id": home.household_id,
        "lead": home.lead,
        "class_id": home.class_id,
        "priority": home.priority,
        "tie_breaker": home.tie_breaker,
        "rank": item.rank,
        "cut": item.cut,
        "distance": item.distance,
        "lottery": None if item.lot is None else asdict(item.lot),
        "last_visit": None if home.last_visit is None else day_date(home.last_visit).isoformat(),
        "waiting_rank": item.waiting_rank,
        "listed": item.listed,
        "track": item.track,
        "band": item.band,
        "excluded": item.excluded,
        "occasion": item.occasion,
        "others_told": list(others_told(home)),
        "children": [child.student_id for child in home.children],
    }


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_many_schools_at_once_are_each_lead_by_hand(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - invented people only
    schools = {name: school(draw, name) for name in ("S1", "S2", "S3")}
    rules = Visits(
        lottery=draw.random() < 0.7, capacity=draw.randint(0, 6),
        preventive_share=draw.choice([0.0, 0.4, 1.0]),
    )  # fmt: skip
    out = {
        name: {f"K{draw.randrange(30)}": "moved", "student-s1": "do_not_visit"} for name in schools
    }
    first = ListBasis(
        quarter="2026-27-Q2", as_of_date=AS_OF, school_id="", snapshot_id="f" * 64,
        district=District(visits=rules), models={}, seed=seed, code_version="1", classes={},
        capacities={"tA": draw.randint(0, 9)},
    )  # fmt: skip
    bases = [replace(first, school_id=name) for name in schools]
    made = build_all(together(schools), bases, excluded=out)
    assert [draft.header["school_id"] for draft in made] == list(schools)
    for draft, basis in zip(made, bases, strict=True):
        document = opened(draft.frozen, draft.sha256)
        assert canonical(document) == draft.frozen
        leads: dict[str | None, list] = {}
        for home in group(schools[basis.school_id], seed=seed):
            leads.setdefault(home.lead, []).append(home)
        assert {one["lead"] for one in draft.header["leads"]} == set(leads)
        rows = iter(document["households"])
        for told in draft.header["leads"]:
            lead = told["lead"]
            places = places_of(lead, basis)
            items = allocate(
                leads[lead], places=places, seed=seed, lottery=rules.lottery,
                block=f"{basis.school_id}/2026-27-Q2/{lead or 'no-lead'}",
                excluded=out[basis.school_id], tracks=rules.tracks, year_ago=YEAR_AGO,
            )  # fmt: skip
            for item in items:
                found = next(rows)
                found["children"] = [child["student_id"] for child in found["children"]]
                del found["position"]
                assert found == by_hand(item)
            assert told["year"] == within_year(places, items, 4)
            assert told["listed"] == sum(item.listed for item in items)
        assert next(rows, None) is None


def test_many_numbers_are_drawn_as_one_is() -> None:
    keys = [f"student-{number}" for number in range(500)]
    assert tie_breakers(7, keys).tolist() == [tie_breaker(7, key) for key in keys]
    assert tie_breakers(7, []).tolist() == []


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))))
def test_numbers_are_written_as_python_writes_them(values: list[float | None]) -> None:
    found = numbers(pl.Series("x", values, dtype=pl.Float64)).to_list()
    assert found == [json.dumps(value) for value in values]


def test_a_number_that_is_none_cannot_be_written() -> None:
    for odd in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not finite"):
            numbers(pl.Series("x", [1.0, odd]))


@given(st.lists(st.one_of(st.none(), st.text(max_size=5))))
def test_strings_are_written_as_python_writes_them(values: list[str | None]) -> None:
    column = pl.Series("x", values, dtype=pl.String)
    assert quoted(column).to_list() == [json.dumps(value, ensure_ascii=False) for value in values]


def test_lists_that_rest_on_other_rules_are_not_made_together() -> None:
    one = ListBasis(
        quarter="2026-27-Q2", as_of_date=AS_OF, school_id="S1", snapshot_id="f" * 64,
        district=District(visits=Visits(lottery=False)), models={}, seed=1, code_version="1",
        classes={}, capacities={},
    )  # fmt: skip
    table = of_children([Child("a", 1.0)], "S1")
    assert build_all(table, []) == []
    with pytest.raises(ValueError, match="same facts and rules"):
        build_all(table, [one, replace(one, school_id="S2", seed=2)])
    with pytest.raises(ValueError, match="one basis for each school"):
        build_all(table, [replace(one, school_id="S2")])
