"""Secrets of the installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from earlywarning.io.register.models import InstallationKey

if TYPE_CHECKING:  # it reads deliveries, which the service has no need of
    from earlywarning.io.register.people import IdSource

EVENTS = "behaviour_event"
"""Hides the numbers that schools give to incidents."""

HOUSEHOLDS = "household"
"""Hides the numbers of family cards, which are never stored."""


def stored(session: Session, name: str) -> bytes | None:
    """A key; None before the first import."""
    return session.scalar(select(InstallationKey.value).where(InstallationKey.name == name))


def new(id_source: IdSource) -> bytes:
    """A key made of two ids: 32 bytes that nobody can guess, unless the ids are seeded."""
    return bytes.fromhex(id_source() + id_source())


def keep(session: Session, name: str, value: bytes) -> None:
    """Store a key unless it is there; the caller commits."""
    if stored(session, name) is None:
        session.add(InstallationKey(name=name, value=value))
