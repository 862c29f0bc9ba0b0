"""The register's record of models: their hashes and signatures, and which one serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from earlywarning.errors import NotFound
from earlywarning.io.register import model_events
from earlywarning.io.register.db import Register
from earlywarning.io.register.model_events import Decision
from earlywarning.io.register.models import ModelSignature, ModelVersion


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
    signature, public_key : bytes
        Of its manifest, 64 and 32 bytes.
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
    signature: bytes
    public_key: bytes
    snapshot_id: str
    trained_at: datetime
    report: dict[str, Any]


def add(
    register: Register,
    models: Sequence[NewModel],
    *,
    trained: Decision,
    promoted: Mapping[str, Decision],
) -> list[ModelVersion]:
    """Add models, and let those serve that were decided on: all of it or nothing, at once.

    Parameters
    ----------
    trained : Decision
        Who trained them.
    promoted : mapping of outcome to Decision
        Those that serve from now on; the others wait as challengers.

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
            row = ModelVersion(
                model_version_id=model.model_version_id,
                outcome=model.outcome,
                version=(newest or 0) + 1,
                estimator=model.estimator,
                is_champion=False,
                run_id=model.run_id,
                artifact_uri=model.artifact_uri,
                artifact_sha256=model.artifact_sha256,
                snapshot_id=model.snapshot_id,
                trained_at=model.trained_at,
                report=model.report,
            )
            session.add(row)
            session.flush()
            session.add(
                ModelSignature(
                    model_version_id=row.model_version_id,
                    signature=model.signature,
                    public_key=model.public_key,
                )
            )
            id_ = row.model_version_id
            model_events.add(session, model_events.TRAINED, model.outcome, id_, trained)
            if model.outcome in promoted:
                _let_serve(session, row, model_events.PROMOTED, promoted[model.outcome])
            rows.append(row)
        session.commit()
    return rows


def let_serve(
    register: Register, model_version_id: str, decision: Decision, *, action: str
) -> ModelVersion:
    """Let a version serve instead of the present one; the caller has checked its artifact.

    Parameters
    ----------
    action : str
        `model_events.PROMOTED` or `ROLLED_BACK`.

    Raises
    ------
    NotFound
        If there is no such version.
    """
    with register.session(writing=True) as session:
        row = session.get(ModelVersion, model_version_id)
        if row is None:
            raise _not_found(model_version_id)
        _let_serve(session, row, action, decision)
        session.commit()
        return row


def _let_serve(session: Session, row: ModelVersion, action: str, decision: Decision) -> None:
    serves = (ModelVersion.outcome == row.outcome, ModelVersion.is_champion)
    before = session.scalar(select(ModelVersion.model_version_id).where(*serves))
    session.execute(update(ModelVersion).where(*serves).values(is_champion=False))
    session.flush()
    row.is_champion = True
    model_events.add(session, action, row.outcome, row.model_version_id, decision, before=before)


def signature(register: Register, model_version_id: str) -> bytes | None:
    """A version's signature; None if it was recorded before models were signed."""
    with register.session() as session:
        row = session.get(ModelSignature, model_version_id)
        return None if row is None else row.signature


def public_keys(register: Register) -> list[bytes]:
    """Every key that signed a model, in a fixed order."""
    with register.session() as session:
        return sorted(set(session.scalars(select(ModelSignature.public_key))))


def every(register: Register, outcome: str | None = None) -> list[ModelVersion]:
    """The versions of one outcome or of all, by outcome, newest first."""
    query = select(ModelVersion).order_by(ModelVersion.outcome, ModelVersion.version.desc())
    if outcome is not None:
        query = query.where(ModelVersion.outcome == outcome)
    with register.session() as session:
        return list(session.scalars(query))


def numbered(register: Register, outcome: str, version: int) -> ModelVersion:
    """One version of an outcome by its number.

    Raises
    ------
    NotFound
        If there is none; names those that there are.
    """
    found = every(register, outcome)
    for row in found:
        if row.version == version:
            return row
    numbers = ", ".join(str(row.version) for row in found)
    raise NotFound(
        f"{outcome} has no model version {version}; "
        + (f"there are: {numbers}" if found else "none was trained yet: `earlywarning train`")
    )


def of_run(register: Register, run_id: str) -> ModelVersion | None:
    """The version that a run of MLflow made; None if it made none."""
    with register.session() as session:
        return session.scalar(select(ModelVersion).where(ModelVersion.run_id == run_id))


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
