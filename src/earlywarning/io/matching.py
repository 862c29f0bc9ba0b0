"""Whose rows they are, where a file knows students by the national id or by name.

A national id is looked up. A name is only proposed: whose it is, a person says in the review file
(`io.review`), and the register remembers it (`io.register.matches`). Until then its rows stay out.
Everything here is frames in, frames out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from earlywarning.errors import DataError
from earlywarning.io.proposals import Person, Proposal, School
from earlywarning.io.review import NO, REVIEW_SCHEMA, YES, Answer, key_of, mark_of
from earlywarning.records.class_names import canonical
from earlywarning.records.names import normal

LABEL = ("school_id", "found", "class_name", "birth_date")
"""How a file names a student: `found` is the name or number; class and birth date may be null."""

PEOPLE_SCHEMA = {
    "school_id": pl.String, "student": pl.String, "national_id": pl.String,
    "full_name": pl.String, "birth_date": pl.Date, "class_name": pl.String,
}  # fmt: skip
"""Students who are on record, by the school's own number, and the class in which each is now."""

REMEMBERED_SCHEMA = {
    "school_id": pl.String, "label": pl.String, "class_key": pl.String, "birth": pl.String,
    "student": pl.String,
}  # fmt: skip
"""Whose a name is: the name as `names.normal`, the class as `ClassName.key` or empty, the day of
birth as text or empty."""

_KEY = ["school_id", "label", "class_key", "birth"]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known when a delivery is matched.

    Attributes
    ----------
    people : DataFrame
        `PEOPLE_SCHEMA`: of the register.
    remembered : DataFrame
        `REMEMBERED_SCHEMA`: names of this source that a person has settled before.
    answers : tuple of Answer
        What a person wrote into the review file.
    answers_name : str
        That file, for messages.
    """

    people: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PEOPLE_SCHEMA))
    remembered: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REMEMBERED_SCHEMA))
    answers: tuple[Answer, ...] = ()
    answers_name: str = "answers"


@dataclass(frozen=True, slots=True)
class Matched:
    """What matching found out about a delivery.

    Attributes
    ----------
    review : DataFrame
        `review.REVIEW_SCHEMA`: what a person must say.
    confirmed : DataFrame
        `REMEMBERED_SCHEMA`: what was answered, to be remembered; no student where it was no.
    by_national_id, by_answer, by_earlier_answer : int
        Students that were found so.
    """

    review: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REVIEW_SCHEMA))
    confirmed: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REMEMBERED_SCHEMA))
    by_national_id: int = 0
    by_answer: int = 0
    by_earlier_answer: int = 0


@dataclass(frozen=True, slots=True)
class Names:
    """What became of the names of a delivery.

    Attributes
    ----------
    verdicts : DataFrame
        One row a name as it stands in the files: `LABEL`, `student` (null if none),
        `reason` and `allowed` (null where there is a student).
    review : DataFrame
        `review.REVIEW_SCHEMA`: what a person must say.
    confirmed : DataFrame
        `REMEMBERED_SCHEMA`: what the answers say; no student where the answer was no.
    earlier, answered : int
        Students by an earlier confirmation, and by an answer of this time.
    stray : int
        Answers that fit no name of the delivery.
    """

    verdicts: pl.DataFrame
    review: pl.DataFrame
    confirmed: pl.DataFrame
    earlier: int = 0
    answered: int = 0
    stray: int = 0


def everybody(
    register: pl.DataFrame, students: pl.DataFrame, enrollment: pl.DataFrame
) -> pl.DataFrame:
    """The students of the register and of a delivery; what the delivery says wins.

    Parameters
    ----------
    register : DataFrame
        `PEOPLE_SCHEMA`.
    students, enrollment : DataFrame
        Source tables.

    Returns
    -------
    DataFrame
        `PEOPLE_SCHEMA`, one row a student; the class is that of the newest enrolment.
    """
    key = ["school_id", "student"]
    classes = (
        enrollment.sort("school_year", "entry_date", maintain_order=True)
        .group_by(key, maintain_order=True)
        .agg(pl.col("class_name").last())
    )
    values = [name for name in PEOPLE_SCHEMA if name not in (*key, "class_name")]
    told = pl.concat(
        [register.select(*PEOPLE_SCHEMA), students.select(*key, *values)], how="diagonal"
    )
    return (
        told.group_by(key, maintain_order=True)
        .agg(pl.exclude(key).drop_nulls().last())
        .join(classes.rename({"class_name": "_now"}), on=key, how="left", maintain_order="left")
        .with_columns(class_name=pl.coalesce("_now", "class_name"))
        .select(pl.col(name).cast(kind) for name, kind in PEOPLE_SCHEMA.items())
    )


def by_national_id(labels: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Look national ids up; nothing is padded.

    Parameters
    ----------
    labels : DataFrame
        `school_id` and `found`, the national id.
    people : DataFrame
        `PEOPLE_SCHEMA`.

    Returns
    -------
    DataFrame
        `labels` with `student` (null if none), `reason` and `allowed` (null if there is one).
    """
    numbers = people.drop_nulls("national_id").group_by("school_id", found="national_id").agg(
        pl.col("student").unique().sort().alias("_all")
    )  # fmt: skip
    bare = pl.col("found").str.strip_chars_start("0").alias("_bare")
    alike = (
        numbers.filter(pl.col("found").str.contains(r"^\d+$"))
        .select("school_id", bare, pl.col("found").alias("_like"))
        .group_by("school_id", "_bare")
        .agg(pl.col("_like").min())
    )
    several = pl.col("_all").list.len() > 1
    return (
        labels.join(numbers, on=["school_id", "found"], how="left", maintain_order="left")
        .with_columns(bare)
        .join(alike, on=["school_id", "_bare"], how="left", maintain_order="left")
        .with_columns(
            student=pl.when(~several).then(pl.col("_all").list.first()),
            reason=pl.when(several).then(pl.lit("ambiguous_student"))
            .when(pl.col("_all").is_not_null()).then(None)
            .when(pl.col("_like").is_not_null()).then(pl.lit("lost_zeros"))
            .otherwise(pl.lit("unmatched_student")),
        )
        .with_columns(
            allowed=pl.when(pl.col("reason") == "ambiguous_student").then(
                pl.format(
                    "the national id of one student; {} have it", pl.col("_all").list.join(", ")
                )
            )
            .when(pl.col("reason") == "lost_zeros")
            .then(pl.format("a known national id; {} is one", "_like"))
            .when(pl.col("reason") == "unmatched_student")
            .then(pl.lit("the national id of a student of this school's student list"))
        )
        .select(*labels.columns, "student", "reason", "allowed")
    )  # fmt: skip


