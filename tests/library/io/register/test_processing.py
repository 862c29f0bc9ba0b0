"""Every table says whose data it holds, what for, and how long."""

from __future__ import annotations

from pathlib import Path

from earlywarning.io.register import erasure, processing
from earlywarning.io.register.schema import Base

DOCS = Path(__file__).parents[4] / "docs"


def test_every_table_is_declared() -> None:
    assert set(processing.RECORD) == set(Base.metadata.tables)


def test_the_document_shows_the_record() -> None:
    assert processing.as_markdown() in (DOCS / "data-protection.md").read_text(encoding="utf-8")


def test_whatever_names_a_student_or_family_is_erased_or_random() -> None:
    for table in Base.metadata.tables.values():
        if "student_id" in table.c or "household_key" in table.c:
            kept = processing.RECORD[table.name]
            erased = table.name not in erasure._NO_NAMES
            assert erased or "by random id" in kept.about, table.name
