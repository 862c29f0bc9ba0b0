"""A file made to harm ends the child that reads it, never the import, and is told in words."""

from __future__ import annotations

import ast
import os
import signal
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hostile_reader
from earlywarning.errors import ConfigError, DataError
from earlywarning.io import child_talk, numbered
from earlywarning.io.child import Child
from earlywarning.io.file_kind import Limits
from earlywarning.io.school_files.interface import Bundle

LIMITS = Limits(memory_bytes=600_000_000, seconds=3, unpacked_bytes=10_000_000)
HOSTILE = (sys.executable, "-s", "-P", "-B", hostile_reader.__file__)
needs_limits = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="this system does not limit a process's memory"
)


def bundle(child: Child, folder: Path, what: str, name: str = "hadir.csv") -> Bundle:
    path = folder / name
    path.write_text(f"{what}\nNIS;Tanggal;Kode\n", encoding="utf-8")
    return Bundle((child.inspect(path, ("text",)),), name, child.limits)


def said(what: str, folder: Path, limits: Limits = LIMITS) -> str:
    """What a person reads; afterwards the same child, or a new one, must read on."""
    with Child(limits, HOSTILE) as child:
        harmful = bundle(child, folder, what)
        with pytest.raises(DataError) as while_looking:
            child.sniff("hostile", harmful)
        table = child.open(harmful, layout="hostile", part="rows")
        read: list[int] = []
        with pytest.raises(DataError) as while_reading:
            read.extend(chunk.cells.height for chunk in table.chunks())
        assert read[0] == 300_000  # what was sent before
        assert sum(read) in (300_000, 600_000)
        harmless = child.sniff("hostile", bundle(child, folder, "good", "good.csv"))
        assert harmless is not None
        assert harmless.what == "good"
    for error in (while_looking, while_reading):
        assert str(error.value).startswith("hadir.csv: ")
        assert "Traceback" not in str(error.value)
    return str(while_looking.value)


@needs_limits
@pytest.mark.parametrize("what", ["hold memory", "hold memory in a library"])
def test_memory_is_limited(what: str, tmp_path: Path) -> None:
    assert said(what, tmp_path) == (
        "hadir.csv: needs more memory than 600 MB to be read; split it, for instance by month, or "
        "raise memory_mb in [import] of district.toml"
    )


@pytest.mark.parametrize("what", ["compute for ever", "wait for ever"])
def test_time_is_limited(what: str, tmp_path: Path) -> None:
    assert said(what, tmp_path) == (
        "hadir.csv: took more than 3 s in one step and was given up; split it, for instance by "
        "month, or raise seconds in [import] of district.toml"
    )


@needs_limits
def test_processor_time_is_limited_even_if_the_parent_is_gone(tmp_path: Path) -> None:
    """The parent's clock is off here: the system itself ends the child."""
    with Child(replace(LIMITS, seconds=1.0), HOSTILE) as child:
        harmful = bundle(child, tmp_path, "compute for ever")
        child.limits = replace(LIMITS, seconds=60)
        with pytest.raises(DataError, match="took more than 60 s"):
            child.sniff("hostile", harmful)


@needs_limits
def test_no_large_file_is_written(tmp_path: Path) -> None:
    words = said("write a large file", tmp_path)
    assert "File too large" in words or "unpacks to more than 10 MB" in words


def test_a_killed_child_is_told(tmp_path: Path) -> None:
    assert "the process that reads it has ended (signal 9)" in said("be killed", tmp_path)


def test_a_child_that_leaves_is_told(tmp_path: Path) -> None:
    assert "the process that reads it has ended (exit code 0)" in said("leave", tmp_path)


def test_other_errors_become_words_with_a_place(tmp_path: Path) -> None:
    assert said("fail", tmp_path).startswith(
        "hadir.csv: cannot be read (ZeroDivisionError: no class has 0 students); it is damaged, or"
    )
    assert "RecursionError" in said("recurse", tmp_path)
    with Child(LIMITS, HOSTILE) as child:
        table = child.open(bundle(child, tmp_path, "fail"), layout="hostile", part="rows")
        with pytest.raises(DataError, match=r"has 0 students, after row 600,001\); it is damaged"):
            list(table.chunks())


