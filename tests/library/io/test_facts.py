"""The store of facts: written aside, named by content, never half there."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from pyarrow.dataset import Expression, dataset, field

from earlywarning.calendar import NEVER, day_number
from earlywarning.errors import ArtifactError, Conflict
from earlywarning.io.facts import FACT_SCHEMAS, ROW_GROUP, FactStore, part_of
from earlywarning.records.tables import FACT_TABLES


@pytest.fixture
def store(tmp_path: Path) -> FactStore:
    return FactStore(tmp_path / "facts")


def days(*found: str, taken: bool = True) -> pl.DataFrame:
    """Register days of one class."""
    rows = [
        ("S1/VII-A", day_number(date.fromisoformat(one)), "S1", taken, False, 1, NEVER)
        for one in found
    ]
    return pl.DataFrame(rows, schema=FACT_SCHEMAS["register_day"], orient="row")


def test_what_is_written_is_read(store: FactStore) -> None:
    rows = days("2025-06-30", "2025-07-01", "2026-08-03")
    snapshot = store.write({"register_day": rows}, base=None)
    assert store.read(snapshot.id, "register_day").equals(rows)
    assert store.parts(snapshot.id, "register_day") == ["2024-25", "2025-26", "2026-27"]
    assert store.read_part(snapshot.id, "register_day", "2026-27").height == 1
    assert store.read_part(snapshot.id, "register_day", "2019-20").height == 0
    assert snapshot.rows == {table: 3 * (table == "register_day") for table in FACT_TABLES}
    # Every table has a file, so that every engine finds the columns.
    for table in FACT_TABLES:
        (first, *_) = sorted((store.folder(snapshot.id) / table).iterdir())
        assert pl.read_parquet(first).schema == FACT_SCHEMAS[table]


def test_before_any_import_tables_are_empty(store: FactStore) -> None:
    for table in FACT_TABLES:
        assert store.read(None, table).schema == FACT_SCHEMAS[table]
        assert store.parts(None, table) == []


def test_the_same_facts_have_the_same_name(store: FactStore, tmp_path: Path) -> None:
    rows = {"register_day": days("2026-08-03")}
    first = store.write(rows, base=None)
    assert store.write(rows, base=None).id == first.id
    assert store.write({}, base=first.id).id == first.id
    assert store.write(rows, base=first.id).id == first.id
    assert FactStore(tmp_path / "elsewhere").write(rows, base=None).id == first.id
    assert store.write({"register_day": days("2026-08-04")}, base=None).id != first.id


def test_files_that_did_not_change_are_shared(store: FactStore) -> None:
    first = store.write({"register_day": days("2026-06-30", "2026-08-03")}, base=None)
    with store.writer(base=first.id) as writer:
        writer.put("register_day", "2026-27", days("2026-08-03", "2026-08-04"))
        second = writer.finish()

    def inode(snapshot: str, name: str) -> int:
        return os.stat(store.folder(snapshot) / "register_day" / name).st_ino

    assert inode(first.id, "2025-26.parquet") == inode(second.id, "2025-26.parquet")
    assert inode(first.id, "2026-27.parquet") != inode(second.id, "2026-27.parquet")
    # The older one is as it was, and outlives nothing: each stands alone.
    store.remove_except({second.id})
    store.verify(second.id)
    assert store.read(second.id, "register_day").height == 3


def test_row_groups_are_of_one_size_and_say_what_is_in_them(store: FactStore) -> None:
    """A reader of one student, or of some days, leaves out what cannot hold them."""
    count = 2 * ROW_GROUP + 10
    first = day_number(date(2026, 8, 3))
    rows = days("2026-08-03").clear()
    rows = pl.DataFrame({"n": pl.int_range(count, eager=True)}).select(
        pl.format("C{}", pl.col("n") // 100 + 100_000).alias("class_id"),
        (first + pl.col("n") % 100).cast(pl.Int32).alias("day"),
        pl.lit("S1").alias("school_id"), pl.lit(True).alias("taken"),
        pl.lit(False).alias("assumed"), pl.lit(first + 200, pl.Int32).alias("known_day"),
        pl.lit(NEVER, pl.Int32).alias("superseded_day"),
    ).select(rows.columns).cast(rows.schema)  # fmt: skip
    snapshot = store.write({"register_day": rows}, base=None)
    path = store.folder(snapshot.id) / "register_day" / "2026-27.parquet"
    (fragment,) = dataset(path).get_fragments()
    assert [group.num_rows for group in fragment.row_groups] == [ROW_GROUP, ROW_GROUP, 10]
    for group in fragment.row_groups:
        assert set(rows.columns) == set(group.statistics)

    def read(wanted: Expression) -> int:
        return len(fragment.subset(wanted).row_groups)

    assert read(field("class_id") == "C100000") == 1
    assert read(field("day") < first) == 0
    assert read(field("known_day") < first + 200) == 0
    assert read(field("day") >= first) == 3


def test_a_table_written_whole_loses_the_years_it_no_longer_has(store: FactStore) -> None:
    first = store.write({"register_day": days("2026-06-30", "2026-08-03")}, base=None)
    second = store.write({"register_day": days("2026-08-03")}, base=first.id)
    assert store.parts(second.id, "register_day") == ["2026-27"]
    third = store.write({"register_day": days()}, base=second.id)
    assert store.read(third.id, "register_day").height == 0
    store.verify(third.id)


def test_what_is_not_finished_is_not_there(store: FactStore) -> None:
    with store.writer(base=None) as writer:
        writer.put("register_day", "2026-27", days("2026-08-03"))
    assert list((store.root / "snapshots").iterdir()) == []


def test_what_no_import_stands_for_is_removed(store: FactStore) -> None:
    kept = store.write({"register_day": days("2026-08-03")}, base=None)
    store.write({"register_day": days("2026-08-04")}, base=kept.id)
    (store.root / "snapshots" / ".aside-0" / "grade").mkdir(parents=True)
    store.remove_except({kept.id})
    assert [path.name for path in (store.root / "snapshots").iterdir()] == [kept.id]
    store.verify(kept.id)


def test_every_alteration_is_found(store: FactStore) -> None:
    snapshot = store.write({"register_day": days("2026-08-03")}, base=None)
    folder = store.folder(snapshot.id)
    store.verify(snapshot.id)
    file = folder / "register_day" / "2026-27.parquet"
    whole = file.read_bytes()

    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ArtifactError, match=r"2026-27\.parquet: is missing or was altered"):
        store.verify(snapshot.id)
    file.unlink()
    with pytest.raises(ArtifactError, match="is missing or was altered"):
        store.verify(snapshot.id)
    file.write_bytes(whole)
    (folder / "grade" / "more.parquet").write_bytes(whole)
    with pytest.raises(ArtifactError, match=r"more\.parquet: is not part of the snapshot"):
        store.verify(snapshot.id)
    (folder / "grade" / "more.parquet").unlink()
    store.verify(snapshot.id)

    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"rows":1', b'"rows":2'))
    with pytest.raises(ArtifactError, match="was altered after it was written"):
        store.read(snapshot.id, "register_day")
    manifest.unlink()
    with pytest.raises(ArtifactError, match="restore the folder from the backup"):
        store.verify(snapshot.id)


def test_a_base_that_lost_a_file_is_not_built_upon(store: FactStore) -> None:
    first = store.write({"register_day": days("2026-06-30", "2026-08-03")}, base=None)
    (store.folder(first.id) / "register_day" / "2025-26.parquet").unlink()
    with store.writer(base=first.id) as writer:
        writer.put("register_day", "2026-27", days("2026-08-04"))
        with pytest.raises(ArtifactError, match="is missing; restore a backup"):
            writer.finish()


def test_only_one_import_at_a_time(store: FactStore) -> None:
    with (
        store.only_writer(wait_seconds=0),
        pytest.raises(Conflict, match=r"another import .* nothing was saved, try again"),
        store.only_writer(wait_seconds=0.05),
    ):
        pass
    with store.only_writer(wait_seconds=0):
        pass


@pytest.mark.parametrize(
    ("day", "part"),
    [("2026-06-30", "2025-26"), ("2026-07-01", "2026-27"), ("1999-12-31", "1999-00")],
)
def test_the_file_of_a_day(day: str, part: str) -> None:
    assert days(day).select(part_of("register_day")).item() == part
