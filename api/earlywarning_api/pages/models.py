"""What decides each outcome, what it finds more than the rule, and what watching says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from earlywarning.io import wording
from earlywarning.io.register import model_events, model_versions, monitor_checks
from earlywarning.io.register.db import Register
from earlywarning.io.register.models import ModelEvent, ModelVersion
from earlywarning.records.tables import OUTCOMES
from earlywarning_api import access
from earlywarning_api.pages import rendering, visitor

router = APIRouter()

SHARE_WIDTH = 240


@dataclass(frozen=True, slots=True)
class Share:
    """Share of trouble found within capacity, as a bar; widths in the units of the picture."""

    estimator: str
    percent: float
    width: float
    low: float
    high: float
    serves: bool


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that was judged; `passed` None: nobody judged it."""

    name: str
    passed: bool | None


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a version."""

    action: str
    version: int | None
    made_by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OutcomeModel:
    """What decides one outcome.

    Attributes
    ----------
    shares : tuple of Share
        Of every candidate on later quarters, the rule among them.
    challenger : int or None
        Version that waits for a person.
    """

    outcome: str
    estimator: str
    version: int | None
    trained_at: datetime | None
    why: str
    shares: tuple[Share, ...]
    gates: tuple[Gate, ...]
    quarters: int
    calibration_error: float | None
    challenger: int | None
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """What one look of watching found, in words."""

    status: str
    outcome: str | None
    text: str
    advice: str


@dataclass(frozen=True, slots=True)
class ModelsPage:
    """Every outcome, and the newest look of watching."""

    models: tuple[OutcomeModel, ...]
    checks: tuple[Check, ...]
    looked_at: datetime | None
    fine: int


@router.get("/models")
def models(
    request: Request, person: Annotated[access.Person, Depends(visitor.may("models"))]
) -> Response:
    """The models in service, in words and bars."""
    register = request.app.state.register
    spoken = rendering.language(request)
    rows = monitor_checks.latest(register)
    wanting = [row for row in rows if row.status != "ok"]
    view = ModelsPage(
        models=tuple(_outcome(register, name, spoken) for name in OUTCOMES),
        checks=tuple(_check(row, spoken) for row in wanting),
        looked_at=rows[0].at if rows else None,
        fine=len(rows) - len(wanting),
    )
    return rendering.page(request, "models.html", view, person=person)


def _outcome(register: Register, outcome: str, spoken: str) -> OutcomeModel:
    versions = {row.model_version_id: row for row in model_versions.every(register, outcome)}
    champion = next((row for row in versions.values() if row.is_champion), None)
    events = model_events.of_outcome(register, outcome)
    waiting = model_events.challenger(events)
    report: Mapping[str, Any] = champion.report if champion else {}
    return OutcomeModel(
        outcome=outcome,
        estimator=champion.estimator if champion else "rule",
        version=champion.version if champion else None,
        trained_at=champion.trained_at if champion else None,
        why=wording.why_text(str(report.get("why", "no_model")), spoken),
        shares=_shares(champion),
        gates=_gates(report),
        quarters=len(report.get("quarters", {}).get("test", ())),
        calibration_error=report.get("gates", {}).get("calibration", {}).get("error"),
        challenger=versions[waiting].version if waiting in versions else None,
        events=tuple(_event(one, versions) for one in reversed(events)),
    )


def _shares(champion: ModelVersion | None) -> tuple[Share, ...]:
    if champion is None:
        return ()
    candidates = (champion.report.get("evaluation") or {}).get("candidates", {})
    found = []
    for name, figures in candidates.items():
        share = figures.get("found_share", {})
        if share.get("value") is None:
            continue
        value = share["value"]
        low, high = (share.get(end) if share.get(end) is not None else value
                     for end in ("low", "high"))  # fmt: skip
        found.append(
            Share(
                name,
                value * 100,
                round(value * SHARE_WIDTH, 1),
                round(low * SHARE_WIDTH, 1),
                round(high * SHARE_WIDTH, 1),
                name == champion.estimator,
            )
        )
    return tuple(sorted(found, key=lambda one: -one.percent))


def _gates(report: Mapping[str, Any]) -> tuple[Gate, ...]:
    found = [Gate(name, one.get("passed")) for name, one in (report.get("gates") or {}).items()]
    gate = report.get("gate")
    if gate:
        found.insert(0, Gate("beats_rule", gate.get("passed")))
    return tuple(found)


def _event(event: ModelEvent, versions: Mapping[str, ModelVersion]) -> Event:
    row = versions.get(event.model_version_id)
    return Event(event.action, row.version if row else None, event.made_by, event.reason, event.at)


def _check(row: monitor_checks.CheckRow, spoken: str) -> Check:
    numbers = {
        "value": "–" if row.value is None else round(row.value, 2),
        "limit": "–" if row.limit is None else round(row.limit, 2),
    }
    return Check(
        status=row.status,
        outcome=row.outcome,
        text=wording.say(f"watch.{row.code}", spoken, **numbers),
        advice=wording.say(f"watch.{row.code}.do", spoken),
    )
