"""What becomes of every real file in `tests/data`: the table of `docs/real-files.md`.

    .venv/bin/python tests/real_files.py

Each delivery is inspected; open questions are answered as stated here; then it is imported without
saving anything. `tests/pipelines/test_real_files.py` checks that the page holds what this prints.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from answers import Answers, answered
from earlywarning import district
from earlywarning.errors import DataError
from earlywarning.io.facts import FactStore
from earlywarning.io.mapping import parse_mapping
from earlywarning.io.recognising import Inspection, inspect_files
from earlywarning.io.register.db import open_register
from earlywarning_pipelines import ingest
from earlywarning_pipelines.ingest import IngestResult

DATA = Path(__file__).parent / "data"
RULES = '[district]\nname = "x"\n[calendar]\nschool_weekdays = [1, 2, 3, 4, 5]\n[visits]\n'
RULES += "lottery = false\n"
YEAR = {"defaults": {"school_year": "2015-16"}}


@dataclass(frozen=True, slots=True)
class Delivery:
    """Files that came together.

    Attributes
    ----------
    path : str
        Below `tests/data`.
    delivered_on : date
    answers : mapping
        To what `inspect` leaves open.
    mapping : str
        A mapping kept in the project, instead of the one that `inspect` writes.
    """

    path: str
    delivered_on: date
    answers: Answers = field(default_factory=dict)
    mapping: str = ""


DELIVERIES = (
    Delivery("contoso/day1", date(2020, 6, 1), mapping="contoso/mapping.toml"),
    Delivery("contoso/day2", date(2020, 6, 2), mapping="contoso/mapping.toml"),
    Delivery("uci_student/student-por.csv", date(2006, 6, 30), mapping="uci_student/mapping.toml"),
    Delivery("uci_student/student-mat.csv", date(2006, 6, 30), mapping="uci_student/mapping.toml"),
    Delivery("uci_dropout/data.csv", date(2021, 7, 1)),
    Delivery("edfi_grandbend", date(2022, 5, 28)),
    Delivery("oneroster/v1.0", date(2021, 6, 1)),
    Delivery("oneroster/v1.1", date(2021, 6, 1)),
    Delivery("aspen/fake_students_export.csv", date(2016, 1, 1), YEAR),
    Delivery("aspen/fake_behavior_export.csv", date(2016, 1, 1), YEAR),
    Delivery("aspen/attendance_dump.csv", date(2005, 6, 1),
             {"attendance": {"rollup": "worst", "coverage": "exceptions"},
              "defaults": {"school_year": "2004-05"}}),
    Delivery("aspen/student_section_grades_fixture.csv", date(2016, 1, 1),
             {"grade": {"values": {"period": {"FY": "2015-16-Q1"}}}}),
    Delivery("aspen/fake_no_headers.csv", date(2016, 1, 1)),
    Delivery("aspen/bad_x2_assessments.csv", date(2016, 1, 1)),
    Delivery("aspen/educator_section_assignment_export.csv", date(2016, 1, 1)),
    Delivery("aspen/student_section_assignment_export_with_district_school_year_token.csv",
             date(2016, 1, 1)),
    Delivery("monthly_sheet/2025-09.csv", date(2025, 10, 1),
             {"defaults": {"school_id": "SMP-CONTOH"}}),
    Delivery("two_classes", date(2026, 10, 1), mapping="two_classes/mapping.toml"),
)  # fmt: skip


def lines() -> Iterator[str]:
    """The rows of the table, in Markdown."""
    yield "| files | read | refused |"
    yield "|---|---|---|"
    for delivery in DELIVERIES:
        path = DATA / delivery.path
        read, refused = outcome(path, delivery)
        yield f"| `{delivery.path}` | {read} | {refused} |"


def outcome(path: Path, delivery: Delivery) -> tuple[str, str]:
    """What was read, and what was refused and why."""
    found = inspect_files([path], source="real")
    try:
        result = imported(path, text_of(delivery, found), delivery.delivered_on)
    except DataError as error:
        return "nothing", str(error).split(": ", 1)[-1].replace("|", "\\|")
    read = ", ".join(f"{table} {rows:,}" for table, rows in result.rows_read.items())
    refused = ", ".join(
        f"{row['table']} {row['rows']:,} {row['reason']}" for row in result.refused.to_dicts()
    )
    merged = ", ".join(f"{table} {rows:,}" for table, rows in result.merged.items() if rows)
    return read + (f"; merged: {merged}" if merged else ""), refused or "none"


def text_of(delivery: Delivery, found: Inspection) -> str:
    """The mapping of a delivery: the project's own, or what was understood and then answered.

    Raises
    ------
    DataError
        If nothing was understood.
    """
    if delivery.mapping:
        text = (DATA / delivery.mapping).read_text("utf-8")
        return text.replace("student-por.csv", Path(delivery.path).name)
    if not found.mapping:
        raise DataError(next(item.problem for item in found.files if item.problem))
    return answered(found.mapping, delivery.answers)


def imported(path: Path, text: str, delivered_on: date) -> IngestResult:
    """A preview of the import."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_register(f"sqlite:///{folder}/register.db") as register,
    ):
        return ingest.run(
            files=[path],
            mapping=parse_mapping(text),
            store=FactStore(Path(folder) / "facts"),
            register=register,
            district=district.parse(RULES),
            delivered_on=delivered_on,
            finished_at=datetime(2026, 1, 1),  # noqa: DTZ001 - the register keeps UTC so
            preview=True,
        )


if __name__ == "__main__":
    print("\n".join(lines()))