@pytest.mark.parametrize(
    "what",
    [
        "talk nonsense", "lie about lengths", "send no tables", "send a number",
        "send rows without a place",
    ],
)  # fmt: skip
def test_nonsense_is_no_answer(what: str, tmp_path: Path) -> None:
    assert "has answered with what is no answer" in said(what, tmp_path)


def test_what_libraries_print_is_no_answer(tmp_path: Path) -> None:
    with Child(LIMITS, HOSTILE) as child:
        found = child.sniff("hostile", bundle(child, tmp_path, "print"))
        assert found is not None
        assert found.what == "print"


def test_the_environment_stays_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARLYWARNING_DATABASE_URL", "postgresql://school:secret@localhost/x")
    with Child(LIMITS, HOSTILE) as child:
        found = child.sniff("hostile", bundle(child, tmp_path, "tell the environment"))
        assert found is not None
        names, files, typed = ast.literal_eval(found.what)
        pid = child.pid
    allowed = {
        "HOME", "LC_ALL", "LC_CTYPE", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_",
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PATH",
        "POLARS_MAX_THREADS", "PYTHONPATH", "PYTHONUTF8", "SYSTEMDRIVE", "SYSTEMROOT", "TMPDIR",
        "WINDIR", "_RJEM_MALLOC_CONF",
    }  # fmt: skip
    assert set(names) <= allowed
    assert files == []
    assert typed == ""
    with pytest.raises(ProcessLookupError):
        os.kill(pid or 0, 0)  # it has ended, and was waited for


def test_rows_that_are_not_wanted_any_more_do_not_stay_in_the_way(tmp_path: Path) -> None:
    with Child(LIMITS, HOSTILE) as child:
        good = bundle(child, tmp_path, "good")
        first = child.pid
        next(iter(child.open(good, layout="hostile", part="rows").chunks()))
        assert child.sniff("hostile", good) is not None
        assert child.pid != first


def test_one_child_serves_all(tmp_path: Path) -> None:
    with Child() as child:
        assert child.pid is None
        good = bundle(child, tmp_path, "NIS;Nama\n1;Siti")
        pid = child.pid
        table = child.open(good, wanted=["NIS"])
        assert table.headings == ("NIS", "Nama")
        (chunk,) = table.chunks(["NIS"])
        assert chunk.cells.rows() == [("1", 2)]
        assert child.pid == pid


def test_our_errors_stay_ours(tmp_path: Path) -> None:
    with Child() as child:
        good = bundle(child, tmp_path, "NIS;Nama")
        with pytest.raises(ConfigError, match="layout is 'no such'"):
            child.open(good, layout="no such", part="rows")
        with pytest.raises(DataError, match=r"hadir\.csv: .*'NISN'"):
            child.open(good, wanted=["NISN"])
        with pytest.raises(DataError, match="nowhere"):
            child.inspect(tmp_path / "nowhere.csv", ("text",))


def test_without_limits_of_the_system_the_clock_counts(tmp_path: Path) -> None:
    """As on Windows: the child has no module `resource`."""
    program = tmp_path / "without.py"
    program.write_text(
        "import runpy, sys\n"
        "sys.modules['resource'] = None\n"
        f"runpy.run_path({hostile_reader.__file__!r}, run_name='__main__')\n",
        encoding="utf-8",
    )
    with Child(LIMITS, (sys.executable, "-s", "-P", "-B", str(program))) as child:
        harmful = bundle(child, tmp_path, "compute for ever")
        with pytest.raises(DataError, match="took more than 3 s"):
            child.sniff("hostile", harmful)


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    child = Child(LIMITS, HOSTILE)
    bundle(child, tmp_path, "good")
    process = child._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()  # as the system does when the parent is killed
    folder = child._folder
    assert folder is not None
    assert process.wait(timeout=60) == 0
    assert not Path(folder.name).exists()
    child.close()


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False)
    | st.text() | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner)
    | st.dictionaries(st.text() | st.integers(), inner)
    | st.lists(inner).map(tuple),
)  # fmt: skip


