"""Who did something, as people know them."""

from __future__ import annotations

from sqlalchemy import select
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
