"""A list's families as a person reads them: for a terminal, the demo, a sheet of paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from earlywarning.io import wording
from earlywarning.io.register import list_views
from earlywarning.io.register.db import Register
from earlywarning.io.register.list_views import ItemRow, StudentRow
from earlywarning.io.register.models import Student
from earlywarning.visits.capacity import CONCERN


@dataclass(frozen=True, slots=True)
class Row:
    """One listed family.

    Attributes
    ----------
    position : int
        Place on the school's list.
    place : int
        Place on the lead's part of it, 1 first.
    lead : str
        Who visits.
    class_names : str
        Classes of the children.
    students : str
        Names of the children, or their random ids.
    track, band : str
        In words.
    reasons : tuple of str
        Dated facts, at most three a child; with the name where there are several children. On the
        track `concern` without such a fact, one sentence that says so.
    completeness : str
        How many kinds of records the school had, for the child with the fewest.
    """

    position: int
    place: int
    lead: str
    class_names: str
    students: str
    track: str
    band: str
    reasons: tuple[str, ...]
    completeness: str


def rows(
    register: Register,
    visit_list_id: str,
    *,
    language: str,
    names: bool = True,
    first: int | None = None,
) -> list[Row]:
    """The listed families in the order of the list.

    Parameters
    ----------
    language : str
        `id` or `en`.
    names : bool
        Whether names are shown; else random ids (for data staff).
    first : int, optional
        At most so many.
    """
    everybody = select(Student.student_id)
    with register.session() as session:
        items = list_views.items(session, everybody, visit_list_id, limit=first)
    found: list[Row] = []
    place, lead = 0, None
    for item in items:
        place = place + 1 if found and item.lead_staff_id == lead else 1
        lead = item.lead_staff_id
        found.append(_row(item, place, language, names))
    return found


def _row(item: ItemRow, place: int, language: str, names: bool) -> Row:
    least = min(
        item.students, key=lambda child: child.completeness.get("available", 0), default=None
    )
    classes = dict.fromkeys(child.class_name for child in item.students if child.class_name)
    return Row(
        position=item.position,
        place=place,
        lead=(item.lead_name if names else item.lead_staff_id)
        or wording.say("lead.none", language),
        class_names=", ".join(classes),
        students=", ".join(_who(child, language, names) for child in item.students),
        track=wording.track_text(item.track, language),
        band=wording.band_text(item.band, language),
        reasons=(
            *_occasion(item, language),
            *(_reasons(item.students, language, names) or _none(item, language)),
        ),
        completeness=wording.completeness_text(least.completeness, language) if least else "",
    )


def _who(child: StudentRow, language: str, names: bool) -> str:
    if not names:
        return child.student_id
    return child.full_name or wording.say("name.unknown", language)


def _occasion(item: ItemRow, language: str) -> tuple[str, ...]:
    """What called for the visit, first of all."""
    one = item.occasion
    return (wording.say(f"occasion.{one['code']}", language, **one["numbers"]),) if one else ()


def _none(item: ItemRow, language: str) -> tuple[str, ...]:
    """A family listed for concern is never left without a word; on other tracks none is needed."""
    return (wording.say("reason.none", language),) if item.track == CONCERN else ()


def _reasons(students: Sequence[StudentRow], language: str, names: bool) -> list[str]:
    found = []
    for child in students:
        prefix = f"{_who(child, language, names)}: " if len(students) > 1 else ""
        if child.reasons is None:
            found.append(prefix + wording.say("reason.not_kept", language))
            continue
        found += [
            prefix + wording.reason_text(one["code"], one["numbers"], one["as_of"], language)
            for one in child.reasons
        ]
    return found
