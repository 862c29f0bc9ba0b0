"""What decides each outcome, what it finds more than the rule, what waits, and changing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from earlywarning.errors import Conflict
from earlywarning.io import wording
from earlywarning.io.register import (
    list_views,
    model_events,
    model_versions,
    monitor_checks,
    names,
    work_jobs,
)
from earlywarning.io.register.db import Register
from earlywarning.io.register.models import ModelEvent, ModelVersion
from earlywarning.io.register.work_jobs import Work
from earlywarning.records.tables import OUTCOMES
from earlywarning_api import access
from earlywarning_api.pages import forms, model_charts, rendering, visitor
from earlywarning_api.pages.forms import Sent
from earlywarning_api.pages.model_charts import Bar, Calibration, Group
from earlywarning_api.pages.model_choice import NotTaken, not_taken
from earlywarning_api.work_desk import WorkDesk

router = APIRouter()

Reader = Annotated[access.Person, Depends(visitor.may("models"))]
Changer = Annotated[access.Person, Depends(visitor.may("model_changes"))]
Outcome = Annotated[Literal["attendance", "behaviour", "grades"], Path()]
Number = Annotated[int, Path(ge=1, le=1_000_000)]
SentForm = Annotated[Sent, Depends(forms.sent)]

SHORTEST_REASON, LONGEST_REASON = 10, 500
"""Characters; whoever looks at a model a year later must understand it."""

CARD = ("purpose", "not_for", "data", "limits")
"""Parts of a card that hold for every version."""

TRAINING = "earlywarning train"
"""Who decides where no person does."""

PROGRAM_SAYS = {
    "the first model of this outcome": "first",
    "district.toml: models.promote is automatic, and no gate failed": "automatic",
}
"""Reasons that training gives, and the codes of their words."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that was judged; `passed` None: nobody judged it."""

    name: str
    passed: bool | None


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a version.

    Attributes
    ----------
    made_by : str or None
        None where the training did it.
    why : str or None
        Code of why the training did it.
    """

    action: str
    version: int | None
    made_by: str | None
    why: str | None
    reason: str
    at: datetime
    override: bool


@dataclass(frozen=True, slots=True)
class Version:
    """One version among others.

    Attributes
    ----------
    state : str
        `serves`, `waits` or `earlier`.
    """

    version: int
    estimator: str
    trained_at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class OutcomeModel:
    """What decides one outcome.

    Attributes
    ----------
    gains : tuple of Bar
        Of every candidate of the champion's training, beside the rule.
    not_taken : tuple of NotTaken
        Why those above the one that serves do not.
    back : int or None
        Version that would serve again after going back.
    """

    outcome: str
    estimator: str
    version: int | None
    trained_at: datetime | None
    why: str
    gains: tuple[Bar, ...]
    not_taken: tuple[NotTaken, ...]
    gates: tuple[Gate, ...]
    quarters: int
    versions: tuple[Version, ...]
    back: int | None
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
    """Every outcome, and the newest look of watching.

    Attributes
    ----------
    mlflow : str or None
        Address of MLflow's server.
    at_fault : str or None
        Outcome of the form that did not fit.
    """

    models: tuple[OutcomeModel, ...]
    checks: tuple[Check, ...]
    looked_at: datetime | None
    fine: int
    may_change: bool
    mlflow: str | None
    running: Work | None
    sent: Sent = field(default_factory=Sent)
    at_fault: str | None = None


@dataclass(frozen=True, slots=True)
class ModelPage:
    """One version: what later quarters said of it, and its card.

    Attributes
    ----------
    champion : int or None
        The version in service.
    mlflow : str or None
        Where MLflow shows this version.
    """

    outcome: str
    version: Version
    why: str
    quarters: int
    students: int
    gains: tuple[Bar, ...]
    not_taken: tuple[NotTaken, ...]
    found: tuple[Bar, ...]
    calibration: Calibration | None
    groups: tuple[tuple[str, tuple[Group, ...]], ...]
    schools: Mapping[str, str]
    gates: tuple[Gate, ...]
    card: tuple[tuple[str, ...], ...]
    champion: int | None
    may_change: bool
    mlflow: str | None
    sha256: str
    sent: Sent = field(default_factory=Sent)
    fault: str | None = None


@router.get("/models")
def models(request: Request, person: Reader) -> Response:
    """The models in service, in words and pictures."""
    return _models(request, person)


@router.post("/models/{outcome}/rollback")
def roll_back(request: Request, person: Changer, outcome: Outcome, sent: SentForm) -> Response:
    """Let the version serve again that served before; a process of its own checks and does it."""
    desk = _desk(request)
    reason = _reason(sent)
    if sent.faults:
        return _models(request, person, sent=sent, at_fault=outcome, status=422)
    try:
        work = desk.roll_back(outcome, reason=reason, actor=person.actor)
    except Conflict:
        return _models(request, person, status=409)
    return rendering.see_other(f"/jobs/{work.job_id}")


@router.get("/models/{outcome}/{version}")
def model(request: Request, person: Reader, outcome: Outcome, version: Number) -> Response:
    """One version: figures, groups, card."""
    return _model(request, person, outcome, version)


@router.post("/models/{outcome}/{version}/promotion")
def promote(
    request: Request, person: Changer, outcome: Outcome, version: Number, sent: SentForm
) -> Response:
    """Let a version serve; a process of its own compares it with what serves, and does it."""
    desk = _desk(request)
    if _row(request.app.state.register, outcome, version).is_champion:
        return _model(request, person, outcome, version, fault="serves", status=409)
    reason = _reason(sent)
    if sent.faults:
        return _model(request, person, outcome, version, sent=sent, status=422)
    override = sent.text("override") == "yes"
    try:
        work = desk.promote(
            outcome, version, reason=reason, override=override, actor=person.actor
        )  # fmt: skip
    except Conflict:
        return _model(request, person, outcome, version, sent=sent, fault="busy", status=409)
    return rendering.see_other(f"/jobs/{work.job_id}")


def _desk(request: Request) -> WorkDesk:
    desk = request.app.state.work
    if desk is None:
        raise HTTPException(404)
    return desk


def _reason(sent: Sent) -> str:
    reason = sent.text("reason")
    if len(reason) < SHORTEST_REASON:
        sent.faults["reason"] = "reason"
    if len(reason) > LONGEST_REASON:
        sent.faults["reason"] = "too_long"
    return " ".join(reason.split())


def _row(register: Register, outcome: str, version: int) -> ModelVersion:
    for row in model_versions.every(register, outcome):
        if row.version == version:
            return row
    raise HTTPException(404)


def _may_change(request: Request, person: access.Person) -> bool:
    return access.allowed(person, "model_changes") and request.app.state.work is not None


def _models(
    request: Request,
    person: access.Person,
    *,
    sent: Sent | None = None,
    at_fault: str | None = None,
    status: int = 200,
) -> Response:
    state = request.app.state
    register, spoken = state.register, rendering.language(request)
    rows = monitor_checks.latest(register)
    wanting = [row for row in rows if row.status != "ok"]
    may_change = _may_change(request, person)
    with register.session() as session:
        found = tuple(_outcome(session, register, name, spoken) for name in OUTCOMES)
        visible = access.visible_work(person).ids
        newest = work_jobs.listed(session, visible, limit=1) if may_change else []
    running = state.work.settled(newest[0]) if newest else None
    view = ModelsPage(
        models=found,
        checks=tuple(_check(row, spoken) for row in wanting),
        looked_at=rows[0].at if rows else None,
        fine=len(rows) - len(wanting),
        may_change=may_change,
        mlflow=state.mlflow,
        running=running if running and running.status == work_jobs.RUNNING else None,
        sent=sent or Sent(),
        at_fault=at_fault,
    )
    return rendering.page(request, "models.html", view, person=person, status=status)


def _outcome(session: Session, register: Register, outcome: str, spoken: str) -> OutcomeModel:
    versions = {row.model_version_id: row for row in model_versions.every(register, outcome)}
    champion = next((row for row in versions.values() if row.is_champion), None)
    events = model_events.of_outcome(register, outcome)
    waiting = model_events.challenger(events)
    before = next(iter(model_events.served_before(events)), None) if champion else None
    report: Mapping[str, Any] = champion.report if champion else {}
    return OutcomeModel(
        outcome=outcome,
        estimator=champion.estimator if champion else "rule",
        version=champion.version if champion else None,
        trained_at=champion.trained_at if champion else None,
        why=wording.why_text(str(report.get("why", "no_model")), spoken),
        gains=model_charts.gains(report, spoken),
        not_taken=not_taken(report, spoken),
        gates=_gates(report),
        quarters=len(report.get("quarters", {}).get("test", ())),
        versions=tuple(_version(row, waiting) for row in versions.values()),
        back=versions[before].version if before in versions else None,
        events=tuple(_event(session, one, versions) for one in reversed(events)),
    )


def _version(row: ModelVersion, waiting: str | None) -> Version:
    state = "waits" if row.model_version_id == waiting else "earlier"
    return Version(
        row.version, row.estimator, row.trained_at, "serves" if row.is_champion else state
    )


def _model(
    request: Request,
    person: access.Person,
    outcome: str,
    version: int,
    *,
    sent: Sent | None = None,
    fault: str | None = None,
    status: int = 200,
) -> Response:
    state, spoken = request.app.state, rendering.language(request)
    row = _row(state.register, outcome, version)
    waiting = model_events.challenger(model_events.of_outcome(state.register, outcome))
    serves = model_versions.champion(state.register, outcome)
    with state.register.session() as session:
        schools = list_views.school_names(session)
    report: Mapping[str, Any] = row.report
    view = ModelPage(
        outcome=outcome,
        version=_version(row, waiting),
        why=wording.why_text(str(report.get("why", "no_model")), spoken),
        quarters=len(report.get("quarters", {}).get("test", ())),
        students=report.get("rows", 0),
        gains=model_charts.gains(report, spoken),
        not_taken=not_taken(report, spoken),
        found=model_charts.found(report, spoken),
        calibration=model_charts.calibration(report, spoken),
        groups=model_charts.groups(report, spoken),
        schools=schools,
        gates=_gates(report),
        card=tuple(
            tuple(wording.card_text(key, spoken) for key in (f"card.{part}", f"card.{part}.text"))
            for part in CARD
        ),
        champion=None if serves is None else serves.version,
        may_change=_may_change(request, person),
        mlflow=_mlflow(state.mlflow, report),
        sha256=row.artifact_sha256,
        sent=sent or Sent(),
        fault=fault,
    )  # fmt: skip
    return rendering.page(request, "model.html", view, person=person, status=status)


def _mlflow(base: str | None, report: Mapping[str, Any]) -> str | None:
    """Where MLflow's own pages show a version."""
    name, number = report.get("mlflow_model"), report.get("mlflow_version")
    if base is None or not name or not number:
        return None
    return f"{base}/#/models/{name}/versions/{number}"


def _gates(report: Mapping[str, Any]) -> tuple[Gate, ...]:
    found = [Gate(name, one.get("passed")) for name, one in (report.get("gates") or {}).items()]
    gate = report.get("gate")
    if gate:
        found.insert(0, Gate("beats_rule", gate.get("passed")))
    return tuple(found)


def _event(session: Session, event: ModelEvent, versions: Mapping[str, ModelVersion]) -> Event:
    row = versions.get(event.model_version_id)
    by_program = event.made_by == TRAINING
    return Event(
        action=event.action,
        version=row.version if row else None,
        made_by=None if by_program else names.of(session, event.made_by),
        why=PROGRAM_SAYS.get(event.reason) if by_program else None,
        reason="" if by_program else event.reason,
        at=event.at,
        override=event.override,
    )


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
