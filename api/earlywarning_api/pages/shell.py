"""The head of every page: what a person may open, and where they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import Request

from earlywarning_api import access


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of the menu.

    Attributes
    ----------
    key : str
        Of its words: `menu.<key>`.
    current : bool
        Whether the page belongs to it.
    """

    key: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Shell:
    """What is around a page.

    Attributes
    ----------
    here : str
        Path and query, to come back to after the language was changed.
    at : datetime
        Now, in UTC without zone.
    """

    menu: tuple[Link, ...]
    here: str
    signed_in: bool
    role: str | None
    name: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A page that the menu offers to whoever may use it."""

    key: str
    href: str
    use: str


MENU: tuple[Entry, ...] = (
    Entry("quarter", "/quarter", "visit_lists"),
    Entry("lists", "/lists", "visit_lists"),
    Entry("plan", "/plan", "plans"),
    Entry("students", "/students", "visits"),
    Entry("data", "/data", "models"),
    Entry("models", "/models", "models"),
    Entry("impact", "/impact", "impact"),
    Entry("requests", "/requests", "rights_requests"),
    Entry("people", "/people", "users"),
    Entry("audit", "/audit", "audit"),
)


def shell(request: Request, person: access.Person | None) -> Shell:
    """The head of a page for a person."""
    path = request.url.path
    query = request.url.query
    current = _part(path)
    menu = tuple(
        Link(entry.key, entry.href, entry.key == current)
        for entry in MENU
        if person is not None and access.allowed(person, entry.use)
    )
    # A form that failed was posted: coming back to it must not post again.
    here = f"{path}?{query}" if query else path
    return Shell(
        menu=menu,
        here=here if request.method == "GET" else path,
        signed_in=person is not None,
        role=None if person is None else person.role,
        name=None if person is None else getattr(person, "name", None),
        at=request.app.state.clock(),
    )


def _part(path: str) -> str | None:
    """The entry of the menu to which a page belongs."""
    if path.endswith("/plan") or path.startswith("/planned/"):
        return "plan"
    if path.startswith(("/students/", "/visits/")):
        return "lists"
    if path == "/drafts":
        return "quarter"
    if path == "/imports" or path.startswith("/imports/"):
        return "data"
    return next(
        (one.key for one in MENU if path == one.href or path.startswith(f"{one.href}/")), None
    )
