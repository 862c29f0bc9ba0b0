"""Erasing people from the register: their rows, and their names wherever somebody wrote them.

What stays holds random ids only, which lead to nobody any more: frozen lists, the audit, the dates
of answered requests. Free text of the whole register is searched for the names that go.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, String, Table, cast, delete, func, or_, select, update
from sqlalchemy.orm import Session

from earlywarning.errors import NotFound
from earlywarning.io.register.audit_log import record
from earlywarning.io.register.models import Guardian, Household, Student
from earlywarning.io.register.rights_tables import Export, RightsRequest
from earlywarning.io.register.schema import Base

ERASED = "student.erased"
"""What the audit calls it."""

GONE = "…"
"""What stands where a name stood."""

_NO_NAMES = frozenset({"audit_event", "model_event", "visit_list", "visit_list_item",
                       "visit_list_student", "snapshot_rewrite"})  # fmt: skip
"""Tables that hold random ids, codes and hashes only, and that nobody may change."""

_PEOPLE = frozenset({"student", "guardian", "staff", "household", "school", "user_account"})
"""Tables whose texts are other people's own: a namesake keeps their name."""

_SHORT = 64
"""Columns with fewer letters hold ids and codes."""


@dataclass(frozen=True, slots=True)
class Names:
    """By what a person can be found in a text.

    Attributes
    ----------
    whole : tuple of str
        Names of two words or more, telephone and national numbers: erased wherever they stand.
    words : tuple of str
        Single names, and words of names: erased only in what was written about the family.
    families : frozenset of str
        Household keys of the family.
    """

    whole: tuple[str, ...]
    words: tuple[str, ...]
    families: frozenset[str]


def erase(session: Session, student_ids: Collection[str], *, by: str, at: datetime) -> Names:
    """Erase students and what belongs to nobody else; the caller commits.

    A brother or sister keeps the household, its visits and notes, without the names that go.

    Raises
    ------
    NotFound
        If the register has none of these students; nothing was changed.
    """
    ids = sorted(set(student_ids))
    found = list(session.scalars(select(Student).where(Student.student_id.in_(ids))))
    if len(found) != len(ids):
        missing = sorted(set(ids) - {one.student_id for one in found})
        raise NotFound(f"there is no student {missing[0]!r} in the register; nothing was erased")
    names, childless = _names(session, found)
    gone = {f"student-{id_}" for id_ in ids} | childless
    for table in _tables_with("household_key"):
        session.execute(delete(table).where(table.c.household_key.in_(gone)))
    for table in _tables_with("student_id"):
        if table.name not in ("student", RightsRequest.__tablename__):
            session.execute(delete(table).where(table.c.student_id.in_(ids)))
    session.execute(delete(Student).where(Student.student_id.in_(ids)))
    session.execute(delete(Household).where(Household.household_id.in_(childless)))
    session.execute(
        update(RightsRequest).where(RightsRequest.student_id.in_(ids)).values(wanted=None)
    )
    session.execute(update(Export).where(Export.content.is_not(None)).values(content=None))
    answers = Base.metadata.tables["idempotency_key"]  # bodies of answers can hold names
    session.execute(delete(answers))
    _sweep(session, names)
    for id_ in ids:
        record(session, actor=by, action=ERASED, entity="student", entity_id=id_, at=at)
    return names


def _tables_with(column: str) -> Iterator[Table]:
    """Tables that may lose rows, those that point at others first."""
    for table in reversed(Base.metadata.sorted_tables):
        if column in table.c and table.name not in _NO_NAMES:
            yield table


def _names(session: Session, students: Iterable[Student]) -> tuple[Names, set[str]]:
    """The names that go, and the households that are left without a child."""
    ids = [one.student_id for one in students]
    guardians = list(session.scalars(select(Guardian).where(Guardian.student_id.in_(ids))))
    now = {one.household_id for one in students if one.household_id}
    earlier, shared = _earlier_homes(session, ids)
    homes = now | earlier
    staying = list(
        session.scalars(
            select(Student).where(Student.household_id.in_(homes), Student.student_id.not_in(ids))
        )
    )
    kept_ids = [one.student_id for one in staying]
    kept_guardians = session.scalars(select(Guardian).where(Guardian.student_id.in_(kept_ids)))
    kept = {one.full_name.casefold() for one in staying}
    for guardian in kept_guardians:
        kept |= {text.casefold() for text in (guardian.full_name, guardian.phone) if text}
    told = [one.full_name for one in students] + [one.national_id for one in students]
    told += [text for one in guardians for text in (one.full_name, one.phone)]
    going = {text.strip() for text in told if text and text.casefold() not in kept}
    kept_words = {word for text in kept for word in _words(text)}
    words = {word for text in going for word in _words(text) if word.casefold() not in kept_words}
    whole = {text for text in going if len(text.split()) > 1 or any(map(str.isdigit, text))}
    families = homes | {f"student-{id_}" for id_ in ids}
    return (
        Names(
            tuple(sorted(whole, key=len, reverse=True)),
            tuple(sorted(words, key=len, reverse=True)),
            frozenset(families),
        ),
        (now | earlier - shared) - {one.household_id for one in staying if one.household_id},
    )


