"""Faults put into school files on purpose: what is said about the files names every one."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import pytest

from earlywarning import district
from earlywarning.errors import DataError
from earlywarning.io.facts import FactStore
from earlywarning.io.mapping import parse_mapping
from earlywarning.io.recognising import inspect_files
from earlywarning.io.register.db import open_register
from earlywarning.simulation.layouts import canonical, dapodik, mess, monthly_sheets
from earlywarning.simulation.layouts.mess import Injected
from earlywarning_pipelines import ingest, simulate

UNTIL = date(2026, 10, 1)
NAMED_SHARE = 0.95

WORDS = {
    "misspelt_month": r"month|bulan|was read as",
    "weekdays_of_another_month": r"weekday|Sen|Sel|Rab|Kam|Jum|Sab",
    "impossible_day": r"\b32\b",
    "day_twice": r"stands there 2 times",
    "swapped_columns": r"holds names",
    "serial_heading": r"46225",
    "foreign_letters": r"Windows-1252",
    "wrong_total": r"total|counted",
}
"""What must be said of a fault that has no refused row of its own."""


def said_about(folder: Path, home: Path) -> list[str]:
    """Every sentence: of the inspection, of the import's errors and notes, of refused rows."""
    files = sorted(folder.iterdir())
    said = inspected(files)
    while True:
        found = inspect_files(files, source="school-files", school_id="SIM001")
        understood = {name for item in found.files if item.found for name in item.patterns}
        files = [file for file in files if file.name in understood]
        try:
            return said + preview(files, found.mapping, home)
        except DataError as error:
            refused = str(error)
        # A whole file is refused: a person mends or leaves it, and tries again.
        said.append(refused)
        left = [file for file in files if file.name not in refused]
        assert len(left) < len(files), refused
        files = left


def inspected(files: list[Path]) -> list[str]:
    """What `inspect` says of each file."""
    said = []
    for item in inspect_files(files, source="school-files", school_id="SIM001").files:
        told = [item.problem]
        if item.found:
            told += [*item.found.warnings, *(question for _, question in item.found.questions)]
        said += [f"{item.name}: {sentence}" for sentence in told if sentence]
    return said


def preview(files: list[Path], text: str, home: Path) -> list[str]:
    """What an import that saves nothing notes and refuses."""
    sheets = 'layout = "monthly_sheet"\npart = "marks"\n'
    with open_register(f"sqlite:///{home}/register.db") as register:
        result = ingest.run(
            files=files,
            mapping=parse_mapping(text.replace(sheets, sheets + 'blank = "unrecorded"\n')),
            store=FactStore(home / "facts"),
            register=register,
            district=district.parse('[district]\nname = "x"\n[visits]\nlottery = false\n'),
            delivered_on=UNTIL,
            finished_at=datetime(2026, 10, 1),  # noqa: DTZ001 - the register keeps UTC so
            preview=True,
            refused_path=home / "refused.csv",
        )
    refused = (home / "refused.csv").read_text("utf-8-sig").splitlines()
    return [*result.warnings, *refused]


def is_named(fault: Injected, said: list[str]) -> bool:
    """Whether a sentence names the file, and the row or what is wrong with the whole."""
    words = WORDS.get(fault.kind, "")
    for sentence in said:
        if fault.file not in sentence:
            continue
        in_row = fault.row is None or re.search(rf"(;|\brow ){fault.row}\b", sentence)
        if in_row and re.search(words, sentence, re.IGNORECASE):
            return True
    return False


@pytest.mark.parametrize(
    "seeds",
    [pytest.param((1,), id="one"), pytest.param((1, 2, 3), id="three", marks=pytest.mark.slow)],
)
def test_at_least_95_percent_of_injected_faults_are_named(
    tmp_path: Path, seeds: tuple[int, ...]
) -> None:
    injected: list[Injected] = []
    missed: list[Injected] = []
    for seed in seeds:
        folder = tmp_path / str(seed)
        (records,) = simulate.schools(
            students=180, years=0, seed=seed, until=UNTIL, effect=1.0, draws=1
        )
        tables = canonical.frames(records, UNTIL)
        spoiler = mess.Spoiler(seed)
        monthly_sheets.write(monthly_sheets.carry(tables, UNTIL), folder / "files", spoil=spoiler)
        dapodik.write(dapodik.carry(tables, UNTIL), folder / "files", made_on=UNTIL)
        (roster,) = (folder / "files").glob("daftar_pd*")
        faults = [*spoiler.injected, *mess.spoil_roster(roster, seed)]
        said = said_about(folder / "files", folder)
        injected += faults
        missed += [fault for fault in faults if not is_named(fault, said)]
    kinds = Counter(fault.kind for fault in missed)
    share = 1 - len(missed) / len(injected)
    assert len(injected) >= 20 * len(seeds)
    assert share >= NAMED_SHARE, f"{share:.0%} of {len(injected)} named; missed {kinds} {missed}"
