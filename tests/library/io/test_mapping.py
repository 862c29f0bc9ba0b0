"""The mapping file: what it says, and errors that name the file and the key."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path, PurePath

import pytest

from earlywarning.errors import ConfigError
from earlywarning.io.mapping import load_mapping, parse_mapping
from earlywarning.records.faults import REASONS
from earlywarning.records.tables import SOURCE_TABLES

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests" / "data"
DOCS = ROOT / "docs" / "mapping.md"

MARKS = """
source = "smp"
[defaults]
school_id = "S"
[[table]]
table = "attendance"
file = "kehadiran/*.csv"
{more}
[table.columns]
student = "NIS"
date = "Tanggal"
code = "Kode"
"""


def test_what_a_mapping_says() -> None:
    mapping = parse_mapping(
        MARKS.format(more='blank = "unrecorded"\nlag_days = 2\nrollup = "worst"')
        + '[table.codes]\nX = "sick"\n[table.constants]\nrecorded_on = 2026-09-01\n'
    )
    (entry,) = mapping.tables
    assert mapping.source == "smp"
    assert entry.columns == {"student": ("NIS",), "date": ("Tanggal",), "code": ("Kode",)}
    assert entry.constants == {"school_id": "S", "recorded_on": date(2026, 9, 1)}
    assert (entry.blank, entry.lag_days, entry.rollup) == ("unrecorded", 2, "worst")
    assert (entry.header_row, entry.decimal, entry.coverage) == (1, ".", "all_marks")
    assert entry.headings == ("NIS", "Tanggal", "Kode")


def test_the_hash_is_of_what_it_says_not_of_how() -> None:
    one = parse_mapping(MARKS.format(more=""))
    assert one.content_hash == parse_mapping("# note\n" + MARKS.format(more="")).content_hash
    assert one.content_hash != parse_mapping(MARKS.format(more="lag_days = 1")).content_hash


@pytest.mark.parametrize(
    ("path", "matches"),
    [
        ("kehadiran/2026-07.csv", True),
        ("/in/Kehadiran/2026-07.CSV", True),
        ("2026-07.csv", False),
        ("kehadiran/old/2026-07.csv", False),
        ("kehadiran/2026-07.xlsx", False),
    ],
)
def test_files_are_matched_by_their_last_parts(path: str, matches: bool) -> None:
    (entry,) = parse_mapping(MARKS.format(more="")).tables
    assert entry.matches(PurePath(path)) is matches


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("source = ", "is not valid TOML"),
        ('[[table]]\ntable = "school"\n', "source is None; give the source a name"),
        ('source = "x"\n', r"there is no \[\[table\]\]"),
        ('source = "x"\n[[table]]\ntable = "marks"\n', "table is 'marks'; allowed: school"),
        ('source = "x"\nsheet = 1\n', "unknown key 'sheet'; allowed: defaults, source, table"),
        (
            MARKS.format(more="").replace('"S"', "7"),
            r"\[defaults\] school_id is 7; allowed: a text",
        ),
        (
            MARKS.format(more="").replace('school_id = "S"', 'school_id = "S"\nsex = "F"'),
            r"\[defaults\] sex is used by no table",
        ),
        (MARKS.format(more="").replace('[defaults]\nschool_id = "S"', ""), "school_id is required"),
        (MARKS.format(more="").replace('code = "Kode"', ""), "the column code is required"),
        (
            MARKS.format(more="").replace("Kode", "NIK"),
            r"attendance\) columns.code is 'NIK': numbers of identity and family cards are never",
        ),
        (MARKS.format(more="").replace("code =", "kode ="), "columns: unknown key 'kode'; allowed"),
        (
            MARKS.format(more="").replace('"Tanggal"', '["Tahun", "Bulan"]'),
            "columns.date: only text can be joined",
        ),
        (MARKS.format(more='decimal = ";"'), "decimal is ';'; allowed: ., ,"),
        (MARKS.format(more='blank = "absent"'), "allowed: unrecorded, present, no_school"),
        (MARKS.format(more="lag_days = -1"), "lag_days is -1; allowed: a whole number from 0 to"),
        (MARKS.format(more="data_row = 1"), "data_row is 1; allowed: a whole number from 2"),
        (MARKS.format(more='date_format = "%d/%m"'), "a date needs one day"),
        (MARKS.format(more='date_format = "%j %Y"'), "%j is not understood"),
        (MARKS.format(more='delimiter = " "'), "delimiter is ' '; allowed"),
        (
            MARKS.format(more='date_from = "2026"'),
            "allowed: a date like 2026-08-31, without quotes",
        ),
        (MARKS.format(more="distinct = 1"), "distinct is 1; allowed: true or false"),
        (MARKS.format(more="sheet = true"), "sheet is True; allowed: a sheet's name"),
        (
            MARKS.format(more="") + '[table.codes]\nX = "absent"\n',
            "codes.X is 'absent'; allowed: unexcused",
        ),
        (
            MARKS.format(more="") + '[table.values.code]\nX = "sick"\n',
            r"give the meaning of marks in \[table.codes\]",
        ),
        (
            MARKS.format(more="") + '[table.constants]\ncode = "H"\n',
            "code is given twice; keep one place",
        ),
        (
            'source = "x"\n[[table]]\ntable = "grade"\nfile = "g.csv"\nblank = "present"\n',
            "unknown key 'blank'",
        ),
        (
            'source = "x"\n[[table]]\ntable = "student"\nfile = "s.csv"\n[table.columns]\n'
            'sex = "JK"\nstudent = "NIS"\nfull_name = "Nama"\nschool_id = "NPSN"\n'
            '[table.values.sex]\nL = "male"\n',
            "values.sex leads to 'male'; allowed: F, M",
        ),
        (
            'source = "x"\n[[table]]\ntable = "class_group"\nfile = "s.csv"\n[table.constants]\n'
            'school_year = "2026"\n',
            "school_year is '2026'; write it like \"2026-27\"",
        ),
    ],
)
def test_errors_name_the_file_and_the_key(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        parse_mapping(text, where="in/mapping.toml")
    assert str(error.value).startswith("in/mapping.toml: ")


def test_how_a_table_names_its_students() -> None:
    (plain,) = parse_mapping(MARKS.format(more="")).tables
    assert (plain.identify, plain.match) == ("student", {})
    (by_id,) = parse_mapping(MARKS.format(more='identify = "national_id"')).tables
    assert by_id.identify == "national_id"
    text = MARKS.format(more='identify = "name"')
    text += '[table.match]\nbirth_date = " Tgl  Lahir"\nclass_name = "Kelas"\n'
    (by_name,) = parse_mapping(text).tables
    assert by_name.match == {"birth_date": "Tgl Lahir", "class_name": "Kelas"}
    assert by_name.headings == ("NIS", "Tanggal", "Kode", "Tgl Lahir", "Kelas")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (MARKS.format(more='identify = "nik"'), "identify is 'nik'; allowed: student, national_id"),
        (
            MARKS.format(more='identify = "name"') + '[table.match]\nsex = "L/P"\n',
            "match: unknown key 'sex'; allowed: birth_date, class_name",
        ),
        (
            MARKS.format(more='identify = "name"') + "[table.match]\nclass_name = 7\n",
            "match.class_name is 7; allowed: a text",
        ),
        (
            MARKS.format(more="") + '[table.match]\nclass_name = "Kelas"\n',
            'match needs identify = "name"',
        ),
        (
            MARKS.format(more='identify = "name"').replace('student = "NIS"', "")
            + '[table.constants]\nstudent = "01"\n',
            "name the heading that holds it as student",
        ),
        (
            'source = "x"\n[[table]]\ntable = "student"\nfile = "s.csv"\nidentify = "name"\n'
            '[table.columns]\nstudent = "NIS"\nfull_name = "Nama"\nschool_id = "NPSN"\n',
            "it belongs to tables about students who are on record",
        ),
    ],
)
def test_errors_of_identify(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_mapping(text)


GRADES = """
source = "x"
[[table]]
table = "grade"
file = "g.csv"
[table.columns]
student = "NIS"
[table.constants]
school_id = "S"
subject = "MTK"
[table.melt]
"""


@pytest.mark.parametrize(
    ("melt", "says"),
    [
        ('into = "mark"', "melt.into is 'mark'; allowed"),
        ('into = "score"\nlabel = "score"', "melt.label is 'score'"),
        ('into = "score"\nlabel = "period"', "needs columns"),
        ('into = "score"\ncolumns = {A = 3}', "melt.columns.A is 3"),
        (
            'into = "score"\ncolumns = {A = {period = "2026-27-Q1"}, B = {subject = "IPA"}}',
            "must all give the same columns",
        ),
        ('into = "score"\nlabel = "period"\npattern = "("', "no regular expression"),
        ('into = "score"\npattern = "Q(.)"', "needs label and template"),
        ('into = "score"\nlabel = "period"\npattern = "Q."\ntemplate = "{1}"', "names group 1"),
    ],
)
def test_errors_of_a_melt(melt: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        parse_mapping(GRADES + melt)


def test_a_melt_finds_its_columns_by_a_pattern() -> None:
    text = GRADES + 'into = "score"\nlabel = "date"\npattern = "^T(\\\\d+)/(\\\\d+)$"\n'
    text += 'template = "2026-{2}-{1}"\n'
    with pytest.raises(ConfigError, match="period is required"):
        parse_mapping(text)
    (entry,) = parse_mapping(text.replace("subject =", 'period = "2026-27-Q1"\nsubject =')).tables
    assert entry.melt is not None
    found = entry.melt.resolve(["NIS", "T01/09", "T31/09", "Total"], "date")
    assert [(column.heading, column.constants["date"]) for column in found] == [
        ("T01/09", date(2026, 9, 1)),
        ("T31/09", None),
    ]


def test_a_file_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read"):
        load_mapping(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_bytes("source = 'é'".encode("cp1252"))
    with pytest.raises(ConfigError, match=r"bad\.toml: is not UTF-8"):
        load_mapping(tmp_path / "bad.toml")


def test_every_key_and_reason_is_in_the_documents() -> None:
    from earlywarning.io.mapping import ENTRY_KEYS

    text = DOCS.read_text("utf-8")
    written = set(re.findall(r"`([^`\n]+)`", text))
    assert not ENTRY_KEYS - {word.split(" ")[0] for word in written}
    assert not set(REASONS) - written
    assert not set(SOURCE_TABLES) - written
    for table in SOURCE_TABLES.values():
        line = next(line for line in text.splitlines() if line.startswith(f"| `{table.name}`"))
        columns = re.findall(r"`(\w+)`", line)[1:]
        assert columns == list(table.names), table.name
        for column in table.columns:
            assert (f"**`{column.name}`**" in line) is column.required, (table.name, column.name)


def test_the_examples_of_the_documents_are_the_files_in_use() -> None:
    text = DOCS.read_text("utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    for name in ("contoso", "uci_student", "monthly_sheet"):
        assert (DATA / name / "mapping.toml").read_text("utf-8") in blocks
    for block in blocks:
        if "source =" in block:
            parse_mapping(block)
