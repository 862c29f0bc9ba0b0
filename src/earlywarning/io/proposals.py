"""Who may be meant by a name: the students of a school whose names are the same or very close.

A proposal is for a person to judge; two students who fit equally well are never told apart here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from earlywarning.records.names import Likeness, likeness

_WORDS = {
    Likeness.SAME: "the same name",
    Likeness.SPACED: "the same letters, other blanks",
    Likeness.REORDERED: "the same words in another order",
    Likeness.SHORTENED: "one of the names is shortened",
    Likeness.SLIP: "one letter differs",
}
_DIFFERS, _UNKNOWN, _EQUAL = 0, 1, 2
_BIRTH = {_DIFFERS: "but another birth date", _UNKNOWN: "", _EQUAL: "the same birth date"}
_CLASS = {_UNKNOWN: "", _EQUAL: "the same class"}


@dataclass(frozen=True, slots=True)
class Person:
    """A student on record.

    Attributes
    ----------
    student : str
        The school's number.
    full_name, class_name : str
        As the record writes them; the class may be empty.
    name : str
        `names.normal` of the full name.
    class_key : str
        `ClassName.key`, or empty.
    birth_date : date or None
    """

    student: str
    full_name: str
    name: str
    class_name: str = ""
    class_key: str = ""
    birth_date: date | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """Who may be meant.

    Attributes
    ----------
    best : Person or None
        The one who fits best; None if nobody fits, or several equally well.
    others : tuple of str
        Numbers of those who fit equally well; or, if nobody of the class fits, of those of other
        classes who bear the same name.
    how_sure : str
        In words.
    is_tied : bool
        Whether `others` fit equally well.
    has_namesakes : bool
        Whether several students bear just this name, so that a name alone cannot tell them apart.
    """

    best: Person | None
    others: tuple[str, ...] = ()
    how_sure: str = ""
    is_tied: bool = False
    has_namesakes: bool = False


@dataclass(frozen=True, slots=True)
class School:
    """The students of a school, to be found by what two close names have in common."""

    _index: dict[str, list[Person]] = field(default_factory=dict)

    @classmethod
    def of(cls, people: Iterable[Person]) -> School:
        """Index the students."""
        index: dict[str, list[Person]] = {}
        for person in people:
            for trait in _traits(person.name):
                index.setdefault(trait, []).append(person)
        return cls(index)

    def propose(
        self, name: str, *, class_key: str = "", birth_date: date | None = None
    ) -> Proposal:
        """Who may be meant by a name.

        Parameters
        ----------
        name : str
            `names.normal`.
        class_key : str
            Only students of this class, and those whose class is not known.
        birth_date : date, optional
            Somebody with another one is proposed only for a name that is the same.
        """
        found = {
            person.student: person
            for trait in _traits(name)
            for person in self._index.get(trait, ())
        }
        ranked = []
        for person in found.values():
            rank = _rank(name, class_key, birth_date, person)
            if rank is not None:
                ranked.append((rank, person))
        if not ranked:
            return self._elsewhere(name, class_key)
        top = max(rank for rank, _ in ranked)
        best = [person for rank, person in ranked if rank == top]
        same = [person for (fits, like, *_), person in ranked if fits and like is Likeness.SAME]
        if len(best) > 1:
            numbers = tuple(sorted(person.student for person in best))
            return Proposal(None, numbers, "several students may be meant", True, len(same) > 1)
        return Proposal(best[0], (), _words(top), False, len(same) > 1)

    def _elsewhere(self, name: str, class_key: str) -> Proposal:
        numbers = tuple(sorted(one.student for one in self._index.get(f"={name}", ())))
        if numbers and class_key:
            return Proposal(None, numbers, "nobody of this class; the name is in another class")
        if numbers:
            return Proposal(None, numbers, "the name is known with another birth date")
        return Proposal(None, (), "nobody on record has such a name")


_Rank = tuple[bool, Likeness, int, int]


def _rank(name: str, class_key: str, birth_date: date | None, person: Person) -> _Rank | None:
    """The greater the better; None if the person cannot be meant."""
    if class_key and person.class_key not in ("", class_key):
        return None
    like = likeness(name, person.name)
    if like is Likeness.NONE:
        return None
    birth = _UNKNOWN
    if birth_date and person.birth_date:
        birth = _EQUAL if birth_date == person.birth_date else _DIFFERS
    if birth == _DIFFERS and like is not Likeness.SAME:
        return None
    same_class = _EQUAL if class_key and person.class_key == class_key else _UNKNOWN
    return (birth != _DIFFERS, like, birth, same_class)


def _words(rank: _Rank) -> str:
    _, like, birth, same_class = rank
    return ", ".join(part for part in (_WORDS[like], _BIRTH[birth], _CLASS[same_class]) if part)


def _traits(name: str) -> Sequence[str]:
    """What two names have in common, at least one of them, if they are alike at all."""
    words, bare = name.split(), name.replace(" ", "")
    if not words:
        return ()
    # One slip touches two neighbouring letters at most, so the start or the end stays as it is.
    return (f"={name}", f"b{bare}", f"s{' '.join(sorted(words))}", f"w{words[0]}",
            f"p{bare[:2]}", f"q{bare[-2:]}")  # fmt: skip
