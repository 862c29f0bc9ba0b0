"""One page that says what an outcome's later quarters showed: a file, read without anything else.

It holds its figures and asks for nothing from outside; there is no script in it.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache, partial
from importlib import resources
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from earlywarning.io import wording

_IDS = re.compile(r'(\bid="|url\(#|href="#)')
_PROLOGUE = re.compile(r"<\?xml.*?<svg|<metadata>.*?</metadata>", re.DOTALL)


@cache
def words(language: str) -> Mapping[str, str]:
    """The page's own words, by key, in `id` or `en`."""
    path = resources.files("earlywarning.io").joinpath("templates", "report_words.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))[language]


def render(
    report: Mapping[str, Any],
    *,
    classes: Sequence[Mapping[str, Any]],
    drawings: Mapping[str, str],
    language: str,
    district: str,
    as_of: date,
) -> str:
    """The page as HTML.

    Parameters
    ----------
    report : mapping
        As recorded in the register, with `evaluation`, `groups` and `gates`.
    classes : sequence of mapping
        A row a class; see `risk.judging.Judgement`.
    drawings : mapping of name to SVG
        `found`, `calibration`, `groups`; any may be missing.
    language : {"id", "en"}
    district : str
    as_of : date
        Nothing known on or after it was used.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    said = words(language)
    for name, spoken in (
        ("share", _share),
        ("points", _points),
        ("number", _number),
        ("count", _count),
        ("interval", _interval),
    ):
        environment.filters[name] = partial(spoken, language=language)
    environment.filters["word"] = lambda code: said.get(str(code), str(code))
    path = resources.files("earlywarning.io").joinpath("templates", "report.html.jinja")
    template = environment.from_string(path.read_text(encoding="utf-8"))
    return template.render(
        report=report,
        evaluation=report["evaluation"],
        audit=report["groups"],
        groups=_by_attribute(report["groups"]),
        gates=report["gates"],
        classes=classes,
        drawings={name: _inline(svg, name) for name, svg in drawings.items()},
        language=language,
        district=district,
        as_of=format_date(as_of, "d MMMM y", locale=language),
        outcome=wording.say(f"outcome.{report['outcome']}", language),
        why=wording.why_text(report["why"], language),
        w=said,
    ) + "\n"  # fmt: skip


def _by_attribute(audit: Mapping[str, Any] | None) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for group in audit["groups"] if audit else ():
        found.setdefault(group["attribute"], []).append(group)
    return found


def _inline(svg: str, name: str) -> Markup:
    """An SVG as part of a page: no prologue, and ids that no other figure has."""
    bare = _PROLOGUE.sub(lambda found: "<svg" if found[0].endswith("<svg") else "", svg)
    bare = _IDS.sub(rf"\1{name}-", bare)
    # Drawn by this installation from its own numbers; matplotlib escapes the text in it.
    return Markup(bare.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1))  # noqa: S704


def _share(value: float | None, language: str) -> str:
    if value is None or math.isnan(value):
        return "–"
    return format_percent(value, "#,##0.0 %", locale=language)


def _points(value: float | None, language: str) -> str:
    """A difference of shares, with its sign."""
    if value is None or math.isnan(value):
        return "–"
    return format_percent(value, "+#,##0.0 %;-#,##0.0 %", locale=language)


def _number(value: float | None, language: str) -> str:
    if value is None or math.isnan(value):
        return "–"
    return format_decimal(value, "#,##0.000", locale=language)


def _count(value: float, language: str) -> str:
    """Students, or the expected number of those whom a lot decides."""
    return format_decimal(value, "#,##0.#", locale=language)


def _interval(found: Mapping[str, float | None], language: str) -> str:
    if found["low"] is None:
        return "–"
    return " – ".join(_share(found[end], language) for end in ("low", "high"))
