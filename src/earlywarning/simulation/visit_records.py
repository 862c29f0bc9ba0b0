"""What invented teachers write down about visits: attempts, what they found, what comes next.

Codes are those of the register; the words are invented and name nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

LATE_SHARE = 0.15
"""Visits that are entered some days later."""

_MET = (("mother",), ("father",), ("mother", "student"), ("mother", "father"), ("grandparent",),
        ("guardian", "student"))  # fmt: skip
_MET_CHANCES = (0.34, 0.14, 0.24, 0.12, 0.1, 0.06)
_CAUSES = ("health", "motivation", "family", "economy", "transport", "work", "care")
_CAUSE_CHANCES = (0.2, 0.24, 0.14, 0.14, 0.12, 0.08, 0.08)
_PURPOSES = {
    "concern": ("attendance", "grades", "behaviour"),
    "preventive": ("get_to_know",),
    "sick_child": ("sick_child",),
    "good_news": ("good_news",),
    "requested": ("requested",),
}
_OBSERVED = ("study_place", "support", "phone_use", "journey", "work", "health")
_AGREEMENTS = {
    "health": "Orang tua mengabari wali kelas pada pagi hari bila anak sakit.",
    "motivation": "Anak memilih satu kegiatan sekolah; wali kelas menanyakan kabarnya tiap Jumat.",
    "family": "Orang tua dan wali kelas berkabar dua minggu sekali.",
    "economy": "Wali kelas menanyakan bantuan seragam ke sekolah.",
    "transport": "Berangkat bersama tetangga; wali kelas memeriksa jadwal angkutan.",
    "work": "Membantu keluarga hanya sesudah sekolah dan di akhir pekan.",
    "care": "Kerabat bergantian menjaga adik pada hari sekolah.",
}
_PLAIN = "Orang tua dan wali kelas saling memberi kabar."
_WISHES = ("Meminta kabar nilai lebih sering.", "Meminta waktu bertemu di hari Sabtu.",
           "Meminta buku latihan.")  # fmt: skip
_ACTIONS = ("Menelepon orang tua", "Menanyakan bantuan ke sekolah", "Berbicara dengan guru BK",
            "Memeriksa kehadiran dua pekan")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """A visit of which only the bare fact is known.

    Attributes
    ----------
    status : str
        As in the facts: `done`, `no_one_home`, …
    """

    student_id: str
    day: date
    status: str
    track: str


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt to reach the family."""

    id: str
    day: date
    channel: str
    result: str


@dataclass(frozen=True, slots=True)
class Next:
    """Something to be done after a visit."""

    id: str
    action: str
    due: date
    done: bool


@dataclass(frozen=True, slots=True)
class Written:
    """One visit as a teacher wrote it down.

    Attributes
    ----------
    entered : date
        The day on which it was written down, the visit's or later.
    """

    id: str
    known: Known
    entered: date
    tried: tuple[Tried, ...]
    met: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    observations: dict[str, str] = field(default_factory=dict)
    agreement: str | None = None
    family_requests: str | None = None
    follow_up: Next | None = None


def written(visits: Iterable[Known], *, seed: int, today: date) -> Iterator[Written]:
    """What was written down about visits; the same seed gives the same words and ids.

    Parameters
    ----------
    today : date
        Follow-ups due before it are mostly done; what is planned is entered by then.
    """
    rng = np.random.default_rng([seed, today.toordinal()])
    for known in visits:
        yield _one(known, rng, today)


def _one(known: Known, rng: np.random.Generator, today: date) -> Written:
    late = int(rng.integers(2, 20)) if rng.random() < LATE_SHARE else 0
    entered = min(known.day + timedelta(days=late), max(today, known.day))
    if known.status == "planned":
        entered = min(known.day, today)
    tried = tuple(_attempts(known, entered, rng))
    if known.status != "done":
        return Written(_id(rng), known, entered, tried)
    causes: tuple[str, ...] = ()
    if known.track == "concern":
        number = int(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))
        causes = tuple(rng.choice(_CAUSES, number, replace=False, p=_CAUSE_CHANCES))
    observed = rng.choice(_OBSERVED, int(rng.integers(2, 5)), replace=False)
    return Written(
        id=_id(rng),
        known=known,
        entered=entered,
        tried=tried,
        met=_MET[int(rng.choice(len(_MET), p=_MET_CHANCES))],
        purposes=(str(rng.choice(_PURPOSES[known.track])),),
        causes=tuple(str(one) for one in causes),
        observations={
            str(name): "help_needed" if rng.random() < 0.3 else "good" for name in observed
        },
        agreement=_AGREEMENTS[str(causes[0])] if causes else _PLAIN,
        family_requests=str(rng.choice(_WISHES)) if rng.random() < 0.25 else None,
        follow_up=_next(known, rng, today) if causes and rng.random() < 0.5 else None,
    )


def _attempts(known: Known, entered: date, rng: np.random.Generator) -> Iterator[Tried]:
    """WhatsApp first, then the telephone, then a letter."""
    before = int(rng.integers(2, 8))
    channels = ("whatsapp", "telephone", "letter")
    failed = int(rng.choice([0, 1, 2], p=[0.7, 0.22, 0.08]))
    for place in range(failed + 1):
        day = min(known.day, entered) - timedelta(days=max(before - 2 * place, 1))
        last = place == failed
        reached = "sent" if channels[place] == "letter" else "agreed"
        result = reached if last else "no_answer"
        yield Tried(_id(rng), day, channels[place], result)


def _next(known: Known, rng: np.random.Generator, today: date) -> Next:
    due = known.day + timedelta(days=int(rng.integers(7, 29)))
    done = due < today and rng.random() < 0.9
    return Next(_id(rng), str(rng.choice(_ACTIONS)), due, bool(done))


def _id(rng: np.random.Generator) -> str:
    return rng.bytes(16).hex()
