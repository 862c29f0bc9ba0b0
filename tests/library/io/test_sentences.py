"""Sentences of the import in Indonesian: said by the import, quoting alike, complete for cells."""

from __future__ import annotations

import re
from functools import cache

import pytest

import import_texts
from earlywarning.io import wording
from earlywarning.io.school_files.headings_known import ROLES
from earlywarning.io.sentences import DOMAIN, HIDDEN, QUOTED, translated

NAME = re.compile(r"{(\w+)}")
SENTENCE = re.compile(
    r"[a-z]+(?: [a-z'-]+){2,}|[a-z]{3,}; [a-z]{3,}|[a-z]{3,}: [a-z]{3,}|[a-z]{3,}[,.?] "
)
"""What a text looks like that is more than a name, a code or a heading."""

WORD_LISTS = (
    "records.faults",  # reasons by their code: the pages have `import.reason` for each
    "records.tables",  # names and types of columns
    "io.proposals",  # how sure a proposal is: in the review file, not on the page
    "io.school_files.dapodik_headings",
    "io.school_files.dapodik_rows",
    "io.school_files.day_sheet",
    "io.school_files.edfi_terms",
    "io.school_files.erapor_headings",
    "io.school_files.headings_known",
    "io.school_files.month_titles",
    "io.school_files.oneroster_files",
)
"""Modules whose texts are headings, codes and words that files use; what they raise is checked."""

UNTOLD = {
    "a mapping with hashed columns needs the installation's key": "an import always has it",
    "is there already; choose another name with --out": "`inspect --out`, at the terminal only",
    "fills no table and hinders no import": "`inspect`, at the terminal only",
    "to say first: ": "`inspect`, at the terminal only",
    "the mapping, to save and use with": "`inspect`, at the terminal only",
    "look through it, then: earlywarning": "`inspect`, at the terminal only",
    "this delivery is unusual, so nothing": "at the terminal; pages list what is unusual",
    "the rows that it would refuse are in": "at the terminal; pages have a link",
    "look at the files; if it is right, run": "at the terminal; pages have a form",
    "too many attempts; try again in": "said when signing in",
    " has no attribute ": "said to programmers",
    "was neither written nor there before": "a mistake of ours, told as a failure",
    "more than was asked": "an answer of the child; quoted as such",
    "unexcused, ": "a status",
    "values.period of grade": "a key of the mapping",
    "options.line_items of grade": "a key of the mapping",
    "nis|": "a pattern of headings",
    "jumlah|": "a pattern of headings",
    "absent, excused": "a mark of the layout",
    "tardy, excused": "a mark of the layout",
    "assessment scale score": "a heading",
}
"""What no page of the import can say, and why."""


@cache
def strings() -> str:
    """Every text of the modules that say something, without what is put in between."""
    found = [
        text
        for path in import_texts.modules().values()
        for _, text in (*import_texts.constants(path), *import_texts.raised(path))
    ]
    return "\n".join((*found, *(role.replace("_", " ") for role in ROLES)))


def test_an_upload_reaches_what_reads_files() -> None:
    found = import_texts.modules()
    assert len(found) >= 90
    for name in ("io.file_kind", "io.mapping_keys", "io.school_files.sheet_time", "records.codes"):
        assert f"earlywarning.{name}" in found


def test_what_is_translated_is_said_by_the_import() -> None:
    said = strings()
    for key in wording.catalogue("id", DOMAIN):
        for part in NAME.split(key)[::2]:
            said_so = part.strip() in said or part.strip().removesuffix("s") in said
            assert said_so, (key, part)


def test_what_is_put_in_between_is_the_same() -> None:
    for key, message in wording.catalogue("id", DOMAIN).items():
        assert len(message.forms) == 1
        assert sorted(NAME.findall(message.forms[0])) == sorted(NAME.findall(key)), key


def is_untold(text: str) -> bool:
    return any(one in text for one in UNTOLD)


