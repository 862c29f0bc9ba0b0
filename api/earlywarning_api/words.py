"""Rows of the register put into answers, with words in the asked language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from earlywarning.io import wording
from earlywarning.io.register.list_views import ModelRow, PlaceRow, StudentRow
from earlywarning.io.register.lists import ListRow
from earlywarning.io.register.overrides import OverrideRow
from earlywarning.io.register.working_list import FamilyRow
from earlywarning_api import schemas
from earlywarning_api.preconditions import etag

RULE = "rule"


def coded(kind: str, code: str | None, language: str) -> schemas.Coded:
    """A code and its words; `none` stands for a missing one."""
    return schemas.Coded(
        code=code or "none", text=wording.say(f"{kind}.{code or 'none'}", language)
    )


def reasons(rows: Sequence[Mapping[str, Any]] | None, language: str) -> list[schemas.Reason]:
    """Reasons as codes, numbers and words; none where none were kept, see `reasons_note`."""
    return [
        schemas.Reason(
            code=row["code"],
            domain=row["domain"],
            numbers=row["numbers"],
            as_of=row["as_of"],
            text=wording.reason_text(row["code"], row["numbers"], row["as_of"], language),
        )
        for row in rows or ()
    ]


def reasons_note(rows: Sequence[Mapping[str, Any]] | None, language: str) -> str | None:
    """Why there are no reasons, where they were not written down."""
    return wording.say("reason.not_kept", language) if rows is None else None


def reasons_in_a_cell(rows: Sequence[Mapping[str, Any]] | None, language: str) -> str:
    """Reasons, or why there are none, as one text."""
    note = reasons_note(rows, language)
    return note or "; ".join(reason.text for reason in reasons(rows, language))


def completeness(values: Mapping[str, Any], language: str) -> schemas.Completeness:
    """How much the school had on record."""
    return schemas.Completeness(
        sources=dict(values), text=wording.completeness_text(values, language)
    )


def student(row: StudentRow, language: str) -> schemas.ListedStudent:
    """A child of a listed family."""
    return schemas.ListedStudent(
        student_id=row.student_id,
        full_name=row.full_name or wording.say("name.unknown", language),
        class_id=row.class_id,
        class_name=row.class_name,
        reasons=reasons(row.reasons, language),
        reasons_note=reasons_note(row.reasons, language),
        completeness=completeness(row.completeness, language),
    )


def item(row: FamilyRow, language: str, *, today: date) -> schemas.Item:
    """A listed family, where it stands, and what people decided about its place."""
    listed, decided = row.item, row.override
    return schemas.Item(
        item_id=listed.item_id,
        place=row.place,
        position=listed.position,
        track=coded("track", listed.track, language),
        band=coded("band", listed.band, language),
        status=coded("family_status", row.status, language),
        lead=schemas.ItemLead(
            staff_id=listed.lead_staff_id, name=lead_name(listed.lead_name, language)
        ),
        override=_override(decided, language, today) if decided and decided.action else None,
        override_etag=etag("override", listed.item_id, decided.revision if decided else 0),
        occasion=occasion(listed.occasion, language),
        others_told=list(listed.others_told or ()),
        students=[student(one, language) for one in listed.students],
    )


def occasion(one: Mapping[str, Any] | None, language: str) -> schemas.Coded | None:
    """What called for a visit, as a dated fact."""
    if one is None:
        return None
    text = wording.say(f"occasion.{one['code']}", language, **one["numbers"])
    return schemas.Coded(code=one["code"], text=text)


def _override(row: OverrideRow, language: str, today: date) -> schemas.Override:
    return schemas.Override(
        action=coded("override", row.action, language),
        reason=coded("override_reason", row.reason_code, language),
        expires_on=row.expires_on,
        holds=row.expires_on is None or today <= row.expires_on,
    )


def lead_name(name: str | None, language: str) -> str:
    """A teacher's name; words for families without one."""
    return name or wording.say("lead.none", language)


def place(row: PlaceRow, language: str) -> schemas.Place:
    """What one list said about a student."""
    return schemas.Place(
        visit_list_id=row.visit_list_id,
        quarter=row.quarter,
        as_of_date=row.as_of_date,
        published_at=row.published_at,
        listed=row.position is not None,
        track=coded("track", row.track, language),
        band=coded("band", row.band, language),
        reasons=reasons(row.reasons, language),
        reasons_note=reasons_note(row.reasons, language),
        completeness=completeness(row.completeness, language),
    )


def visit_list(
    row: ListRow,
    language: str,
    *,
    school_name: str,
    staff: Mapping[str, str],
    only_lead: str | None,
) -> schemas.VisitListView:
    """A list without its families.

    Parameters
    ----------
    only_lead : str or None
        Show this teacher's part alone, and no counts of the school.
    """
    header = row.header
    leads = [lead for lead in header["leads"] if only_lead is None or lead["lead"] == only_lead]
    return schemas.VisitListView(
        visit_list_id=row.visit_list_id,
        quarter=row.quarter,
        school_id=row.school_id,
        school_name=school_name,
        revision=row.revision,
        status=coded("status", row.status, language),
        as_of_date=row.as_of_date,
        made_at=row.made_at,
        published_at=row.published_at,
        published_by=row.published_by,
        snapshot_id=row.snapshot_id,
        seed=row.seed,
        frozen_sha256=row.frozen_sha256,
        lottery=header["district"]["visits"]["lottery"],
        models=[_list_model(name, one, language) for name, one in header["models"].items()],
        counts=header["counts"] if only_lead is None else None,
        leads=[_lead(one, staff, language) for one in leads],
    )


def _list_model(outcome: str, model: Mapping[str, Any], language: str) -> schemas.ListModel:
    return schemas.ListModel(
        outcome=coded("outcome", outcome, language),
        serves=model["serves"],
        estimator=coded("estimator", model["estimator"], language),
        version=model["version"],
        why=wording.why_text(model["why"], language),
    )


def _lead(lead: Mapping[str, Any], staff: Mapping[str, str], language: str) -> schemas.Lead:
    note = None
    if lead["capacity"] == 0:
        note = wording.say("capacity.none", language, households=lead["households"])
    elif lead.get("year", {}).get("short"):
        note = wording.say("year.short", language, short=lead["year"]["short"])
    values = {key: value for key, value in lead.items() if key not in ("lead", "year")}
    name = lead_name(staff.get(lead["lead"] or ""), language)
    return schemas.Lead(staff_id=lead["lead"], name=name, note=note, **values)


def serving_model(outcome: str, row: ModelRow | None, language: str) -> schemas.ServingModel:
    """What decides an outcome from now on; no row means the untrained rule."""
    estimator = RULE if row is None else row.estimator
    serves = RULE if estimator == RULE else "model"
    return schemas.ServingModel(
        outcome=coded("outcome", outcome, language),
        serves=serves,
        estimator=coded("estimator", estimator, language),
        why=wording.why_text(_why(row), language),
        model_version_id=None if row is None else row.model_version_id,
        version=None if row is None else row.version,
        trained_at=None if row is None else row.trained_at,
        snapshot_id=None if row is None else row.snapshot_id,
        artifact_sha256=None if row is None else row.artifact_sha256,
        report=None if row is None else row.report,
    )


def _why(row: ModelRow | None) -> str:
    """Code of the reason why a model or the rule serves, as recorded at training."""
    if row is None:
        return "no_model"
    return str(row.report.get("why", "unknown"))
