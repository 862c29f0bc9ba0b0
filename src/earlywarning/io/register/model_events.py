"""The life of each model: who let it serve, when and why. Rows are only added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from earlywarning.io.register.db import Register
from earlywarning.io.register.models import ModelEvent

TRAINED = "trained"
PROMOTED = "promoted"
ROLLED_BACK = "rolled_back"
REFUSED = "refused"
ACTIONS = (TRAINED, PROMOTED, ROLLED_BACK, REFUSED)


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides what, and why.

    Attributes
    ----------
    made_by, reason : str
    at : datetime
        UTC without zone.
    override : bool
        Whether a person decided against what was judged.
    gates : mapping
        What was judged, JSON values; see `risk.gates`.
    """

    made_by: str
    reason: str
    at: datetime
    override: bool = False
    gates: Mapping[str, Any] = field(default_factory=dict)


def add(
    session: Session,
    action: str,
    outcome: str,
    model_version_id: str,
    decision: Decision,
    *,
    before: str | None = None,
) -> None:
    """Write one event; the caller commits it together with what it tells of.

    Parameters
    ----------
    before : str, optional
        Version that served until now.
    """
    if action not in ACTIONS:
        raise ValueError(f"action {action!r}; allowed: {', '.join(ACTIONS)}")
    session.add(
        ModelEvent(
            outcome=outcome,
            action=action,
            model_version_id=model_version_id,
            from_version_id=before,
            made_by=decision.made_by,
            reason=decision.reason,
            override=decision.override,
            gates=dict(decision.gates),
            at=decision.at,
        )
    )
    session.flush()


def of_outcome(register: Register, outcome: str) -> list[ModelEvent]:
    """What happened to the models of one outcome, oldest first."""
    with register.session() as session:
        return list(
            session.scalars(
                select(ModelEvent)
                .where(ModelEvent.outcome == outcome)
                .order_by(ModelEvent.event_id)
            )
        )


def challenger(events: Sequence[ModelEvent]) -> str | None:
    """The version that was trained last, if it has never served."""
    trained = [one.model_version_id for one in events if one.action == TRAINED]
    served = {one.model_version_id for one in events if one.action in (PROMOTED, ROLLED_BACK)}
    return trained[-1] if trained and trained[-1] not in served else None


def served_before(events: Sequence[ModelEvent]) -> list[str]:
    """Versions that served before the one that serves now, newest first.

    Whoever was rolled back from is not among them: going back twice goes two versions back, not to
    and fro.
    """
    stack: list[str] = []
    for one in events:
        if one.action == PROMOTED or (
            one.action == ROLLED_BACK and one.model_version_id not in stack
        ):
            stack = [kept for kept in stack if kept != one.model_version_id]
            stack.append(one.model_version_id)
        elif one.action == ROLLED_BACK:
            del stack[stack.index(one.model_version_id) + 1 :]
    return stack[-2::-1]


def record_refusal(
    register: Register, outcome: str, model_version_id: str, decision: Decision
) -> bool:
    """Write that a version was not opened; once, until something else happens to the outcome.

    Returns
    -------
    bool
        Whether it was written now.
    """
    with register.session(writing=True) as session:
        newest = session.scalar(
            select(ModelEvent)
            .where(ModelEvent.outcome == outcome)
            .order_by(ModelEvent.event_id.desc())
            .limit(1)
        )
        known = (
            newest is not None
            and newest.action == REFUSED
            and newest.model_version_id == model_version_id
        )
        if not known:
            add(session, REFUSED, outcome, model_version_id, decision)
            session.commit()
        return not known
