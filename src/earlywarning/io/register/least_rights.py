"""What the service's role may do in PostgreSQL beyond what it needs: told when it starts.

`deploy/postgresql-roles.sql` makes a role that has no more. SQLite has no roles: there
the file's own rights count.
"""

from __future__ import annotations

from sqlalchemy import text

from earlywarning.io.register.db import Register

APPEND_ONLY = ("audit_event", "model_event")
"""Tables whose rows the service adds and never changes."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_RIGHTS = text(
    "SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser, "
    "has_schema_privilege('public', 'CREATE') AS makes_tables, "
    "EXISTS (SELECT FROM unnest(CAST(:tables AS text[])) AS name "
    "WHERE has_table_privilege(name, 'UPDATE') OR has_table_privilege(name, 'DELETE') "
    "OR has_table_privilege(name, 'TRUNCATE')) AS changes_audit"
)


def too_much(register: Register) -> list[str]:
    """What the service could do that it should not, and how its connection can be listened to.

    Returns
    -------
    list of str
        A sentence each, for whoever runs the service; empty for a role of least rights.
    """
    if register.engine.dialect.name != "postgresql":
        return []
    said = []
    with register.engine.connect() as connection:
        rights = connection.execute(_RIGHTS, {"tables": list(APPEND_ONLY)}).one()
    if rights.superuser:
        said.append("the register's role is a superuser of PostgreSQL")
    elif rights.makes_tables:
        said.append("the register's role can make, change and drop tables")
    if rights.changes_audit and not rights.superuser:
        said.append("the register's role can change or delete rows of the audit")
    said = [f"{words}; deploy/postgresql-roles.sql makes one that cannot" for words in said]
    host = register.engine.url.query.get("host") or register.engine.url.host or ""
    away = isinstance(host, str) and host and not host.startswith("/") and host not in LOOPBACK
    if away and register.engine.url.query.get("sslmode") != "verify-full":
        said.append(
            "the register is on another machine, whose certificate is not checked: add "
            "?sslmode=verify-full&sslrootcert=… to EARLYWARNING_DATABASE_URL"
        )
    return said
