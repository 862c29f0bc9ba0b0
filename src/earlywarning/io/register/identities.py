"""People who sign in at an identity provider: known by its issuer and `sub`, and invited before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from earlywarning.errors import NotSignedIn
from earlywarning.io.register import audit_log, links, sessions, sign_in
from earlywarning.io.register.access_tables import ExternalIdentity, UserAccount
from earlywarning.io.register.db import Register
from earlywarning.io.register.sign_in import Caller

UNKNOWN = "this identity belongs to nobody here; open the link of your invitation first"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a provider says somebody is.

    Attributes
    ----------
    issuer, subject : str
        Of a checked ID token; an e-mail address proves nothing and is not looked at.
    """

    issuer: str
    subject: str


def sign_in_as(
    register: Register,
    identity: Identity,
    *,
    caller: Caller,
    at: datetime,
    invitation: str | None = None,
) -> sessions.Opened:
    """Begin a session for whom the provider vouches.

    Parameters
    ----------
    invitation : str, optional
        The secret of an invitation's link: ties the identity to the invited account.

    Raises
    ------
    NotSignedIn
        For an identity that nobody has, a disabled account, or a link that is not good.
    """
    with register.session(writing=True) as session:
        known = session.get(ExternalIdentity, (identity.issuer, identity.subject))
        if known is None and invitation is not None:
            known = _tied(session, identity, invitation, at)
        account = session.get(UserAccount, known.user_id) if known is not None else None
        if account is None or account.disabled_at is not None:
            raise NotSignedIn(UNKNOWN)
        opened = sign_in.begun(
            session, account.user_id, level=sign_in.level_of(account), caller=caller, at=at
        )
        session.commit()
    return opened


def _tied(session: Session, identity: Identity, invitation: str, at: datetime) -> ExternalIdentity:
    user_id = links.use(session, invitation, links.INVITATION, at=at).user_id
    assert user_id is not None  # noqa: S101 - invitations are made for a user
    made = ExternalIdentity(
        issuer=identity.issuer, subject=identity.subject, user_id=user_id, made_at=at
    )
    session.add(made)
    audit_log.record(
        session, actor=user_id, action="identity.tied", entity="user_account", entity_id=user_id,
        at=at,
    )  # fmt: skip
    session.flush()
    return made
