"""Who did something, as people know them."""

from __future__ import annotations

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from earlywarning.io.register.access_tables import UserAccount
from earlywarning.io.register.models import ApiToken


def of(session: Session, actor: str | None) -> str | None:
    """The name behind a user's or a token's id; a free text, as from the terminal, stays."""
    if actor is None:
        return None
    user = select(UserAccount.display_name).where(UserAccount.user_id == actor)
    token = select(ApiToken.label).where(ApiToken.token_id == actor)
    return session.scalar(user) or session.scalar(token) or actor


def id_of(session: Session, text: str) -> str:
    """The id of the one user whom a name, or a part of it, means; else the text as it is."""
    part = text.strip().lower()
    known = [func.lower(one) for one in (UserAccount.display_name, UserAccount.sign_in_name)]
    whole = or_(*(one == part for one in known))
    within = or_(*(one.contains(part, autoescape=True) for one in known))
    for fits in (whole, within):
        found = session.scalars(select(UserAccount.user_id).where(fits).limit(2)).all()
        if len(found) == 1:
            return found[0]
    return text