def by_name(labels: pl.DataFrame, people: pl.DataFrame, known: Known, *, source: str) -> Names:
    """Decide whose each name is: by an answer, by an earlier one, or not yet.

    Parameters
    ----------
    labels : DataFrame
        `LABEL`, and `rows`: how many rows have it.
    people : DataFrame
        `PEOPLE_SCHEMA`.
    source : str
        Name of the source of the delivery.

    Raises
    ------
    DataError
        Lists every answer that cannot be: its row, column, what was found, what is allowed.
    """
    keyed = labels.with_columns(_keys())
    asked = (
        keyed.group_by(_KEY, maintain_order=True)
        .agg(pl.col("found", "class_name", "birth_date").first(), pl.col("rows").sum())
        .join(known.remembered.rename({"student": "_earlier"}), on=_KEY, how="left",
              maintain_order="left")
    )  # fmt: skip
    schools = {str(key[0]): frame for key, frame in people.partition_by(
        "school_id", as_dict=True).items()}  # fmt: skip
    indexes = {name: School.of(_person(row) for row in frame.iter_rows(named=True))
               for name, frame in schools.items()}  # fmt: skip
    numbers = {name: frozenset(frame["student"]) for name, frame in schools.items()}
    answers = _by_key(known)
    faults: list[str] = []
    verdicts: list[tuple[str | None, ...]] = []
    review: list[dict[str, Any]] = []
    confirmed: list[dict[str, Any]] = []
    earlier: set[tuple[str, str]] = set()
    for row in asked.iter_rows(named=True):
        school, key = row["school_id"], _question_key(row, source)
        proposal = indexes.get(school, School()).propose(
            row["label"], class_key=row["class_key"], birth_date=row["birth_date"]
        )
        said = _Said()
        if answer := answers.pop(key, None):
            said = _said(answer, proposal, numbers.get(school, frozenset()))
        if answer and said.problem:
            faults.append(f"{known.answers_name}: row {answer.row}, column answer: {said.problem}")
        student = said.student
        if said.student is not None or said.is_no:
            confirmed.append({**{name: row[name] for name in _KEY}, "student": student})
        elif not proposal.has_namesakes and row["_earlier"] is not None:
            student = row["_earlier"]
            earlier.add((school, student))
        else:
            review.append(_question(row, key, proposal, source))
        reason, allowed = (None, None) if student else _refusal(proposal, is_no=said.is_no)
        verdicts.append((*(row[name] for name in _KEY), student, reason, allowed))
    if faults:
        raise DataError("\n  ".join(["the answers cannot be used; nothing was saved:", *faults]))
    found = pl.DataFrame(
        verdicts, orient="row",
        schema={**dict.fromkeys(_KEY, pl.String), **dict.fromkeys(_VERDICT, pl.String)},
    )  # fmt: skip
    return Names(
        keyed.join(found, on=_KEY, how="left", maintain_order="left").select(*LABEL, *_VERDICT),
        pl.DataFrame(review, schema=REVIEW_SCHEMA).sort(
            "school", "class", "name found", maintain_order=True
        ),
        pl.DataFrame(confirmed, schema=REMEMBERED_SCHEMA),
        earlier=len(earlier),
        answered=len({(one["school_id"], one["student"]) for one in confirmed if one["student"]}),
        stray=len(answers),
    )


