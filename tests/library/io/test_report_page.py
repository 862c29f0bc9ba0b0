"""The evaluation page: complete in two languages, numbers written as its readers write them."""

from __future__ import annotations

import re
from datetime import date
from importlib import resources

import numpy as np
import pytest

from earlywarning.io import report_page
from earlywarning.io.figures import Curve, by_group, calibration_of, found_with_intervals
from earlywarning.risk.evaluation.bootstrap import Band
from earlywarning.risk.evaluation.calibration import Reliability
from earlywarning.risk.evaluation.groups import Interval
from earlywarning.risk.spec import CANDIDATES

FIGURE = {"value": 0.4, "low": 0.3, "high": 0.5}
TEST = {"n": 300.0, "found_share_worst": 0.39, "found_share_best": 0.41, "pr_auc": 0.5,
        "roc_auc": None, "calibration_error": 0.02}  # fmt: skip
REPORT = {
    "outcome": "grades", "served": "logistic", "why": "model_better", "capacity_share": 0.16,
    "quarters": {"test": ["2025-26-Q1", "2025-26-Q2"]},
    "gate": {"passed": True, "gain": 0.012, "low": -0.01, "high": 0.03},
    "test": {"rule": TEST, "logistic": TEST},
    "evaluation": {
        "candidate": "logistic",
        "chance": {"found_share": 0.16, "precision": 0.1},
        "candidates": {
            name: {"found_share": FIGURE, "precision": FIGURE, "gain_over_rule": FIGURE,
                   "brier": 0.1, "brier_skill": -0.05}
            for name in ("rule", "logistic")
        },
        "calibration": {
            "error": 0.02, "by_chance": 0.03,
            "curve": [{"risk": 0.1, "observed": 0.12, "students": 1234}],
            "within_capacity": {"risk": 0.6, "observed": FIGURE},
        },
        "stability": {"candidate": "logistic", "label": "2025-26-Q2", "redrawn": [0.1, 0.2],
                      "mean": 0.15, "seed": 0.0},
        "classes": {"counted": 1, "few": 1},
    },
    "groups": {
        "min_students": 30, "min_trouble": 10, "alone": ["school"],
        "gaps": [],
        "mitigation": {
            "by": "grade_level",
            "before": {"found_share": 0.4, "error": 0.03, "worst_step": 0.061, "gap": 0.2},
            "after": {"found_share": 0.39, "error": 0.02, "worst_step": 0.012, "gap": None},
        },
        "groups": [
            {"attribute": "sex", "value": "<female>", "students": 12, "trouble": 3, "listed": 2.5,
             "found": 1.0, "figures": {}, "too_small": True, "calibration_error": None},
        ],
    },
    "gates": {
        "calibration": {"passed": True, "error": 0.02, "limit": 0.05},
        "groups": {"passed": False, "gap": 0.3, "low": 0.1, "high": 0.5, "limit": 0.2,
                   "rule_gap": 0.27, "group": "female × 7", "against": "male × 8"},
    },
}  # fmt: skip


def page(language: str, **changes: object) -> str:
    return report_page.render(
        {**REPORT, **changes},
        classes=[],
        drawings={"found": drawing(), "groups": drawing()},
        language=language,
        district="SMP <Contoh>",
        as_of=date(2026, 1, 1),
    )


def drawing() -> str:
    shares = np.array([0.1, 0.5, 1.0])
    band = Band(shares, shares * 0.9, np.minimum(shares * 1.1, 1))
    return found_with_intervals(
        {"rule": Curve("the rule", band)}, shares, own=0, shaded={"rule"}, labels=("x", "y", "lot")
    )


def test_both_languages_have_every_word_with_the_same_numbers() -> None:
    indonesian, english = report_page.words("id"), report_page.words("en")
    assert indonesian.keys() == english.keys()
    for key, said in english.items():
        assert set(re.findall(r"\{(\w+)\}", said)) == set(
            re.findall(r"\{(\w+)\}", indonesian[key])
        ), key
        assert said.strip()
        assert indonesian[key].strip()
    assert {f"candidate_{name}" for name in CANDIDATES} <= english.keys()
    template = resources.files("earlywarning.io").joinpath("templates", "report.html.jinja")
    used = set(re.findall(r"\bw\.(\w+)", template.read_text("utf-8")))
    assert used <= english.keys()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("id", ("40,0\xa0%", "1.234", "tidak terpenuhi", "1 Januari 2026", "terlalu kecil")),
        ("en", ("40.0\xa0%", "1,234", "failed", "January 2026", "too small to judge")),
    ],
)
def test_numbers_are_written_as_readers_write_them(language: str, said: tuple[str, ...]) -> None:
    text = page(language).replace("0 %", "0\xa0%")
    for one in said:
        assert one in text, one


def test_what_comes_from_outside_is_escaped() -> None:
    text = page("en")
    assert "SMP &lt;Contoh&gt;" in text
    assert "&lt;female&gt;" in text
    assert "<female>" not in text


def test_a_figure_that_does_not_exist_is_a_dash() -> None:
    assert "<td>–</td>" in page("en"), "ROC-AUC"


def test_the_figures_are_the_same_bytes_each_time_and_no_id_is_twice() -> None:
    assert drawing() == drawing()
    ids = re.findall(r'\bid="([^"]+)"', page("en"))
    assert len(ids) == len(set(ids)) > 10
    assert set(re.findall(r"url\(#([^)]+)\)", page("en"))) <= set(ids)


def test_groups_and_calibration_are_drawn() -> None:
    curve = Reliability(np.array([0.1, 0.6]), np.array([0.2, 0.5]), np.array([30, 10]))
    assert "in trouble" in calibration_of(curve, labels=("risk", "in trouble"))
    svg = by_group([("sex: female", Interval(0.4, 0.3, 0.6))], label="found")
    assert "sex: female" in svg
    nobody = Reliability(np.empty(0), np.empty(0), np.empty(0, dtype=int))
    assert calibration_of(nobody, labels=("a", "b")).endswith("</svg>\n")


def test_the_rules_gap_and_the_cost_of_calibrating_by_group_are_shown() -> None:
    english, indonesian = page("en"), page("id")
    assert "on the rule's own list +27.0 %" in english.replace("&#39;", "'")
    assert "pada daftar menurut aturan +27,0 %" in indonesian
    assert "Calibrating by grade level: what changed" in english
    assert "Kalibrasi per tingkat: yang berubah" in indonesian
    assert "0.061" in english
    assert "0,012" in indonesian
