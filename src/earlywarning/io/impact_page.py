"""The impact report as one file: a page for the principal, then the researcher's pages.

It holds its figures and asks for nothing from outside; there is no script in it. What may not be
said is not only left out: the page says that it is not said, and why.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from earlywarning.errors import DataError
from earlywarning.impact.columns import BETTER
from earlywarning.impact.public import public
from earlywarning.io import impact_figures

SCALE = {"absence_rate": 100.0, "chronic": 100.0, "incidents": 1.0, "mark": 1.0}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PRINT_SECONDS = 120
UNKNOWN_ORIGIN = dict.fromkeys(
    ("district", "code_version", "code_sha256", "snapshot_id", "study_sha256"), "–"
)
"""What a report says of where its result comes from, where nothing was kept of it."""


@cache
def words(language: str) -> Mapping[str, str]:
    """The report's own words, by key, in `id` or `en`."""
    path = resources.files("earlywarning.io").joinpath("templates", "impact_words.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))[language]


def render(result: Mapping[str, Any], *, language: str, about: Mapping[str, Any]) -> str:
    """The report as a file: HTML that asks for nothing from outside.

    Parameters
    ----------
    result : mapping
        As `impact.analysis.analyse` gives it; its small cells are emptied here.
    language : {"id", "en"}
    about : mapping
        As `about` makes it.
    """
    shown = public(result)
    whole = _environment(language).get_template("impact.html.jinja")
    return whole.render(_shown(shown, language, about)) + "\n"


def about(
    result: Mapping[str, Any],
    language: str,
    *,
    zone: str,
    made_at: datetime,
    registered_at: datetime | None,
) -> dict[str, Any]:
    """Where a result comes from, as its report says it.

    Parameters
    ----------
    zone : str
        Name of the district's time zone, whose days are shown.
    made_at, registered_at : datetime
        UTC without zone; None where the design was not registered.
    """

    def day(at: datetime) -> str:
        here = at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
        return format_date(here.date(), "d MMMM y", locale=language)

    return {
        "made_on": day(made_at),
        "registered_at": None if registered_at is None else day(registered_at),
        **UNKNOWN_ORIGIN,
        "lists": (),
        **result.get("origin", {}),
    }


def section(
    part: str, result: Mapping[str, Any], *, language: str, about: Mapping[str, Any]
) -> Markup:
    """One section of the report, to stand in another page.

    Parameters
    ----------
    part : {"principal", "researcher"}
    result, language, about
        As `render` takes them.
    """
    template = _environment(language).get_template(f"impact_{part}.jinja")
    html = template.render(_shown(public(result), language, about))
    # Our own template, which escapes whatever is put into it.
    return Markup(html)  # noqa: S704


@cache
def _environment(language: str) -> Environment:
    said = words(language)
    made = Environment(
        loader=PackageLoader("earlywarning.io", "templates"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters["num"] = lambda value, places=2: number(value, language, places)
    made.filters["word"] = lambda key: said.get(str(key), str(key))
    made.filters["rule"] = lambda name: rule_name(str(name), language)
    return made


def _shown(result: Mapping[str, Any], language: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """What the templates show of a result whose small cells are empty."""
    decisive = decides(result)
    first = result["study"]["primary"][0]
    return {
        "result": result, "study": result["study"], "data": result["data"], "about": about,
        "decisive": decisive, "verdict": sentences(decisive, language), "language": language,
        "w": words(language), "first": first, "scales": SCALE,
        "forest": _forest(result, language), "cut": _cut(result, language),
        "trend": _trend(result, language),
        "doubts": doubts(result),
        "failed": [] if decisive is None else [r for r in decisive["rules"] if not r["passed"]],
    }  # fmt: skip


def decides(result: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The design that decides, if one could."""
    place = result["decides"]
    return None if place is None else result["results"][place]


def sentences(one: Mapping[str, Any] | None, language: str) -> list[str]:
    """What can be said of the deciding result, in words a principal understands."""
    said = words(language)
    if one is not None and one["verdict"] == "withheld":
        return [said["said_withheld"]]
    if one is None or one["itt"] is None:
        return [said["said_nothing"]]
    outcome, verdict = one["outcome"], one["verdict"]

    def told(value: float | None) -> str:
        return amount(value, outcome, language)

    made = [
        said[f"said_{verdict}"].format(
            effect=told(one["itt"]["value"]), interval=span(one["interval"], outcome, language)
        )
    ]
    if one["effect"] is not None and verdict in ("helped", "harmed"):
        visit = one["effect"]
        made.append(
            said["said_visit"].format(
                effect=told(visit["value"]), interval=span(visit, outcome, language)
            )
        )
    if one["detectable_visit"] is not None:
        made.append(
            said["said_detectable"].format(size=size(one["detectable_visit"], outcome, language))
        )
    return made


def doubts(result: Mapping[str, Any]) -> list[str]:
    """Codes of what this report refuses to say."""
    found = ["before_after", "far_above", "teachers", "single_child"]
    one = decides(result)
    if one is None or one["verdict"] in ("inconclusive", "withheld", "not_run", "not_as_large"):
        found.insert(0, "no_effect")
    if one is None or one["design"] == "listing":
        found.insert(0, "caused")
    if not result["standards"]["enough"]:
        found.append("tier")
    if not result["study"]["subgroups"]:
        found.append("subgroups")
    if not result["evidence"].get("registered"):
        found.append("not_registered")
    return found


def amount(value: float | None, outcome: str, language: str) -> str:
    """An effect in its unit, with its sign in words: more or fewer days, incidents, points."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    said = words(language)
    direction = "more" if value > 0 else "fewer"
    shown = number(abs(value) * SCALE[outcome], language, 1)
    return said[f"amount_{outcome}_{direction}"].format(value=shown)


def span(interval: Mapping[str, float], outcome: str, language: str) -> str:
    """An interval: both ends in one phrase where they point the same way."""
    low, high = interval["low"], interval["high"]
    if low * high <= 0:
        return f"{amount(low, outcome, language)} – {amount(high, outcome, language)}"
    ends = sorted(abs(end) * SCALE[outcome] for end in (low, high))
    shown = " – ".join(number(end, language, 1) for end in ends)
    direction = "more" if low > 0 else "fewer"
    return words(language)[f"amount_{outcome}_{direction}"].format(value=shown)


def size(value: float, outcome: str, language: str) -> str:
    """A size without direction."""
    shown = number(abs(value) * SCALE[outcome], language, 1)
    return words(language)[f"size_{outcome}"].format(value=shown)


def number(value: Any, language: str, places: int = 2) -> str:
    """A number as readers of the language write it; a dash where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, int):
        return format_decimal(value, "#,##0", locale=language)
    form = "#,##0." + "0" * places if places else "#,##0"
    return format_decimal(value, form, locale=language)


def rule_name(name: str, language: str) -> str:
    """A rule in words; those of one column carry its name."""
    said = words(language)
    kind, _, column = name.partition(":")
    text = said.get(f"rule_{kind}", kind)
    return f"{text}: {said.get(f'column_{column}', column)}" if column else text


def _forest(result: Mapping[str, Any], language: str) -> Any:
    said = words(language)
    first = result["study"]["primary"][0]
    rows = [
        {"name": said[f"design_{one['design']}"], "value": one["itt"]["value"],
         "low": one["interval"]["low"], "high": one["interval"]["high"], "biased": False}
        for one in result["results"]
        if one["outcome"] == first and one["itt"] is not None
    ]  # fmt: skip
    rows += [
        {"name": f"{said['biased']}: {said['naive_' + one['what']]}",
         "value": one["biased_value"], "low": one["biased_low"], "high": one["biased_high"],
         "biased": True}
        for one in result["naive"]
    ]  # fmt: skip
    return impact_figures.forest(
        rows, scale=SCALE[first], label=said[f"axis_{first}"],
        worthwhile=BETTER[first] * result["study"]["worthwhile"],
    )  # fmt: skip


def _cut(result: Mapping[str, Any], language: str) -> Any:
    for one in result["results"]:
        if one["design"] == "discontinuity" and one["plot"].get("points"):
            return impact_figures.around_cut(
                one["plot"]["points"], scale=SCALE[one["outcome"]],
                label=words(language)["axis_cut"],
            )  # fmt: skip
    return ""


def _trend(result: Mapping[str, Any], language: str) -> Any:
    """A drawn order before anybody started, and after."""
    said = words(language)
    for one in result["results"]:
        if one["design"] == "rollout" and one["plot"].get("points"):
            rows = [
                {"name": said["trend_after" if point["since"] >= 0 else "trend_before"],
                 "biased": False, **point}
                for point in one["plot"]["points"]
            ]  # fmt: skip
            return impact_figures.forest(
                rows, scale=SCALE[one["outcome"]], label=said[f"axis_{one['outcome']}"],
                worthwhile=None,
            )  # fmt: skip
    return ""


def print_pdf(page: Path, pdf: Path) -> None:
    """Print a page to PDF with a Chromium that is installed.

    Raises
    ------
    DataError
        If there is none, or it fails.
    """
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise DataError(
            f"{pdf}: no browser to print with was found ({', '.join(BROWSERS)}); open {page} and "
            "print it, or install Chromium"
        )
    done = subprocess.run(  # noqa: S603 - our own page, a browser found on the path
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
         f"--print-to-pdf={pdf}", page.resolve().as_uri()],
        capture_output=True, check=False, timeout=PRINT_SECONDS,
    )  # fmt: skip
    if done.returncode or not pdf.exists():
        raise DataError(
            f"{pdf}: {Path(browser).name} did not print it (exit code {done.returncode}); open "
            f"{page} and print it"
        )
