"""What a restored installation needs before it is used: what was taken away since the backup stays
away, nobody is signed in, the audit is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from earlywarning.errors import EarlyWarningError
from earlywarning.io.backup import Summary
from earlywarning.io.register.access_tables import (
    IdempotencyKey,
    OneTimeLink,
    UserAccount,
    UserSession,
)
from earlywarning.io.register.audit_log import TERMINAL, record
from earlywarning.io.register.db import open_register
from earlywarning.io.register.models import ApiToken, Student
from earlywarning.io.register.rights_tables import AuditEvent
from earlywarning_pipelines.home import Home


@dataclass(frozen=True, slots=True)
class Gone:
    """What the installation in place has taken away; a backup from before would bring it back.

    Attributes
    ----------
    erased : tuple of str
        Students.
    disabled, revoked : tuple of str
        Users who may no longer come in, and tokens that were ended.
    """

    erased: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()


def gone(home: Home) -> Gone:
    """What must stay away after a restore; nothing if the installation cannot be read."""
    if not home.settings.home.exists():
        return Gone()
    try:
        with (
            open_register(home.settings.register_url, migrate=False) as register,
            register.session() as session,
        ):
            return Gone(
                *(
                    tuple(session.scalars(query))
                    for query in (
                        select(AuditEvent.entity_id).where(AuditEvent.action == "student.erased"),
                        select(UserAccount.user_id).where(UserAccount.disabled_at.is_not(None)),
                        select(ApiToken.token_id).where(ApiToken.revoked_at.is_not(None)),
                    )
                )
            )
    except (EarlyWarningError, SQLAlchemyError):
        return Gone()


def after(home: Home, summary: Summary, before: Gone, *, at: datetime) -> int:
    """Take away again what was taken away since the backup, and write the restoring into the audit.

    Sessions, one-time links and kept answers of then are good for nothing any more. Passwords,
    roles and second factors are those of the backup.

    Returns
    -------
    int
        Children erased again.
    """
    from earlywarning_pipelines import erasing

    register = home.register
    with register.session(writing=True) as session:
        _shut(session, before, at)
        record(
            session, actor=TERMINAL, action="backup.restored", entity="installation",
            entity_id="backup", detail={"made_at": summary.made_at.isoformat()}, at=at,
        )  # fmt: skip
        session.commit()
        query = select(Student.student_id).where(Student.student_id.in_(before.erased))
        again = list(session.scalars(query))
    if again:
        erasing.run(home, again, by=TERMINAL, at=at)
    return len(again)


def _shut(session: Session, before: Gone, at: datetime) -> None:
    """Nobody comes in by what ended since the backup."""
    session.execute(update(UserSession).where(UserSession.ended_at.is_(None)).values(ended_at=at))
    session.execute(delete(IdempotencyKey))
    for link in session.scalars(select(OneTimeLink).where(OneTimeLink.used_at.is_(None))):
        session.delete(link)
    users = select(UserAccount).where(UserAccount.user_id.in_(before.disabled))
    for user in session.scalars(users.where(UserAccount.disabled_at.is_(None))):
        user.disabled_at = at
    tokens = select(ApiToken).where(ApiToken.token_id.in_(before.revoked))
    for token in session.scalars(tokens.where(ApiToken.revoked_at.is_(None))):
        token.revoked_at = at
