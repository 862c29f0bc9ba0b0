"""The review file: names that a person must settle, and the answers that come back in it.

A spreadsheet changes what it opens (numbers lose zeros, dates their style), so an answer is found
by its `key`, which no spreadsheet takes for a number.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from earlywarning.errors import DataError
from earlywarning.io.cells import neutral
from earlywarning.io.child import Child
from earlywarning.io.file_kind import TABLES
from earlywarning.io.school_files.interface import Bundle

REVIEW_SCHEMA = {
    "key": pl.String, "source": pl.String, "school": pl.String, "name found": pl.String,
    "class": pl.String, "birth date": pl.String, "rows": pl.Int64, "proposed student": pl.String,
    "proposed name": pl.String, "proposed class": pl.String, "how sure": pl.String,
    "answer": pl.String,
}  # fmt: skip
"""One line a name: what was found, who is proposed, how sure that is, and an empty `answer`."""

YES, NO = "yes", "no"
_WORDS = {**dict.fromkeys(("yes", "y", "ya"), YES), **dict.fromkeys(("no", "n", "tidak"), NO)}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person wrote on one line.

    Attributes
    ----------
    row : int
        Of the file, headings counted.
    key : str
        Which name it is about; see `key_of`.
    proposal : str
        Whom the line proposed; see `mark_of`.
    said : str
        `YES`, `NO`, or the number of a student.
    """

    row: int
    key: str
    proposal: str
    said: str


def key_of(source: str, school_id: str, label: str, class_key: str, birth: str) -> str:
    """A short name of a question; begins with a letter, so that no spreadsheet changes it."""
    return "q" + _digest(source, school_id, label, class_key, birth)[:14]


def mark_of(student: str | None) -> str:
    """Whom a line proposes, so that a late `yes` never means somebody else."""
    return "none" if student is None else "s" + _digest(student)[:8]


def write_review(questions: pl.DataFrame, path: Path) -> Path:
    """Write the review file: `;` between fields, UTF-8 with a byte-order mark, for spreadsheets.

    A file with answers in it is never overwritten; the next free name is taken then.

    Parameters
    ----------
    questions : DataFrame
        `REVIEW_SCHEMA`.

    Returns
    -------
    Path
        The file that was written.
    """
    free, number = path, 1
    while free.exists() and _is_precious(free):
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    texts = [name for name, kind in REVIEW_SCHEMA.items() if kind == pl.String]
    safe = questions.with_columns(
        pl.col(name).map_elements(neutral, pl.String) for name in texts
    ).write_csv(separator=";", line_terminator="\r\n", null_value="")
    free.write_bytes(b"\xef\xbb\xbf" + safe.encode())
    return free


def read_answers(path: Path) -> tuple[Answer, ...]:
    """The answered lines of a review file, a CSV file or a workbook; an empty answer is none.

    Raises
    ------
    DataError
        If the file is no review file, or its answers cannot be told; names row and column.
    """
    rows = _rows(path)
    found, faults = [], []
    for number, key, answer in rows.iter_rows():
        said = (answer or "").strip().lstrip("'").strip()
        if not said:
            continue
        question, _, mark = (key or "").strip().lstrip("'").partition("-")
        if not question or not mark:
            faults.append(
                f"{path.name}: row {number}, column key: {key or ''!r} is no key of a review file; "
                "do not change this column"
            )
            continue
        found.append(Answer(number, question, mark, _WORDS.get(said.lower(), said)))
    if faults:
        raise DataError("\n  ".join(["the answers cannot be used; nothing was saved:", *faults]))
    return tuple(found)


def _rows(path: Path) -> pl.DataFrame:
    """Row number, key and answer of every line."""
    wanted = ("key", "answer")
    frames = []
    with Child() as child:
        bundle = Bundle((child.inspect(path, TABLES),), path.name)
        for chunk in child.open(bundle, wanted=wanted).chunks(wanted):
            if chunk.faults.height:
                row, found = chunk.faults["_row"][0], chunk.faults["found"][0]
                raise DataError(
                    f"{path.name}: row {row} has {found}, allowed: {chunk.faults['allowed'][0]}; "
                    "save the review file again as it was"
                )
            frames.append(chunk.cells.select("_row", *wanted))
    schema = {"_row": pl.Int32, "key": pl.String, "answer": pl.String}
    return pl.concat([pl.DataFrame(schema=schema), *frames])


def _is_precious(path: Path) -> bool:
    """Whether somebody wrote into the file, or it is no review file at all."""
    try:
        return bool(_rows(path)["answer"].drop_nulls().str.strip_chars().ne("").any())
    except DataError:
        return True


def _digest(*parts: str) -> str:
    joined = "\0".join(parts)
    return hashlib.sha256(joined.encode()).hexdigest()
