"""Headings that schools give to plain tables, in Indonesian and English, and what they mean.

Data for `column_roles`. Within a role the surest heading stands first. Headings are compared as
`plain` writes them: small letters, no marks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

ROLES: Mapping[str, tuple[str, ...]] = {
    "student": (
        "student id", "student local id", "nis", "nipd", "no induk", "nomor induk",
        "no induk siswa", "nomor induk siswa", "nis siswa", "id siswa", "student", "sis id",
        "local id", "lasid", "pupil id", "upn", "learner id", "student no", "student number",
    ),
    "student_oid": ("att std oid", "std oid", "student oid"),
    "national_id": ("nisn", "no nisn", "nomor nisn", "state id", "sasid", "national id"),
    "full_name": (
        "nama siswa", "nama lengkap", "nama peserta didik", "nama murid", "nama", "full name",
        "student name", "pupil name", "name",
    ),
    "first_name": ("first name", "nama depan", "given name", "forename"),
    "last_name": ("last name", "nama belakang", "surname", "family name"),
    "sex": ("l p", "lp", "jk", "j k", "jenis kelamin", "kelamin", "sex", "gender"),
    "birth_date": (
        "tanggal lahir", "tgl lahir", "birth date", "birthdate", "date of birth", "dob",
    ),
    "class_name": (
        "kelas", "rombel", "rombongan belajar", "rombel saat ini", "nama kelas", "nama rombel",
        "homeroom", "class", "class name", "class group", "form", "tutor group",
    ),
    "grade_level": ("tingkat", "tingkat kelas", "grade level", "grade", "year group", "jenjang"),
    "homeroom_staff": (
        "wali kelas", "nama wali kelas", "kode wali kelas", "homeroom teacher", "form tutor",
    ),
    "household": ("keluarga", "household", "family", "family id"),
    "family_card": ("no kk", "nomor kk", "no kartu keluarga", "nomor kartu keluarga"),
    "village": ("desa", "kelurahan", "desa kelurahan", "kelurahan desa", "village"),
    "student_status": ("status siswa", "enrollment status", "status", "keaktifan"),
    "entry_date": (
        "tanggal masuk", "tgl masuk", "tanggal diterima", "entry date", "enrollment date",
        "registration date", "start date",
    ),
    "exit_date": ("tanggal keluar", "tgl keluar", "exit date", "withdrawal date", "leaving date"),
    "school_id": (
        "npsn", "kode sekolah", "id sekolah", "school id", "school sis id", "school local id",
        "att skl oid", "skl oid", "school code", "school",
    ),
    "school_name": ("nama sekolah", "asal sekolah", "school name", "sekolah"),
    "school_year": ("tahun ajaran", "tahun pelajaran", "school year", "academic year"),
    "date": (
        "tanggal", "tgl", "date", "attendance date", "event date", "incident date", "visit date",
        "tanggal kejadian", "tgl kejadian", "tanggal pelanggaran", "hari tanggal", "tgl absen",
        "tanggal absen", "tanggal kunjungan", "att date", "waktu", "day",
    ),
    "code": (
        "attendance code", "kode absen", "kode kehadiran", "kehadiran", "absensi", "presensi",
        "kode", "code", "mark", "attendance status", "status kehadiran", "keterangan", "ket",
        "status", "att code view",
    ),
    "late_minutes": ("menit terlambat", "terlambat menit", "late minutes", "minutes late"),
    "section": (
        "section id", "section", "section number", "jam ke", "jam pelajaran", "course section",
        "period number", "lesson",
    ),
    "subject": (
        "mata pelajaran", "mapel", "subject", "course", "course number", "pelajaran",
        "nama mapel", "section id",
    ),
    "score": (
        "nilai", "nilai akhir", "skor", "score", "numeric grade earned", "numeric grade", "mark",
        "na", "final grade", "grade number", "grade", "result", "nilai rapor", "nilai pengetahuan",
    ),
    "pass_mark": ("kkm", "kktp", "pass mark", "passing score", "nilai kkm"),
    "max_score": ("nilai maksimum", "skor maksimum", "max score", "maximum", "out of"),
    "period": (
        "periode", "period", "term", "term id", "term local id", "semester", "triwulan",
        "quarter", "grading period",
    ),
    "grade_kind": ("jenis nilai", "jenis penilaian", "grade type", "assessment type"),
    "points": (
        "poin", "point", "points", "bobot", "bobot poin", "skor pelanggaran", "jumlah poin",
        "poin pelanggaran", "skor",
    ),
    "balance": (
        "sisa poin", "saldo poin", "total poin", "poin akhir", "akumulasi poin", "poin sekarang",
        "balance", "points balance", "total points", "point balance",
    ),
    "type_code": (
        "kode pelanggaran", "kode jenis", "kode tata tertib", "incident code", "behaviour code",
        "behavior code", "type code", "kode",
    ),
    "type_name": (
        "jenis pelanggaran", "nama pelanggaran", "bentuk pelanggaran", "pelanggaran", "perilaku",
        "uraian", "deskripsi", "jenis perilaku", "incident type", "behaviour", "behavior",
        "description", "incident description", "jenis",
    ),
    "severity": ("kategori", "tingkat pelanggaran", "golongan", "category", "severity", "level"),
    "polarity": (
        "jenis poin", "tipe poin", "polarity", "tipe", "sifat", "kelompok", "type", "kategori",
    ),
    "is_attendance_related": (
        "terkait kehadiran", "attendance related", "is attendance related",
    ),
    "event": ("no kejadian", "id kejadian", "incident id", "event id", "nomor kejadian"),
    "event_time": ("jam", "pukul", "incident time", "event time", "time"),
    "sick": ("sakit", "s", "sick", "days sick", "jml sakit"),
    "permitted": ("izin", "ijin", "i", "excused", "excused absences", "jml izin"),
    "unexcused": (
        "alpa", "alpha", "alfa", "a", "tanpa keterangan", "tk", "unexcused", "unexcused absences",
    ),
    "absent": ("jumlah absen", "absences", "days absent", "absent days", "total absences"),
    "effective_days": ("hari efektif", "effective days", "school days", "days enrolled"),
    "staff": (
        "kode guru", "id guru", "nuptk", "nip", "staff id", "teacher id", "staff", "kode",
    ),
    "staff_name": ("nama guru", "nama ptk", "teacher name", "staff name", "nama", "name"),
    "max_visits": ("kunjungan", "kunjungan per triwulan", "max visits", "visits"),
    "father_name": ("nama ayah", "ayah", "father name", "father"),
    "mother_name": ("nama ibu", "ibu", "mother name", "mother"),
    "guardian_name": ("nama wali", "wali", "nama orang tua", "orang tua", "guardian name"),
    "father_phone": ("hp ayah", "no hp ayah", "telepon ayah", "father phone"),
    "mother_phone": ("hp ibu", "no hp ibu", "telepon ibu", "mother phone"),
    "guardian_phone": (
        "hp wali", "hp orang tua", "no hp orang tua", "no hp", "hp", "telepon", "no telepon",
        "primary phone", "phone",
    ),
    "visit_status": ("status kunjungan", "hasil kunjungan", "visit status", "visit result"),
}  # fmt: skip

SUBJECTS: Mapping[str, str] = {
    short: name
    for name, shorts in {
        "Matematika": ("matematika", "mtk", "mat", "math", "mathematics", "maths"),
        "IPA": ("ipa", "ilmu pengetahuan alam", "science"),
        "IPS": ("ips", "ilmu pengetahuan sosial", "social studies"),
        "Bahasa Indonesia": ("bahasa indonesia", "b indonesia", "bindo", "b indo", "bin"),
        "Bahasa Inggris": ("bahasa inggris", "b inggris", "bing", "big", "english", "ela"),
        "PPKn": ("ppkn", "pkn", "pendidikan pancasila", "civics"),
        "PAI": ("pai", "pendidikan agama", "pendidikan agama islam", "agama", "pabp", "religion"),
        "PJOK": ("pjok", "penjas", "penjaskes", "penjasorkes", "pe", "physical education"),
        "Seni Budaya": ("seni budaya", "seni", "sbk", "sbdp", "art", "arts"),
        "Prakarya": ("prakarya", "pkwu"),
        "Informatika": ("informatika", "tik", "inf", "computing", "computer science"),
        "Bahasa Jawa": ("bahasa jawa", "b jawa", "bjawa"),
        "Bahasa Daerah": ("bahasa daerah", "b daerah", "mulok", "muatan lokal"),
        "Bahasa Arab": ("bahasa arab", "b arab"),
        "Akidah Akhlak": ("akidah akhlak", "aqidah akhlak"),
        "Al-Quran Hadis": ("al quran hadis", "quran hadis", "qurdis"),
        "Fikih": ("fikih", "fiqih"),
        "SKI": ("ski", "sejarah kebudayaan islam"),
        "Fisika": ("fisika", "physics"),
        "Kimia": ("kimia", "chemistry"),
        "Biologi": ("biologi", "biology"),
        "Sejarah": ("sejarah", "history"),
        "Geografi": ("geografi", "geography"),
        "Ekonomi": ("ekonomi", "economics"),
        "Sosiologi": ("sosiologi", "sociology"),
    }.items()
    for short in shorts
}
"""Headings of marks, one column a subject, and the subject."""

KINDS: Mapping[str, str] = {
    **dict.fromkeys(("pts", "sts", "uts", "mid", "midterm", "asts"), "midterm"),
    **dict.fromkeys(("pas", "sas", "pat", "sat", "uas", "ukk", "final", "asas", "asat"), "final"),
}
"""Headings of marks, one column a test."""

PERIOD_COLUMN = re.compile(r"^(g|q|term|tw|triwulan|period) ?([1-6])$")
"""Headings of marks, one column a period; as `plain` writes them."""

TOTALS = (
    "jumlah", "rata rata", "rerata", "total", "mean", "average", "tertinggi", "terendah",
    "nilai tertinggi", "nilai terendah", "mengetahui", "kepala sekolah", "catatan", "keterangan",
    "daya serap",
)  # fmt: skip
"""How a line under a table begins that is no row of it."""

PASS_MARKS = ("kkm", "kktp", "batas tuntas", "pass mark")
"""How a line begins that holds the pass mark of each subject."""

SEVERITY_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("ringan", "minor", "low"), "minor"),
    **dict.fromkeys(("sedang", "moderate", "medium"), "moderate"),
    **dict.fromkeys(("berat", "sangat berat", "serious", "major", "high", "severe"), "serious"),
}
POLARITY_WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("pelanggaran", "offence", "offense", "negatif", "negative", "punishment", "hukuman"),
        "offence",
    ),
    **dict.fromkeys(
        ("penghargaan", "prestasi", "reward", "merit", "positif", "positive", "kebaikan"), "merit"
    ),
}
SEX_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("l", "lk", "laki laki", "laki", "male", "m", "pria"), "M"),
    **dict.fromkeys(("p", "pr", "perempuan", "female", "f", "wanita"), "F"),
}
VISIT_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("selesai", "terlaksana", "done", "sudah"), "done"),
    **dict.fromkeys(("tidak ada orang", "no one home", "tidak bertemu"), "no_one_home"),
    **dict.fromkeys(("direncanakan", "planned", "rencana"), "planned"),
    **dict.fromkeys(("menolak", "declined", "ditolak"), "declined"),
    **dict.fromkeys(("pindah", "pindah alamat", "moved"), "moved"),
    **dict.fromkeys(("jadwal ulang", "rescheduled"), "rescheduled"),
    **dict.fromkeys(("batal", "cancelled"), "cancelled"),
}
ATTENDANCE_WORDS = (
    "present", "absent", "tardy", "late", "excused", "unexcused", "excused absence",
    "unexcused absence", "excused absent", "unexcused absent", "in attendance", "early departure",
    "suspended", "truant", "hadir", "sakit", "izin", "ijin", "alpa", "tidak hadir",
    "tanpa keterangan", "dispensasi", "pulang cepat",
)  # fmt: skip
"""Words of attendance; what each means is asked unless the code list has it."""
WORDS: Mapping[str, Mapping[str, str]] = {
    "sex": SEX_WORDS, "severity": SEVERITY_WORDS, "polarity": POLARITY_WORDS,
    "visit_status": VISIT_WORDS,
}  # fmt: skip
"""Words that stand under a role, and ours; as `plain` writes them."""

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_MARKS = re.compile(r"[^0-9a-z]+")


def plain(text: str) -> str:
    """A heading or word in small letters, without marks: `AttendanceCode`, `attendance_code`."""
    return _MARKS.sub(" ", _CAMEL.sub(" ", text.strip("'\" ")).lower()).strip()


BY_HEADING: Mapping[str, tuple[tuple[str, int], ...]] = {
    heading: tuple(
        (role, names.index(heading)) for role, names in ROLES.items() if heading in names
    )
    for heading in dict.fromkeys(name for names in ROLES.values() for name in names)
}
"""Each known heading, the roles that it may have, and its place in each."""


def is_known(heading: str) -> bool:
    """Whether a heading is one of a plain table."""
    text = plain(heading)
    return (
        text in BY_HEADING or text in SUBJECTS or text in KINDS or bool(PERIOD_COLUMN.match(text))
    )
