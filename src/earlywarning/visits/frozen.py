"""The record that cannot be computed again, as bytes that never change.

One JSON object, keys sorted, no spaces, UTF-8, numbers as Python's shortest exact form. The same
list gives the same bytes on every machine; its SHA-256 goes beside it. It holds random ids only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from earlywarning.calendar import SchoolCalendar
from earlywarning.district import (
    NEWEST_LAYOUT,
    District,
    FileLimits,
    ImportRules,
    Thresholds,
    Visits,
    leave_out,
)
from earlywarning.errors import ArtifactError
from earlywarning.visit_rules import Tracks

_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical(document: Mapping[str, Any]) -> bytes:
    """The bytes of a document.

    Raises
    ------
    ValueError
        If a number is not finite, or a value has no place in JSON.
    """
    return text(document).encode()


def text(value: Any) -> str:
    """The same of any value, as text; see `canonical`."""
    return _ENCODER.encode(value)


def digest(frozen: bytes) -> str:
    """SHA-256 of the bytes, in hexadecimal."""
    return hashlib.sha256(frozen).hexdigest()


def opened(frozen: bytes, sha256: str) -> dict[str, Any]:
    """The document in frozen bytes, after their hash was checked.

    Raises
    ------
    ArtifactError
        If the bytes are not those that were frozen.
    """
    found = digest(frozen)
    if found != sha256:
        raise ArtifactError(
            f"visit list: the frozen record has hash {found[:12]}…, recorded was {sha256[:12]}…; "
            "it was changed after it was frozen, so it is not used: restore it from a backup"
        )
    return json.loads(frozen)


def district_values(district: District, layout: int = NEWEST_LAYOUT) -> dict[str, Any]:
    """Every value of a `District` that a list can depend on, as JSON has it.

    Parameters
    ----------
    layout : int
        Of the frozen record; lists of layout 1 knew no tracks.
    """
    values: dict[str, Any] = asdict(district)
    del values["monitor"], values["plan"], values["promote"]
    del values["protection"]
    leave_out(values["visits"], layout)
    return json.loads(json.dumps(values))


def district_of(values: Mapping[str, Any]) -> District:
    """The `District` whose values were frozen; see `district_values`."""
    calendar = values["calendar"]
    whole: dict[str, Any] = {
        **values,
        "visits": _visits(values["visits"]),
        "calendar": SchoolCalendar(
            tuple((month, day) for month, day in calendar["quarter_starts"]),
            tuple(calendar["school_weekdays"]),
        ),
        "thresholds": Thresholds(**values["thresholds"]),
        "school_thresholds": {
            school: Thresholds(**own) for school, own in values["school_thresholds"].items()
        },
        "imports": _import_rules(values["imports"]),
    }
    return District(**whole)


def _visits(values: Mapping[str, Any]) -> Visits:
    """Lists of before there were tracks have none on record."""
    rest: dict[str, Any] = dict(values)
    tracks = Tracks(**rest.pop("tracks")) if "tracks" in rest else Tracks()
    return Visits(**rest, tracks=tracks)


def _import_rules(values: Mapping[str, Any]) -> ImportRules:
    """Lists of before there were limits of files have none on record."""
    rules: dict[str, Any] = dict(values)
    if "files" in rules:
        rules["files"] = FileLimits(**rules["files"])
    return ImportRules(**rules)


def first_difference(expected: Any, found: Any, path: str = "") -> str | None:
    """Where two documents differ first, in words; None if nowhere.

    Lists of households are compared by place, so a missing one shows as the first that moved.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            if key not in found or key not in expected:
                return f"{path}/{key} is {'missing' if key in expected else 'new'}"
            deeper = first_difference(expected[key], found[key], f"{path}/{key}")
            if deeper:
                return deeper
        return None
    if isinstance(expected, list) and isinstance(found, list):
        for index, (left, right) in enumerate(zip(expected, found, strict=False)):
            deeper = first_difference(left, right, f"{path}/{index}")
            if deeper:
                return deeper
        if len(expected) != len(found):
            return f"{path} has {len(found)} entries, recorded were {len(expected)}"
        return None
    if expected != found or type(expected) is not type(found):
        return f"{path} is {found!r}, recorded was {expected!r}"
    return None
