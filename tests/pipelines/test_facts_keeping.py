"""`earlywarning facts`: alterations are found, and only what nothing rests on is removed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import small_school
from earlywarning.io.register import snapshots
from earlywarning_pipelines import cli, facts_keeping, publish
from earlywarning_pipelines.console import REFUSED_EXIT
from earlywarning_pipelines.home import Home, open_home
from people import SARI, SITI
from small_school import NOW, QUARTER, SCHOOL_YEAR

TWO_CLASSES = Path(__file__).parents[1] / "data" / "two_classes"


def said(home: Home, *words: str | Path) -> tuple[int, str]:
    typed = ["--home", str(home.settings.home), *map(str, words)]
    result = CliRunner().invoke(cli.app, typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """The cast's school, imported three times; the first import became a published list."""
    made = open_home(tmp_path)
    assert said(made, "init", "--no-lottery")[0] == 0
    small_school.settle(tmp_path, made.register)
    publish.publish(
        quarter=QUARTER, engine=made.engine, store=made.store, register=made.register,
        registry=made.models, district=made.district, seed=1, by=SARI.name, at=NOW,
    )  # fmt: skip
    for n in (1, 2):
        events = small_school.table(
            "attendance_event", small_school.absent(SITI, small_school.DAYS[:n])
        )
        small_school.save_facts(
            made.store, made.register, {"attendance_event": events}, at=NOW + timedelta(days=n)
        )
    return made


def uses(home: Home) -> list[tuple[str, ...]]:
    with home.register.session() as session:
        return [one.used_by for one in snapshots.known(session)]


def test_whole_facts(home: Home) -> None:
    code, text = said(home, "facts", "verify")
    assert code == 0, text
    assert text.startswith("whole: 3 snapshots, ")


def test_an_altered_file_is_found(home: Home) -> None:
    current = home.store.folder(str(home.register.current_snapshot()))
    path = current / "attendance_event" / f"{SCHOOL_YEAR}.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()  # other snapshots may share the file
    path.write_bytes(content)
    code, text = said(home, "facts", "verify")
    assert code == REFUSED_EXIT
    assert "was altered after it was written" in text


def test_unused_snapshots_go_and_lists_keep_theirs(home: Home) -> None:
    assert uses(home) == [("list",), (), ("current",)]
    late = NOW + timedelta(days=100)
    dry = facts_keeping.clean(home, at=late, by="administrator", dry=True)
    assert (len(dry.removed), dry.kept, facts_keeping.verify(home).whole) == (1, 2, 3)
    assert not facts_keeping.clean(home, at=NOW + timedelta(days=30), by="administrator").removed
    done = facts_keeping.clean(home, at=late, by="administrator")
    assert done == dry
    assert done.bytes > 0
    found = facts_keeping.verify(home)
    assert (found.whole, found.faults) == (2, ())
    assert not facts_keeping.clean(home, at=late, by="administrator").removed
    # The published list can still be made again, byte for byte.
    (listed,) = said(home, "lists")[1].splitlines()
    code, text = said(home, "rebuild", listed.split()[0])
    assert (code, text.startswith("identical")) == (0, True)


def test_a_snapshot_that_a_list_needs_must_be_there(home: Home) -> None:
    with home.register.session() as session:
        first = snapshots.known(session)[0].snapshot_id
    home.store.folder(first).rename(home.settings.home / "elsewhere")
    code, text = said(home, "facts", "verify")
    assert (code, f"snapshot {first[:12]} is not in" in text) == (REFUSED_EXIT, True)


def files(home: Home) -> dict[str, tuple[int, int]]:
    """Inode and time of every file of the current snapshot."""
    folder = home.store.folder(str(home.register.current_snapshot()))
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.glob("*/*.parquet")
    }


def test_an_import_touches_only_what_it_changes(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    assert said(home, "init", "--no-lottery")[0] == 0
    mapping = TWO_CLASSES / "mapping.toml"
    first = ("import", "--mapping", mapping, "--delivered-on", "2026-10-01")
    assert said(home, *first, TWO_CLASSES)[0] == 0
    # Another school year lies there, too.
    days = home.store.read(home.register.current_snapshot(), "register_day")
    earlier = days.with_columns((pl.col("day", "known_day") - 364).cast(pl.Int32))
    small_school.save_facts(home.store, home.register, {"register_day": pl.concat([earlier, days])})
    before = files(home)
    assert {"register_day/2025-26.parquet", "register_day/2026-27.parquet"} <= before.keys()

    delivery = tmp_path / "delivery"
    delivery.mkdir()
    for path in TWO_CLASSES.glob("*.csv"):
        (delivery / path.name).write_bytes(path.read_bytes())
    marks = delivery / "kehadiran.csv"
    corrected = marks.read_text("utf-8").replace("0101;02/09/2026;A", "0101;02/09/2026;S")
    marks.write_text(corrected, "utf-8")
    again = ("import", "--mapping", mapping, "--delivered-on", "2026-10-02", delivery)
    assert said(home, *again)[0] == 0
    after = files(home)
    assert {name for name in after if before.get(name) != after[name]} == {
        "attendance_event/2026-27.parquet"
    }
