"""Bearer tokens of the API: opaque, shown once, kept only as a hash.

A token is 256 random bits, so its SHA-256 cannot be guessed back and needs no slow hashing.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select

from earlywarning.errors import ConfigError, NotFound
from earlywarning.io.register import audit_log
from earlywarning.io.register.access_tables import TokenScope
from earlywarning.io.register.db import Register
from earlywarning.io.register.models import ApiToken, School, Staff
from earlywarning.io.register.roles import OF_ONE_SCHOOL, ROLES

PREFIX = "ew_"
"""So that a leaked token is recognised for what it is."""

_SHAPE = re.compile(rf"^{PREFIX}[A-Za-z0-9_-]{{43}}$")


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made.

    Attributes
    ----------
    secret : str
        The token itself; it cannot be shown again.
    token_id : str
        By which it is listed and revoked.
    """

    secret: str
    token_id: str


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as a list shows it: never the token itself."""

    token_id: str
    label: str
    role: str
    school_id: str | None
    staff_id: str | None
    staff_name: str | None
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def state(self, at: datetime) -> str:
        """`valid`, `expired` or `revoked` at a time."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= at else "valid"


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a valid token stands for; `scope` None for all that the role may use."""

    token_id: str
    role: str
    school_id: str | None
    staff_id: str | None
    scope: frozenset[str] | None = None


def hashed(secret: str) -> str:
    """SHA-256 of a token, in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(
    register: Register,
    *,
    role: str,
    label: str,
    at: datetime,
    expires_days: int,
    school_id: str | None = None,
    staff_local_id: str | None = None,
    scope: Collection[str] = (),
    secret_source: Callable[[int], str] = secrets.token_urlsafe,
) -> NewToken:
    """Make a token and keep its hash.

    Parameters
    ----------
    role : str
        One of `ROLES`.
    label : str
        Whose it is, for people.
    at : datetime
        Now, in UTC without zone.
    expires_days : int
        1 or more.
    school_id : str, optional
        Needed for a role of one school, and where two schools have the same staff number; may be
        left out while the register knows one school only.
    staff_local_id : str, optional
        The school's own number of a homeroom teacher.
    scope : collection of str
        Uses that it is good for, such as `visit_lists`; empty for all of the role.

    Raises
    ------
    ConfigError
        A role that does not exist, or one that lacks its school or teacher.
    NotFound
        A school or teacher that the register does not know.
    """
    if role not in ROLES:
        raise ConfigError(f"role {role!r} does not exist; allowed: {', '.join(ROLES)}")
    if expires_days < 1:
        raise ConfigError(f"a token must be valid for at least 1 day, got {expires_days}")
    if not label.strip():
        raise ConfigError("a token needs a label: whose it is")
    if (staff_local_id is not None) != (role == "homeroom_teacher"):
        raise ConfigError(
            "a token of a homeroom teacher needs their staff number, other roles have none"
        )
    secret = PREFIX + secret_source(32)
    token_id = uuid.uuid4().hex
    with register.session(writing=True) as session:
        known = list(session.scalars(select(School.school_id).order_by(School.school_id)))
        if school_id is not None and school_id not in known:
            raise NotFound(f"there is no school {school_id!r}; known: {', '.join(known) or 'none'}")
        staff_id = None
        if staff_local_id is not None:
            query = select(Staff).where(Staff.local_id == staff_local_id)
            if school_id is not None:
                query = query.where(Staff.school_id == school_id)
            found = list(session.scalars(query))
            if len(found) != 1:
                raise NotFound(
                    f"{len(found)} members of staff have the number {staff_local_id!r}"
                    f"{f' in school {school_id}' if school_id else ''}; "
                    + ("name the school too" if found else "import the staff list first")
                )
            staff_id, school_id = found[0].staff_id, found[0].school_id
        elif role in OF_ONE_SCHOOL and school_id is None:
            if len(known) != 1:
                raise ConfigError(
                    f"a {role} belongs to one school; known: {', '.join(known) or 'none'}"
                )
            school_id = known[0]
        session.add(
            ApiToken(
                token_id=token_id,
                token_sha256=hashed(secret),
                label=label.strip(),
                role=role,
                school_id=school_id,
                staff_id=staff_id,
                made_at=at,
                expires_at=at + timedelta(days=expires_days),
            )
        )
        session.flush()
        session.add_all(TokenScope(token_id=token_id, use=use) for use in sorted(set(scope)))
        audit_log.record(
            session, actor=audit_log.TERMINAL, action="token.made", entity="api_token",
            entity_id=token_id, detail={"role": role, "scope": sorted(set(scope))}, at=at,
        )  # fmt: skip
        session.commit()
    return NewToken(secret, token_id)


# Put together once: every request asks it.
_VALID = (
    select(ApiToken.token_id, ApiToken.role, ApiToken.school_id, ApiToken.staff_id, TokenScope.use)
    .outerjoin(TokenScope, TokenScope.token_id == ApiToken.token_id)
    .where(
        ApiToken.token_sha256 == bindparam("sha256"),
        ApiToken.revoked_at.is_(None),
        (ApiToken.expires_at.is_(None)) | (ApiToken.expires_at > bindparam("at")),
    )
)


def bearer(register: Register, secret: str, *, at: datetime) -> Bearer | None:
    """Whom a token stands for; None for one that is unknown, expired or revoked."""
    if not _SHAPE.match(secret):
        return None
    with register.engine.connect() as connection:
        return of_hash(connection, hashed(secret), at=at)


def of_hash(connection: Connection, sha256: str, *, at: datetime) -> Bearer | None:
    """Whom the token of a hash stands for, in the caller's transaction; else None."""
    rows = connection.execute(_VALID, {"sha256": sha256, "at": at}).all()
    if not rows:
        return None
    uses = frozenset(row.use for row in rows if row.use is not None)
    owner = rows[0]
    return Bearer(owner.token_id, owner.role, owner.school_id, owner.staff_id, uses or None)


def listed(register: Register) -> list[TokenRow]:
    """All tokens, newest first."""
    query = (
        select(
            ApiToken.token_id, ApiToken.label, ApiToken.role, ApiToken.school_id,
            ApiToken.staff_id, Staff.name, ApiToken.made_at, ApiToken.expires_at,
            ApiToken.revoked_at,
        )
        .outerjoin(Staff, Staff.staff_id == ApiToken.staff_id)
        .order_by(ApiToken.made_at.desc(), ApiToken.token_id)
    )  # fmt: skip
    with register.session() as session:
        return [TokenRow(*row) for row in session.execute(query)]


def revoke(register: Register, token_id: str, *, at: datetime) -> None:
    """End a token at once; a second time changes nothing.

    Raises
    ------
    NotFound
        If there is no such token.
    """
    with register.session(writing=True) as session:
        found = session.get(ApiToken, token_id)
        if found is None:
            raise NotFound(f"there is no token {token_id!r}; `earlywarning token list` shows them")
        if found.revoked_at is None:
            found.revoked_at = at
            audit_log.record(
                session, actor=audit_log.TERMINAL, action="token.revoked", entity="api_token",
                entity_id=token_id, at=at,
            )  # fmt: skip
        session.commit()
