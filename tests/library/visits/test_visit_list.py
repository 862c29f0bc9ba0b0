"""The list of a school: order, header, and bytes that never change."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from earlywarning.calendar import SchoolCalendar, day_number
from earlywarning.district import District, Thresholds, Visits
from earlywarning.errors import ArtifactError
from earlywarning.visits.frozen import (
    canonical,
    district_of,
    district_values,
    first_difference,
    opened,
)
from earlywarning.visits.households import Child
from earlywarning.visits.visit_list import ListBasis, VisitListDraft, build

AS_OF = date(2026, 10, 1)
DISTRICT = District(visits=Visits(lottery=True, capacity=2, preventive_share=0.4))
CLASSES = {
    "SCH1/2026-27/IX": {"lead": "t9", "grade_level": 9},
    "SCH1/2026-27/VIII-A": {"lead": "t8", "grade_level": 8},
    "SCH1/2026-27/VII-A": {"lead": "t7", "grade_level": 7},
    "SCH1/2026-27/VII-C": {"lead": None, "grade_level": 7},
}


def basis(**changes: object) -> ListBasis:
    values = {
        "quarter": "2026-27-Q2",
        "as_of_date": AS_OF,
        "school_id": "SCH1",
        "snapshot_id": "f" * 64,
        "district": DISTRICT,
        "models": {"attendance": {"serves": "rule", "why": "no_model"}},
        "seed": 1,
        "code_version": "0.1.0",
        "classes": CLASSES,
        "capacities": {"t7": 3, "t8": 0},
    }
    return ListBasis(**(values | changes))  # type: ignore[arg-type]


def children() -> list[Child]:
    rows = []
    for name, values in CLASSES.items():
        for i in range(6):
            student = f"{name[-5:]}-{i}"
            rows.append(
                Child(
                    student,
                    priority=0.1 + i / 7,
                    risks={"attendance": 0.1 + i / 7, "behaviour": None},
                    class_id=name,
                    lead=values["lead"],  # type: ignore[arg-type]
                    household=f"H-{student}",
                    last_visit=day_number(date(2026, 5, 1 + i)) if i % 2 else None,
                    reasons=({"code": "x", "numbers": {"days": i}, "as_of": "2026-09-30"},),
                    completeness={"available": 3, "of": 5},
                )
            )
    return rows


def made() -> VisitListDraft:
    return build(children(), basis())


def test_it_runs_lead_by_lead_lowest_grade_level_first_no_lead_last() -> None:
    draft = made()
    assert [lead["lead"] for lead in draft.header["leads"]] == ["t7", "t8", "t9", None]
    # t7 has 3 places (2 concern, 1 preventive), t8 none, t9 and the pool the district's 2.
    assert [lead["listed"] for lead in draft.header["leads"]] == [3, 0, 2, 2]
    assert draft.header["counts"] == {
        "students": 24, "households": 24, "listed": 7, "excluded": 0,
        "leads_without_capacity": 1,
    }  # fmt: skip


def test_classes_stand_in_a_schools_order_where_no_grade_level_is_known() -> None:
    names = ["X", "IX", "VII-10", "VIII", "VII-2", "Melati"]
    classes = {f"SCH1/2026-27/{name}": {"lead": name, "grade_level": None} for name in names}
    some = [
        Child(f"s{number}", priority=0.5, risks={}, class_id=class_id, lead=values["lead"])
        for number, (class_id, values) in enumerate(classes.items())
    ]
    draft = build(some, basis(classes=classes, capacities={}))
    found = [lead["lead"] for lead in draft.header["leads"]]
    assert found == ["VII-2", "VII-10", "VIII", "IX", "X", "Melati"]


def test_positions_count_the_listed_families_in_the_order_of_the_list() -> None:
    draft = made()
    listed = sorted(
        (row for row in draft.households if row["listed"]), key=lambda row: row["position"]
    )
    assert [row["position"] for row in listed] == list(range(1, 8))
    assert [row["lead"] for row in listed] == ["t7"] * 3 + ["t9"] * 2 + [None] * 2
    assert [row["track"] for row in listed[:3]] == ["concern", "concern", "preventive"]
    assert all(row["position"] is None for row in draft.households if not row["listed"])


def test_the_frozen_bytes_hold_everything_and_their_hash_is_checked() -> None:
    draft = made()
    assert hashlib.sha256(draft.frozen).hexdigest() == draft.sha256
    document = opened(draft.frozen, draft.sha256)
    assert document == {"header": draft.header, "households": draft.households}
    assert canonical(document) == draft.frozen
    assert b" " not in canonical({"a": [1.5, None, {"b": "x"}]})
    header = document["header"]
    assert header["district_sha256"] == DISTRICT.content_hash
    assert header["district"]["weights"] == {"attendance": 1.0, "behaviour": 1.0, "grades": 1.0}
    for row in document["households"]:
        assert row["priority"] == row["children"][0]["risks"]["attendance"]
        # t7 has N = 2: ranks 1 to 4 draw; t9 and the pool N = 1: ranks 1 to 3; t8 has no place.
        drawing = {"t7": 4, "t8": 0}.get(row["lead"], 3)
        assert (row["lottery"] is not None) == (row["rank"] <= drawing)


def test_a_changed_record_is_refused() -> None:
    draft = made()
    changed = draft.frozen.replace(b'"rank":1,', b'"rank":2,', 1)
    assert changed != draft.frozen
    with pytest.raises(ArtifactError, match="changed after it was frozen"):
        opened(changed, draft.sha256)


def test_a_number_that_is_none_cannot_be_frozen() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical({"risk": float("nan")})


def test_excluded_families_are_kept_at_the_end_of_their_lead() -> None:
    key = "H-VII-A-5"
    draft = build(children(), basis(), excluded={key: "visited_this_quarter"})
    row = next(row for row in draft.households if row["household_key"] == key)
    assert (row["excluded"], row["rank"], row["listed"]) == ("visited_this_quarter", None, False)
    assert draft.header["leads"][0]["excluded"] == 1


def test_another_order_of_children_changes_no_byte() -> None:
    assert build(reversed(children()), basis()).frozen == made().frozen


def test_another_seed_is_another_list() -> None:
    assert build(children(), basis(seed=2)).sha256 != made().sha256


def test_an_empty_school_is_an_empty_list() -> None:
    draft = build([], basis())
    assert draft.households == []
    assert draft.header["counts"]["listed"] == 0


def test_a_districts_choices_survive_the_record() -> None:
    district = District(
        visits=Visits(lottery=False, capacity=3, preventive_share=0.35),
        name="SMP Contoh",
        calendar=SchoolCalendar(((7, 15), (1, 5)), (1, 2, 3)),
        attendance_codes={"X": "sick"},
        school_thresholds={"SCH2": Thresholds(pass_mark=60.0)},
        weights={"attendance": 2.0, "behaviour": 0.0, "grades": 1.0},
    )
    again = district_of(json.loads(json.dumps(district_values(district))))
    assert again == district
    assert again.content_hash == district.content_hash


def test_a_list_of_the_first_layout_is_made_again_byte_for_byte() -> None:
    """Frozen before there were tracks; its hash was written down then."""
    old = build(children(), basis(layout=1))
    assert old.sha256 == "9f92eb9a16d9fcca4fb18a44ce08f3c4f1df0bd2192565af4ff64b14a99cd38e"
    assert "tracks" not in old.header["district"]["visits"]
    assert "occasion" not in old.households[0]


def test_where_two_records_differ_is_said() -> None:
    old = {"households": [{"rank": 1, "priority": 0.5}, {"rank": 2}]}
    assert first_difference(old, old) is None
    assert first_difference(old, {"households": [{"rank": 1, "priority": 0.25}, {"rank": 2}]}) == (
        "/households/0/priority is 0.25, recorded was 0.5"
    )
    assert first_difference(old, {"households": old["households"][:1]}) == (
        "/households has 1 entries, recorded were 2"
    )
    assert first_difference({"a": 1}, {"b": 1}) == "/a is missing"


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_the_bytes_are_the_same_in_another_process(hash_seed: str) -> None:
    here = Path(__file__)
    code = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('lists', {str(here)!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print(module.made().sha256)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == made().sha256
