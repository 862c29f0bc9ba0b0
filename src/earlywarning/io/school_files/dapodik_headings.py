"""Where the columns of Dapodik's student list stand.

The list has two rows of headings: `Data Ayah`, `Data Ibu`, `Data Wali` each stand over six columns
that are called alike. Copies have one row, where the groups are told by a suffix (`Nama.1`,
`Nama A`) or by nothing but their order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from earlywarning.io.grid import Cell, Row

GROUPS = ("Data Ayah", "Data Ibu", "Data Wali")
"""Over the columns of the father, the mother and the guardian, in the list's order."""

_SINGLE = {
    "nama": "Nama", "nama peserta didik": "Nama", "nipd": "NIPD", "jk": "JK",
    "jenis kelamin": "JK", "nisn": "NISN", "tanggal lahir": "Tanggal Lahir",
    "kelurahan": "Kelurahan", "desa/kelurahan": "Kelurahan", "jenis tinggal": "Jenis Tinggal",
    "telepon": "Telepon", "hp": "HP", "no hp": "HP", "rombel saat ini": "Rombel Saat Ini",
    "no kk": "No KK", "no. kk": "No KK", "nomor kk": "No KK",
}  # fmt: skip
_OF_A_PARENT = (
    "nama", "tahun lahir", "jenjang pendidikan", "pekerjaan", "penghasilan", "nik",
)  # fmt: skip
_READ_OF_A_PARENT = {"nama": "Nama", "pekerjaan": "Pekerjaan"}
_NEEDED = {"nama", "nipd", "rombel saat ini"}
_GROUP = re.compile(r"^(?:data )?(ayah|ibu|wali)(?: kandung)?$")
_WITH_GROUP = re.compile(
    r"^(?:data )?(?P<before>ayah|ibu|wali)\W+(?P<own>" + "|".join(_OF_A_PARENT) + ")$"
)
_SUFFIXED = re.compile(
    r"^(?P<own>" + "|".join(_OF_A_PARENT) + r")[ ._]*(?P<behind>ayah|ibu|wali|[aiw]|\d{1,2})?$"
)
_BY_WORD = {
    "ayah": GROUPS[0], "ibu": GROUPS[1], "wali": GROUPS[2],
    "a": GROUPS[0], "i": GROUPS[1], "w": GROUPS[2],
}  # fmt: skip
_UNNAMED = re.compile(r"^unnamed: \d+")


@dataclass(frozen=True, slots=True)
class Headings:
    """The columns that are read; no others.

    Attributes
    ----------
    first_row, last_row : int
        Row numbers of the headings.
    places : mapping of str to int
        Place of each column in a row, from 0: `NIPD`, …, `Data Ayah|Nama`.
    unclear : bool
        Whether the parents' occupations could not be told apart, and are not read.
    """

    first_row: int
    last_row: int
    places: Mapping[str, int]
    unclear: bool = False


def find_headings(rows: Sequence[Row]) -> Headings | None:
    """Find the headings among the first rows of a sheet; None if it is another list."""
    for place, (_, cells) in enumerate(rows):
        if set(_names(cells)) >= _NEEDED:
            found = _read(rows, place)
            if {_SINGLE[name] for name in _NEEDED} <= set(found.places):
                return found
    return None


def _read(rows: Sequence[Row], place: int) -> Headings:
    """The columns, where the single ones have their headings in the row at `place`."""
    number, cells = rows[place]
    names = _names(cells)
    above = _names(rows[place - 1][1]) if place else []
    below = _names(rows[place + 1][1]) if place + 1 < len(rows) else []
    if _has_groups(names) and {"nama", "pekerjaan"} & set(below):
        return Headings(number, rows[place + 1][0], _under_groups(names, below))
    if _has_groups(above):
        return Headings(rows[place - 1][0], number, _beside_groups(above, names))
    places, unclear = _flat(names)
    return Headings(number, number, places, unclear)


def _names(cells: Sequence[Cell]) -> list[str]:
    names = [" ".join((text or "").split()).lower() for text, _ in cells]
    return ["" if _UNNAMED.match(name) else name for name in names]


def _has_groups(names: Sequence[str]) -> bool:
    return any(_GROUP.match(name) for name in names)


def _group(name: str) -> str | None:
    found = _GROUP.match(name)
    return _BY_WORD[found[1]] if found else None


def _under_groups(top: Sequence[str], below: Sequence[str]) -> dict[str, int]:
    """Single columns stand in the groups' own row; a group ends where the next heading stands."""
    places: dict[str, int] = {}
    group: str | None = None
    for place in range(max(len(top), len(below))):
        name = top[place] if place < len(top) else ""
        own = below[place] if place < len(below) else ""
        if name:
            group = _group(name)
        if group:
            _put_parent(places, group, own, place)
        else:
            _put(places, name or own, place)
    return places


def _beside_groups(above: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    """Single columns stand in the lower row, so a group ends where a heading is not one of its."""
    places: dict[str, int] = {}
    group: str | None = None
    seen: set[str] = set()
    for place, name in enumerate(names):
        over = above[place] if place < len(above) else ""
        if over:
            group, seen = _group(over), set()
        if name not in _OF_A_PARENT or name in seen:
            group = None
        seen.add(name)
        if group:
            _put_parent(places, group, name, place)
        else:
            _put(places, name, place)
    return places


def _flat(names: Sequence[str]) -> tuple[dict[str, int], bool]:
    """One row of headings: groups by suffix, else by order."""
    places: dict[str, int] = {}
    plain: dict[str, list[tuple[int, int]]] = {"nama": [], "pekerjaan": []}
    for place, name in enumerate(names):
        found = _WITH_GROUP.match(name) or _SUFFIXED.match(name)
        if found is None:
            _put(places, name, place)
            continue
        parts = found.groupdict()
        word = parts.get("before") or parts.get("behind") or ""
        if word in _BY_WORD:
            _put_parent(places, _BY_WORD[word], parts["own"], place)
        elif parts["own"] in plain:
            plain[parts["own"]].append((int(word or 0), place))
    (_, student), *parents = sorted(plain["nama"])
    places["Nama"] = student
    for group, (_, place) in zip(_left(places, "Nama"), parents, strict=False):
        places[f"{group}|Nama"] = place
    jobs = sorted(plain["pekerjaan"])
    unclear = len(jobs) not in (0, len(parents))
    if not unclear:
        for group, (_, place) in zip(_left(places, "Pekerjaan"), jobs, strict=False):
            places[f"{group}|Pekerjaan"] = place
    return places, unclear


def _left(places: Mapping[str, int], own: str) -> list[str]:
    """The groups that no suffix named."""
    return [group for group in GROUPS if f"{group}|{own}" not in places]


def _put(places: dict[str, int], name: str, place: int) -> None:
    if name in _SINGLE:
        places.setdefault(_SINGLE[name], place)


def _put_parent(places: dict[str, int], group: str, own: str, place: int) -> None:
    if own in _READ_OF_A_PARENT:
        places.setdefault(f"{group}|{_READ_OF_A_PARENT[own]}", place)
