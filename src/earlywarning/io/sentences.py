"""Sentences of the import in Indonesian, for those who read them on a page.

The import answers in English: what a cell may hold, what is unusual, what it noticed. The catalogue
`locale/id/LC_MESSAGES/imports.po` has the sentences that a school meets, with a name in braces
where they differ; a sentence that it does not have stays as it is, and is marked as English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from earlywarning.io import wording

SOURCE_LANGUAGE = "en"
DOMAIN = "imports"

_NAME = re.compile(r"{(\w+)}")
_NUMBER = r"-?\d[\d.,:-]*"
_NUMBERS = frozenset(
    ("number", "row", "low", "high", "top", "width", "zeros", "year", "students",
     "subjects", "highest", "seconds", "new", "old", "longest")
)  # fmt: skip
"""Names that stand for a number or a date: without them `{low} to {high}` would fit any text."""

_DEEPEST = 3
_THOUSANDS = re.compile(r"^\d{1,3}(?:,\d{3})+$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, and the language that it is in."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What a sentence looks like, and what it becomes."""

    looks: re.Pattern[str]
    becomes: str


def translated(text: str, language: str) -> Sentence:
    """A sentence of the import in a language, as far as the catalogue has it.

    Parameters
    ----------
    text : str
        In English.
    language : str
        One of `wording.LANGUAGES`.

    Returns
    -------
    Sentence
        In English where there is no translation. What it quotes from a file stays as it is.
    """
    if language == SOURCE_LANGUAGE:
        return Sentence(text, SOURCE_LANGUAGE)
    found = _said(text, language, 0)
    return Sentence(text, SOURCE_LANGUAGE) if found is None else Sentence(found, language)


def _said(text: str, language: str, depth: int) -> str | None:
    if depth > _DEEPEST:
        return None
    whole, patterns = _catalogue(language)
    if text in whole:
        return whole[text]
    for one in patterns:
        if found := one.looks.fullmatch(text):
            return _filled(one.becomes, found.groupdict(), language, depth + 1)
    return None


def _filled(text: str, values: Mapping[str, str], language: str, depth: int) -> str:
    return _NAME.sub(lambda name: _value(name[1], values[name[1]], language, depth), text)


def _value(name: str, value: str, language: str, depth: int) -> str:
    """What stands in braces: a number as written here, a phrase of its own, or a quotation."""
    if _THOUSANDS.match(value):
        return value.replace(",", ".")
    if (said := _said(value, language, depth)) is not None:
        return said
    if name == "what" and ", " in value:
        parts = value.split(", ")
        return ", ".join(_said(part, language, depth) or part for part in parts)
    return value


@cache
def _catalogue(language: str) -> tuple[Mapping[str, str], tuple[_Pattern, ...]]:
    """Sentences that are always the same, and the others, the longest first."""
    messages = {key: one.forms[0] for key, one in wording.catalogue(language, DOMAIN).items()}
    whole = {key: text for key, text in messages.items() if not _NAME.search(key)}
    rest = sorted(messages.keys() - whole.keys(), key=lambda key: (-len(_NAME.sub("", key)), key))
    return whole, tuple(_Pattern(_looks(key), messages[key]) for key in rest)


def _looks(key: str) -> re.Pattern[str]:
    parts = _NAME.split(key)
    return re.compile(
        "".join(
            f"(?P<{part}>{_fits(part)})" if place % 2 else re.escape(part)
            for place, part in enumerate(parts)
        ),
        re.DOTALL,
    )


def _fits(name: str) -> str:
    if name == "about":
        return ".*?"  # nothing, where a title does not say it
    return _NUMBER if name in _NUMBERS else ".+?"
