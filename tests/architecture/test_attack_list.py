"""The list of attacks: each of its forty numbers has tests that carry it in their names."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
NUMBERS = range(1, 41)
_NAME = re.compile(r"^(?: {4})?(?:async )?def test_((?:\d{1,2}_)+)", re.MULTILINE)


def test_every_attack_has_a_test(capsys: pytest.CaptureFixture[str]) -> None:
    found = Counter(
        int(number)
        for path in TESTS.rglob("test_*.py")
        for name in _NAME.findall(path.read_text("utf-8"))
        for number in name.split("_")
        if number
    )
    assert [number for number in NUMBERS if not found[number]] == []
    tests = sum(found[number] for number in NUMBERS)
    with capsys.disabled():
        print(f"\nattacks: {len(NUMBERS)} of {len(NUMBERS)} numbers have tests, {tests} in all")