@pytest.mark.parametrize("module", sorted(import_texts.modules()))
def test_whatever_stops_an_import_or_is_noted_is_said_in_indonesian(module: str) -> None:
    for line, text in import_texts.raised(import_texts.modules()[module]):
        said = translated(text, "id")
        assert said.language == "id" or is_untold(text), (module, line, text)


def test_so_many_sentences_are_found_that_none_is_overlooked() -> None:
    found = {text for path in import_texts.modules().values()
             for _, text in import_texts.raised(path)}  # fmt: skip
    assert len(found) >= 330


def test_no_other_text_of_the_import_is_an_english_sentence() -> None:
    known = "\n".join(part for key in wording.catalogue("id", DOMAIN) for part in NAME.split(key))
    for module, path in import_texts.modules().items():
        if module.removeprefix("earlywarning.") not in WORD_LISTS:
            for line, text in import_texts.pieces(path):
                if SENTENCE.search(text) and not is_untold(text):
                    assert text.strip("; ") in known, (module, line, text)


def test_every_exception_is_there() -> None:
    found = "\n".join(
        text
        for path in import_texts.modules().values()
        for _, text in (*import_texts.pieces(path), *import_texts.constants(path))
    )
    assert [one for one in UNTOLD if one not in found] == []
    modules = {name.removeprefix("earlywarning.") for name in import_texts.modules()}
    assert set(WORD_LISTS) <= modules


def test_every_role_of_a_column_has_a_word() -> None:
    for role in ROLES:
        assert translated(role.replace("_", " "), "id").language == "id", role


@pytest.mark.parametrize(
    ("english", "indonesian"),
    [
        ("1 to 4", "1 sampai 4"),
        (
            "a date in the style %d/%m/%Y, like 31/08/2026; a day that exists",
            "tanggal dengan gaya %d/%m/%Y, seperti 31/08/2026; hari yang memang ada",
        ),
        (
            "one row a student and day; row 7 of siswa to go.csv says otherwise",
            "satu baris untuk setiap siswa dan hari; baris 7 pada siswa to go.csv menyebut "
            "yang lain",
        ),
        (
            "attendance: 12 rows, the last delivery of school-files had 1200",
            "presensi harian: 12 baris, kiriman terakhir school-files berisi 1200",
        ),
        (
            "monthly attendance sheet, March 2026, class VII-A, 30 students, 22 days",
            "presensi bulanan, Maret 2026, kelas VII-A, 30 siswa, 22 hari",
        ),
        (
            "Dapodik student list of SMP 1, downloaded 2026-07-13: 1,234 students in 40 classes",
            "daftar siswa Dapodik SMP 1, diunduh 2026-07-13: 1.234 siswa dalam 40 kelas",
        ),
        (
            "6 monthly attendance sheets: March 2026, class first, 30 students, 22 days; April "
            "2026, class first, 30 students, 1 day; and 4 more",
            "6 presensi bulanan: Maret 2026, kelas first, 30 siswa, 22 hari; April "
            "2026, kelas first, 30 siswa, 1 hari; dan 4 lagi",
        ),
        (
            "marks: 5 subjects, 0 to 100 of 100; 30 students",
            "nilai: 5 mata pelajaran, 0 sampai 100 dari 100; 30 siswa",
        ),
        (
            "class 7A.csv: belongs to no table of the mapping and was not read",
            "class 7A.csv: tidak termasuk tabel mana pun dalam pemetaan dan tidak dibaca",
        ),
        (
            "a.xlsx, sheet VII-A: marks that the list id does not know: 'X' 12 times (first under "
            "'7' (column J)), 'Q' 1 times (first under '8' (column K)); give them a meaning in "
            "[table.codes], else their rows are refused",
            "a.xlsx, lembar VII-A: tanda yang tidak ada dalam daftar id: 'X' 12 kali (pertama di "
            "bawah '7' (kolom J)), 'Q' 1 kali (pertama di bawah '8' (kolom K)); beri arti di "
            "[table.codes], atau barisnya ditolak",
        ),
        (
            "class second: it has students, the new list has none",
            "kelas second: ada siswanya, dalam daftar baru tidak ada satu pun",
        ),
        (
            "lines that are no rows are left out: row 41 (first), row 42 (Jumlah)",
            "baris yang bukan data dilewati: baris 41 (first), baris 42 (Jumlah)",
        ),
        (
            "classes that are spelled in two ways are one class: 7A is VII-A, class 7B is VII-B "
            "and 3 more",
            "kelas yang ditulis dengan dua cara dianggap satu kelas: 7A menjadi VII-A, class 7B "
            "menjadi VII-B dan 3 lagi",
        ),
        (
            "students have the same national id as another student: 2 of S1 and 3 of S2; "
            "4 of S1 and 5 of S1 and 12 more",
            "siswa ber-NISN sama dengan siswa lain: 2 dari S1 dan 3 dari S2; "
            "4 dari S1 dan 5 dari S1 dan 12 lagi",
        ),
        (
            "students come with a quite different name than before; is it still the same child: "
            "1 of S1 (Ani, now Citra)",
            "siswa datang dengan nama yang sangat berbeda dari sebelumnya; apakah masih anak yang "
            "sama: 1 dari S1 (Ani, sekarang Citra)",
        ),
        (
            "a.xlsx: total 'H' (column AH) counts H, those who came late and an empty mark; it was "
            "compared so",
            "a.xlsx: jumlah 'H' (kolom AH) menghitung H, yang terlambat, dan tanda kosong; "
            "dibandingkan begitu",
        ),
    ],
)
def test_a_sentence_quotes_what_it_quoted(english: str, indonesian: str) -> None:
    assert translated(english, "id").text == indonesian
    assert translated(english, "en").text == english