@given(values)
def test_what_is_sent_arrives(value: object) -> None:
    arrived = child_talk.unpacked(child_talk.packed(value))
    assert arrived == value
    assert type(arrived) is type(value)


@given(
    columns=st.lists(
        st.lists(
            st.none() | st.sampled_from(["", "H", "S", "é", "x" * 40]), min_size=6, max_size=6
        ),
        min_size=1,
        max_size=4,
    ),
    most=st.sampled_from([1, 3, 1_000]),
)
def test_texts_sent_by_number_arrive_as_they_were(
    columns: list[list[str | None]], most: int
) -> None:
    """Whatever of a column came before, and whether it is parsed as its texts' type or not."""
    names = [f"{place}" for place in range(len(columns))]
    cells = pl.DataFrame(dict(zip(names, columns, strict=True)), dict.fromkeys(names, pl.String))
    told = numbered.Told()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbered, "WORTH", 0)
        numbering = numbered.Numbering(most)
        for rows in (cells.head(2), cells.reverse(), cells, cells.tail(3), cells):
            parsed = rows.cast(pl.Schema(numbering.types))
            sent, texts = numbering.numbered(parsed)
            if texts is None:
                assert sent.equals(rows)
                continue
            known = told.heard(sent, texts)
            assert all(sent[name].dtype.is_unsigned_integer() for name in known)
            assert numbered.spelled(sent, known).equals(rows)
            apart, values = numbered.told_apart(sent, known)
            assert apart.cast({pl.Categorical: pl.String}).equals(rows)
            for name, here in values.items():
                assert apart[name].to_physical().drop_nulls().unique().len() == len(here)
                assert set(here) == set(rows[name].drop_nulls())
    if most == 1_000 and texts is not None:  # nothing was too much, and no text was sent twice
        assert all(known.n_unique() == len(known) for known in told.heard(sent, texts).values())


def test_numbers_are_narrow_and_stay_the_same() -> None:
    everybody = pl.Series("a", [f"{number}" for number in range(70_000)])
    numbering = numbered.Numbering(1_000_000)
    for rows in (everybody, everybody, everybody[1_000:].append(everybody[:1_000])):
        sent, texts = numbering.numbered(rows.to_frame())
        assert sent["a"].to_list() == [int(text) for text in rows]
        assert sent["a"].dtype == pl.UInt32
        assert texts is not None
    assert texts["a"].list.len().to_list() == [0]
    codes = pl.DataFrame({"a": ["H", "S"] * 6_000})
    sent, _ = numbered.Numbering(1_000_000).numbered(codes)
    assert sent["a"].dtype == pl.UInt8


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        (pl.Series([0, 2], dtype=pl.UInt8), pl.Series([["a", "b"]])),
        (pl.Series([0, 0], dtype=pl.UInt8), pl.Series([[]], dtype=pl.List(pl.String))),
        (pl.Series([0, 1], dtype=pl.UInt8), pl.Series([["a", None]])),
        (pl.Series([0, 1], dtype=pl.UInt8), pl.Series([["a", "b"], ["a", "b"]])),
        (pl.Series([0, 1], dtype=pl.UInt8), pl.Series([[1, 2]])),
        (pl.Series([0, 1], dtype=pl.UInt8), pl.Series([None], dtype=pl.List(pl.String))),
        (pl.Series([0, -1], dtype=pl.Int8), pl.Series([["a", "b"]])),
        (pl.Series(["a", "b"]), pl.Series([["a", "b"]])),
    ],
)
def test_numbers_that_are_of_no_text_are_not_understood(
    numbers: pl.Series, texts: pl.Series
) -> None:
    with pytest.raises(child_talk.NotUnderstood):
        numbered.Told().heard(numbers.to_frame("a"), texts.to_frame("a"))
    with pytest.raises(child_talk.NotUnderstood):
        numbered.Told().heard(pl.DataFrame({"b": [1, 2]}), texts.to_frame("a"))


