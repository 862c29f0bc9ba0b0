"""Every code that can reach a reader has words, in every language, with the same placeholders."""

from __future__ import annotations

from datetime import date
from importlib import resources

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from earlywarning.io import wording
from earlywarning.io.register.lists import STATUSES
from earlywarning.records.codes import TRACKS, VISIT_STATUSES
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk.reasons import CODES
from earlywarning.risk.results import VISITS, WHY
from earlywarning.risk.watch.checks import CODES as CHECKS
from earlywarning.risk.watch.checks import STATUSES as STATUSES_OF_CHECKS
from earlywarning.visit_rules import SLOTS
from earlywarning.visits import overriding, recording
from earlywarning.visits.capacity import BANDS, EXCLUSIONS
from earlywarning.visits.plan_task import LEAD, PRICES

KINDS = (*PRICES, LEAD)
WISHES = (*KINDS, "calendar")
NEEDED = {
    "reason": (*CODES, "dated", "none", "unknown"),
    "track": (*TRACKS, "none"),
    "band": BANDS,
    "outcome": OUTCOMES,
    "status": STATUSES,
    "exclusion": EXCLUSIONS,
    "estimator": ("rule", "last_value", "borrowed", "logistic", "boosted"),
    "why": ("no_model", *(code for code in WHY if code != "no_data"), "no_records", "unknown"),
    "notice": VISITS,
    "value": ("monday", "saturday", "true", "false", "none"),
    "visit_status": VISIT_STATUSES,
    "met": recording.MET,
    "purpose": recording.PURPOSES,
    "cause_group": tuple(recording.CAUSES),
    "cause": recording.known_causes(),
    "observation": recording.OBSERVATIONS,
    "answer": recording.ANSWERS,
    "channel": recording.CHANNELS,
    "contact_result": recording.RESULTS,
    "follow_up": recording.FOLLOW_UP_STATUSES,
    "follow_up_kind": ("agreed", "protection"),
    "request": recording.REQUEST_STATUSES,
    "asked_by": recording.ASKED_BY,
    "family_status": recording.FAMILY_STATUSES,
    "next_step": recording.NEXT_STEPS,
    "protection": ("default",),
    "override": (*overriding.ACTIONS, "none"),
    "override_reason": {code for codes in overriding.REASONS.values() for code in codes},
    "contact": ("message",),
    "completeness": ("sources",),
    "capacity": ("none",),
    "lead": ("none",),
    "slot": SLOTS,
    "wish": WISHES,
    "conflict": (*KINDS, "against"),
    "occasion": (
        "sick_days_in_a_row",
        "absence_fell",
        "grades_rose",
        "merits",
        *(f"asked_by_{who}" for who in recording.ASKED_BY),
    ),
    "planned": ("planned", "done", "cancelled"),
    "plan": ("no_week",),
    "year": ("short",),
    "name": ("unknown",),
    "run": (
        "draft_ready",
        "held_back",
        "published",
        "list",
        "more",
        "refused",
        "watched",
        "bring",
        "act",
        "look",
        "no_school",
        "no_attendance",
        "attendance_stops",
        "class_silent",
        "no_grade",
        "no_behaviour_event",
    ),
    "watch": (
        "none",
        "summary",
        *(f"status.{status}" for status in STATUSES_OF_CHECKS),
        *CHECKS,
        *(f"{code}.do" for code in CHECKS),
    ),
}
NUMBERS = {
    "absent": 9, "days": 20, "since": "2026-09-01", "streak": 1, "weekday": "monday",
    "points": 30.5, "warning": 50, "of": 20,
}  # fmt: skip


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_every_code_has_words(language: str) -> None:
    words = wording.catalogue(language)
    needed = {f"{kind}.{code}" for kind, codes in NEEDED.items() for code in codes}
    assert not needed - words.keys()
    assert all(form.strip() for message in words.values() for form in message.forms)


def test_languages_say_the_same_with_the_same_numbers() -> None:
    indonesian, english = (wording.catalogue(language) for language in ("id", "en"))
    assert indonesian.keys() == english.keys()
    for key, message in english.items():
        (names,) = set(message.placeholders)  # singular and plural alike
        assert set(indonesian[key].placeholders) == {names}, key


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_the_catalogues_are_sound(language: str) -> None:
    path = resources.files("earlywarning.io").joinpath(
        "locale", language, "LC_MESSAGES", "earlywarning.po"
    )
    with path.open("rb") as lines:
        entries = list(read_po(lines, locale=language, abort_invalid=True))
    keys = [entry.id if isinstance(entry.id, str) else entry.id[0] for entry in entries if entry.id]
    assert len(keys) == len(set(keys))
    assert not any(entry.fuzzy for entry in entries if entry.id)


