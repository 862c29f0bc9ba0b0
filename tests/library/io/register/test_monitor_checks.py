"""What watching found is kept, look by look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from earlywarning.io.register import monitor_checks
from earlywarning.io.register.db import Register, open_register
from earlywarning.risk.watch.checks import Check

AT = datetime(2026, 10, 5, 7, 30)  # noqa: DTZ001 - the register keeps UTC without zone
FOUND = [
    ("2026-27-Q2", Check("recorded_share", "act", 0.61, 0.93, subject="S1")),
    ("2026-27-Q1", Check("capture", "ok", float("nan"), 0.3, outcome="grades")),
]


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as opened:
        yield opened


def test_the_newest_look_is_the_latest_and_the_older_ones_stay(register: Register) -> None:
    assert monitor_checks.latest(register) == []
    first = monitor_checks.save(register, FOUND, at=AT)
    later = AT + timedelta(days=1)
    second = monitor_checks.save(register, FOUND[:1], at=later)
    assert monitor_checks.latest(register) == second
    assert monitor_checks.history(register) == [*second, *first]
    assert monitor_checks.history(register, quarter="2026-27-Q1") == [first[1]]
    kept = first[0]
    assert (kept.code, kept.subject, kept.status) == ("recorded_share", "S1", "act")
    assert (kept.value, kept.limit, kept.at) == (0.61, 0.93, AT)


def test_a_figure_that_does_not_exist_is_none(register: Register) -> None:
    assert monitor_checks.save(register, FOUND, at=AT)[1].value is None
    assert monitor_checks.latest(register)[1].value is None


def test_a_look_without_checks_leaves_nothing(register: Register) -> None:
    assert monitor_checks.save(register, [], at=AT) == []
    assert monitor_checks.latest(register) == []


def test_a_look_is_kept_whole_or_not_at_all(register: Register) -> None:
    with pytest.raises(IntegrityError):
        monitor_checks.save(register, FOUND, at=AT, id_source=lambda: "same")
    assert monitor_checks.history(register) == []
