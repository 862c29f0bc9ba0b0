"""Codes mean something only within their namespace; tables describe themselves fully."""

from __future__ import annotations

import pytest

from earlywarning.errors import ConfigError
from earlywarning.records.codes import (
    ABSENT_STATUSES,
    ALLOWED,
    ATTENDANCE_STATUSES,
    OUTSIDE_DENOMINATOR,
    attendance_codes,
)
from earlywarning.records.tables import FACT_TABLES, SOURCE_TABLES


def test_the_same_letter_differs_by_namespace() -> None:
    assert attendance_codes("id").statuses["I"] == "permitted"
    assert attendance_codes("uk2024").statuses["I"] == "sick"
    assert attendance_codes("id").statuses["TA"] == "unrecorded"


def test_a_school_adds_codes_of_its_own() -> None:
    codes = attendance_codes("id", {" izn ": "permitted"})
    assert codes.statuses["IZN"] == "permitted"
    assert attendance_codes("school", {"X": "sick"}).statuses == {"X": "sick"}


def test_unknown_namespaces_and_statuses_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"allowed: edfi5\.2, id, uk2024"):
        attendance_codes("fr")
    with pytest.raises(ConfigError, match="unknown status 'ill'"):
        attendance_codes("id", {"X": "ill"})


def test_every_status_is_counted_once() -> None:
    assert len(set(ATTENDANCE_STATUSES)) == len(ATTENDANCE_STATUSES)
    assert not set(ABSENT_STATUSES) & set(OUTSIDE_DENOMINATOR)
    for namespace in ("id", "uk2024", "edfi5.2"):
        assert set(attendance_codes(namespace).statuses.values()) <= set(ATTENDANCE_STATUSES)


def test_tables_name_their_keys_and_closed_lists() -> None:
    for table in (*SOURCE_TABLES.values(), *FACT_TABLES.values()):
        assert set(table.key) <= set(table.names)
        assert len(set(table.names)) == len(table.names)
    for table, column in ALLOWED:
        assert column in SOURCE_TABLES[table].names
    for table in FACT_TABLES.values():
        assert table.names[-2:] == ("known_day", "superseded_day")
        assert not {"name", "full_name", "phone", "national_id"} & set(table.names)
