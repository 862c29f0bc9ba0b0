"""Where the columns of a grade ledger (leger) stand: one row a student, one column a subject.

Headings take one to four rows: a group over the subjects, the subject, and knowledge (P) and skills
(K) below it, or the other way round. A cell over several columns stands in the first of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from earlywarning.io.grid import Cell, Row

KNOWLEDGE, SKILLS, WHOLE = "P", "K", ""
"""Aspects of a subject's grade; `WHOLE` is one grade for all of it."""

TOTALS = ("Sakit", "Izin", "Alpa")

_IDS = {
    **dict.fromkeys(("nis", "nipd", "no induk", "no. induk", "nomor induk", "nis lokal"), "NIS"),
    "nisn": "NISN",
    **dict.fromkeys(("nis/nisn", "nis / nisn", "nipd/nisn", "nipd / nisn"), "NIS/NISN"),
    **dict.fromkeys(
        ("nama", "nama siswa", "nama peserta didik", "nama lengkap", "nama murid",
         "nama peserta didik/siswa"), "Nama"
    ),
    **dict.fromkeys(("no", "no.", "nomor", "no urut", "no. urut", "no absen"), "No"),
}  # fmt: skip
_TOTALS = {
    "s": "Sakit", "sakit": "Sakit", "i": "Izin", "izin": "Izin", "ijin": "Izin", "a": "Alpa",
    "alpa": "Alpa", "alpha": "Alpa", "alfa": "Alpa", "tk": "Alpa", "tanpa keterangan": "Alpa",
}  # fmt: skip
_ABSENCE = ("ketidakhadiran", "kehadiran", "absensi", "absen", "presensi", "rekap kehadiran")
_ASPECTS = {
    **dict.fromkeys(
        ("p", "pengetahuan", "nilai pengetahuan", "ki3", "ki-3", "ki 3", "kognitif"), KNOWLEDGE
    ),
    **dict.fromkeys(
        ("k", "keterampilan", "nilai keterampilan", "ki4", "ki-4", "ki 4", "praktik"), SKILLS
    ),
    **dict.fromkeys(
        ("na", "nilai akhir", "nilai", "n", "angka", "nr", "nilai rapor", "rapor"), WHOLE
    ),
}  # fmt: skip
_NO_GRADE = {
    "predikat", "pred", "pred.", "huruf", "deskripsi", "capaian kompetensi", "sikap", "spiritual",
    "sosial", "kkm", "kktp", "jumlah", "jml", "total", "rata-rata", "rata - rata", "rata rata",
    "rata2", "rerata", "peringkat", "ranking", "rangking", "rank", "ket", "ket.", "keterangan",
    "catatan", "kelas", "rombel", "jk", "l/p", "jenis kelamin", "nik", "no kk", "ttl",
    "tempat lahir", "tanggal lahir", "status", "keputusan", "fase", "semester", "pd_id",
    "hari efektif", "jumlah nilai", "nilai rata-rata", "jumlah ketidakhadiran",
}  # fmt: skip
_OVER_ALL = re.compile(
    r"^(mata pelajaran|mapel|muatan (nasional|lokal)|kelompok [abc]\b.*|nilai mata pelajaran"
    r"|daftar nilai|intrakurikuler)$"
)
_HAS_LETTER = re.compile(r"[^\W\d_]")
_SUFFIXED = re.compile(r"^(?P<subject>.+?) ?(?:\((?P<inside>[^()]+)\)|[-_/] ?(?P<behind>[^-_/]+))$")


@dataclass(frozen=True, slots=True)
class GradeColumn:
    """One column of grades: its subject, as the ledger writes it, and the aspect."""

    subject: str
    aspect: str
    place: int

    @property
    def label(self) -> str:
        """Subject and aspect, like `Matematika (K)`."""
        return f"{self.subject} ({self.aspect})" if self.aspect else self.subject


@dataclass(frozen=True, slots=True)
class LedgerHeadings:
    """The columns of a ledger.

    Attributes
    ----------
    first_row, last_row : int
        Row numbers of the headings.
    ids : mapping of "No", "NIS", "NISN", "NIS/NISN", "Nama" to place
    columns : tuple of GradeColumn
        Columns that may hold grades; their cells decide.
    totals : mapping of `TOTALS` to place
    """

    first_row: int
    last_row: int
    ids: Mapping[str, int]
    columns: tuple[GradeColumn, ...]
    totals: Mapping[str, int]


