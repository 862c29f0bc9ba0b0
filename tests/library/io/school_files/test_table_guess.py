"""Whatever stands in a table: a mapping that can be read, or a reason."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from earlywarning.errors import ConfigError, DataError
from earlywarning.io.mapping import parse_mapping
from earlywarning.io.mapping_text import mapping_text
from earlywarning.io.school_files.column_roles import Column
from earlywarning.io.school_files.headings_known import BY_HEADING, KINDS, SUBJECTS
from earlywarning.io.school_files.table_guess import guess_tables

CELLS = (
    ("0101", "0102", "0103"), ("Siti Aminah", "Budi", "Rina"), ("01/09/2026", "13/09/2026", ""),
    ("2026-09-01", "NULL", "2026-09-31"), ("L", "P", "P"), ("H", "S", "A"), ("75", "80,5", "0"),
    ("-5", "20", "3.5"), ("A", "B+", ""), ("", "", ""), ("VII-A", "VII-B", "VII-A"),
    ("ringan", "berat", "x"), ("2026/2027",) * 3, ("9/30/2026", "1/2/2026", ""),
)  # fmt: skip
HEADINGS = (*BY_HEADING, *SUBJECTS, *KINDS, "G1", "G2", "lain")


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(HEADINGS), st.sampled_from(CELLS), max_size=8))
def test_a_guess_lacks_only_what_is_asked(cells: dict[str, tuple[str, ...]]) -> None:
    columns = [Column("NIS", ("01", "02", "03")), Column("Kelas", ("7A", "7B", "7C"))]
    columns += [Column(*one) for one in cells.items() if one[0] not in ("nis", "kelas")]
    says = ""
    guess = None
    try:
        guess = guess_tables("x.csv", columns)
    except DataError as error:
        says = str(error)
    if guess is None:
        # Points without days, or incidents without a word for what happened.
        assert re.match(r"x\.csv: (holds points of students|is a table, but holds nothing)", says)
        return
    text = mapping_text("x", guess.defaults, [{**one, "file": "x.csv"} for one in guess.entries])
    answered = {key.rpartition(".")[2] for key, _ in guess.questions} | {"school_id"}
    problem = ""
    try:
        parse_mapping(text)
    except ConfigError as error:
        problem = str(error)
    lacking = re.search(r"the column (\w+) is required", problem)
    assert not problem or (lacking and lacking[1] in answered), problem
