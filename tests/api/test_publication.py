"""Publishing a draft over the API: as it was read, once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import update

from earlywarning.io.register.models import FactsSnapshot
from expectations import publishable
from service_world import World, opened_world


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    with opened_world(tmp_path) as made:
        publishable(made)
        yield made


def place(own: World) -> str:
    return f"/api/v1/visit_lists/{own.lists['2026-27-Q3']}"


def publish(own: World, etag: str | None, key: str | None = None, who: str = "coordinator"):
    headers = {"Idempotency-Key": key or uuid.uuid4().hex}
    if etag is not None:
        headers["If-Match"] = etag
    return own.as_(who).post(f"{place(own)}/publication", headers=headers)


def etag(own: World) -> str:
    return own.as_("coordinator").get(place(own)).headers["etag"]


def test_7_a_draft_is_published_as_it_was_read(own: World) -> None:
    read = etag(own)
    answer = publish(own, read, "once")
    assert answer.status_code == 201
    assert answer.json()["status"]["code"] == "published"
    assert answer.headers["location"] == place(own)
    assert answer.headers["etag"] == etag(own) != read
    assert own.as_("principal").get(place(own)).status_code == 200
    again = publish(own, read, "once")
    assert (again.status_code, again.headers["idempotent-replay"]) == (201, "true")
    assert publish(own, read).status_code == 412
    assert publish(own, etag(own)).status_code == 409


def test_7_what_was_not_read_is_not_published(own: World) -> None:
    assert publish(own, None).status_code == 428
    assert publish(own, '"other"').status_code == 412
    headers = {"If-Match": etag(own)}
    answer = own.as_("coordinator").post(f"{place(own)}/publication", headers=headers)
    assert (answer.status_code, answer.json()["type"].rsplit(":", 1)[1]) == (400, "key-needed")
    assert publish(own, etag(own), who="homeroom_teacher").status_code == 403
    assert own.as_("principal").get(place(own)).status_code == 404


def test_7_newer_data_is_looked_at_first(own: World) -> None:
    with own.register.session(writing=True) as session:
        session.execute(update(FactsSnapshot).values(snapshot_id="1" * 64))
        session.commit()
    assert publish(own, etag(own)).status_code == 409


def test_9_of_two_publishers_one_wins(own: World) -> None:
    read = etag(own)
    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(lambda _: publish(own, read).status_code, range(8)))
    assert found == [201] + [412] * 7
