"""A study's data and analysis as files that a researcher can run without this program.

Rows about single children cannot be kept in groups: they leave only under an agreement that covers
every school of the study, and of each school and quarter at least as many children as it says.

Every id is a pseudonym under a key that is made for this export and thrown away: two exports cannot
be joined, and nobody can be found in the register from one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from earlywarning.errors import Conflict, DataError
from earlywarning.impact.columns import COLUMNS, LEAST_CELL, MAY_BE_EMPTY

IDS = ("student_id", "household_id", "homeroom", "class_id", "school_id", "block", "stratum")
LEFT_OUT = ("visit_day", "list_day", "list_sha256")
"""Days on which a family was visited, and hashes that lead to a list, stay inside."""

RARE = "rare"
"""In place of a track or a reason of leaving of under ten children."""

COMPARED = {"concern", "preventive", "none"}
"""Tracks by which a design tells whom it compares; nobody's illness or wish is among them."""

NEEDS = ("numpy", "pandas", "scipy", "scikit-learn")
"""What the analysis needs beside Python; `requirements.txt` names the versions that ran here."""

MODULES = (
    "columns", "regression", "lottery", "discontinuity", "listing", "rollout", "naive",
    "standards", "density", "limits", "diagnose", "designs", "analysis",
)  # fmt: skip
PACKAGE = "impact_code"


@dataclass(frozen=True, slots=True)
class Agreed:
    """An agreement with a researcher, as far as an export needs it.

    Attributes
    ----------
    agreement_id, purpose : str
    schools : frozenset of str
    smallest_group : int
        Children of a school and quarter, below which nothing of it leaves.
    expires_on : date
    """

    agreement_id: str
    purpose: str
    schools: frozenset[str]
    smallest_group: int
    expires_on: date

    def check(self, panel: pd.DataFrame) -> None:
        """Whether it covers a panel.

        Raises
        ------
        DataError
            A school is not in it, or has too few children in a quarter.
        """
        missing = sorted(set(panel["school_id"]) - self.schools)
        if missing:
            raise DataError(
                f"agreement {self.agreement_id} does not cover school {missing[0]}; a study's "
                "numbers need all of its schools: agree on them all with `earlywarning agreement "
                "add`, or let the researcher read the report, which has no rows"
            )
        children = panel.drop_duplicates(["school_id", "quarter", "student_id"])
        sizes = Counter(zip(children["school_id"], children["quarter"], strict=True))
        (school, quarter), least = min(sizes.items(), key=lambda one: (one[1], one[0]))
        if least < self.smallest_group:
            raise DataError(
                f"school {school} has {least} children in {quarter}, fewer than the "
                f"{self.smallest_group} of agreement {self.agreement_id}: they could be told from "
                "each other, so nothing leaves"
            )

    def as_told(self) -> dict[str, str]:
        """What of it goes with the files."""
        return {
            "agreement_id": self.agreement_id, "purpose": self.purpose,
            "until": self.expires_on.isoformat(),
        }  # fmt: skip


