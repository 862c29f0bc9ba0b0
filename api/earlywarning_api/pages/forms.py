"""What a browser's form sent: as typed, to be shown again when something does not fit."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

from fastapi import Request

_ISO = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})$")
_HERE = re.compile(r"^(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})$")


@dataclass(slots=True)
class Sent:
    """A form, field by field.

    Attributes
    ----------
    values : dict of name to list of str
        As typed, blanks at the ends removed.
    faults : dict of name to str
        What does not fit: a code, `fault.<code>` in the catalogue.
    """

    values: dict[str, list[str]] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The first value of a field; empty if there is none."""
        return next(iter(self.values.get(name, ())), "")

    def optional(self, name: str, *, most: int = 2000) -> str | None:
        """A text, None if empty; too long a text is a fault."""
        value = self.text(name)
        if len(value) > most:
            self.faults[name] = "too_long"
        return value or None

    def one_of(self, name: str, allowed: Collection[str], *, needed: bool = True) -> str:
        """A choice; what is not offered, or missing, is a fault."""
        value = self.text(name)
        if value not in allowed and (value or needed):
            self.faults[name] = "choose"
        return value

    def some_of(self, name: str, allowed: Collection[str]) -> tuple[str, ...]:
        """Choices, in the order offered."""
        chosen = set(self.values.get(name, ()))
        if chosen - set(allowed):
            self.faults[name] = "choose"
        return tuple(one for one in allowed if one in chosen)

    def day(self, name: str, *, needed: bool = True) -> date | None:
        """A date, as a browser's picker sends it or as people here write it: 05-10-2026."""
        value = self.text(name)
        if not value:
            if needed:
                self.faults[name] = "date"
            return None
        iso, here = _ISO.match(value), _HERE.match(value)
        try:
            if iso:
                return date(*(int(part) for part in iso.groups()))
            if here:
                day, month, year = (int(part) for part in here.groups())
                return date(year, month, day)
        except ValueError:
            pass
        self.faults[name] = "date"
        return None


async def sent(request: Request) -> Sent:
    """A dependency: the form of this request. Files are no text and are left out."""
    values: dict[str, list[str]] = {}
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, str):
                # NUL is nobody's letter, and PostgreSQL refuses it.
                values.setdefault(name, []).append(value.replace("\x00", "").strip())
    return Sent(values)
