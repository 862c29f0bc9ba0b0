"""A study's data and analysis as files that a researcher can run without this program.

Every id is a pseudonym under a key that is made for this export and thrown away: two exports cannot
be joined, and nobody can be found in the register from one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from earlywarning.errors import Conflict
from earlywarning.impact.columns import COLUMNS

IDS = ("student_id", "household_id", "homeroom", "class_id", "school_id", "block", "stratum")
LEFT_OUT = ("visit_day", "list_day", "list_sha256")
"""Days on which a family was visited, and hashes that lead to a list, stay inside."""

LEAST_REASON = 10
MODULES = (
    "columns", "regression", "lottery", "discontinuity", "listing", "rollout", "naive",
    "standards", "density", "diagnose", "designs", "analysis",
)  # fmt: skip
PACKAGE = "impact_code"


def write(
    folder: Path,
    panel: pd.DataFrame,
    *,
    study: Mapping[str, Any],
    evidence: Mapping[str, Any],
    result: Mapping[str, Any],
    key: bytes | None = None,
) -> dict[str, str]:
    """Write the export.

    Parameters
    ----------
    folder : Path
        Must not exist, or be empty.
    key : bytes, optional
        Of the pseudonyms; a new one, which is not kept, unless given.

    Returns
    -------
    dict of file name to SHA-256

    Raises
    ------
    Conflict
        If the folder holds something.
    """
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder}: is not empty; name a new folder for the export")
    folder.mkdir(parents=True, exist_ok=True)
    named = without_names(panel, key or secrets.token_bytes(32))
    named.to_csv(folder / "panel.csv", index=False, lineterminator="\n")
    frame = pl.from_pandas(named.assign(excluded=named["excluded"].astype("string")))
    frame.write_parquet(folder / "panel.parquet")
    dictionary = ["# Columns of panel.csv and panel.parquet", "", "| column | what it holds |",
                  "|---|---|"]  # fmt: skip
    dictionary += [f"| `{name}` | {what} |" for name, what in COLUMNS.items() if name in named]
    dictionary += ["", "Ids are pseudonyms of this export alone. Days of visits and of lists are "
                   "left out.", ""]  # fmt: skip
    (folder / "dictionary.md").write_text("\n".join(dictionary), encoding="utf-8")
    for name, value in (("study", study), ("evidence", evidence), ("results", result)):
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
    """A panel with pseudonyms for ids; rare reasons of leaving become `other`.

    The order of rows stays: it is that of random ids, and the numbers depend on it.
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
    counts = made["exit_reason"].value_counts()
    rare = made["exit_reason"].isin(counts[counts < LEAST_REASON].index)
    made["exit_reason"] = made["exit_reason"].astype("object").where(~rare, "other")
    return made[[name for name in COLUMNS if name in made]]


def _write_code(folder: Path) -> None:
    """The analysis as this program ran it, its imports turned to the folder."""
    code = folder / PACKAGE
    code.mkdir()
    (code / "__init__.py").write_text('"""The analysis, as the program ran it."""\n', "utf-8")
    source = resources.files("earlywarning")
    for name in MODULES:
        text = source.joinpath("impact", f"{name}.py").read_text(encoding="utf-8")
        text = text.replace("earlywarning.impact", PACKAGE)
        text = text.replace("earlywarning.errors", f"{PACKAGE}.errors")
        (code / f"{name}.py").write_text(text, encoding="utf-8")
    errors = source.joinpath("errors.py").read_text(encoding="utf-8")
    (code / "errors.py").write_text(errors, encoding="utf-8")
    script = source.joinpath("io", "templates", "impact_analyse.py.txt")
    (folder / "analyse.py").write_text(script.read_text(encoding="utf-8"), encoding="utf-8")
    readme = source.joinpath("io", "templates", "impact_export.md")
    (folder / "README.md").write_text(readme.read_text(encoding="utf-8"), encoding="utf-8")
