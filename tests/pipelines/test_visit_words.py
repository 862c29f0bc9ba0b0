"""Card and terminal say what lists find without visits, or that the records cannot tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from drawn_school import dataset
from earlywarning.risk import spec, training
from earlywarning.risk.report import report
from earlywarning_pipelines import model_card, visit_words

SPEC = replace(spec.load("attendance"), candidates=("rule", "logistic"), logistic_strengths=(0.03,))


def trained(*, reached: float) -> dict[str, Any]:
    """Of the families that the drawn school visits, so many are reached."""
    data = dataset(800, effect=0.0)
    visited = data.visited * (np.random.default_rng(4).random(len(data)) < reached)
    result = training.train(replace(data, visited=visited), SPEC, capacity_share=0.15, seed=1)
    return report(result, capacity_share=0.15, seed=1)


def card(about: dict[str, Any], language: str = "en") -> str:
    return model_card.build(
        "# Attendance", about, SPEC, district="D", as_of=date(2026, 1, 1), snapshot_id="0" * 64,
        code_version="1", language=language,
    )  # fmt: skip


def test_figures_without_visits_stand_beside_those_of_what_happened() -> None:
    about = trained(reached=0.6)
    model = about["test"][about["chosen"]]
    text = card(about)
    assert (
        f"| {model['no_visit_found_share']:.3f} | {model['no_visit_found_share_low']:.3f}" in text
    )
    (line,) = (one for one in visit_words.summary(about) if one.startswith("had nobody"))
    assert f"{model['no_visit_found_share']:.1%}" in line
    assert "the rule" in line


def test_where_the_records_cannot_tell_both_languages_say_so() -> None:
    about = trained(reached=1.0)
    text = card(about)
    assert "Note: Nearly everybody on the list was visited" in text
    assert "Catatan: Hampir semua yang ada di daftar dikunjungi" in card(about, "id")
    assert "| Brier | from |" not in text
    assert [line for line in visit_words.summary(about) if line.startswith("visits: Nearly")]
    assert not [line for line in visit_words.summary(about) if line.startswith("had nobody")]


def test_without_visits_the_card_says_that_none_is_on_record() -> None:
    about = trained(reached=0.0)
    assert "No visit is on record in these quarters" in card(about)
