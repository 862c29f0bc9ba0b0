"""Two people who publish the same quarter at the same moment: exactly one wins, every time (9)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

import postgres
from earlywarning.errors import Conflict
from earlywarning.io.register import lists
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import VisitList
from service_world import NOW, draft, people

AS_OF = date(2026, 10, 1)
DRAFTS = {by: draft("2026-27-Q2", AS_OF, absent) for by, absent in (("ratna", 4), ("joko", 9))}
"""Two orders of the same families."""


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with postgres.server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Register]:
    url = f"sqlite:///{tmp_path / 'register.db'}"
    if request.param == "postgresql":
        url = postgres.new_database(request.getfixturevalue("server"))
    with open_register(url) as opened:
        people(opened)
        yield opened


@pytest.mark.parametrize(
    "times", [pytest.param(10, id="10"), pytest.param(500, id="500", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("through", ["a draft", "no draft"])
def test_9_exactly_one_publishes(register: Register, times: int, through: str) -> None:
    """Twice as many races as `times`: with a draft that both looked at, and without."""
    for _ in range(times):
        at_once = threading.Barrier(2)
        seen: list[lists.ListRow] = []
        if through == "a draft":
            seen = lists.save(register, [DRAFTS["ratna"]], by="ratna", at=NOW, publish=False)

        def publish(
            by: str, at_once: threading.Barrier = at_once, seen: list[lists.ListRow] = seen
        ) -> str:
            at_once.wait(60)
            try:
                if through == "a draft":
                    (row,) = lists.publish_drafts(register, seen, by=by, at=NOW)
                else:
                    (row,) = lists.save(register, [DRAFTS[by]], by=by, at=NOW, publish=True)
            except Conflict:
                return ""
            assert row.published_by == by
            return row.visit_list_id

        with ThreadPoolExecutor(2) as pool:
            ids = list(pool.map(publish, DRAFTS))
        assert sorted(map(bool, ids)) == [False, True]
        (there,) = lists.of_quarter(register, "2026-27-Q2", status=lists.PUBLISHED)
        assert there.visit_list_id in ids
        assert lists.frozen_record(register, there.visit_list_id)
        with register.session(writing=True) as session:
            assert session.scalar(select(func.count()).select_from(VisitList)) == 1
            session.execute(delete(VisitList))
            session.commit()
