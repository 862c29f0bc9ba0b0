"""Say what a school's files are, and write the mapping that an import would use."""

from __future__ import annotations

import tomllib
from collections.abc import Container, Sequence
from collections.abc import Mapping as Map
from datetime import date
from pathlib import Path

from earlywarning.district import District
from earlywarning.errors import ConfigError, DataError
from earlywarning.io.file_kind import Limits
from earlywarning.io.mapping import Mapping, parse_mapping
from earlywarning.io.mapping_text import mapping_text
from earlywarning.io.recognising import Inspection, inspect_files

ANSWERABLE = ("school_year", "entry_date", "subject", "max_score", "blank", "coverage")
"""What a person can say without a mapping: it holds for every file of the delivery."""

_OF_MARKS = ("blank", "coverage")

Said = str | date | float


def run(
    files: Sequence[Path],
    *,
    source: str,
    school_id: str | None,
    out: Path | None,
    district: District | None = None,
) -> Inspection:
    """Look at files; write the mapping to `out` unless that file is there already.

    The limits on files are the district's if there is one.

    Raises
    ------
    ConfigError
        If `out` exists: a person may have worked on it.
    """
    if out is not None and out.exists():
        raise ConfigError(f"{out} is there already; choose another name with --out")
    limits = Limits.chosen(district.imports.files) if district else None
    found = inspect_files(files, source=source, school_id=school_id, limits=limits)
    if out is not None and found.mapping:
        out.write_text(found.mapping, encoding="utf-8")
    return found


def understood(
    files: Sequence[Path], *, source: str, school_id: str | None, district: District
) -> Inspection:
    """What files are, under the district's limits."""
    limits = Limits.chosen(district.imports.files)
    return inspect_files(files, source=source, school_id=school_id, limits=limits)


def said_in(words: Sequence[str]) -> dict[str, Said]:
    """Answers to questions, each `key=value`.

    Raises
    ------
    ConfigError
        If one is not written so, or its key is none that can be answered without a mapping.
    """
    found: dict[str, Said] = {}
    for word in words:
        key, is_there, value = (part.strip() for part in word.partition("="))
        if not is_there or not value or key not in ANSWERABLE:
            raise ConfigError(
                f"--say is {word!r}; allowed: KEY=VALUE with one of {', '.join(ANSWERABLE)}; "
                "what else is asked is said in a mapping (docs/mapping.md)"
            )
        found[key] = _value(key, value)
    return found


def _value(key: str, text: str) -> Said:
    try:
        if key == "entry_date":
            return date.fromisoformat(text)
        return float(text) if key == "max_score" else text
    except ValueError as error:
        allowed = "a date like 2026-07-13" if key == "entry_date" else "a number like 100"
        raise ConfigError(f"--say {key} is {text!r}; allowed: {allowed}") from error


def mapping_of(found: Inspection, said: Map[str, Said] | None = None) -> Mapping:
    """The mapping of files that were all understood, without a question left.

    Parameters
    ----------
    said : mapping, optional
        Answers by the key that was asked for; of `ANSWERABLE`.

    Raises
    ------
    DataError
        If a file was not understood, or a person must say something first.
    """
    said = said or {}
    problems = [item.problem for item in found.files if item.problem]
    open_ = asked(found, said)
    if problems or open_ or not found.mapping:
        raise DataError(
            "these files cannot be imported without a mapping:\n  "
            + "\n  ".join(problems + open_ or ["no file was given"])
            + "\nwrite one with `earlywarning inspect FILES --out mapping.toml`, complete it, and "
            "give it with --mapping"
        )
    text = _answered(found.mapping, said) if said else found.mapping
    return parse_mapping(text, where="the mapping that was understood")


def _answered(text: str, said: Map[str, Said]) -> str:
    """The mapping with the answers put in: constants of every table, and how marks are read."""
    data = tomllib.loads(text)
    of_marks = {key: value for key, value in said.items() if key in _OF_MARKS}
    for entry in data["table"]:
        if entry["table"] == "attendance":
            entry |= of_marks
    constants = {key: value for key, value in said.items() if key not in _OF_MARKS}
    return mapping_text(data["source"], data.get("defaults", {}) | constants, data["table"])


def asked(found: Inspection, said: Container[str] = ()) -> list[str]:
    """The open questions, each key once: a folder of sheets asks the same of every sheet."""
    by_key: dict[str, list[str]] = {}
    for key, question in found.questions:
        if key in said:
            continue
        by_key.setdefault(key, []).append(question)
    return [
        f"{key}: {questions[0]}"
        + (f" (and {len(questions) - 1} more like it)" if len(questions) > 1 else "")
        for key, questions in by_key.items()
    ]


def report(found: Inspection, *, out: Path | None) -> str:
    """What each file is, what is odd, and what is left to say."""
    lines = []
    for item in found.files:
        lines.append(f"{item.name}")
        if item.found is None:
            lines.append(f"  not understood: {item.problem}")
            continue
        tables = ", ".join(dict.fromkeys(entry["table"] for entry in item.found.entries))
        fills = f"fills {tables}" if tables else "fills no table and hinders no import"
        lines += [f"  {item.found.what}", f"  layout {item.found.layout}; {fills}"]
        lines += [f"  note: {warning}" for warning in item.found.warnings]
    lines += [f"to say first: {question}" for question in asked(found)]
    if found.mapping and out is None:
        lines += ["", "the mapping, to save and use with `earlywarning import --mapping`:", ""]
        lines.append(found.mapping)
    elif found.mapping:
        lines.append(f"wrote {out}; look through it, then: earlywarning import --mapping {out} ...")
    return "\n".join(lines)