@pytest.mark.parametrize(
    "text", ["from here to there", "class 7A has no teacher", "nobody is known and 3 more"]
)
def test_an_unknown_sentence_stays_and_is_marked_as_english(text: str) -> None:
    said = translated(text, "id")
    assert (said.text, said.language) == (text, "en")


@pytest.mark.parametrize(
    ("english", "hidden", "indonesian"),
    [
        (
            "Ma'ruf.csv: row 1 has no column 'Ani'; found: 'Budi', \"Jum'at\". Correct "
            "[table.columns] in the mapping, or export the columns it names",
            "Ma'ruf.csv: row 1 has no column …; found: …, …. Correct [table.columns] in the "
            "mapping, or export the columns it names",
            "Ma'ruf.csv: pada baris 1 tidak ada kolom …; yang ada: …, …. Perbaiki [table.columns] "
            "dalam pemetaan, atau ekspor kolom yang disebutnya",
        ),
        (
            "which quarter of the district's calendar is each grading period: 'Ani', 'Budi'? Write "
            "lines like 'Ani' = \"2026-27-Q1\" under [table.values.period]",
            "which quarter of the district's calendar is each grading period: …, …? Write lines "
            "like … = … under [table.values.period]",
            "triwulan mana dalam kalender setiap periode penilaian: …, …? Tulis baris seperti … = "
            '"2026-27-Q1" di [table.values.period]',
        ),
        (
            r"7A: class_name is 'O\'Hara \"x\"'; write it like",
            "7A: class_name is …; write it like",
            "7A: class_name is …; write it like",
        ),
    ],
)
def test_what_its_reader_may_not_see_is_hidden_and_said_all_the_same(
    english: str, hidden: str, indonesian: str
) -> None:
    assert QUOTED.sub(HIDDEN, english) == hidden
    assert translated(hidden, "id").text == indonesian


