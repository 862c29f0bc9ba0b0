"""Codes and numbers become words, in Indonesian and English.

The library decides in codes; the words stand in `locale/<language>/LC_MESSAGES/earlywarning.po`,
read at first use (compiled `.mo` files would be lost from a wheel). A key is `kind.code`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from babel.dates import format_date
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

LANGUAGES = ("id", "en")
"""Languages offered: those whose catalogue is complete."""

_ISO_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a catalogue.

    Attributes
    ----------
    forms : tuple of str
        The words for one and for many; a single one where the number changes nothing.
    """

    forms: tuple[str, ...]

    @property
    def placeholders(self) -> tuple[frozenset[str], ...]:
        """Names in braces, for each form."""
        return tuple(frozenset(_fields(form)) for form in self.forms)

    @property
    def counted(self) -> str | None:
        """The placeholder whose number chooses the form: the first one."""
        return next(iter(_fields(self.forms[0])), None)


def _fields(text: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(text) if name]


@cache
def catalogue(language: str, domain: str = "earlywarning") -> Mapping[str, Message]:
    """Every message of a language, by key.

    Parameters
    ----------
    language : str
        One of `LANGUAGES`.
    domain : str
        `earlywarning`, what readers of a list see; `card`, what model cards say; `pages`, what
        stands on the pages around it.

    Raises
    ------
    ValueError
        If the language is not offered.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r} is not offered; allowed: {', '.join(LANGUAGES)}")
    path = resources.files("earlywarning.io").joinpath(
        "locale", language, "LC_MESSAGES", f"{domain}.po"
    )
    with path.open("rb") as lines:
        entries = [entry for entry in read_po(lines, locale=language) if entry.id]
    return {_key(entry.id): Message(_forms(entry.string)) for entry in entries}


def _key(msgid: str | tuple[str, ...] | list[str]) -> str:
    return msgid if isinstance(msgid, str) else msgid[0]


def _forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ())


def say(key: str, language: str, **numbers: Any) -> str:
    """The words of a key.

    Parameters
    ----------
    key : str
        For example `band.visit_first`.
    language : str
        One of `LANGUAGES`.
    **numbers
        What the placeholders stand for; see `in_words`.

    Raises
    ------
    KeyError
        If there is no such key, or a number is missing.
    """
    return _said(catalogue(language)[key], language, numbers)


def card_text(key: str, language: str, **numbers: Any) -> str:
    """The words of a model card; see `say`. A key is for example `card.purpose`."""
    return _said(catalogue(language, "card")[key], language, numbers)


def page_text(key: str, language: str, **numbers: Any) -> str:
    """The words of a page; see `say`. A key is for example `menu.lists`."""
    return _said(catalogue(language, "pages")[key], language, numbers)


def _said(message: Message, language: str, numbers: Mapping[str, Any]) -> str:
    form = message.forms[0]
    if len(message.forms) > 1 and message.counted and numbers[message.counted] != 1:
        form = message.forms[1]
    return form.format(**{name: in_words(value, language) for name, value in numbers.items()})


def in_words(value: Any, language: str) -> str:
    """A number, date or code as a reader of the language writes it.

    Dates (also as `2026-09-30`) become `30 Sep 2026`; decimals have at most two places; a code with
    an entry `value.<code>` becomes its words; other text stays as it is.
    """
    if isinstance(value, date):
        return _date(value, language)
    if isinstance(value, bool | None):
        return say(f"value.{str(value).lower()}", language)
    if isinstance(value, int) and 0 <= value < 1000:
        return str(value)  # no separator in either language
    if isinstance(value, int | float):
        return format_decimal(value, "#,##0.##", locale=language)
    text = str(value)
    if _ISO_DATE.match(text):
        return _date(date.fromisoformat(text), language)
    words = catalogue(language).get(f"value.{text}")
    return words.forms[0] if words else text


@lru_cache(maxsize=4096)
def _date(day: date, language: str) -> str:
    return format_date(day, "d MMM y", locale=language)


def reason_text(code: str, numbers: Mapping[str, Any], as_of: date | str, language: str) -> str:
    """A reason as a dated fact.

    A code that this version no longer knows (on an old list) is shown as a neutral sentence.
    """
    fact = fact_text(code, numbers, language)
    return say("reason.dated", language, fact=fact, as_of=as_of)


def fact_texts(reasons: Sequence[Mapping[str, Any]] | None, language: str) -> tuple[str, ...]:
    """The reasons of a child without the day of their data; one sentence where none were kept."""
    if reasons is None:
        return (say("reason.not_kept", language),)
    return tuple(fact_text(one["code"], one["numbers"], language) for one in reasons)


def fact_text(code: str, numbers: Mapping[str, Any], language: str) -> str:
    """A reason without the day of its data, where that day stands beside all of them."""
    key = f"reason.{code}"
    if key not in catalogue(language):
        key, numbers = "reason.unknown", {}
    return say(key, language, **numbers)


def track_text(track: str | None, language: str) -> str:
    """Why a family is on the list."""
    return say(f"track.{track or 'none'}", language)


def band_text(band: str, language: str) -> str:
    """How soon to go."""
    return say(f"band.{band}", language)


def why_text(why: str, language: str) -> str:
    """Why a model or the rule serves; neutral for a code that this version does not know."""
    key = f"why.{why}"
    return say(key if key in catalogue(language) else "why.unknown", language)


def completeness_text(completeness: Mapping[str, Any], language: str) -> str:
    """How many kinds of records the school had for a child; empty if that is not known."""
    if "available" not in completeness or "of" not in completeness:
        return ""
    return say("completeness.sources", language, **completeness)


def chosen_language(accept_language: str | None, *, default: str = "id") -> str:
    """The offered language that an `Accept-Language` header likes best.

    Malformed headers are no error: the default is used.
    """
    best, chosen = 0.0, default
    for part in (accept_language or "")[:1000].split(","):
        tag, _, quality = part.partition(";")
        primary = tag.strip().lower().split("-")[0]
        match = (
            re.fullmatch(r"\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", quality) if quality else None
        )
        weight = float(match[1]) if match else (0.0 if quality else 1.0)
        if primary in LANGUAGES and weight > best:
            best, chosen = weight, primary
    return chosen
