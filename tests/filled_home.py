"""An installation with something in every store: the cast's register, facts, a model, a key."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, datetime
from pathlib import Path

import polars as pl

from earlywarning.calendar import NEVER, day_number
from earlywarning.io import signing
from earlywarning.io.facts import FACT_SCHEMAS, FactStore
from earlywarning.io.register.db import open_register
from earlywarning.io.register.models import FactsSnapshot, ImportBatch
from earlywarning.settings import Settings
from earlywarning_pipelines import setup
from earlywarning_pipelines.home import Home
from people import CHILDREN, SCHOOL_ID
from service_world import fill

AT = datetime(2026, 10, 5, 8, 0)  # noqa: DTZ001 - the register keeps UTC without zone


def absences() -> pl.DataFrame:
    """Two days of absence of every child, in two school years."""
    schema = FACT_SCHEMAS["attendance_event"]
    values = {
        "student_id": lambda child, _: child.student_id,
        "day": lambda _, day: day_number(day),
        "school_id": lambda *_: SCHOOL_ID,
        "known_day": lambda _, day: day_number(day) + 1,
        "valid_until": lambda *_: NEVER,
        "superseded_day": lambda *_: NEVER,
        "status": lambda *_: "unexcused",
    }
    rows = [
        [values[name](child, day) if name in values else _any(kind)
         for name, kind in schema.items()]
        for child in CHILDREN
        for day in (date(2026, 3, 3), date(2026, 9, 3))
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _any(kind: pl.DataType) -> object:
    return {pl.String: "x", pl.Boolean: False, pl.Int32: 1, pl.Int64: 1, pl.Float64: 1.0}.get(
        type(kind) if isinstance(kind, pl.DataType) else kind  # type: ignore[arg-type]
    )


def made(folder: Path, *, database_url: str = "") -> Home:
    """A new installation in a folder that does not exist yet."""
    settings = Settings(home=folder, database_url=database_url)
    home = Home(settings)
    setup.run(home, name="SMP Contoh", lottery=False, capacity=8)
    store = FactStore(settings.facts_dir)
    snapshot = store.write({"attendance_event": absences()}, base=None)
    with open_register(settings.register_url, head_file=settings.audit_head) as register:
        fill(register)
        with register.session(writing=True) as session:
            session.add(
                FactsSnapshot(
                    snapshot_id=snapshot.id, made_at=AT, is_current=True, rows=dict(snapshot.rows)
                )
            )
            session.flush()
            session.add(
                ImportBatch(
                    import_id="1" * 32, source="contoh", delivered_on=AT.date(), finished_at=AT,
                    mapping_hash="2" * 64, files=["absen.csv"], counts={}, snapshot_id=snapshot.id,
                )
            )  # fmt: skip
            session.commit()
    artifacts = folder / "mlflow-artifacts" / "run" / "artifacts"
    artifacts.mkdir(parents=True)
    (artifacts / "model.ubj").write_bytes(bytes(range(256)) * 300)
    with closing(sqlite3.connect(folder / "mlflow.db")) as catalogue:
        catalogue.execute("create table runs (run_id text, name text)")
        catalogue.execute("insert into runs values ('r1', 'attendance')")
        catalogue.commit()
    signing.made(settings.model_key)
    return home
