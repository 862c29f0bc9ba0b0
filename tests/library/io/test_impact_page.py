"""The report: words in both languages, nothing from outside, biased figures labelled."""

from __future__ import annotations

import re
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from earlywarning.impact import analysis
from earlywarning.impact.study import DESIGNS, Study
from earlywarning.io import impact_page
from earlywarning.simulation.rough_world import RoughWorld
from earlywarning.simulation.trial import Plan, run

ASKED = Study("Kunjungan", "Membantu & <berguna>?", "2026-27-Q1", "2026-27-Q4",
              designs=("lottery", "discontinuity", "listing"), secondary=("chronic",),
              subgroups=("s",))  # fmt: skip
ABOUT = {"district": "Kabupaten Maju", "made_on": "1 Juli 2027", "registered_at": "1 Juni 2026",
         "code_version": "0", "code_sha256": "12" * 32, "snapshot_id": "ab" * 32,
         "study_sha256": ASKED.sha256, "lists": ["cd" * 32]}  # fmt: skip


def made(plan: Plan, *, broken: int = 0, asked: Study = ASKED):
    panel = run(RoughWorld(1.5), plan, seed=4)
    return analysis.analyse(
        panel, asdict(asked), {"lists": 4, "broken": broken, "registered": True}
    )


@pytest.fixture(scope="module")
def result():
    return made(Plan(homerooms=50, lottery=True))


def page(result, language: str = "id", **more) -> str:
    return impact_page.render(result, language=language, about=ABOUT | more)


def test_both_languages_have_the_same_words() -> None:
    assert impact_page.words("id").keys() == impact_page.words("en").keys()
    for key, text in impact_page.words("id").items():
        places = re.findall(r"\{(\w+)\}", text)
        assert sorted(places) == sorted(re.findall(r"\{(\w+)\}", impact_page.words("en")[key])), key


@pytest.mark.parametrize("language", ["id", "en"])
def test_no_code_is_left_without_words(result, language: str) -> None:
    text = re.sub(r"<style>.*?</style>|<code>.*?</code>", "", page(result, language), flags=re.S)
    shown = re.sub(r"<[^>]+>", " ", text)
    assert not re.findall(r"\b(?:rule|step|verdict|then|column|reason|arm|other|doubt)_\w+", shown)
    assert not re.findall(r"\b(?:absence_before|attrition_caused|lottery_balance)\b", shown)


def test_the_first_page_is_for_the_principal(result) -> None:
    text = page(result)
    first, rest = text.split('<section class="researcher">')
    assert "Yang dapat dikatakan" in first
    assert "Yang tidak dapat dikatakan" in first
    assert "Membantu &amp; &lt;berguna&gt;?" in first
    assert "MENYESATKAN" not in first
    assert rest.count("MENYESATKAN") >= 8, "in table and figure"
    assert "<script" not in text
    assert "http" not in text


def test_biased_figures_never_stand_among_the_effects(result) -> None:
    rows = re.findall(r"<tr.*?</tr>", page(result, "en"), flags=re.S)
    for row in rows:
        named = any(word in row for word in ("before and after", "staggered", "visited or not"))
        if named and "<td" in row and "F</th>" not in row:
            assert "BIASED" in row


def test_what_is_withheld_shows_no_number() -> None:
    text = page(made(Plan(homerooms=30, lottery=True), broken=1), "en")
    assert "a rule that was set before is not met" in text
    assert "Lists unchanged since they were frozen" in text
    assert text.count("not shown: a rule is not met") == 4


def test_a_cut_is_drawn_where_it_decides() -> None:
    text = page(made(Plan(homerooms=60)), "en")
    assert "Mean outcome by distance to the cut" in text
    assert text.count("<svg") == 2


def test_a_drawn_order_has_a_page_too() -> None:
    order = {f"g{room}": "2026-27-Q1" for room in range(3)}
    asked = replace(ASKED, designs=DESIGNS, roll_out=order)
    text = page(made(Plan(homerooms=60, roll_out=True), asked=asked), "en")
    assert "Homeroom starts" in text
    assert "before anybody started" in text
    assert "Limits as they were registered" in text


def test_without_registration_it_says_so(result) -> None:
    text = page(result, "en", registered_at=None)
    assert "was not registered before" in text


@pytest.mark.parametrize(
    ("value", "said"),
    [(-0.032, "3.2 days fewer absent"), (0.01, "1.0 days more absent"), (None, "–")],
)
def test_effects_are_said_in_days(value: float | None, said: str) -> None:
    assert impact_page.amount(value, "absence_rate", "en").startswith(said)


def test_an_interval_over_zero_says_both_directions() -> None:
    said = impact_page.span({"low": -0.02, "high": 0.01}, "absence_rate", "en")
    assert "fewer" in said
    assert "more" in said


@pytest.mark.skipif(
    not any(shutil.which(name) for name in impact_page.BROWSERS), reason="needs a Chromium"
)
def test_it_prints(result, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(result), encoding="utf-8")
    impact_page.print_pdf(path, tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