@pytest.mark.parametrize(
    ("english", "indonesian", "quoted"),
    [
        (
            "a.csv: is empty; export it again; b.xlsx: is a damaged workbook (File is not a zip "
            "file); it may be cut off; export it again; c.zip: is a damaged zip file (Bad magic); "
            "it may be cut off; pack it again",
            "a.csv: kosong; ekspor lagi; b.xlsx: buku kerja yang rusak (File is not a zip file); "
            "mungkin terpotong; ekspor lagi; c.zip: berkas zip yang rusak (Bad magic); mungkin "
            "terpotong; kemas lagi",
            ("File is not a zip file", "Bad magic"),
        ),
        (
            "no table of the mapping names these files: a.csv, b.csv; no file was given for: grade "
            "(nilai*.csv); add it, or set optional = true in the mapping. The mapping names: "
            "nilai*.csv",
            "berkas ini tidak disebut tabel mana pun dalam pemetaan: a.csv, b.csv; tidak ada "
            "berkas untuk: grade (nilai*.csv); tambahkan, atau tulis optional = true dalam "
            "pemetaan. Yang disebut pemetaan: nilai*.csv",
            (),
        ),
        (
            "m.toml: [[table]] 1 table is 'nilai'; allowed: school, grade",
            "m.toml: [[table]] 1 table adalah 'nilai'; yang boleh: school, grade",
            (),
        ),
        (
            "these files cannot be imported without a mapping:\n  a.pdf: is a PDF document, not a "
            "table; save it as CSV (UTF-8) or XLSX\n  b.xlsx, sheet VII A: is empty; export it "
            "again\nwrite one with `earlywarning inspect FILES --out mapping.toml`, complete it, "
            "and give it with --mapping",
            "berkas ini tidak dapat diimpor tanpa pemetaan:\n  a.pdf: berupa dokumen PDF, bukan "
            "tabel; simpan sebagai CSV (UTF-8) atau XLSX\n  b.xlsx, lembar VII A: kosong; "
            "ekspor lagi\nbuat pemetaan dengan `earlywarning inspect FILES --out mapping.toml`, "
            "lengkapi, dan berikan dengan --mapping",
            (),
        ),
        (
            "data.zip: unpacks from 0.29 to 1,234 MB; allowed are 100 MB and 100 times its size; "
            "save the sheet as CSV, or delete its empty rows and formats",
            "data.zip: membengkak dari 0,29 menjadi 1.234 MB saat dibuka; paling besar 100 MB dan "
            "100 kali ukurannya; simpan lembarnya sebagai CSV, atau hapus baris kosong dan "
            "formatnya",
            (),
        ),
    ],
)
def test_several_sentences_are_said_each_by_itself(
    english: str, indonesian: str, quoted: tuple[str, ...]
) -> None:
    said = translated(english, "id")
    assert (said.text, said.quoted) == (indonesian, quoted)


def test_a_list_may_be_as_long_as_it_likes() -> None:
    who = [f"{number} {{}} S1" for number in range(3_000)]
    said = translated(
        "students have the same national id as another student: "
        + " and ".join(who).replace("{}", "of"),
        "id",
    )
    assert said.text.endswith(": " + " dan ".join(who).replace("{}", "dari"))


def test_what_another_program_said_is_quoted_in_english() -> None:
    error = "BadZipFile: class 7A and 3 more"
    said = translated(
        f"a.xlsx: cannot be read ({error}); it is damaged, or not quite of the layout that it "
        "seems to be; open it in the program that made it and export it again",
        "id",
    )
    assert (said.language, said.quoted) == ("id", (error,))
    assert said.text.startswith(f"a.xlsx: tidak terbaca ({error}); rusak")


def test_a_heading_may_say_the_words_of_a_sentence_again_and_again() -> None:
    words = (": the ", " says ", ", the ", "; the ")
    heading = "a".join(word for word in words for _ in range(60))
    end = " was believed; if it is wrong, say month = … under [table.options]"
    text = f"a.csv: nobody knows {heading}{end}, nor this"
    assert translated(text, "id").text == text  # in every way there is, it would take days


def test_bytes_of_a_file_are_hidden_like_its_texts() -> None:
    said = "BadZipFile: File name in directory 'a' and header b'Ani' differ. (the class's file)"
    hidden = QUOTED.sub(HIDDEN, said)
    assert hidden == "BadZipFile: File name in directory … and header … differ. (the class's file)"