def test_texts_are_kept_as_long_as_a_child_can_have_them_too() -> None:
    """An opener that a file has taken over could send texts that no row has, without end."""
    cells = pl.DataFrame({"a": [0], "b": [0]}, {"a": pl.UInt8, "b": pl.UInt8})
    texts = pl.DataFrame({"a": [["x" * 84]], "b": [["y" * 84]]})
    told = numbered.Told(300)
    assert told.heard(cells, texts)["a"].to_list() == ["x" * 84]
    assert told.heard(cells, texts.select("a"))["a"].len() == 2  # nothing is kept of `b`
    assert told.heard(cells, texts.select("a"))["a"].len() == 3
    with pytest.raises(child_talk.NotUnderstood, match="more texts"):
        told.heard(cells, texts.select("a"))
    told = numbered.Told(300)
    told.heard(cells, texts)
    told.heard(cells, texts.select("a"))
    with pytest.raises(child_talk.NotUnderstood, match="any more"):
        told.heard(cells, texts)


def test_texts_that_are_told_twice_are_one_text() -> None:
    cells = pl.DataFrame({"a": [0, 1, 2, 1, 0, 1]}, schema={"a": pl.UInt8})
    known = numbered.Told().heard(cells, pl.DataFrame({"a": [["x", "x", "y"]]}))
    apart, values = numbered.told_apart(cells, known)
    assert apart["a"].to_list() == ["x", "x", "y", "x", "x", "x"]
    assert not values


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no signals here")
def test_kill_in_the_middle_of_rows(tmp_path: Path) -> None:
    with Child(LIMITS, HOSTILE) as child:
        table = child.open(bundle(child, tmp_path, "wait for ever"), layout="hostile", part="rows")
        rows = iter(table.chunks())
        next(rows)
        os.kill(child.pid or 0, signal.SIGKILL)
        with pytest.raises(DataError, match=r"has ended \(signal 9, after row"):
            list(rows)


def test_messages_call_a_file_as_the_delivery_does(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_bytes(b"%PDF-1.7")
    with Child() as child:
        for name in ("roster.zip/", "roster.zip/users.csv"):
            with pytest.raises(DataError, match=r"^roster\.zip/users\.csv: is a PDF"):
                child.inspect(tmp_path / "users.csv", ("text",), name=name)


def test_a_heading_that_stands_twice_is_told_if_it_is_wanted(tmp_path: Path) -> None:
    with Child(LIMITS, HOSTILE) as child:
        table = child.open(bundle(child, tmp_path, "head twice"), layout="hostile", part="rows")
        assert sum(chunk.cells.height for chunk in table.chunks(["NIS"])) == 600_000
        table = child.open(bundle(child, tmp_path, "head twice"), layout="hostile", part="rows")
        with pytest.raises(DataError, match=r"hadir\.csv: has the heading 'Kode' twice"):
            list(table.chunks(["NIS", "Kode"]))


@pytest.mark.slow
@needs_limits
def test_a_real_workbook_that_wants_all_memory(tmp_path: Path) -> None:
    """A small workbook has a row of millions of cells; without the limit on what it unpacks to,
    which would refuse it, the limit on memory stands."""
    sound, bomb = tmp_path / "sound.xlsx", tmp_path / "siswa.xlsx"
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["NIS", "Nama"])
    book.save(sound)
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            text = old.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                text = text.replace(b"</row>", b"<c><v>1</v></c>" * 8_000_000 + b"</row>")
            new.writestr(part.filename, text)
    with Child() as child, pytest.raises(DataError, match=r"siswa\.xlsx: unpacks from"):
        child.inspect(bomb, ("workbook",))
    limits = Limits(unpacked_bytes=1_000_000_000, ratio=100_000, memory_bytes=500_000_000)
    with Child(limits) as child:
        file = child.inspect(bomb, ("workbook",))
        with pytest.raises(DataError, match=r"siswa\.xlsx: needs more memory than 500 MB"):
            child.open(Bundle((file,), "siswa.xlsx", limits), wanted=["NIS"])
