"""Versions of the register's schema, packaged with the library.

A new one: change `models.py`, add `versions/v0002_<what>.py` whose `down_revision` is the last
one, and move `HEAD`. A test compares models and migrations. Revisions sort by name.
"""

HEAD = "0016"
"""The newest revision: a register that has it needs no Alembic at all."""

VERSION_TABLE = "earlywarning_alembic"
"""Not Alembic's usual name, which MLflow uses for its own tables."""
