"""Sentences of the import in Indonesian, for those who read them on a page.

The import answers in English: what a cell may hold, what is unusual, what it noticed. The catalogue
`locale/id/LC_MESSAGES/imports.po` has the sentences that a school meets, with a name in braces
where they differ; a sentence that it does not have stays as it is, and is marked as English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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

_PHRASES = frozenset(("what", "about", "half", "month", "rows", "rule", "table"))
"""Names that stand for words of the import; the others quote a file, and quotations stay."""

_ERROR = "error"
"""The name of what another program says, in English."""

_AND_MORE = "{shown} and {number} more"
"""How a list of quotations ends that was cut."""

_ITEMS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "lines": ((", ", ("row {row} ({label})",)),),
    "classes": ((", ", ("{name} is {first}",)),),
    "who": (
        ("; ", ("{one} of {school} ({name}, now {other})",)),
        (" and ", ("{one} of {school}",)),
    ),
}
"""What stands between the quotations of a list, and how each of them is told; what is told
otherwise is a list itself, of the next kind."""

_WITHIN = frozenset(
    ("class {name}", "classes {classes}", "{what}, {low} to {high}",
     "{what}, {low} to {high} of {top}", "H and {rule}", "A and {rule}",
     "H, those who came late and {rule}")
)  # fmt: skip
"""Only said within another sentence: by themselves they would fit many that are not known."""

_DEEPEST = 3
_THOUSANDS = re.compile(r"^\d{1,3}(?:,\d{3})+$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, and the language that it is in.

    Attributes
    ----------
    quoted : str
        What stands in it in English, as another program said it; empty if nothing does.
    """

    text: str
    language: str
    quoted: str = ""


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What a sentence looks like, and what it becomes."""

    looks: re.Pattern[str]
    becomes: str
    within: bool


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
    return Sentence(text, SOURCE_LANGUAGE) if found is None else found


def _said(text: str, language: str, depth: int) -> Sentence | None:
    if depth > _DEEPEST:
        return None
    whole, patterns = _catalogue(language)
    if text in whole:
        return Sentence(whole[text], language)
    for one in patterns:
        if (depth or not one.within) and (found := one.looks.fullmatch(text)):
            values = found.groupdict()
            filled = _filled(one.becomes, values, language, depth + 1)
            return Sentence(filled, language, values.get(_ERROR, ""))
    return None


def _filled(text: str, values: Mapping[str, str], language: str, depth: int) -> str:
    return _NAME.sub(lambda name: _value(name[1], values[name[1]], language, depth), text)


def _value(name: str, value: str, language: str, depth: int) -> str:
    """What stands in braces: a number as written here, words of the import, or a quotation."""
    if _THOUSANDS.match(value):
        return value.replace(",", ".")
    if name in _PHRASES:
        return _phrases(value, language, depth)
    return value if name == _ERROR else _quoted(name, value, language, depth)


def _quoted(name: str, text: str, language: str, depth: int) -> str:
    """A quotation, or a list of them, which may end with how many more there are."""
    more = _patterns((_AND_MORE,), language)[0]
    if (found := more.looks.fullmatch(text)) and depth <= _DEEPEST:
        values = {"number": found["number"], name: found["shown"]}
        becomes = more.becomes.replace("{shown}", f"{{{name}}}")
        return _filled(becomes, values, language, depth + 1)
    return _listed(text, _ITEMS.get(name, ()), language, depth)


def _listed(
    text: str, kinds: Sequence[tuple[str, tuple[str, ...]]], language: str, depth: int
) -> str:
    if not kinds:
        return text
    (between, keys), *others = kinds
    said = []
    for item in text.split(between):
        for one in _patterns(keys, language):
            if found := one.looks.fullmatch(item):
                said.append(_filled(one.becomes, found.groupdict(), language, depth))
                break
        else:
            said.append(_listed(item, others, language, depth))
    known = _catalogue(language)[0]
    return known.get(between, between).join(said)


def _phrases(text: str, language: str, depth: int) -> str:
    """Words of the import; of several, each by itself."""
    if (said := _said(text, language, depth)) is not None:
        return said.text
    for between in ("; ", ", "):
        if between in text:
            parts = text.split(between)
            return between.join(_phrases(part, language, depth) for part in parts)
    return _quoted("shown", text, language, depth)


@cache
def _catalogue(language: str) -> tuple[Mapping[str, str], tuple[_Pattern, ...]]:
    """Sentences that are always the same, and the others, the longest first."""
    messages = {key: one.forms[0] for key, one in wording.catalogue(language, DOMAIN).items()}
    whole = {key: text for key, text in messages.items() if not _NAME.search(key)}
    listed = {key for kinds in _ITEMS.values() for _, keys in kinds for key in keys}
    others = messages.keys() - whole.keys() - {_AND_MORE} - listed
    rest = sorted(others, key=lambda key: (-len(_NAME.sub("", key)), key))
    return whole, _patterns(tuple(rest), language)


@cache
def _patterns(keys: tuple[str, ...], language: str) -> tuple[_Pattern, ...]:
    messages = wording.catalogue(language, DOMAIN)
    return tuple(_Pattern(_looks(key), messages[key].forms[0], key in _WITHIN) for key in keys)


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