def find_headings(rows: Sequence[Row]) -> LedgerHeadings | None:
    """Find the headings that name students, and what may be subjects; None if there are none."""
    for place, (_, cells) in enumerate(rows):
        names = [_IDS.get(label.lower()) for label in _labels(cells)]
        if "Nama" in names and {"NIS", "NISN", "NIS/NISN"} & set(names):
            first, levels = _levels(rows, place, names.index("Nama"))
            last = rows[place + len(levels) - 1 - (place - first)][0]
            return _read(rows[first][0], last, _paths(levels))
    return None


def _labels(cells: Sequence[Cell]) -> list[str]:
    return [" ".join((text or "").split()) for text, _ in cells]


def _levels(rows: Sequence[Row], place: int, name_at: int) -> tuple[int, list[list[str]]]:
    """The rows of headings around the one that names students, and where they begin."""
    levels = [_labels(rows[place][1])]
    first = place
    above = _labels(rows[place - 1][1]) if place else []
    is_next = place > 0 and rows[place - 1][0] == rows[place][0] - 1
    is_title = any(above[: name_at + 1]) or any(":" in label for label in above)
    if is_next and any(above) and not is_title:
        levels.insert(0, above)
        first -= 1
    for _, cells in rows[place + 1 : place + 3]:
        labels = _labels(cells)
        has_number = any(label.replace(",", ".").replace(".", "", 1).isdigit() for label in labels)
        if any(labels[: name_at + 1]) or has_number:
            break
        levels.append(labels)
    return first, levels


def _paths(levels: Sequence[Sequence[str]]) -> list[list[str]]:
    """For each column the headings over it, the widest first."""
    width = max(len(level) for level in levels)
    now: list[str] = [""] * len(levels)
    paths = []
    for place in range(width):
        own = [level[place] if place < len(level) else "" for level in levels]
        deepest = max((depth for depth, label in enumerate(own) if label), default=-1)
        for depth, label in enumerate(own):
            if label:
                now[depth:] = [label] + [""] * (len(levels) - depth - 1)
        paths.append([label for label in now[: deepest + 1] if label])
    return paths


def _read(first_row: int, last_row: int, paths: Sequence[Sequence[str]]) -> LedgerHeadings:
    ids: dict[str, int] = {}
    totals: dict[str, int] = {}
    columns = []
    for place, path in enumerate(paths):
        lower = [label.lower() for label in path]
        if not path:
            continue
        if lower[-1] in _IDS:
            ids.setdefault(_IDS[lower[-1]], place)
        elif lower[-1] in _TOTALS and all(_is_over_totals(label) for label in lower[:-1]):
            totals.setdefault(_TOTALS[lower[-1]], place)
        elif column := _grade_column(path, place):
            columns.append(column)
    # One letter alone may be anything.
    return LedgerHeadings(
        first_row, last_row, ids, tuple(columns), totals if len(totals) > 1 else {}
    )


def _is_over_totals(label: str) -> bool:
    return label in _ABSENCE or label in _NO_GRADE or bool(_OVER_ALL.match(label))


def _grade_column(path: Sequence[str], place: int) -> GradeColumn | None:
    """Subject and aspect; None where the heading names something else."""
    path = [part for label in path for part in _parts(label)]
    if any(label.lower() in _NO_GRADE or label.lower() in _IDS for label in path):
        return None
    aspects = [_ASPECTS[label.lower()] for label in path if label.lower() in _ASPECTS]
    rest = [label for label in path if label.lower() not in _ASPECTS]
    subjects = [label for label in rest if not _OVER_ALL.match(label.lower())] or rest
    if not subjects or not _HAS_LETTER.search(subjects[-1]):
        return None
    aspect = next((aspect for aspect in aspects if aspect != WHOLE), WHOLE)
    return GradeColumn(subjects[-1], aspect, place)


def _parts(label: str) -> list[str]:
    """`Matematika (K)` and `Matematika-K` are a subject and an aspect."""
    found = _SUFFIXED.match(label)
    if found:
        aspect = (found["inside"] or found["behind"]).strip()
        if aspect.lower() in _ASPECTS:
            return [found["subject"], aspect]
    return [label]
