"""The register's record of models: their hashes, and which one serves each outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from earlywarning.errors import NotFound
from earlywarning.io.register.db import Register
from earlywarning.io.register.models import ModelVersion


@dataclass(frozen=True, slots=True)
class NewModel:
    """A model that was trained and stored, and does not serve yet.

    Attributes
    ----------
    model_version_id : str
    outcome, estimator : str
    run_id, artifact_uri : str
        Where MLflow has it.
    artifact_sha256 : str
        Of its manifest: what must match before it is opened.
    snapshot_id : str
        The facts it was learnt from.
    trained_at : datetime
        UTC without zone.
    report : dict
        JSON values.
    """

    model_version_id: str
    outcome: str
    estimator: str
    run_id: str
    artifact_uri: str
    artifact_sha256: str
    snapshot_id: str
    trained_at: datetime
    report: dict[str, Any]


def put_in_service(register: Register, models: Sequence[NewModel]) -> list[ModelVersion]:
    """Add models and let each serve its outcome: all of them or none, in one transaction.

    Returns
    -------
    list of ModelVersion
        With their version numbers, in the order given.
    """
    with register.session(writing=True) as session:
        rows = []
        for model in models:
            newest = session.scalar(
                select(func.max(ModelVersion.version)).where(ModelVersion.outcome == model.outcome)
            )
            session.execute(
                update(ModelVersion)
                .where(ModelVersion.outcome == model.outcome, ModelVersion.is_champion)
                .values(is_champion=False)
            )
            row = ModelVersion(
                model_version_id=model.model_version_id,
                outcome=model.outcome,
                version=(newest or 0) + 1,
                estimator=model.estimator,
                is_champion=True,
                run_id=model.run_id,
                artifact_uri=model.artifact_uri,
                artifact_sha256=model.artifact_sha256,
                snapshot_id=model.snapshot_id,
                trained_at=model.trained_at,
                report=model.report,
            )
            session.add(row)
            session.flush()
            rows.append(row)
        session.commit()
    return rows


def set_champion(register: Register, model_version_id: str) -> ModelVersion:
    """Let an earlier version serve again; the caller has checked its artifact.

    Raises
    ------
    NotFound
        If there is no such version.
    """
    with register.session(writing=True) as session:
        row = session.get(ModelVersion, model_version_id)
        if row is None:
            raise _not_found(model_version_id)
        session.execute(
            update(ModelVersion)
            .where(ModelVersion.outcome == row.outcome, ModelVersion.is_champion)
            .values(is_champion=False)
        )
        session.flush()
        row.is_champion = True
        session.commit()
        return row


def champion(register: Register, outcome: str) -> ModelVersion | None:
    """The version that serves an outcome; None before the first training."""
    with register.session() as session:
        return session.scalar(
            select(ModelVersion).where(ModelVersion.outcome == outcome, ModelVersion.is_champion)
        )


def champions(register: Register) -> list[ModelVersion]:
    """The versions that serve, by outcome."""
    with register.session() as session:
        query = select(ModelVersion).where(ModelVersion.is_champion)
        return list(session.scalars(query.order_by(ModelVersion.outcome)))


def get(register: Register, model_version_id: str) -> ModelVersion:
    """One version.

    Raises
    ------
    NotFound
        If there is none of this id.
    """
    with register.session() as session:
        row = session.get(ModelVersion, model_version_id)
    if row is None:
        raise _not_found(model_version_id)
    return row


def _not_found(model_version_id: str) -> NotFound:
    return NotFound(
        f"there is no model version {model_version_id!r} in this register; restore the register "
        "that made the list, or train again with `earlywarning train`"
    )