def _earlier_homes(session: Session, ids: Collection[str]) -> tuple[set[str], set[str]]:
    """Households of visits of then, before a family moved together or apart; and which of them
    were visited for other children too."""
    visits, children = (Base.metadata.tables[name] for name in ("visit", "visit_student"))
    keys = select(visits.c.household_key).join(children, children.c.visit_id == visits.c.visit_id)
    homes = set(session.scalars(keys.where(children.c.student_id.in_(ids))))
    others = keys.where(visits.c.household_key.in_(homes), children.c.student_id.not_in(ids))
    return homes - {f"student-{id_}" for id_ in ids}, set(session.scalars(others))


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[^\W\d_][\w'’-]*", text) if len(word) > 2]


def _sweep(session: Session, names: Names) -> None:
    """Replace the names in every text that somebody wrote."""
    visits = Base.metadata.tables["visit"]
    of_family = select(visits.c.visit_id).where(visits.c.household_key.in_(names.families))
    places = Base.metadata.tables["visit_list_item"]
    items = select(places.c.item_id).where(places.c.household_key.in_(names.families))
    everywhere = _pattern(names.whole)
    at_home = _pattern((*names.whole, *names.words))
    for table in Base.metadata.sorted_tables:
        if table.name in _NO_NAMES | _PEOPLE:
            continue
        texts = [column for column in table.c if _is_free(column)]
        if not texts:
            continue
        if everywhere is not None:
            _replace(session, table, texts, everywhere, _mentions(texts, names.whole))
        if at_home is not None and "household_key" in table.c:
            own = table.c.household_key.in_(names.families)
            _replace(session, table, texts, at_home, own)
        elif at_home is not None and "visit_id" in table.c:
            _replace(session, table, texts, at_home, table.c.visit_id.in_(of_family))
        elif at_home is not None and "item_id" in table.c:
            _replace(session, table, texts, at_home, table.c.item_id.in_(items))


def _is_free(column: Column[Any]) -> bool:
    if column.primary_key or column.foreign_keys:
        return False
    if isinstance(column.type, JSON):
        return True
    return isinstance(column.type, String) and (column.type.length or _SHORT + 1) > _SHORT


def _pattern(texts: Collection[str]) -> re.Pattern[str] | None:
    if not texts:
        return None
    either = "|".join(re.escape(text) for text in texts)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)


def _mentions(texts: list[Column[Any]], names: Collection[str]) -> Any:
    """Rows that can hold a name: by one of its words of plain letters, which every database folds;
    every row where a name has none."""
    tests = []
    for name in names:
        plain = [word for word in re.split(r"\s+", name) if word.isascii()]
        if not plain:
            return texts[0].is_not(None) | or_(*(column.is_not(None) for column in texts))
        word = max(plain, key=len).lower()
        tests += [
            func.lower(cast(column, String)).contains(word, autoescape=True) for column in texts
        ]
    return or_(*tests)


def _replace(
    session: Session, table: Table, texts: list[Column[Any]], pattern: re.Pattern[str], where: Any
) -> None:
    keys = list(table.primary_key)
    for row in session.execute(select(*keys, *texts).where(where)).all():
        found = dict(zip((*keys, *texts), row, strict=True))
        changed = {
            column: _without(found[column], pattern)
            for column in texts
            if _without(found[column], pattern) != found[column]
        }
        if changed:
            session.execute(
                update(table)
                .where(*(key == found[key] for key in keys))
                .values({column.name: value for column, value in changed.items()})
            )


def _without(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(GONE, value)
    if isinstance(value, list):
        return [_without(one, pattern) for one in value]
    if isinstance(value, dict):
        return {_without(key, pattern): _without(one, pattern) for key, one in value.items()}
    return value
