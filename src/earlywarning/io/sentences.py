"""Sentences of the import in Indonesian, for those who read them on a page.

The import answers in English: what stops it, what a cell may hold, what is unusual, what it
noticed. The catalogue `locale/id/LC_MESSAGES/imports.po` has them, with a name in braces where they
differ; a sentence that it does not have stays as it is, and is marked as English. What a reader may
not see of a file stands there as an ellipsis, also where the sentence itself has quotation marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from earlywarning.io import wording

SOURCE_LANGUAGE = "en"
DOMAIN = "imports"

_NAME = re.compile(r"{(\w+)}")
_NUMBER = r"-?\d[\d.,:-]*"
_NUMBERS = frozenset(
    ("number", "row", "low", "high", "top", "width", "zeros", "year", "students",
     "subjects", "highest", "seconds", "new", "old", "longest", "size", "unpacked", "most")
)  # fmt: skip
"""Names that stand for a number or a date: without them `{low} to {high}` would fit any text."""

_MEASURED = frozenset(("size", "unpacked", "most"))
"""Of these, amounts that may have decimals."""

_PHRASES = frozenset(
    ("what", "about", "half", "month", "rows", "rule", "table", "advice", "again", "amounts",
     "column", "columns_known", "format", "found", "hint", "homerooms", "kind", "kinds", "lacking",
     "meaning", "months", "origin", "other_month", "other_origin", "other_weekday", "problem",
     "problems", "role", "weekday", "which")
)  # fmt: skip
"""Names that stand for words of the import; the others quote a file, and quotations stay."""

_KNOWN = frozenset(("kind", "meaning", "other_weekday", "problem", "role", "weekday"))
"""Of these, what must be known itself: else the sentence around it is not known either."""

_ANY = ".+?"
_ONE = r"(?:(?!; ).)+?"
_LOOKS = {
    "about": ".*?",  # nothing, where a title does not say it
    "which": r"(?: \(.+?\))?",  # nor here
    "where": _ONE,  # else it would begin with whole other sentences
    "files": _ONE,  # or end with them
    "kinds": _ONE,
    "tables": _ONE,
    "words": _ONE,
    "allowed": r"(?:[^\s,;]+|,)(?:, (?:[^\s,;]+|,))*",  # codes to choose from, no words
    "found": r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^'\";]|;(?! ))+?",
    "format": r"Ed-Fi .+?",
    "token": r"\S+",
    "quote": r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|…",
    "error": r"[\s\S]+?",  # alone in several lines, like the next
    "problems": r"[\s\S]+?",
}
"""What does not stand for any text."""

_PLACE = "where"
"""The name of a file, a sheet or an entry of a mapping."""

_ERROR = "error"
"""The name of what another program says, in English."""

_LINES = "\n  "
_MOST_JOINED = 40
"""Of so many parts at most a text may consist that is several sentences."""

_MOST_WITHIN = 6
"""So many parts of a list at most are one phrase of it."""

_AND_MORE = "{shown} and {number} more"
"""How a list of quotations ends that was cut."""

_ITEMS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    _PLACE: (("\n", ("{file}, sheet {name}",)),),
    "day": (("\n", ("{heading} (column {letter})",)),),
    "periods": ((", ", ("{first} to {last}", "{one} or {other}", "or {one}")),),
    "marks": ((", ", ("{value} {number} times (first under {day})",)),),
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
     "H, those who came late and {rule}", "{heading} ({role})", "{weekday} or {other_weekday}",
     "{kind}: {number}", "{value} in row {row}")
)  # fmt: skip
"""Only said within another sentence: by themselves they would fit many that are not known."""

_DEEPEST = 3
_THOUSANDS = re.compile(r"^\d{1,3}(?:,\d{3})+$")
_DECIMALS = str.maketrans(",.", ".,")

HIDDEN = "…"
"""What stands for a quotation that its reader may not see."""

QUOTED = re.compile(r"(?<!\w)b?'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
"""A quotation in a sentence; an apostrophe within or after a word begins none."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, and the language that it is in.

    Attributes
    ----------
    quoted : tuple of str
        What stands in it in English, as another program said it, in its order; mostly nothing.
    """

    text: str
    language: str
    quoted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What a sentence looks like, and what it becomes; `parts` stand in each such sentence."""

    looks: re.Pattern[str]
    parts: tuple[str, ...]
    becomes: str
    within: bool

    def values(self, text: str) -> dict[str, str] | None:
        """What stands for the names, if a text looks so."""
        place = 0
        for part in self.parts:  # much sooner done than the pattern
            found = text.find(part, place)
            if found < 0:
                return None
            place = found + len(part)
        if (match := self.looks.fullmatch(text)) is None:
            return None
        found = match.groupdict()
        return {name: HIDDEN if value is None else value for name, value in found.items()}


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
    found = _said(text, language, 0) or _joined(text, language)
    return Sentence(text, SOURCE_LANGUAGE) if found is None else found


def _said(text: str, language: str, depth: int) -> Sentence | None:
    if depth > _DEEPEST:
        return None
    whole, patterns = _catalogue(language)
    if text in whole:
        return Sentence(whole[text], language)
    for one in patterns:
        if (depth or not one.within) and (values := one.values(text)) is not None:
            known = _KNOWN & values.keys()
            if all(_said(values[name], language, depth + 1) for name in known):
                return _filled(one.becomes, values, language, depth + 1)
    return None


