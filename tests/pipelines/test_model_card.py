"""The card of a version: both languages say the same, from the run alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pytest

from drawn_school import dataset
from earlywarning.district import District, Thresholds, Visits
from earlywarning.io import wording
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk import spec, training
from earlywarning.risk.report import report
from earlywarning_pipelines import model_card

SPEC = replace(spec.load("grades"), candidates=("rule", "logistic"), logistic_strengths=(0.03,))
RULES = District(
    visits=Visits(lottery=False), name="SMP Contoh",
    school_thresholds={"S2": Thresholds(pass_mark=60)},
)  # fmt: skip


@cache
def trained() -> dict[str, Any]:
    result = training.train(dataset(300), SPEC, capacity_share=0.15, seed=1)
    return report(result, capacity_share=0.15, seed=1)


def card(language: str, about: dict[str, Any] | None = None, outcome: str = "grades") -> str:
    path = spec.models_folder() / outcome / "card.md"
    return model_card.build(
        path.read_text("utf-8"), about or trained(), replace(SPEC, outcome=outcome),
        district="SMP Contoh", as_of=date(2026, 1, 1), snapshot_id="ab" * 32, code_version="1",
        rules=RULES, language=language,
    )  # fmt: skip


def test_both_languages_have_the_same_words_and_numbers() -> None:
    indonesian, english = (wording.catalogue(one, "card") for one in ("id", "en"))
    assert indonesian.keys() == english.keys()
    for key, message in english.items():
        assert indonesian[key].placeholders == message.placeholders, key


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_card_has_every_section(outcome: str) -> None:
    text = card("en", outcome=outcome)
    for words in (
        "## Purpose", "## Not for", "## Data", "## Limits", "## In trouble means",
        "## This version", "### Judged on", "### Whether expectation", "### By group",
        "### What answers the law", "### Looks at",
    ):  # fmt: skip
        assert text.count(words) == 1, words
    text = card("id", outcome=outcome)
    assert text.startswith("# Kartu model: ")
    assert text.count("**Ringkasan") == 1
    for words in ("## Tujuan", "## Tidak untuk", "## Batasan", "## Versi ini", "### Diuji pada"):
        assert text.count(words) == 1, words


def test_figures_are_those_of_the_run() -> None:
    about = trained()
    gate = about["gate"]
    for language in wording.LANGUAGES:
        text = card(language)
        assert f"{gate['gain']:+.3f}" in text
        assert f"{gate['low']:+.3f}" in text
        assert "abababababababab" in text
        assert f"`{SPEC.features[0]}`" in text
    assert "at least 2 subjects below the pass mark (KKM/KKTP; 75 where" in card("en")
    assert "1 schools have thresholds" in card("en")
    assert "sedikitnya 2 mata pelajaran di bawah KKM/KKTP (75 bila" in card("id")


def test_groups_and_gates_stand_where_the_report_has_them() -> None:
    assert "No group is on record" in card("en")
    assert "Not judged." in card("en")
    group = {
        "attribute": "sex", "value": "female", "students": 120, "trouble": 30,
        "figures": {"found_share": {"value": 0.4, "low": 0.3, "high": 0.5}},
    }  # fmt: skip
    small = {"attribute": "sex", "value": "male", "students": 3, "trouble": 1, "figures": {}}
    about = trained() | {
        "groups": {"groups": [group, small]},
        "gates": {"groups": {"passed": False}, "calibration": {"passed": True}},
    }
    text = card("en", about)
    assert "| sex: female | 120 | 30 | 0.400 (0.300–0.500) |" in text
    assert "male | 3" not in text
    assert "no model sees them. NOT passed." in text
    assert "TIDAK lulus." in card("id", about)


def test_an_indonesian_card_has_no_english_heading() -> None:
    about = trained()
    text = card("id", about)
    for words in ("best ties", "worst ties", "precision", "calibration error", "candidate", "sex:"):
        assert words not in text, words
    for words in ("seri terbaik", "ketepatan", "galat kalibrasi", "Pasal 46", "FERPA"):
        assert words in text, words
    rule = {**about, "notices": [{"code": "not_better", "numbers": {"model": "logistic",
                                                                     "gain": -0.01}}]}  # fmt: skip
    assert "(calon Regresi logistik, selisih -0.010)" in card("id", rule)


def test_the_rules_gap_and_the_cost_of_calibrating_by_group_are_told() -> None:
    group = {
        "attribute": "grade_level", "value": "7", "students": 120, "trouble": 30,
        "figures": {"found_share": {"value": 0.4, "low": 0.3, "high": 0.5}},
    }  # fmt: skip
    about = trained() | {
        "groups": {
            "groups": [group],
            "mitigation": {
                "by": "grade_level",
                "before": {"found_share": 0.4, "error": 0.03, "worst_step": 0.061, "gap": 0.2},
                "after": {"found_share": 0.39, "error": 0.02, "worst_step": 0.012, "gap": 0.1},
            },
        },
        "gates": {"groups": {"passed": True, "attribute": "sex", "group": "female",
                             "against": "male", "gap": 0.3, "low": 0.1, "high": 0.5,
                             "rule_gap": 0.27, "limit": 0.2}},
    }  # fmt: skip
    text = card("en", about)
    assert "0.300 more is found of female than of male" in text
    assert "the gap between them is 0.270" in text
    assert "### What calibrating by grade level changed" in text
    assert "| by group | 0.390 | 0.020 | 0.012 | 0.100 |" in text
    text = card("id", about)
    assert "pada perempuan daripada pada laki-laki" in text
    assert "| tingkat: 7 | 120 | 30 |" in text
    assert "kalibrasi per tingkat" in text


def test_without_history_the_card_says_so() -> None:
    none = dataset(40).rows(np.zeros(len(dataset(40)), dtype=bool))
    result = training.train(none, SPEC, capacity_share=0.1, seed=1)
    about = report(result, capacity_share=0.1, seed=1)
    assert "no closed quarter with a known outcome yet" in card("en", about)
    assert "The risks are presets" in card("en", about)
    assert "belum ada triwulan selesai" in card("id", about)
