"""The named cast of the tests: one small invented school. Nobody here exists.

SMP Contoh, school `SCH1`, year 2026-27, three classes:

- VII-A, homeroom Sari Wulandari (2 visits a quarter): Ahmad, Siti, Suparmi
- VII-B, homeroom Bambang O'Connor (1 visit): Dewi, Yusuf
- VIII-A, homeroom Retno (no capacity this quarter): Budi, Citra

Ahmad and Budi are brothers (household K1), so one visit serves both. Dewi's family asked not to be
visited. Yusuf has no household on record.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHOOL_ID = "SCH1"
SCHOOL_YEAR = "2026-27"


@dataclass(frozen=True, slots=True)
class Teacher:
    """A homeroom teacher."""

    local_id: str
    name: str
    sex: str
    class_name: str
    grade_level: int
    max_visits: int

    @property
    def class_id(self) -> str:
        """The class they lead."""
        return f"{SCHOOL_ID}/{SCHOOL_YEAR}/{self.class_name}"


@dataclass(frozen=True, slots=True)
class Child:
    """A student, by the school's own number."""

    local_id: str
    name: str
    sex: str
    class_name: str
    household: str | None
    do_not_visit: bool = False

    @property
    def student_id(self) -> str:
        """A fixed stand-in for the random id of the facts."""
        return self.local_id.lower().rjust(32, "0")

    @property
    def class_id(self) -> str:
        """The class they are in."""
        return f"{SCHOOL_ID}/{SCHOOL_YEAR}/{self.class_name}"


SARI = Teacher("G01", "Sari Wulandari, S.Pd.", "F", "VII-A", 7, 2)
BAMBANG = Teacher("G02", "Bambang O'Connor", "M", "VII-B", 7, 1)
RETNO = Teacher("G03", "Retno", "F", "VIII-A", 8, 0)
TEACHERS = (SARI, BAMBANG, RETNO)

AHMAD = Child("0101", "Ahmad Fulan", "M", "VII-A", "K1")
SITI = Child("0102", "Siti Contoh", "F", "VII-A", "K2")
SUPARMI = Child("0103", "Suparmi", "F", "VII-A", "K3")
DEWI = Child("0201", "Dewi Rahmawati", "F", "VII-B", "K4", do_not_visit=True)
YUSUF = Child("0202", "M. Yusuf Al-Contoh", "M", "VII-B", None)
BUDI = Child("0301", "Budi Fulan", "M", "VIII-A", "K1")
CITRA = Child("0302", "Citra =SUM(A1)", "F", "VIII-A", "K5")
CHILDREN = (AHMAD, SITI, SUPARMI, DEWI, YUSUF, BUDI, CITRA)
