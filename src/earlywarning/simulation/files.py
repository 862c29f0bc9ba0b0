"""Write a district's files as its schools would deliver them, and the truth apart.

CSV in the Indonesian layout: `;` between fields, dd/mm/yyyy, decimal comma, codes H S I A T B D.
`mapping.toml` says what the columns mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import IO

import numpy as np
import polars as pl

from earlywarning.calendar import day_date, day_number
from earlywarning.simulation import rosters
from earlywarning.simulation.records import MARKS, NOT_ENROLLED, NOT_TAKEN, Records
from earlywarning.simulation.world import School

SEX_WORDS = {"M": "L", "F": "P"}
ROLE_WORDS = {"homeroom_teacher": "wali kelas", "counsellor": "guru BK",
              "principal": "kepala sekolah", "coordinator": "koordinator"}  # fmt: skip
COMPANION_WORDS = {"never": "tidak perlu", "opposite_sex_household": "bila berlainan jenis",
                   "always": "selalu"}  # fmt: skip
RELATION_WORDS = {"father": "ayah", "mother": "ibu"}
VITAL_WORDS = {"alive": "hidup", "abroad": "di luar negeri"}
SEVERITY_WORDS = {"minor": "ringan", "moderate": "sedang", "serious": "berat"}
POLARITY_WORDS = {"offence": "pelanggaran", "merit": "penghargaan"}
KIND_WORDS = {"midterm": "STS", "final": "SAS"}
STATUS_WORDS = {"done": "selesai", "no_one_home": "tidak ada orang", "rescheduled": "jadwal ulang"}
TRACK_WORDS = {"concern": "perhatian", "preventive": "preventif"}


@dataclass
class Delivery:
    """Open files of a delivery, to which school after school is added.

    Attributes
    ----------
    folder : Path
    rows : dict of file to int
    planted : list of dict
        Rows that cannot be right, with what is wrong: an import must refuse exactly these.
    """

    folder: Path
    rows: dict[str, int] = field(default_factory=dict)
    planted: list[dict[str, str]] = field(default_factory=list)
    _files: dict[str, IO[bytes]] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Delivery:
        (self.folder / "kehadiran").mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def put(self, name: str, frame: pl.DataFrame) -> None:
        """Add rows to a file; the first ones bring the headings."""
        first = name not in self._files
        if first:
            self._files[name] = self._stack.enter_context((self.folder / name).open("wb"))
        frame.write_csv(
            self._files[name], include_header=first, separator=";", line_terminator="\n"
        )
        self.rows[name] = self.rows.get(name, 0) + frame.height

    def add(self, records: Records, *, marks: bool) -> None:
        """Everything of one school."""
        school = records.school
        ids = pl.Series(school.local_ids())
        self._people(school)
        if marks:
            for name, frame in month_marks(records, ids):
                self.put(f"kehadiran/{name}.csv", frame)
        self._events(records, ids)

    def _people(self, school: School) -> None:
        npsn = pl.lit(school.school_id).alias("NPSN")
        self.put("sekolah.csv", pl.DataFrame(
            {"NPSN": [school.school_id], "Nama Sekolah": [f"SMP Simulasi {school.number}"]}
        ))  # fmt: skip
        staff = rosters.staff(school)
        self.put("guru.csv", staff.select(
            npsn, pl.col("staff").alias("Kode Guru"), pl.col("name").alias("Nama"),
            _word("sex", SEX_WORDS, "JK"), _word("role", ROLE_WORDS, "Tugas"),
            pl.col("max_visits").alias("Maks Kunjungan"),
            _word("companion_preference", COMPANION_WORDS, "Pendamping"),
        ))  # fmt: skip
        stays = rosters.enrolments(school)
        classes = stays.select("school_year", "class_name", "grade_level").unique().sort(
            "school_year", "grade_level", "class_name")  # fmt: skip
        leads = staff.filter(pl.col("class_name").is_not_null()).select("class_name", "staff")
        led = classes.join(leads, on="class_name", how="left", maintain_order="left")
        self.put("rombel.csv", led.select(
            npsn, pl.col("school_year").alias("Tahun Pelajaran"),
            pl.col("class_name").alias("Rombel"), pl.col("grade_level").alias("Tingkat"),
            pl.col("staff").alias("Wali Kelas"),
        ))  # fmt: skip
        people = rosters.students(school)
        self.put("siswa.csv", people.select(
            npsn, pl.col("student").alias("NIS"), pl.col("full_name").alias("Nama"),
            _word("sex", SEX_WORDS, "JK"),
            pl.col("birth_date").dt.strftime("%d/%m/%Y").alias("Tanggal Lahir"),
            pl.col("household").alias("Kode Keluarga"), pl.col("village").alias("Desa"),
        ))  # fmt: skip
        ids = pl.Series(school.local_ids())
        self.put("anggota_rombel.csv", stays.select(
            npsn, ids.gather(stays["student"]).alias("NIS"),
            pl.col("school_year").alias("Tahun Pelajaran"), pl.col("class_name").alias("Rombel"),
            pl.col("grade_level").alias("Tingkat"),
            rosters.date_text(stays["entry_day"].to_numpy()).alias("Masuk"),
            rosters.date_text(stays["exit_day"].to_numpy()).alias("Keluar"),
            _word("exit_reason", rosters.EXIT_WORDS, "Sebab Keluar"),
        ))  # fmt: skip
        self.put("wali.csv", rosters.guardians(school).select(
            npsn, pl.col("student").alias("NIS"), _word("relation", RELATION_WORDS, "Hubungan"),
            pl.col("full_name").alias("Nama"), _word("sex", SEX_WORDS, "JK"),
            pl.col("phone").alias("HP"), _word("vital", VITAL_WORDS, "Keadaan"),
            pl.col("available").alias("Waktu"),
        ))  # fmt: skip

    def _events(self, records: Records, ids: pl.Series) -> None:
        school = records.school
        npsn = pl.lit(school.school_id).alias("NPSN")
        found = records.incidents.sort("day", "student", "type_code", maintain_order=True)
        self.put("pelanggaran.csv", found.with_row_index("number").select(
            npsn, pl.format("{}-{}", pl.lit(school.number), "number").alias("Nomor"),
            ids.gather(found["student"]).alias("NIS"),
            rosters.date_text(found["day"].to_numpy()).alias("Tanggal"),
            pl.col("type_code").alias("Jenis"), _word("severity", SEVERITY_WORDS, "Tingkat"),
            _word("polarity", POLARITY_WORDS, "Golongan"), pl.col("points").alias("Poin"),
            pl.when("is_attendance_related").then(pl.lit("ya")).otherwise(pl.lit("tidak"))
            .alias("Terkait Kehadiran"),
        ))  # fmt: skip
        marks = records.grades
        entered = rosters.date_text((marks["day"] + marks["entered_late"]).to_numpy())
        self.put("nilai.csv", marks.select(
            npsn, ids.gather(marks["student"]).alias("NIS"),
            pl.col("subject").alias("Mata Pelajaran"), pl.col("period").alias("Triwulan"),
            _word("kind", KIND_WORDS, "Jenis"), pl.format("{},0", "score").alias("Nilai"),
            rosters.date_text(marks["day"].to_numpy()).alias("Tanggal"),
            pl.when(pl.col("entered_late") > 0).then(entered).alias("Dicatat"),
        ))  # fmt: skip
        visits = records.visits.sort("day", "student")
        self.put("kunjungan.csv", visits.select(
            npsn, ids.gather(visits["student"]).alias("NIS"),
            rosters.date_text(visits["day"].to_numpy()).alias("Tanggal"),
            _word("status", STATUS_WORDS, "Hasil"), _word("track", TRACK_WORDS, "Jalur"),
        ))  # fmt: skip

    def plant(self, school: School, until: date) -> None:
        """A few rows that cannot be right, as every real delivery has them."""
        first = school.local_ids()[-1]
        month = day_date(int(school.days[school.days < day_number(until)][-1]))
        wrong = (
            ("X99999", month.strftime("%d/%m/%Y"), "H", "unknown_student"),
            (first, "31/02/2026", "H", "impossible_date"),
            (first, month.strftime("%d/%m/0003"), "A", "date_out_of_range"),
        )
        name = f"kehadiran/{month:%Y-%m}.csv"
        for student, day, code, reason in wrong:
            self.put(name, pl.DataFrame(
                {"NPSN": [school.school_id], "NIS": [student], "Tanggal": [day], "Kode": [code],
                 "Dicatat": [None]}, schema_overrides={"Dicatat": pl.String}))  # fmt: skip
            self.planted.append({"file": name, "student": student, "date": day, "reason": reason})


def month_marks(records: Records, ids: pl.Series) -> Iterator[tuple[str, pl.DataFrame]]:
    """Every mark of a school, month by month: (`2026-09`, frame)."""
    school = records.school
    texts = rosters.date_text(school.days)
    months = np.array([f"{day_date(int(day)):%Y-%m}" for day in school.days])
    codes = pl.Series(MARKS)
    npsn = pl.lit(school.school_id).alias("NPSN")
    for month in np.unique(months):
        span = np.flatnonzero(months == month)
        part = records.marks[:, span]
        day, who = np.nonzero(((part != NOT_ENROLLED) & (part != NOT_TAKEN)).T)
        if not len(who):
            continue
        late = records.entered_late[who, span[day]]
        recorded = pl.Series([None] * len(late), dtype=pl.String)
        at = np.flatnonzero(late)
        if len(at):
            days = school.days[span[day[at]]] + late[at]
            recorded = recorded.scatter(at, rosters.date_text(days))
        yield (
            str(month),
            pl.DataFrame(
                {
                    "NIS": ids.gather(who),
                    "Tanggal": texts.gather(span[day]),
                    "Kode": codes.gather(part[who, day].astype(np.uint32)),
                    "Dicatat": recorded,
                }
            ).select(npsn, pl.all()),
        )


def _word(column: str, words: dict[str, str], name: str) -> pl.Expr:
    return pl.col(column).replace_strict(words, default=None, return_dtype=pl.String).alias(name)
