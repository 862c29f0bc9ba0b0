"""Users and their sessions, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from earlywarning.io.register import user_admin
from earlywarning.io.register.accounts import UserRow
from earlywarning.io.register.db import Register
from earlywarning.io.register.sessions import SessionRow


def users_table(register: Register) -> str:
    """Everybody who may sign in, a line each; never a password or a secret."""
    rows = user_admin.listed(register)
    if not rows:
        return "nobody yet; `earlywarning serve` prints the link for the first administrator"
    wide = max(len(row.sign_in_name) for row in rows)
    return "\n".join(
        f"{row.sign_in_name:<{wide}}  {row.role:<17} {row.school_id or 'all schools':<12} "
        f"{_state(row):<9} {'app' if row.has_second_factor else '-':<4} {_seen(row)}"
        for row in rows
    )


def _state(row: UserRow) -> str:
    if row.disabled_at is not None:
        return "disabled"
    return "active" if row.has_password or row.signed_in_at is not None else "invited"


def _seen(row: UserRow) -> str:
    return f"signed in {row.signed_in_at:%Y-%m-%d %H:%M} UTC" if row.signed_in_at else "never"


def sessions_table(rows: Sequence[SessionRow]) -> str:
    """Sessions that are good now."""
    return (
        "\n".join(
            f"{row.session_id}  {row.level:<5} since {row.made_at:%Y-%m-%d %H:%M}, "
            f"last seen {row.seen_at:%H:%M} UTC  {row.browser}"
            for row in rows
        )
        or "signed in nowhere"
    )
