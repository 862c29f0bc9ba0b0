"""The main job on PostgreSQL: migrations, imports, a published list, its rebuild."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

import postgres
from earlywarning import district
from earlywarning.errors import Conflict
from earlywarning.io.engine import open_engine
from earlywarning.io.facts import FactStore
from earlywarning.io.mapping import load_mapping
from earlywarning.io.model_registry import ModelRegistry
from earlywarning.io.register import tokens
from earlywarning.io.register.db import open_register
from earlywarning.io.register.models import ImportBatch, Student, VisitListItem
from earlywarning_pipelines import ingest, publish

DATA = Path(__file__).parent.parent / "data" / "contoso"
AT = datetime(2026, 1, 1)  # noqa: DTZ001 - the register keeps UTC without zone


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with postgres.server() as folder:
        yield folder


def test_from_files_to_a_list(server: Path, tmp_path: Path) -> None:
    url = postgres.new_database(server)
    rules = district.load(DATA / "district.toml")
    store = FactStore(tmp_path / "facts")
    numbers = itertools.count(1)
    with open_register(url) as register:

        def take(day: int) -> ingest.IngestResult:
            return ingest.run(
                files=[DATA / f"day{day}"],
                mapping=load_mapping(DATA / "mapping.toml"),
                store=store,
                register=register,
                district=rules,
                delivered_on=date(2020, 6, day),
                finished_at=AT + timedelta(days=day),
                id_source=lambda: f"{next(numbers):032x}",
            )

        tools = {
            "engine": open_engine(), "store": store, "register": register,
            "registry": ModelRegistry(
                f"sqlite:///{tmp_path / 'mlflow.db'}",
                artifact_location=(tmp_path / "artifacts").as_uri(),
                register=register,
            ),
        }  # fmt: skip
        assert take(1).counts["student"].added == 2
        assert not take(1).changed_anything
        (made,) = publish.publish(
            quarter="2019-20-Q3", district=rules, seed=1, by="Bu Ratna", at=AT, **tools
        )
        assert take(2).counts["student"].added == 1
        assert publish.rebuild(made.visit_list_id, **tools).identical
        with pytest.raises(Conflict):
            publish.publish(
                quarter="2019-20-Q3", district=rules, seed=1, by="Bu Ratna", at=AT, **tools
            )
        made_token = tokens.create(
            register, role="coordinator", label="Bu Ratna", school_id="sch0", at=AT, expires_days=9
        )
        assert made_token.secret.startswith("ew_")
        with register.session() as session:
            for model, rows in ((Student, 3), (ImportBatch, 3)):
                assert session.scalar(select(func.count()).select_from(model)) == rows
            assert session.scalar(select(func.count()).select_from(VisitListItem))
            names = set(session.scalars(select(Student.full_name)))
    assert "Al Ibarra" in names
    with open_register(url, migrate=False) as again:
        assert again.current_snapshot() is not None
