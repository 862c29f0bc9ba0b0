"""Whatever refuses a file in these tests is said in Indonesian too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from earlywarning.errors import ConfigError, DataError
from earlywarning.io.delivery import Delivery
from earlywarning.io.sentences import QUOTED, Sentence, translated

READING = frozenset(
    ("test_any_sheet", "test_behaviour_rows", "test_cells", "test_child", "test_dapodik_roster",
     "test_edfi_json", "test_edfi_xml", "test_erapor_ledger", "test_intake", "test_known_days",
     "test_mapping", "test_matching", "test_month_titles", "test_monthly_sheet", "test_oneroster",
     "test_plain_table", "test_reading", "test_sis_dump", "test_table_guess", "test_tabular",
     "test_unpacking")
)  # fmt: skip
"""Tests of what an upload on a page runs."""


ENGLISH = re.compile(r"\b(?:the|is|are|was|of|and|not|no|it|to|has|holds|which|cannot|nothing)\b")
"""Words that no Indonesian sentence has; `no` of a table of answers apart."""


FOLDER = re.compile(r"/\S+")


def left_in_english(said: Sentence) -> list[str]:
    """Words of a sentence that are English and are not quoted."""
    text = said.text
    for quoted in said.quoted:
        text = text.replace(quoted, "")
    return ENGLISH.findall(
        FOLDER.sub("", QUOTED.sub("", text)).replace("yes, no,", "").replace("atau no", "")
    )


@pytest.fixture(autouse=True)
def every_refusal_is_said_in_indonesian(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Keep the words of each refusal and note of a test, and look for their translation at its end;
    also of what is allowed instead of each refused cell."""
    said: list[str] = []

    def keep(error: Exception, *words: Any) -> None:
        Exception.__init__(error, *words)
        said.append(str(error))

    def keep_more(delivery: Delivery, *ended: Any) -> None:
        said.extend(delivery.warnings)
        said.extend(delivery.refused["allowed"].drop_nulls().unique())
        leave(delivery, *ended)

    leave = Delivery.__exit__
    if request.path.stem in READING:
        monkeypatch.setattr(Delivery, "__exit__", keep_more)
        for kind in (DataError, ConfigError):
            monkeypatch.setattr(kind, "__init__", keep)
    yield
    for words in dict.fromkeys(said):
        in_indonesian = translated(words, "id")
        assert in_indonesian.language == "id", words
        assert not left_in_english(in_indonesian), (words, in_indonesian.text)
