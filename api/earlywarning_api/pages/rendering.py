"""From values to a page: templates, words, dates and numbers in the reader's language."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from fastapi import Request
from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from starlette.responses import HTMLResponse, RedirectResponse, Response

from earlywarning.calendar import Quarter
from earlywarning.io import sentences, wording
from earlywarning_api import access
from earlywarning_api.pages import assets, shell

LANGUAGE_COOKIE = "language"


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when a page is read.

    Attributes
    ----------
    language : str
    zone : str
        Name of the school's time zone; the register keeps UTC.
    """

    language: str
    zone: str


def language(request: Request) -> str:
    """The language chosen on a page, else the browser's, else the district's."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in wording.LANGUAGES:
        return chosen
    return wording.chosen_language(
        request.headers.get("accept-language"), default=request.app.state.language
    )


class _CompiledOnce(BytecodeCache):
    """Compiled templates of this process: the next language need not compile them again."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if (kept := self._kept.get(bucket.key)) is not None:
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _CompiledOnce()


@cache
def _environment(place: Place) -> Environment:
    made = Environment(
        loader=PackageLoader("earlywarning_api", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_COMPILED,
    )
    spoken = place.language
    words: dict[str, Any] = {
        "t": partial(_page_text, spoken),
        "say": partial(_said, spoken),
        "sentence": partial(sentences.translated, language=spoken),
        "asset": assets.address,
        "language": spoken,
        "languages": {"id": "Bahasa Indonesia", "en": "English"},
    }
    made.globals.update(words)
    filters: dict[str, Any] = {
        "day": partial(day, language=spoken),
        "weekday": partial(weekday, language=spoken),
        "moment": partial(moment, place=place),
        "number": lambda value: wording.in_words(value, spoken),
        "quarter": partial(quarter_name, language=spoken),
    }
    made.filters.update(filters)
    return made


def _page_text(spoken: str, key: str, /, **numbers: Any) -> str:
    return wording.page_text(key, spoken, **numbers)


def _said(spoken: str, key: str, /, **numbers: Any) -> str:
    return wording.say(key, spoken, **numbers)


def day(value: date | str | None, *, language: str) -> str:
    """A date as `1 Okt 2026`; a dash for none."""
    return "–" if value is None else wording.in_words(value, language)


def weekday(value: date, *, language: str) -> str:
    """A date with its weekday: `Kamis, 1 Okt`."""
    return format_date(value, "EEEE, d MMM", locale=language)


def moment(value: datetime | None, *, place: Place) -> str:
    """A time of the register (UTC) as the school's clock shows it."""
    if value is None:
        return "–"
    here = value.replace(tzinfo=UTC).astimezone(ZoneInfo(place.zone))
    return format_datetime(here, "d MMM y, HH.mm", locale=place.language)


def today(request: Request) -> date:
    """The date at the school."""
    return day_at(request.app.state.clock(), request.app.state.timezone)


def day_at(at: datetime, zone: str) -> date:
    """The date of a time of the register (UTC) in a time zone."""
    return at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()


def quarter_name(quarter: Quarter, *, language: str) -> str:
    """A quarter by its months: `Oktober–Desember 2026`."""
    last = date.fromordinal(quarter.end.toordinal() - 1)
    first = format_date(quarter.start, "MMMM", locale=language)
    return f"{first}–{format_date(last, 'MMMM y', locale=language)}"


def page(
    request: Request,
    template: str,
    view: object,
    *,
    person: access.Person | None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A page as HTML.

    Parameters
    ----------
    template : str
        File name in `templates/`.
    view : dataclass
        What the page shows; its fields are named in the template as `view.…`.
    person : Person or None
        Who is signed in; decides what the head of the page offers.
    """
    place = Place(language(request), request.app.state.timezone)
    html = (
        _environment(place)
        .get_template(template)
        .render(view=view, shell=shell.shell(request, person))
    )
    more = {
        **(headers or {}),
        "Content-Language": place.language,
        "Vary": "Accept-Language, Cookie, Accept-Encoding",
    }
    body = html.encode()
    if assets.accepts_gzip(request):
        body, more["Content-Encoding"] = gzip.compress(body, 4, mtime=0), "gzip"
    return HTMLResponse(body, status, more)


def see_other(where: str) -> Response:
    """After a form was saved: show the page that it changed."""
    return RedirectResponse(where, 303)
