"""Whatever stands in a sheet: a roster or ledger is read as it says, or it is left, or refused."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earlywarning.io.file_kind import inspect
from earlywarning.io.school_files.dapodik_roster import DapodikRoster
from earlywarning.io.school_files.erapor_ledger import EraporLedger
from earlywarning.io.school_files.interface import Bundle

WORDS = (
    "Nama", "NIPD", "NIS", "NISN", "NIS/NISN", "No", "No KK", "Rombel Saat Ini", "Data Ayah",
    "Data Ibu", "Pekerjaan", "Pekerjaan.1", "Nama A", "Nama.1", "P", "K", "S", "I", "A", "HP",
    "Matematika", "Matematika (K)", "IPA", "Bahasa Indonesia", "Mata Pelajaran", "KKM", "LEGER",
    "Ketidakhadiran", "Kelas : ", "Semester : 1", "Semester", "20251", "NPSN : 2050", "STS",
    "Tahun Pelajaran 2025/2026", "Tanggal Unduh: 31-02-2026", "Tanggal Unduh: 12 Foo 2025",
    "", "-", "0", "80", "77,5", "4", "98", "'0101", "3,5E+15", "0812/", "//", "Ahmad (alm)",
)  # fmt: skip
ANYTHING = st.lists(st.sampled_from(WORDS), min_size=1, max_size=13)
SHEETS = st.tuples(
    st.lists(ANYTHING, max_size=4),
    st.sampled_from((["Nama", "NIPD", "Rombel Saat Ini"], ["No", "NIS", "NISN", "Nama"])),
    ANYTHING,
    st.lists(ANYTHING, max_size=6),
)


@pytest.mark.parametrize("reader", [DapodikRoster(), EraporLedger()], ids=lambda one: one.name)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sheet=SHEETS)
def test_what_is_recognised_can_be_opened_as_it_was_described(
    reader: DapodikRoster | EraporLedger,
    sheet: tuple[list[list[str]], list[str], list[str], list[list[str]]],
    tmp_path: Path,
) -> None:
    above, headings, more, below = sheet
    bundle = written(tmp_path / "a.csv", [*above, [*headings, *more], *below], reader)
    found = reader.sniff(bundle)
    for entry in found.entries if found else ():
        table = reader.open(bundle, entry["part"], entry.get("options", {}), None)
        named = [*entry["columns"].values(), *entry.get("melt", {}).get("columns", ())]
        assert set(named) <= set(table.headings)
        assert len(set(table.headings)) == len(table.headings)
        for chunk in table.chunks():
            assert set(table.headings) <= set(chunk.cells.columns)
            assert chunk.cells.height + chunk.faults.height > 0


def written(
    path: Path, rows: Sequence[Sequence[str]], reader: DapodikRoster | EraporLedger
) -> Bundle:
    # A last row keeps it a table of several fields, whatever was drawn.
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=";").writerows([*rows, ["", "", "", "", "akhir"]])
    return Bundle((inspect(path, accept=reader.kinds),), path.name)