def _keys() -> list[pl.Expr]:
    class_key = pl.col("class_name").map_elements(lambda name: canonical(name).key, pl.String)
    return [
        pl.col("found").map_elements(normal, pl.String).alias("label"),
        class_key.fill_null("").alias("class_key"),
        pl.col("birth_date").dt.to_string("iso").fill_null("").alias("birth"),
    ]


def _person(row: Mapping[str, Any]) -> Person:
    name = row["class_name"] or ""
    return Person(
        row["student"], row["full_name"] or "", normal(row["full_name"] or ""), name,
        canonical(name).key if name else "", row["birth_date"],
    )  # fmt: skip


def _question_key(row: Mapping[str, Any], source: str) -> str:
    return key_of(source, row["school_id"], row["label"], row["class_key"], row["birth"])


def _by_key(known: Known) -> dict[str, Answer]:
    """One answer a key.

    Raises
    ------
    DataError
        If there are two different answers about one name.
    """
    found: dict[str, Answer] = {}
    for answer in known.answers:
        other = found.setdefault(answer.key, answer)
        if other.said != answer.said or other.proposal != answer.proposal:
            raise DataError(
                f"{known.answers_name}: row {answer.row}, column answer: {answer.said!r}, but row "
                f"{other.row} says {other.said!r} about the same name; keep one of them"
            )
    return found


@dataclass(frozen=True, slots=True)
class _Said:
    """What an answer comes to: a student, no student, or a problem; nothing without an answer."""

    student: str | None = None
    is_no: bool = False
    problem: str = ""


def _said(answer: Answer, proposal: Proposal, numbers: frozenset[str]) -> _Said:
    if answer.said == NO:
        return _Said(is_no=True)
    if answer.said == YES:
        best = proposal.best
        if best and answer.proposal == mark_of(best.student):
            return _Said(best.student)
        if answer.proposal == mark_of(None):
            return _Said(problem="'yes', but nobody is proposed; write the student's number, or no")
        return _Said(
            problem="'yes', but whom the line proposed is not proposed any more; write the "
            "student's number, or leave it empty and look at the new review file"
        )
    if answer.said in numbers:
        return _Said(answer.said)
    twins = sorted(one for one in numbers if one.lstrip("0") == answer.said.lstrip("0"))
    hint = f"; {twins[0]} is one, so format the column as text" if twins else ""
    return _Said(
        problem=f"{answer.said!r} is no student of this school; allowed: yes, no, or a student's "
        f"number{hint}"
    )


_VERDICT = ("student", "reason", "allowed")


def _refusal(proposal: Proposal, *, is_no: bool) -> tuple[str, str]:
    if is_no:
        return "unmatched_student", "the name of a student of this school; the answer was no"
    if proposal.best:
        return (
            "needs_confirmation",
            f"a name that a person has confirmed; student {proposal.best.student} is proposed",
        )
    if proposal.is_tied:
        return (
            "ambiguous_student",
            f"the name of one student; it may be {', '.join(proposal.others[:_SHOWN])}",
        )
    return "unmatched_student", "the name of a student of this school's student list"


_SHOWN = 5
"""Students shown who may be meant."""


def _question(row: Mapping[str, Any], key: str, proposal: Proposal, source: str) -> dict[str, Any]:
    best = proposal.best
    others = f": {', '.join(proposal.others[:_SHOWN])}" if proposal.others else ""
    return {
        "key": f"{key}-{mark_of(best.student if best else None)}",
        "source": source,
        "school": row["school_id"],
        "name found": row["found"],
        "class": row["class_name"],
        "birth date": row["birth"] or None,
        "rows": row["rows"],
        "proposed student": best.student if best else None,
        "proposed name": best.full_name if best else None,
        "proposed class": (best.class_name or None) if best else None,
        "how sure": proposal.how_sure + others,
        "answer": None,
    }
