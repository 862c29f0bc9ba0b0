"""Which snapshots of the facts something still rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from earlywarning.io.register.evidence_tables import ImpactStudy
from earlywarning.io.register.models import FactsSnapshot, ModelVersion, VisitList
from earlywarning.io.register.rights_tables import SnapshotRewrite

CURRENT, OF_LIST, OF_MODEL, OF_STUDY = USES = ("current", "list", "model", "study")


@dataclass(frozen=True, slots=True)
class Known:
    """A snapshot that the register knows.

    Attributes
    ----------
    snapshot_id : str
    made_at : datetime
        UTC without zone.
    used_by : tuple of str
        Of `USES`; empty if nothing rests on it.
    """

    snapshot_id: str
    made_at: datetime
    used_by: tuple[str, ...]


def known(session: Session) -> list[Known]:
    """Every snapshot, oldest first, and what rests on it."""
    uses = _uses(session)
    query = select(FactsSnapshot.snapshot_id, FactsSnapshot.made_at).order_by(
        FactsSnapshot.made_at, FactsSnapshot.snapshot_id
    )
    return [
        Known(snapshot_id, made_at, tuple(use for use in USES if snapshot_id in uses[use]))
        for snapshot_id, made_at in session.execute(query)
    ]


def _uses(session: Session) -> Mapping[str, set[str]]:
    """Snapshot ids by use; those that were written anew without erased children are no more."""
    queries = {
        CURRENT: select(FactsSnapshot.snapshot_id).where(FactsSnapshot.is_current),
        OF_LIST: select(VisitList.snapshot_id),
        OF_MODEL: select(ModelVersion.snapshot_id),
        OF_STUDY: select(ImpactStudy.snapshot_id),
    }
    pairs = select(SnapshotRewrite.old_snapshot_id, SnapshotRewrite.new_snapshot_id)
    rewritten = {row.old_snapshot_id: row.new_snapshot_id for row in session.execute(pairs)}
    return {
        use: {rewritten.get(one, one) for one in session.scalars(query) if one is not None}
        for use, query in queries.items()
    }
