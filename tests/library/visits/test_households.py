"""Children become households: siblings once, one lead, nobody lost."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlywarning.visits.chance import number, tie_breaker
from earlywarning.visits.households import Child, group


def child(student_id: str, priority: float, **more: object) -> Child:
    return Child(student_id, priority, **more)  # type: ignore[arg-type]


def test_siblings_are_one_visit_led_by_the_teacher_of_the_child_with_most_priority() -> None:
    ahmad = child("ahmad", 0.5, household="K1", class_id="VII-A", lead="sari", last_visit=10)
    budi = child("budi", 0.75, household="K1", class_id="VIII-A", lead="retno", last_visit=20)
    (family,) = group([ahmad, budi], seed=1)
    assert family.key == family.household_id == "K1"
    assert family.priority == 1.25
    assert (family.lead, family.class_id) == ("retno", "VIII-A")
    assert [one.student_id for one in family.children] == ["ahmad", "budi"]
    assert family.last_visit == 20


def test_a_class_without_homeroom_teacher_leaves_the_lead_to_the_sibling() -> None:
    first = child("a", 0.9, household="K1", class_id="VII-C", lead=None)
    second = child("b", 0.1, household="K1", class_id="VII-A", lead="sari")
    (family,) = group([first, second], seed=1)
    assert (family.lead, family.class_id) == ("sari", "VII-A")


def test_students_without_household_are_each_a_household_of_one() -> None:
    families = group([child("a", 1.0), child("b", 2.0)], seed=1)
    assert [family.key for family in families] == ["student-a", "student-b"]
    assert [family.household_id for family in families] == [None, None]
    assert [family.lead for family in families] == [None, None]


def test_equal_siblings_are_settled_by_the_seed_not_by_their_order() -> None:
    one = child("a", 0.5, household="K1", lead="x")
    other = child("b", 0.5, household="K1", lead="y")
    leads = set()
    for seed in range(40):
        (family,) = group([one, other], seed=seed)
        (again,) = group([other, one], seed=seed)
        assert family == again
        leads.add(family.lead)
    assert leads == {"x", "y"}


def test_the_sum_over_children_does_not_depend_on_their_order() -> None:
    parts = [0.1, 0.2, 0.3, 1e-17, 0.7]
    children = [child(str(i), part, household="K1") for i, part in enumerate(parts)]
    (family,) = group(children, seed=1)
    (reverse,) = group(reversed(children), seed=1)
    assert family.priority == reverse.priority == math.fsum(parts)


@pytest.mark.parametrize("priority", [float("nan"), float("inf"), -0.1])
def test_a_priority_that_is_none_is_refused(priority: float) -> None:
    with pytest.raises(ValueError, match="must be a number of 0 or more"):
        group([child("a", priority)], seed=1)


def test_a_student_who_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="comes twice"):
        group([child("a", 1.0, household="K1"), child("a", 1.0, household="K2")], seed=1)


@given(st.lists(st.tuples(st.sampled_from(["K1", "K2", "K3", None]), st.floats(0, 3)), max_size=20))
def test_every_child_is_in_exactly_one_household(rows: list[tuple[str | None, float]]) -> None:
    children = [child(f"s{i}", p, household=key) for i, (key, p) in enumerate(rows)]
    families = group(children, seed=7)
    inside = [one.student_id for family in families for one in family.children]
    assert sorted(inside) == sorted(one.student_id for one in children)
    assert len({family.key for family in families}) == len(families)


def test_a_number_can_be_drawn_again_with_any_sha_256() -> None:
    # printf '1:tie:K1' | sha256sum | cut -c1-13
    assert number(1, "tie", "K1") == tie_breaker(1, "K1")
    assert tie_breaker(1, "K1") == int("5d5fc98d5110f", 16)
    assert number(1, "lot", "K1") != tie_breaker(1, "K1")
    assert tie_breaker(2, "K1") != tie_breaker(1, "K1")
