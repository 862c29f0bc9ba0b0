"""Lists in the register: whole or not at all, published once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select, update

from earlywarning.errors import ArtifactError, Conflict, NotFound
from earlywarning.io.register import lists
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import VisitList, VisitListItem, VisitListStudent
from earlywarning.visits.visit_list import VisitListDraft
from service_world import draft, other_school, people

NOW = datetime(2026, 10, 5, 8, 0)  # noqa: DTZ001 - the register keeps UTC without zone
Q2 = "2026-27-Q2"


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as opened:
        people(opened)
        yield opened


def second_quarter(absent: int = 9) -> VisitListDraft:
    return draft(Q2, date(2026, 10, 1), absent)


def counts(register: Register) -> tuple[int, ...]:
    with register.session() as session:
        return tuple(
            session.scalar(select(func.count()).select_from(table)) or 0
            for table in (VisitList, VisitListItem, VisitListStudent)
        )


def test_a_saved_list_is_whole(register: Register) -> None:
    made = second_quarter()
    (row,) = lists.save(register, [made], by="Bu Ratna", at=NOW, publish=False)
    assert counts(register) == (1, 6, 7)
    assert (row.status, row.revision, row.published_at) == ("draft", 1, None)
    frozen, document = lists.frozen_record(register, row.visit_list_id)
    assert frozen == made.frozen
    assert document["header"] == row.header
    with register.session() as session:
        stored = session.execute(
            select(VisitListItem.household_key, VisitListItem.position, VisitListItem.track)
        ).all()
    assert {tuple(one) for one in stored} == {
        (one["household_key"], one["position"], one["track"]) for one in made.households
    }


def test_a_new_draft_replaces_the_older_one(register: Register) -> None:
    lists.save(register, [second_quarter(3)], by="a", at=NOW, publish=False)
    (row,) = lists.save(register, [second_quarter(4)], by="b", at=NOW, publish=False)
    assert counts(register) == (1, 6, 7)
    assert lists.of_quarter(register, Q2, status="draft") == [row]
    assert row.made_by == "b"


def test_a_draft_is_published_as_it_was_seen(register: Register) -> None:
    drafts = lists.save(register, [second_quarter(), other_school()], by="a", at=NOW, publish=False)
    done = lists.publish_drafts(register, drafts, by="Bu Ratna", at=NOW)
    assert [row.status for row in done] == ["published", "published"]
    assert [row.frozen_sha256 for row in done] == [row.frozen_sha256 for row in drafts]
    assert [(row.published_by, row.published_at) for row in done] == [("Bu Ratna", NOW)] * 2


def test_publishing_twice_says_who_and_when(register: Register) -> None:
    lists.save(register, [second_quarter()], by="Bu Ratna", at=NOW, publish=True)
    for publish in (True, False):
        with pytest.raises(Conflict, match="published by Bu Ratna at 2026-10-05 08:00 UTC"):
            lists.save(register, [second_quarter()], by="b", at=NOW, publish=publish)
    assert counts(register) == (1, 6, 7)


def test_one_school_that_was_published_stops_all(register: Register) -> None:
    lists.save(register, [other_school()], by="Pak Joko", at=NOW, publish=True)
    before = counts(register)
    with pytest.raises(Conflict, match="SCH2"):
        lists.save(register, [second_quarter(), other_school()], by="b", at=NOW, publish=True)
    assert counts(register) == before


def test_a_draft_replaced_meanwhile_is_not_published(register: Register) -> None:
    seen = lists.save(register, [second_quarter(3)], by="a", at=NOW, publish=False)
    lists.save(register, [second_quarter(4)], by="b", at=NOW, publish=False)
    with pytest.raises(Conflict, match="replaced since it was read"):
        lists.publish_drafts(register, seen, by="a", at=NOW)
    assert lists.of_quarter(register, Q2, status="published") == []


def test_a_changed_record_is_neither_published_nor_opened(register: Register) -> None:
    (row,) = lists.save(register, [second_quarter()], by="a", at=NOW, publish=False)
    with register.session(writing=True) as session:
        session.execute(update(VisitList).values(frozen=second_quarter().frozen + b" "))
        session.commit()
    with pytest.raises(ArtifactError, match="changed after it was made"):
        lists.publish_drafts(register, [row], by="a", at=NOW)
    with pytest.raises(ArtifactError, match="changed after it was frozen"):
        lists.frozen_record(register, row.visit_list_id)


def test_of_many_publishers_exactly_one_wins(register: Register) -> None:
    drafts = lists.save(register, [second_quarter()], by="a", at=NOW, publish=False)
    start = Barrier(4)
    outcomes: list[str] = []

    def publish(name: str) -> None:
        start.wait()
        try:
            lists.publish_drafts(register, drafts, by=name, at=NOW)
            outcomes.append("won")
        except Conflict:
            outcomes.append("lost")

    threads = [Thread(target=publish, args=(f"p{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["lost", "lost", "lost", "won"]


def test_what_is_not_there(register: Register) -> None:
    for ask in (
        lambda: lists.find(register, ["nothing"]),
        lambda: lists.frozen_record(register, "nothing"),
    ):
        with pytest.raises(NotFound, match="no visit list 'nothing'"):
            ask()


def test_everything_newest_quarter_first(register: Register) -> None:
    for quarter, day in ((Q2, date(2026, 10, 1)), ("2026-27-Q1", date(2026, 7, 1))):
        lists.save(register, [draft(quarter, day, 1)], by="a", at=NOW, publish=True)
    assert [row.quarter for row in lists.everything(register)] == [Q2, "2026-27-Q1"]
