"""The mapping and the `district.toml` that belong to a simulated delivery."""

from __future__ import annotations

from earlywarning.simulation import files, rosters

DISTRICT = """\
# An invented district.

[district]
name = "Kabupaten Simulasi"
language = "id"

[calendar]
quarter_starts = ["07-01", "10-01", "01-01", "04-01"]

[attendance]
namespace = "id"

[thresholds]
preset = "indonesia_smp"

[visits]
lottery = true
capacity = 8
preventive_share = 0.4

[plan]
holidays = [["2026-12-19", "2027-01-04"], ["2027-03-02", "2027-03-16"]]
exams = [["2026-11-30", "2026-12-12"]]
ramadan = [["2027-02-08", "2027-03-09"]]
"""

_STUDENT = {"school_id": "NPSN", "student": "NIS"}
_TABLES: tuple[tuple[str, str, dict[str, str], dict[str, dict[str, str]], str], ...] = (
    ("school", "sekolah.csv", {"school_id": "NPSN", "name": "Nama Sekolah"}, {}, ""),
    (
        "staff",
        "guru.csv",
        {
            "school_id": "NPSN", "staff": "Kode Guru", "name": "Nama", "sex": "JK",
            "role": "Tugas", "max_visits": "Maks Kunjungan",
            "companion_preference": "Pendamping",
        },
        {
            "sex": files.SEX_WORDS, "role": files.ROLE_WORDS,
            "companion_preference": files.COMPANION_WORDS,
        },
        "",
    ),
    (
        "class_group",
        "rombel.csv",
        {
            "school_id": "NPSN", "school_year": "Tahun Pelajaran", "class_name": "Rombel",
            "grade_level": "Tingkat", "homeroom_staff": "Wali Kelas",
        },
        {},
        "",
    ),
    (
        "student",
        "siswa.csv",
        {
            **_STUDENT, "full_name": "Nama", "sex": "JK", "birth_date": "Tanggal Lahir",
            "household": "Kode Keluarga", "village": "Desa",
        },
        {"sex": files.SEX_WORDS},
        "",
    ),
    (
        "enrollment",
        "anggota_rombel.csv",
        {
            **_STUDENT, "school_year": "Tahun Pelajaran", "class_name": "Rombel",
            "grade_level": "Tingkat", "entry_date": "Masuk", "exit_date": "Keluar",
            "exit_reason": "Sebab Keluar",
        },
        {"exit_reason": rosters.EXIT_WORDS},
        "",
    ),
    (
        "guardian",
        "wali.csv",
        {
            **_STUDENT, "relation": "Hubungan", "full_name": "Nama", "sex": "JK", "phone": "HP",
            "vital": "Keadaan", "available": "Waktu",
        },
        {"relation": files.RELATION_WORDS, "sex": files.SEX_WORDS, "vital": files.VITAL_WORDS},
        "",
    ),
    (
        "attendance",
        "kehadiran/*.csv",
        {**_STUDENT, "date": "Tanggal", "code": "Kode", "recorded_on": "Dicatat"},
        {},
        'blank = "unrecorded"\nnamespace = "id"\n',
    ),
    (
        "behaviour",
        "pelanggaran.csv",
        {
            **_STUDENT, "event": "Nomor", "date": "Tanggal", "type_code": "Jenis",
            "severity": "Tingkat", "polarity": "Golongan", "points": "Poin",
            "is_attendance_related": "Terkait Kehadiran",
        },
        {
            "severity": files.SEVERITY_WORDS, "polarity": files.POLARITY_WORDS,
            "is_attendance_related": {"true": "ya", "false": "tidak"},
        },
        "",
    ),
    (
        "grade",
        "nilai.csv",
        {
            **_STUDENT, "subject": "Mata Pelajaran", "period": "Triwulan", "kind": "Jenis",
            "score": "Nilai", "date": "Tanggal", "recorded_on": "Dicatat",
        },
        {"kind": files.KIND_WORDS},
        'decimal = ","\n',
    ),
    (
        "visit",
        "kunjungan.csv",
        {**_STUDENT, "date": "Tanggal", "status": "Hasil", "track": "Jalur"},
        {"status": files.STATUS_WORDS, "track": files.TRACK_WORDS},
        "",
    ),
)  # fmt: skip


def mapping() -> str:
    """`mapping.toml` of every simulated delivery."""
    lines = ["# What the columns of this delivery mean.", 'source = "simulation"', ""]
    for table, file, columns, values, options in _TABLES:
        lines += ["[[table]]", f'table = "{table}"', f'file = "{file}"']
        lines += ['date_format = "%d/%m/%Y"', 'delimiter = ";"', *options.splitlines()]
        lines.append("[table.columns]")
        lines += [f'{ours} = "{theirs}"' for ours, theirs in columns.items()]
        for column, words in values.items():
            lines.append(f"[table.values.{column}]")
            lines += [f'"{theirs}" = "{ours}"' for ours, theirs in words.items()]
        lines.append("")
    return "\n".join(lines)