def write(
    folder: Path,
    panel: pd.DataFrame,
    *,
    study: Mapping[str, Any],
    evidence: Mapping[str, Any],
    result: Mapping[str, Any],
    agreement: Agreed,
    key: bytes | None = None,
) -> dict[str, str]:
    """Write the export.

    Parameters
    ----------
    folder : Path
        Must not exist, or be empty.
    result : mapping
        Of the analysis; where it comes from (`origin`) stays inside.
    agreement : Agreed
        Under which it leaves.
    key : bytes, optional
        Of the pseudonyms; a new one, which is not kept, unless given.

    Returns
    -------
    dict of file name to SHA-256

    Raises
    ------
    Conflict
        If the folder holds something.
    DataError
        If the agreement does not cover all that would leave.
    """
    agreement.check(panel)
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder}: is not empty; name a new folder for the export")
    folder.mkdir(parents=True, exist_ok=True)
    named = without_names(panel, key or secrets.token_bytes(32))
    named.to_csv(folder / "panel.csv", index=False, lineterminator="\n")
    empty = {name: named[name].astype("string") for name in MAY_BE_EMPTY}
    pl.from_pandas(named.assign(**empty)).write_parquet(folder / "panel.parquet")
    dictionary = ["# Columns of panel.csv and panel.parquet", "", "| column | what it holds |",
                  "|---|---|"]  # fmt: skip
    dictionary += [f"| `{name}` | {what} |" for name, what in COLUMNS.items() if name in named]
    dictionary += ["", "Ids are pseudonyms of this export alone. Days of visits and of lists are "
                   "left out.", ""]  # fmt: skip
    (folder / "dictionary.md").write_text("\n".join(dictionary), encoding="utf-8")
    numbers = {name: value for name, value in result.items() if name != "origin"}
    for name, value in (("study", study), ("evidence", evidence), ("results", numbers),
                        ("agreement", agreement.as_told())):  # fmt: skip
        text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    _write_code(folder)
    hashes = {
        str(path.relative_to(folder).as_posix()): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in hashes.items())
    (folder / "SHA256SUMS").write_text(lines, encoding="utf-8")
    return hashes


def without_names(panel: pd.DataFrame, key: bytes) -> pd.DataFrame:
    """A panel with pseudonyms for ids and without rare values; nobody can be told by them.

    Why a family was not ranked can be an illness, or a danger: only that it was not stays. The
    order of rows stays: it is that of random ids, and the numbers depend on it.
    """
    made = panel.drop(columns=[name for name in LEFT_OUT if name in panel])
    for name in IDS:
        ids = made[name].astype("object")
        known = {
            one: hmac.new(key, f"{name}:{one}".encode(), hashlib.sha256).hexdigest()[:16]
            for one in ids.dropna().unique()
            if one != ""
        }
        made[name] = ids.map(known)
    made["excluded"] = made["excluded"].astype("object").where(made["excluded"].isna(), "yes")
    for name in ("exit_reason", "track"):
        counts = made.groupby(name)["student_id"].nunique()
        rare = made[name].isin(set(counts[counts < LEAST_CELL].index) - COMPARED)
        made[name] = made[name].astype("object").where(~rare, RARE)
    return made[[name for name in COLUMNS if name in made]]


def code_sha256() -> str:
    """Hash of the analysis as an export writes it: other code, another hash."""
    return hashlib.sha256("".join(_code().values()).encode()).hexdigest()


@cache
def _code() -> dict[str, str]:
    """The modules of the analysis by file name, their imports turned to the folder."""
    source = resources.files("earlywarning")
    texts = {f"{name}.py": source.joinpath("impact", f"{name}.py") for name in MODULES}
    texts["errors.py"] = source.joinpath("errors.py")
    return {
        name: path.read_text(encoding="utf-8")
        .replace("earlywarning.impact", PACKAGE)
        .replace("earlywarning.errors", f"{PACKAGE}.errors")
        for name, path in texts.items()
    }


def _write_code(folder: Path) -> None:
    """The analysis as this program ran it, its imports turned to the folder."""
    code = folder / PACKAGE
    code.mkdir()
    (code / "__init__.py").write_text('"""The analysis, as the program ran it."""\n', "utf-8")
    for name, text in _code().items():
        (code / name).write_text(text, encoding="utf-8")
    source = resources.files("earlywarning")
    script = source.joinpath("io", "templates", "impact_analyse.py.txt")
    (folder / "analyse.py").write_text(script.read_text(encoding="utf-8"), encoding="utf-8")
    needs = "".join(f"{name}=={metadata.version(name)}\n" for name in NEEDS)
    (folder / "requirements.txt").write_text(needs, encoding="utf-8")
    readme = source.joinpath("io", "templates", "impact_export.md")
    (folder / "README.md").write_text(readme.read_text(encoding="utf-8"), encoding="utf-8")
