"""Results of a OneRoster bundle as grades: what was marked, in which subject, in which period."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase

from earlywarning.io.school_files import oneroster_files as f
from earlywarning.io.school_files.oneroster_files import Line
from earlywarning.io.school_files.oneroster_people import World
from earlywarning.io.school_files.oneroster_table import NO_REFERENCE, PartTable, refuse_user

_NO_SCORE_YET = ("fully graded",)


@dataclass(frozen=True, slots=True)
class Item:
    """A line item, joined.

    Attributes
    ----------
    subject : str
        The course's title or else the class's; empty if the bundle has neither.
    period : str
        The session's title; empty if it is unknown.
    """

    line: Line
    subject: str
    period: str
    school: str
    category: str


def items(world: World) -> dict[str, Item]:
    """The line items of a bundle that the option `line_items` wants."""
    courses = {line["sourcedId"]: line["title"] for line in world.files.kept(f.COURSES)}
    categories = {line["sourcedId"]: line["title"] for line in world.files.kept(f.CATEGORIES)}
    found = {}
    for line in world.files.lines(f.LINE_ITEMS):
        place = world.classes.get(line["classSourcedId"])
        terms = [line["sessionSourcedId"]] if line["sessionSourcedId"] else []
        if not terms and place and len(place.terms) == 1:
            terms = place.terms
        session = world.sessions.get(terms[0]) if terms else None
        found[line["sourcedId"]] = Item(
            line,
            (courses.get(place.line["courseSourcedId"]) or place.line["title"]) if place else "",
            session["title"] if session else "",
            line["schoolSourcedId"] or (place.line["schoolSourcedId"] if place else ""),
            categories.get(line["categorySourcedId"], ""),
        )
    return found


def is_wanted(world: World, item: Item) -> bool:
    """Whether the option `line_items` names the line item, or names none at all."""
    wanted = world.options.line_items
    title = item.line["title"].lower()
    return not wanted or any(fnmatchcase(title, pattern) for pattern in wanted)


def fill_grades(world: World, table: PartTable) -> None:
    """The rows of the part `grade`."""
    known = items(world)
    is_delta = world.files.is_delta(f.RESULTS)
    scales = set()
    for line in world.files.lines(f.RESULTS) if is_delta else world.files.kept(f.RESULTS):
        item = known.get(line["lineItemSourcedId"])
        if item is None:
            table.refuse(
                f.RESULTS, line, "lineItemSourcedId", NO_REFERENCE,
                "a line item that is in lineItems.csv",
            )  # fmt: skip
            continue
        if not is_wanted(world, item):
            continue
        if line.is_gone:
            table.refuse(
                f.RESULTS, line, "status", "cannot_withdraw",
                "a grade that replaces the deleted one; what was known of it stays",
            )  # fmt: skip
            continue
        if not line["score"] and line["scoreStatus"].lower() not in _NO_SCORE_YET:
            continue  # exempt, not submitted, not yet marked: there is no grade
        number = world.number(line["studentSourcedId"], world.options.student)
        if not number:
            refuse_user(table, f.RESULTS, line, "studentSourcedId", world.options.student)
            continue
        if not item.subject or not item.period:
            lacking = (
                "class is in classes.csv"
                if not item.subject
                else ("grading period is in academicSessions.csv")
            )
            table.refuse(
                f.RESULTS, line, "lineItemSourcedId", NO_REFERENCE, f"a line item whose {lacking}"
            )
            continue
        if item.line["resultValueMin"].strip("0.") and item.line["sourcedId"] not in scales:
            scales.add(item.line["sourcedId"])
            table.warnings.append(
                f"{world.files.bundle.name}lineItems.csv: row {item.line.row} has a scale from "
                f"{item.line['resultValueMin']} and not from 0; scores were taken as they are"
            )
        table.add(
            line.row, world.school(item.school), number, item.subject, item.period, item.category,
            line["score"], item.line["resultValueMax"], line["scoreDate"],
            line["dateLastModified"],
        )  # fmt: skip


def crowded(world: World) -> bool:
    """Whether some student has several results in one subject and period."""
    known = items(world)
    counts: Counter[tuple[str, str, str]] = Counter()
    for line in world.files.kept(f.RESULTS):
        item = known.get(line["lineItemSourcedId"])
        if item and line["score"]:
            counts[line["studentSourcedId"], item.subject, item.period] += 1
    return max(counts.values(), default=0) > 1
