"""Whatever refuses a file in these tests is said in Indonesian too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from earlywarning.errors import ConfigError, DataError
from earlywarning.io.sentences import translated

READING = frozenset(
    ("test_any_sheet", "test_behaviour_rows", "test_cells", "test_child", "test_dapodik_roster",
     "test_edfi_json", "test_edfi_xml", "test_erapor_ledger", "test_intake", "test_known_days",
     "test_mapping", "test_matching", "test_month_titles", "test_monthly_sheet", "test_oneroster",
     "test_plain_table", "test_reading", "test_sis_dump", "test_table_guess", "test_tabular",
     "test_unpacking")
)  # fmt: skip
"""Tests of what an upload on a page runs."""


@pytest.fixture(autouse=True)
def every_refusal_is_said_in_indonesian(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Keep the words of each refusal of a test, and look for their translation at its end."""
    said: list[str] = []

    def keep(error: Exception, *words: Any) -> None:
        Exception.__init__(error, *words)
        said.append(str(error))

    if request.path.stem in READING:
        for kind in (DataError, ConfigError):
            monkeypatch.setattr(kind, "__init__", keep)
    yield
    english = [words for words in said if translated(words, "id").language != "id"]
    assert not english
