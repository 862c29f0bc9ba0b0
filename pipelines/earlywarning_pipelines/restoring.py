"""What a restored installation needs before it is used: erasures done again, the audit told."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from earlywarning.errors import EarlyWarningError
from earlywarning.io.backup import Summary
from earlywarning.io.register.audit_log import TERMINAL, record
from earlywarning.io.register.db import open_register
from earlywarning.io.register.models import Student
from earlywarning.io.register.rights_tables import AuditEvent
from earlywarning_pipelines.home import Home


def erased_since(home: Home) -> tuple[str, ...]:
    """Ids of the children whom the installation in place has erased; none if it cannot be read."""
    if not home.settings.home.exists():
        return ()
    try:
        with (
            open_register(home.settings.register_url, migrate=False) as register,
            register.session() as session,
        ):
            query = select(AuditEvent.entity_id).where(AuditEvent.action == "student.erased")
            return tuple(session.scalars(query))
    except (EarlyWarningError, SQLAlchemyError):
        return ()


def after(home: Home, summary: Summary, erased: Collection[str], *, at: datetime) -> int:
    """Erase again who was erased since the backup, and write the restoring into the audit.

    Returns
    -------
    int
        Children erased again.
    """
    from earlywarning_pipelines import erasing

    register = home.register
    with register.session(writing=True) as session:
        record(
            session, actor=TERMINAL, action="backup.restored", entity="installation",
            entity_id="backup", detail={"made_at": summary.made_at.isoformat()}, at=at,
        )  # fmt: skip
        session.commit()
        query = select(Student.student_id).where(Student.student_id.in_(list(erased)))
        again = list(session.scalars(query))
    if again:
        erasing.run(home, again, by=TERMINAL, at=at)
    return len(again)