@pytest.mark.parametrize("language", wording.LANGUAGES)
def test_no_word_labels_a_child_or_shows_a_percentage(language: str) -> None:
    text = " ".join(
        form for message in wording.catalogue(language).values() for form in message.forms
    ).lower()
    for word in ("risk", "risiko", "berisiko", "%", "nakal", "bad student", "flagged", "score"):
        assert word not in text


def test_a_reason_reads_as_a_dated_fact() -> None:
    day = date(2026, 10, 1)
    assert wording.reason_text("absent_days", NUMBERS, day, "id") == (
        "Tidak hadir 9 dari 20 hari sejak 1 Sep 2026 (data sebelum 1 Okt 2026)"
    )
    assert wording.reason_text("absent_days", NUMBERS, "2026-10-01", "en") == (
        "Absent 9 of 20 school days since 1 Sep 2026 (known before 1 Oct 2026)"
    )
    assert wording.reason_text("near_first_warning", NUMBERS, day, "id").startswith("30,5 poin")
    assert wording.reason_text("weekday_absences", NUMBERS, day, "id").startswith(
        "9 dari 20 ketidakhadiran jatuh pada hari Senin"
    )


def test_one_is_singular() -> None:
    text = wording.reason_text("absent_now", {"streak": 1}, "2026-10-01", "en")
    assert text.startswith("Absent on the last 1 school day (")
    text = wording.reason_text("absent_now", {"streak": 2}, "2026-10-01", "en")
    assert text.startswith("Absent on each of the last 2 school days (")


def test_a_code_of_another_version_still_has_words() -> None:
    assert "version" in wording.reason_text("gone_since_2030", {"x": 1}, "2026-10-01", "en")


def test_a_why_of_another_version_still_has_words() -> None:
    assert "another version" in wording.why_text("gone_since_2030", "en")
    assert wording.why_text("no_history", "en").startswith("There is too little history")


def test_words_for_places_on_the_list() -> None:
    assert wording.band_text("visit_first", "id") == "Kunjungi dulu"
    assert wording.track_text(None, "en") == "Not on the list this quarter"
    assert wording.completeness_text({"available": 2, "of": 3}, "id") == (
        "2 dari 3 sumber data tersedia"
    )
    assert wording.completeness_text({}, "id") == ""


@pytest.mark.parametrize(
    ("value", "indonesian", "english"),
    [
        (1234.5, "1.234,5", "1,234.5"),
        (7, "7", "7"),
        (True, "ya", "yes"),
        (None, "tidak diketahui", "not known"),
        ("2026-05-03", "3 Mei 2026", "3 May 2026"),
        (date(2026, 8, 3), "3 Agu 2026", "3 Aug 2026"),
        ("monday", "Senin", "Monday"),
        ("{x} %s 2026-13", "{x} %s 2026-13", "{x} %s 2026-13"),
    ],
)
def test_values_in_words(value: object, indonesian: str, english: str) -> None:
    assert wording.in_words(value, "id") == indonesian
    assert wording.in_words(value, "en") == english


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, "id"), ("", "id"), ("en", "en"), ("en-GB", "en"), ("EN", "en"), ("fr", "id"),
        ("fr, en;q=0.3", "en"), ("id;q=0.2, en;q=0.9", "en"), ("en;q=0", "id"),
        ("en;q=2", "id"), ("*", "id"), (";;q=,,", "id"), ("id, en", "id"),
    ],
)  # fmt: skip
def test_the_language_asked_for(header: str | None, chosen: str) -> None:
    assert wording.chosen_language(header) == chosen


@given(st.text(max_size=200))
def test_no_header_breaks_the_choice(header: str) -> None:
    assert wording.chosen_language(header) in wording.LANGUAGES


def test_a_language_that_is_not_offered_is_refused() -> None:
    with pytest.raises(ValueError, match="allowed: id, en"):
        wording.catalogue("fr")
