"""Names of people as files spell them: what counts as the same, and what is close.

Nothing here decides who somebody is: a likeness is a proposal for a person.
"""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from functools import cache

_APOSTROPHES = dict.fromkeys(map(ord, "'\u2018\u2019\u201b`\u00b4\u02bc\u02bb\u02b9\u2032\uff07"))
_FULL_MUHAMMAD = frozenset(
    ("muhammad", "muhamad", "muhammed", "mohammad", "mohamad", "mohammed", "mohamed", "mochammad",
     "mochamad", "muchammad", "muchamad")
)  # fmt: skip
_SHORT_MUHAMMAD = frozenset(
    ("m", "muh", "moh", "mohd", "muhd", "mhd", "moch", "much", "mochd", "muhamm", "moham")
)
_DEGREES = frozenset(
    ("spd", "spdi", "spdsd", "mpd", "mpdi", "msi", "ssi", "se", "sh", "mh", "mm", "mt", "st",
     "ssos", "skom", "mkom", "sag", "mag", "skep", "ns", "amd", "amdpd", "sst", "skm", "spsi",
     "sip", "ssn", "shum", "mhum", "sthi", "sei", "shi", "drs", "dra", "dr", "ir", "ba", "bsc",
     "msc", "ma", "phd", "lc", "gr", "mpsi", "sor", "spdk", "sp", "spt", "sptk")
)  # fmt: skip
_LONG = 6
"""Letters from which on one wrong letter is a slip and not another name (`Ani`, `Adi`)."""


class Likeness(IntEnum):
    """How alike two names are, the least first; `NONE` is no proposal."""

    NONE = 0
    SLIP = 1
    SHORTENED = 2
    REORDERED = 3
    SPACED = 4
    SAME = 5


@cache
def normal(name: str) -> str:
    """A name as it is compared: lower case, single blanks, no accents, apostrophes, dots, degrees.

    `M.`, `Moh.`, `Mohamad`, … in front of another name are `muhammad`. A name of one word stays
    one word. Signs of scripts other than Latin stay.
    """
    text = unicodedata.normalize("NFKD", name).casefold()
    text = unicodedata.normalize("NFKD", text)
    text = "".join(sign for sign in text if not _is_dropped(sign)).translate(_APOSTROPHES)
    text, _, behind = text.partition(",")
    text = f"{text} {_without_degrees(behind)}"
    text = "".join(sign if _is_of_a_word(sign) else " " for sign in text)
    words = ["muhammad" if word in _FULL_MUHAMMAD else word for word in text.split()]
    if len(words) > 1 and words[0] in _SHORT_MUHAMMAD:
        words[0] = "muhammad"
    return " ".join(words)


def likeness(one: str, other: str) -> Likeness:
    """How alike two names are; both already `normal`. The order of the two does not matter."""
    if not one or not other:
        return Likeness.NONE
    if one == other:
        return Likeness.SAME
    bare, other_bare = one.replace(" ", ""), other.replace(" ", "")
    if bare == other_bare:
        return Likeness.SPACED
    words, other_words = one.split(), other.split()
    if sorted(words) == sorted(other_words):
        return Likeness.REORDERED
    if _is_shortened(words, other_words):
        return Likeness.SHORTENED
    if min(len(bare), len(other_bare)) >= _LONG and is_one_slip(bare, other_bare):
        return Likeness.SLIP
    return Likeness.NONE


def is_one_slip(one: str, other: str) -> bool:
    """Whether one letter is wrong, missing or too many, or two neighbours changed places.

    That is a Damerau-Levenshtein distance of 1 at most.
    """
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest, other_rest = one[start:], other[start:]
    if len(rest) == len(other_rest):
        swapped = rest[1:2] + rest[:1] + rest[2:]
        return rest[1:] == other_rest[1:] or swapped == other_rest
    return rest[1:] == other_rest or rest == other_rest[1:]


def is_quite_different(one: str, other: str) -> bool:
    """Whether two names, both already `normal`, share no word: rather another child than a slip."""
    if likeness(one, other) is not Likeness.NONE:
        return False
    words, other_words = one.split(), other.split()
    return not any(
        word == another or (min(len(word), len(another)) >= 4 and is_one_slip(word, another))
        for word in words
        for another in other_words
        if word != "muhammad" or another != "muhammad"
    )


def _is_dropped(sign: str) -> bool:
    """Accents on Latin letters; signs that are not seen, such as the direction of writing."""
    return "\u0300" <= sign <= "\u036f" or unicodedata.category(sign) == "Cf"


def _is_of_a_word(sign: str) -> bool:
    return sign.isalnum() or unicodedata.category(sign) in ("Mn", "Mc")


def _without_degrees(text: str) -> str:
    """What stands behind a comma, as far as it is no degree."""
    parts = (part.strip() for part in text.split(","))
    return " ".join(part for part in parts if re.sub(r"[.\s]", "", part) not in _DEGREES)


def _is_shortened(words: list[str], other_words: list[str]) -> bool:
    """`siti a` and `siti aminah`: the first word in full, the others equal or a first letter."""
    if len(words) != len(other_words) or words[0] != other_words[0] or len(words) < 2:
        return False
    return all(
        word == another or (min(len(word), len(another)) == 1 and word[0] == another[0])
        for word, another in zip(words, other_words, strict=True)
    )
