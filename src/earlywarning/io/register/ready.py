"""Whether the register can be read by this version of the program."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from earlywarning.io.register.db import Register
from earlywarning.io.register.migrations import HEAD, VERSION_TABLE


def is_ready(register: Register) -> bool:
    """The register answers, and its schema is the one that this version needs."""
    query = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant of ours
    try:
        with register.engine.connect() as connection:
            return connection.execute(query).scalar() == HEAD
    except SQLAlchemyError:
        return False
