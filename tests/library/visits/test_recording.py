"""What follows a visit or an attempt: a letter after two failures, and danger before all else."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earlywarning.records.codes import RELATIONS, VISIT_STATUSES
from earlywarning.simulation import visit_records
from earlywarning.simulation.visit_records import Known
from earlywarning.visits import recording
from earlywarning.visits.recording import (
    CHANNELS,
    FAMILY_STATUSES,
    NEXT_STEPS,
    RESULTS,
    Tried,
    failures,
    family_status,
    may_become,
    next_step,
)

TODAY = date(2026, 10, 20)


def tried(*what: str) -> list[Tried]:
    """One a day, the last one yesterday, such as `visit done` or `telephone no_answer`."""
    first = TODAY - timedelta(days=len(what))
    return [Tried(first + timedelta(days=n), *one.split()) for n, one in enumerate(what)]


@pytest.mark.parametrize(
    ("happened", "status", "step"),
    [
        ((), "not_visited", "contact"),
        (("whatsapp sent",), "not_visited", "wait"),
        (("whatsapp agreed",), "not_visited", "visit"),
        (("whatsapp no_answer",), "no_contact", "contact"),
        (("whatsapp no_answer", "telephone wrong_number"), "no_contact", "letter"),
        (("whatsapp no_answer", "visit no_one_home"), "no_contact", "letter"),
        (("visit no_one_home", "visit no_one_home"), "no_contact", "letter"),
        (("visit no_one_home", "telephone reached", "visit no_one_home"), "no_contact", "contact"),
        (("visit no_one_home", "visit no_one_home", "letter sent"), "no_contact", "wait"),
        (("visit moved",), "closed", "check_address"),
        (("visit declined",), "closed", "respect_no"),
        (("telephone declined",), "closed", "respect_no"),
        (("visit no_one_home", "visit no_one_home", "visit done"), "visited", "none"),
        (("visit planned",), "overdue", "visit"),
    ],
)
def test_status_and_next_step(happened: tuple[str, ...], status: str, step: str) -> None:
    assert family_status(tried(*happened), today=TODAY) == status
    assert next_step(tried(*happened), today=TODAY) == step


def test_a_planned_visit_is_late_from_the_day_after() -> None:
    planned = [Tried(TODAY, "visit", "planned")]
    assert family_status(planned, today=TODAY) == "scheduled"
    assert family_status(planned, today=TODAY + timedelta(days=1)) == "overdue"


def test_what_was_agreed_comes_after_the_visit() -> None:
    assert next_step(tried("visit done"), today=TODAY, open_follow_ups=1) == "follow_up"


HAPPENED = st.lists(
    st.builds(
        Tried,
        st.dates(date(2026, 10, 1), date(2026, 12, 31)),
        st.sampled_from(("visit", *CHANNELS)),
        st.sampled_from((*VISIT_STATUSES, *RESULTS)),
    ),
    max_size=8,
)


@given(HAPPENED)
def test_danger_comes_before_everything(happened: list[Tried]) -> None:
    assert next_step(happened, today=TODAY, danger=True) == "protection"
    assert next_step(happened, today=TODAY) in NEXT_STEPS
    assert next_step(happened, today=TODAY) not in ("protection", "ask_counsellor")
    assert family_status(happened, today=TODAY) in FAMILY_STATUSES
    assert failures(happened) <= len(happened)


def test_what_took_place_never_turns_into_something_else() -> None:
    for before in VISIT_STATUSES:
        for after in VISIT_STATUSES:
            allowed = before == "planned" or after == before or after == "cancelled"
            assert may_become(before, after) == (allowed and before != "cancelled") or (
                before == after == "cancelled"
            )


def test_invented_visits_use_the_codes_of_real_ones() -> None:
    assert set(RELATIONS) - set(recording.MET) == set()
    known = [
        Known(f"{n:032x}", date(2026, 1, 1) + timedelta(days=n % 90), status, track)
        for n, (status, track) in enumerate(
            [(s, t) for s in ("done", "no_one_home", "declined") for t in
             ("concern", "preventive", "sick_child", "good_news", "requested")] * 20
        )
    ]  # fmt: skip
    made = list(visit_records.written(known, seed=1, today=date(2026, 4, 1)))
    assert made == list(visit_records.written(known, seed=1, today=date(2026, 4, 1)))
    assert len({one.id for one in made}) == len(made) == len(known)
    for one in made:
        assert set(one.met) <= set(recording.MET)
        assert set(one.purposes) <= set(recording.PURPOSES)
        assert set(one.causes) <= set(recording.known_causes())
        assert set(one.observations) <= set(recording.OBSERVATIONS)
        assert set(one.observations.values()) <= set(recording.ANSWERS)
        assert all(two.channel in CHANNELS and two.result in RESULTS for two in one.tried)
        assert all(two.day <= one.known.day <= one.entered for two in one.tried)
        assert bool(one.met) == (one.known.status == "done")
