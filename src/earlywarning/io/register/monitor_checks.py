"""What watching found, kept: the newest look, and every look before it."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select

from earlywarning.io.register.db import Register
from earlywarning.io.register.models import MonitorCheck
from earlywarning.risk.watch.checks import Check


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check as it was kept; see `risk.watch.checks.Check`.

    Attributes
    ----------
    value, limit : float or None
        None for a figure that does not exist.
    at : datetime
        UTC without zone; the same for all checks of one look.
    """

    quarter: str
    outcome: str | None
    code: str
    subject: str | None
    value: float | None
    limit: float | None
    status: str
    at: datetime


_COLUMNS = tuple(getattr(MonitorCheck, name) for name in CheckRow.__slots__)


def new_id() -> str:
    """A random id."""
    return uuid.uuid4().hex


def save(
    register: Register,
    found: Sequence[tuple[str, Check]],
    *,
    at: datetime,
    id_source: Callable[[], str] = new_id,
) -> list[CheckRow]:
    """Keep one look: every check with the quarter that it is about, all or none.

    Parameters
    ----------
    found : sequence of (quarter, Check)
        In the order in which they are shown.
    at : datetime
        Now, in UTC without zone.
    """
    kept = [
        CheckRow(
            quarter, check.outcome, check.code, check.subject,
            _number(check.value), _number(check.limit), check.status, at,
        )
        for quarter, check in found
    ]  # fmt: skip
    if kept:
        values = [
            {name: getattr(row, name) for name in CheckRow.__slots__}
            | {"check_id": id_source(), "place": place}
            for place, row in enumerate(kept)
        ]
        with register.session(writing=True) as session:
            session.execute(insert(MonitorCheck), values)
            session.commit()
    return kept


def latest(register: Register) -> list[CheckRow]:
    """The checks of the newest look, in their order; empty before the first."""
    newest = select(func.max(MonitorCheck.at)).scalar_subquery()
    query = select(*_COLUMNS).where(MonitorCheck.at == newest).order_by(MonitorCheck.place)
    with register.session() as session:
        return [CheckRow(*row) for row in session.execute(query)]


def history(register: Register, *, quarter: str | None = None) -> list[CheckRow]:
    """Every check that was ever made, newest look first.

    Parameters
    ----------
    quarter : str, optional
        Only of this quarter.
    """
    query = select(*_COLUMNS).order_by(MonitorCheck.at.desc(), MonitorCheck.place)
    if quarter is not None:
        query = query.where(MonitorCheck.quarter == quarter)
    with register.session() as session:
        return [CheckRow(*row) for row in session.execute(query)]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