def _joined(text: str, language: str) -> Sentence | None:
    """Several sentences one after the other, each known, with as few cuts as possible."""
    parts = text.split("; ")
    if not 1 < len(parts) <= _MOST_JOINED:
        return None
    best: list[list[Sentence] | None] = [[], *([None] * len(parts))]
    for end in range(1, len(parts) + 1):
        for start in range(end):
            before, now = best[start], best[end]
            if before is None or (now is not None and len(now) <= len(before) + 1):
                continue
            if one := _said("; ".join(parts[start:end]), language, 0):
                best[end] = [*before, one]
    if (found := best[-1]) is None:
        return None
    quoted = tuple(quote for one in found for quote in one.quoted)
    return Sentence("; ".join(one.text for one in found), language, quoted)


def _filled(text: str, values: Mapping[str, str], language: str, depth: int) -> Sentence:
    said, quoted, place = "", [], 0
    for name in _NAME.finditer(text):
        one = _value(name[1], values[name[1]], language, depth)
        said += text[place : name.start()] + one.text
        quoted += one.quoted
        place = name.end()
    return Sentence(said + text[place:], language, tuple(quoted))


def _value(name: str, value: str, language: str, depth: int) -> Sentence:
    """What stands in braces: a number as written here, words of the import, or a quotation."""
    if _THOUSANDS.match(value) or name in _MEASURED:
        return Sentence(value.translate(_DECIMALS), language)
    if name in _PHRASES:
        return _phrases(value, language, depth)
    if name == _ERROR:
        return Sentence(value, language, () if value == HIDDEN else (value,))
    return Sentence(_quoted(name, value, language, depth), language)


def _quoted(name: str, text: str, language: str, depth: int) -> str:
    """A quotation, or a list of them, which may end with how many more there are."""
    more = _patterns((_AND_MORE,), language)[0]
    if depth <= _DEEPEST and (found := more.values(text)):
        values = {"number": found["number"], name: found["shown"]}
        becomes = more.becomes.replace("{shown}", f"{{{name}}}")
        return _filled(becomes, values, language, depth + 1).text
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
            if found := one.values(item):
                said.append(_filled(one.becomes, found, language, depth).text)
                break
        else:
            said.append(_listed(item, others, language, depth))
    known = _catalogue(language)[0]
    return known.get(between, between).join(said)


def _phrases(text: str, language: str, depth: int) -> Sentence:
    """Words of the import; of several, each by itself."""
    is_one = _LINES not in text
    if is_one and (said := _said(text, language, depth)) is not None:
        return said
    for between in (_LINES, "; ", ", "):
        if between in text:
            found = list(_each(text.split(between), between, language, depth))
            quoted = tuple(quote for one in found for quote in one.quoted)
            return Sentence(between.join(one.text for one in found), language, quoted)
    return Sentence(_quoted("shown", text, language, depth), language)


def _each(parts: Sequence[str], between: str, language: str, depth: int) -> Iterator[Sentence]:
    """Each phrase of a list; one that is known may have in it what stands between them."""
    reach = _MOST_WITHIN if between != _LINES and len(parts) <= _MOST_JOINED else 1
    start = 0
    while start < len(parts):
        for end in range(start + 1, min(start + reach, len(parts)) + 1):
            if (one := _said(between.join(parts[start:end]), language, depth)) is not None:
                break
        else:
            end, one = start + 1, _phrases(parts[start], language, depth)
        yield one
        start = end


@cache
def _catalogue(language: str) -> tuple[Mapping[str, str], tuple[_Pattern, ...]]:
    """Sentences that are always the same, and the others, the longest first."""
    messages = {key: one.forms[0] for key, one in wording.catalogue(language, DOMAIN).items()}
    whole = {key: text for key, text in messages.items() if not _NAME.search(key)}
    quoting = {key for key in whole if QUOTED.search(key)}
    listed = {key for kinds in _ITEMS.values() for _, keys in kinds for key in keys}
    others = (messages.keys() - whole.keys() | quoting) - {_AND_MORE} - listed
    rest = sorted(others, key=lambda key: (-len(_NAME.sub("", key)), key))
    return whole, _patterns(tuple(rest), language)


@cache
def _patterns(keys: tuple[str, ...], language: str) -> tuple[_Pattern, ...]:
    messages = wording.catalogue(language, DOMAIN)
    return tuple(
        _Pattern(re.compile(_looks(key)), tuple(filter(None, _NAME.split(bare)[::2])),
                 messages[key].forms[0], key in _WITHIN)
        for key in keys
        for bare in [QUOTED.sub("{hidden}", key)]
    )  # fmt: skip


def _looks(key: str) -> str:
    """The pattern of a sentence; for each quotation in it an ellipsis may stand."""
    looks, place = "", 0
    for quotation in QUOTED.finditer(key):
        looks += _fitting(key[place : quotation.start()])
        looks += f"(?:{_fitting(quotation[0])}|{HIDDEN})"
        place = quotation.end()
    return looks + _fitting(key[place:])


def _fitting(text: str) -> str:
    """The pattern of a piece of a sentence.

    Where the next name stands for any text, what stands before it is looked for once, where it
    comes first: the next name would hold all in between. A heading that says a sentence's words
    again and again would else be tried in every way there is.
    """
    parts = _NAME.split(text)
    looks = re.escape(parts[0])
    for place in range(1, len(parts), 2):
        name, after, then = parts[place], re.escape(parts[place + 1]), parts[place + 2 : place + 3]
        one = f"(?P<{name}>{_fits(name)}){after}"
        once = then and after and _fits(then[0]) == _ANY and _fits(name) in (_ANY, _ONE)
        looks += f"(?>{one})" if once else one
    return looks


def _fits(name: str) -> str:
    if name in _LOOKS:
        return _LOOKS[name]
    return _NUMBER if name in _NUMBERS else _ANY
