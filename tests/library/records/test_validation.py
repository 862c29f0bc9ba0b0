"""Text cells to typed rows: each thing that can be wrong with a cell, by its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from earlywarning.calendar import SchoolCalendar
from earlywarning.records import distinct, judged
from earlywarning.records.codes import attendance_codes
from earlywarning.records.faults import REASONS, REFUSAL_SCHEMA
from earlywarning.records.tables import SOURCE_TABLES
from earlywarning.records.validation import (
    DATE_KIND,
    NUMBER_KIND,
    TEXT_KIND,
    Checked,
    Rules,
    check,
)

distinct_repeats = distinct.repeats


@pytest.fixture(params=["each text once", "every cell"], autouse=True)
def _every_way(request, monkeypatch):
    if request.param == "each text once":
        monkeypatch.setattr(distinct, "WORTH", 0)
        monkeypatch.setattr(distinct, "repeats", lambda _: True)


def checked(
    table: str, rows: Mapping[str, Sequence[str | None]], *, kinds: Any = None, **options: Any
) -> Checked:
    """Check rows whose headings are our column names in capitals; the first is row 2."""
    height = len(next(iter(rows.values())))
    cells = pl.DataFrame(rows, schema=dict.fromkeys(rows, pl.String)).with_columns(
        pl.lit("f.csv").alias("_file"),
        pl.lit(None, pl.String).alias("_sheet"),
        pl.int_range(2, height + 2, dtype=pl.Int32).alias("_row"),
        pl.lit(0, pl.Int32).alias("_entry"),
    )
    needed = {
        column.name: "S" for column in SOURCE_TABLES[table].columns
        if column.required and column.name not in rows and column.type == "str"
    }  # fmt: skip
    usual: dict[str, Any] = {
        "calendar": SchoolCalendar(),
        "constants": needed,
        "codes": attendance_codes("id") if table == "attendance" else None,
        "date_styles": {
            column.name: ("%d/%m/%Y",)
            for column in SOURCE_TABLES[table].columns
            if column.type == "date"
        },
    }
    labels = {name: name.upper() for name in rows}
    rules = Rules(table=SOURCE_TABLES[table], labels=labels, **(usual | options))
    given = None if kinds is None else pl.DataFrame(kinds)
    plain = check(cells, rules, kinds=given)
    if table in judged.TABLES and given is None and plain.rows.height:
        by_text = _judged(cells, rules, plain.rows["_row"][0])
        assert by_text.rows.equals(plain.rows)
        order = list(REFUSAL_SCHEMA)
        assert by_text.refused.sort(order).equals(plain.refused.sort(order))
        assert by_text.read == plain.read
    return plain


def _judged(cells: pl.DataFrame, rules: Rules, good_row: int) -> Checked:
    """The rows checked with each text judged once, in a file after another one; then the rest."""
    numberings = distinct.Numberings()
    example = cells.filter(pl.col("_row") == good_row)
    judgements = judged.Judgements(rules, example, numberings)
    names = judgements.names
    texts = {name: cells[name].drop_nulls().unique(maintain_order=True) for name in names}
    numbers = cells.select(
        "_row",
        *(
            pl.col(name).replace_strict(
                texts[name], pl.int_range(len(texts[name]), dtype=pl.UInt8, eager=True),
                default=None, return_dtype=pl.UInt8,
            )
            for name in names
        ),
    )  # fmt: skip
    before = judged.Judged(judgements, example)
    before.rows(numbers.head(1), {name: known.head(1) for name, known in texts.items()})
    file = judged.Judged(judgements, example)
    rows, good = file.rows(numbers, texts)
    rows = numberings.spelled(rows)
    if good is None:
        return Checked(rows, pl.DataFrame(schema=REFUSAL_SCHEMA), rows.height, {}, {})
    rest = check(cells.filter(~good), rules, dated=file.dates if rows.height else ())
    return Checked(
        pl.concat([rows, rest.rows]).sort("_row"), rest.refused, rows.height + rest.read, {}, {}
    )


def reasons(result: Checked) -> list[tuple[int, str, str]]:
    assert result.refused.schema == REFUSAL_SCHEMA
    assert set(result.refused["reason"]) <= set(REASONS)
    return sorted(result.refused.select("row", "column", "reason").rows())


def marks(**columns: Sequence[str | None]) -> Checked:
    height = len(next(iter(columns.values())))
    rows: dict[str, Any] = {
        "student": ["0101"] * height,
        "date": ["01/09/2026"] * height,
        "code": ["H"] * height,
    }
    return checked("attendance", rows | columns)


def test_typed_rows_keep_ids_as_they_stand() -> None:
    result = marks(
        student=["0101", " 0102 "],
        code=["h", " ✓ "],
        late_minutes=["", "7"],
        class_name=["  VII   A", "VII-B"],
    )
    assert result.refused.is_empty()
    assert result.rows.select("student", "date", "code", "class_name", "late_minutes").rows() == [
        ("0101", date(2026, 9, 1), "h", "VII A", None),
        ("0102", date(2026, 9, 1), "✓", "VII-B", 7),
    ]
    assert result.rows.select("status", "namespace", "_row").rows() == [
        ("present", "id", 2), ("present", "id", 3)
    ]  # fmt: skip
    assert result.rows.columns[:7] == list(SOURCE_TABLES["attendance"].names)


def test_blank_rows_are_no_rows_and_a_repeated_heading_is_no_data() -> None:
    result = marks(
        student=["0101", None, "STUDENT", " "],
        date=["01/09/2026", "", "DATE", None],
        code=["S", None, "CODE", ""],
    )
    assert result.read == 2
    assert result.rows.height == 1
    assert (4, "STUDENT", "repeated_heading") in reasons(result)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("31/09/2026", "impossible_date"),  # September has 30 days
        ("29/02/2027", "impossible_date"),
        ("00/09/2026", "impossible_date"),
        ("13/13/2026", "impossible_date"),
        ("01/09/0003", "date_out_of_range"),
        ("01/09/6209", "date_out_of_range"),
        ("01/09/26", "date_out_of_range"),  # the year 26
        ("2026-09-01", "mixed_date_styles"),
        ("1.9.2026", "mixed_date_styles"),
        ("46266", "wrong_date_style"),  # a spreadsheet's serial number
        ("kemarin", "wrong_date_style"),
        ("0000-00-00", "wrong_date_style"),
        ("", "missing"),
        ("#N/A", "error_value"),
    ],
)
def test_dates_that_are_none(text: str, reason: str) -> None:
    result = marks(date=["01/09/2026", text])
    assert reasons(result) == [(3, "DATE", reason)]
    assert result.refused["found"][0] == (text or "(empty)")
    assert result.rows.height == 1


def test_the_mapping_narrows_the_dates_and_the_delivery_ends_them() -> None:
    rows = {
        "student": ["1"] * 3, "code": ["H"] * 3,
        "date": ["30/06/2026", "01/07/2026", "03/09/2026"],
    }  # fmt: skip
    result = checked("attendance", rows, earliest=date(2026, 7, 1), delivered_on=date(2026, 9, 2))
    assert reasons(result) == [(2, "DATE", "date_out_of_range"), (4, "DATE", "after_delivery")]
    visits = {"student": ["1"] * 2, "date": ["03/09/2026"] * 2, "status": ["planned", "done"]}
    result = checked("visit", visits, delivered_on=date(2026, 9, 2))
    assert reasons(result) == [(3, "DATE", "after_delivery")]


def test_dates_that_two_styles_read_differently_are_refused() -> None:
    rows = {"student": ["1"] * 3, "code": ["H"] * 3,
            "date": ["01/09/2026", "13/09/2026", "09/09/2026"]}  # fmt: skip
    result = checked("attendance", rows, date_styles={"date": ("%d/%m/%Y", "%m/%d/%Y")})
    assert reasons(result) == [(2, "DATE", "wrong_date_style")]
    assert "only one of" in result.refused["allowed"][0]


def test_month_first_is_noticed() -> None:
    result = marks(date=["09/01/2026", "09/14/2026", "09/15/2026"])
    assert (result.day_first_proof["date"], result.month_first_proof["date"]) == (0, 2)
    result = marks(date=["09/01/2026", "14/09/2026"])
    assert (result.day_first_proof["date"], result.month_first_proof["date"]) == (1, 0)


def test_excel_dates_beside_text_that_only_looks_like_one() -> None:
    """Excel made 9 January of `1/9/2026` and left `13/9/2026` as text: neither can be trusted."""
    rows = {"student": ["1"] * 3, "code": ["H"] * 3,
            "date": ["2026-01-09", "2026-02-09", "13/9/2026"]}  # fmt: skip
    kinds = {"date": [DATE_KIND, DATE_KIND, TEXT_KIND]}
    assert [row[0] for row in reasons(checked("attendance", rows, kinds=kinds))] == [2, 3, 4]
    rows["date"][1] = "2026-09-14"
    # A real date after the twelfth shows that the real ones are right.
    result = checked("attendance", rows, kinds=kinds)
    assert reasons(result) == [(4, "DATE", "mixed_date_styles")]
    assert result.rows["date"].to_list() == [date(2026, 1, 9), date(2026, 9, 14)]


def test_codes_mean_something_only_in_their_list() -> None:
    result = marks(code=["I", "A", "Q", None])
    assert reasons(result) == [(4, "CODE", "unknown_code"), (5, "CODE", "blank_code")]
    assert "list id" in result.refused.sort("row")["allowed"][0]
    assert result.rows["status"].to_list() == ["permitted", "unexcused"]
    rows: dict[str, Any] = {
        "student": ["1"] * 2, "date": ["01/09/2026"] * 2, "code": ["I", " "]
    }  # fmt: skip
    uk = checked("attendance", rows, codes=attendance_codes("uk2024"), blank="unrecorded")
    assert uk.rows.select("code", "status", "namespace").rows() == [
        ("I", "sick", "uk2024"), (None, "unrecorded", "uk2024")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "decimal", "found"),
    [
        ("77,5", ",", 77.5),
        ("77.5", ".", 77.5),
        ("0", ".", 0.0),
        ("100", ",", 100.0),
        ("77.5", ",", "wrong_number"),
        ("77,5", ".", "wrong_number"),
        ("1.000,5", ",", "wrong_number"),
        ("B+", ".", "wrong_number"),
        ("1e2", ".", "wrong_number"),
        ("nan", ".", "wrong_number"),
        ("inf", ".", "wrong_number"),
        ("-1", ".", "out_of_range"),
        ("100,01", ",", "out_of_range"),
        ("", ".", "missing"),
    ],
)
def test_scores(text: str, decimal: str, found: float | str) -> None:
    rows: dict[str, Any] = {
        "student": ["1"], "score": [text], "period": ["2026-27-Q1"]
    }  # fmt: skip
    result = checked("grade", rows, decimal=decimal)
    if isinstance(found, float):
        assert result.rows["score"].to_list() == [found]
    else:
        assert reasons(result) == [(2, "SCORE", found)]


def test_another_scale_is_said_by_the_mapping() -> None:
    rows: dict[str, Any] = {
        "student": ["1"] * 3, "score": ["107", "110", "111"], "period": ["2026-27-Q1"] * 3,
        "pass_mark": ["60", "", "120"],
    }  # fmt: skip
    base = {"school_id": "S", "subject": "MTK"}
    result = checked("grade", rows, constants=base | {"max_score": 110.0})
    assert reasons(result) == [(4, "PASS_MARK", "out_of_range"), (4, "SCORE", "out_of_range")]
    assert reasons(checked("grade", rows, constants=base))[0] == (2, "SCORE", "out_of_range")


def test_periods_are_quarters_of_the_calendar() -> None:
    periods: list[str | None] = ["2026-27-Q4", "2026-27-Q5", "Ganjil", "2026-27"]
    rows = {"student": ["1"] * 4, "score": ["80"] * 4, "period": periods}
    wrong = reasons(checked("grade", rows))
    assert wrong == [(row, "PERIOD", "wrong_period") for row in (3, 4, 5)]
    result = checked(
        "attendance_summary",
        {"student": ["1"] * 4, "period": periods, "absent": ["3"] * 4},
        values={"period": {"ganjil": "2026-27-Q2"}},
    )
    assert result.rows["period"].to_list() == ["2026-27-Q4", "2026-27-Q2", "2026-27"]


def test_totals_stay_those_of_their_semester_and_grades_stand_at_its_last_quarter() -> None:
    rows: dict[str, Any] = {
        "student": ["1"] * 3, "period": ["2026-27-S1", "2026-27-S2", "2026-27-S3"],
    }  # fmt: skip
    result = checked("attendance_summary", rows | {"absent": ["3"] * 3})
    assert result.rows["period"].to_list() == ["2026-27-S1", "2026-27-S2"]
    result = checked("grade", rows | {"score": ["80"] * 3})
    assert result.rows["period"].to_list() == ["2026-27-Q2", "2026-27-Q4"]
    assert reasons(result) == [(4, "PERIOD", "wrong_period")]


def test_totals_of_a_period() -> None:
    rows: dict[str, Any] = {
        "student": ["1"] * 5, "period": ["2026-27-Q1"] * 5,
        "sick": ["1", "-1", None, "2.5", "30"], "permitted": ["2", "0", None, "0", "40"],
        "effective_days": ["60"] * 5,
    }  # fmt: skip
    assert reasons(checked("attendance_summary", rows)) == [
        (3, "SICK", "out_of_range"),
        (4, "absent", "missing"),
        (5, "SICK", "wrong_number"),
        (6, "EFFECTIVE_DAYS", "out_of_range"),
    ]


def test_closed_lists_and_their_translation() -> None:
    rows: dict[str, Any] = {
        "student": ["1", "2", "3", "4"], "full_name": ["A", "B", "C", "Siti, S.Pd"],
        "sex": ["L", "p", "f", "X"],
    }  # fmt: skip
    result = checked("student", rows, values={"sex": {"L": "M", "P": "F"}})
    assert reasons(result) == [(5, "SEX", "unknown_code")]
    assert "F, M, or a word translated in [table.values.sex]" in result.refused["allowed"][0]
    assert result.rows["sex"].to_list() == ["M", "F", "F"]


def test_truths() -> None:
    rows: dict[str, Any] = {
        "student": ["1"] * 4, "relation": ["mother"] * 4, "lives_with": ["ya", "0", "", "T"]
    }  # fmt: skip
    result = checked("guardian", rows)
    assert result.rows["lives_with"].to_list() == [True, False, None]
    assert reasons(result) == [(5, "LIVES_WITH", "unknown_code")]  # tidak or true?


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("3,52E+15", None, "id_as_number"),
        ("3.52e15", None, "id_as_number"),
        ("3.52E+15", TEXT_KIND, "id_as_number"),
        ("3520000000000000", NUMBER_KIND, "id_as_number"),
        ("3" * 16, None, "identity_number"),
        ("2026-07-01", DATE_KIND, "became_date"),  # the class 7-1
        ("x" * 65, None, "too_long"),
        ("", None, "missing"),
    ],
)
def test_numbers_that_are_names(text: str, kind: int | None, reason: str) -> None:
    kinds = None if kind is None else {"student": [kind]}
    result = checked("student", {"student": [text], "full_name": ["A"]}, kinds=kinds)
    assert reasons(result) == [(2, "STUDENT", reason)]


def test_a_text_is_sound_only_where_it_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file's texts are judged when they come, those of an earlier file are known."""
    rules = Rules(
        table=SOURCE_TABLES["attendance"],
        labels={"student": "NIS", "date": "Tanggal", "code": "Kode"},
        calendar=SchoolCalendar(),
        constants={"school_id": "S"},
        codes=attendance_codes("id"),
        date_styles={"date": ("%d/%m/%Y",)},
    )
    example = pl.DataFrame(
        {"student": ["01"], "date": ["31/08/2026"], "code": ["H"], "_file": ["f"], "_sheet": [None],
         "_row": [2], "_entry": [0]},
        schema_overrides={"_sheet": pl.String, "_row": pl.Int32, "_entry": pl.Int32},
    )  # fmt: skip
    numberings = distinct.Numberings()
    judgements = judged.Judgements(rules, example, numberings)
    asked = []
    monkeypatch.setattr(
        judged, "check", lambda cells, rules: asked.append(cells) or check(cells, rules)
    )

    def good(file: judged.Judged, *students: str) -> list[str]:
        texts = {"student": pl.Series(students), "date": example["date"], "code": example["code"]}
        numbers = pl.DataFrame(
            {"student": range(len(students)), "date": 0, "code": 0, "_row": range(len(students))},
            schema_overrides={"student": pl.UInt16, "date": pl.UInt8, "code": pl.UInt8},
        )
        asked.clear()
        return numberings.spelled(file.rows(numbers, texts)[0])["student"].to_list()

    first, second = (judged.Judged(judgements, example) for _ in range(2))
    assert good(first, "01", "3,52E+15", " 02 ") == ["01", "02"]
    assert good(first, "01", "3,52E+15", " 02 ") == ["01", "02"]
    assert not asked
    assert first.day_first == {"date": 1}
    assert second.day_first == {"date": 0}
    assert good(second, " 02 ", "3,52E+15", "NIS", "04", "01") == ["02", "04", "01"]
    assert [cells["student"].to_list() for cells in asked] == [["02", "NIS", "04"]]


def test_a_text_keeps_its_number_though_no_row_has_it_any_more() -> None:
    numberings = distinct.Numberings()
    for name in ("student", "school_id"):
        first = numberings.number(name, pl.Series(["01", "02"])).to_physical().to_list()
        again = numberings.number(name, pl.Series(["03", None, "02"])).to_physical().to_list()
        assert (first, again) == ([0, 1], [2, None, 1])


def test_students_in_another_order_get_the_same_numbers() -> None:
    numberings = distinct.Numberings()
    everybody = [f"{number}" for number in range(3_000)]
    for order in (everybody, everybody, everybody[1_000:] + everybody[:1_000], everybody[::-1]):
        numbered = numberings.number("student", pl.Series("student", order))
        assert numbered.to_list() == [int(one) for one in order]
        assert numberings.spelled(numbered.to_frame())["student"].to_list() == order
        assert numberings.texts("student", 5, 6).to_list() == ["5", "6"]
    gap = pl.DataFrame({"student": ["0", None, *everybody[2:]]})
    assert numberings.spelled(numberings.numbered(gap)).equals(gap)


def test_a_student_named_like_the_heading_hides_no_repeated_heading() -> None:
    """STUDENT is the heading: the text is sound in a row of its own, but never by itself."""
    rows: dict[str, Any] = {
        "student": ["STUDENT", "STUDENT"], "date": ["31/08/2026", "DATE"], "code": ["H", "CODE"]
    }  # fmt: skip
    result = marks(**rows)
    assert result.rows["student"].to_list() == ["STUDENT"]
    assert "repeated_heading" in [reason for row, _, reason in reasons(result) if row == 3]


@pytest.mark.parametrize("text", ["STUDENT", " STUDENT ", "STUDENT\u00a0"])
def test_a_repeated_heading_may_have_blanks_and_only_texts_that_are_sound(text: str) -> None:
    """The list of one day: neither a date nor a code shows that the row is none."""
    result = checked(
        "attendance", {"student": ["01", text], "class_name": ["A", "CLASS_NAME "]},
        constants={"school_id": "S", "date": date(2026, 8, 31), "code": "H"},
    )  # fmt: skip
    assert reasons(result) == [(3, "STUDENT", "repeated_heading")]


def test_texts_repeat_where_a_sample_of_them_does() -> None:
    days = pl.Series([f"{number // 500}" for number in range(20_000)])
    numbers = pl.Series([f"{number}" for number in range(20_000)])
    assert distinct_repeats(days)
    assert not distinct_repeats(numbers)
    assert distinct_repeats(numbers.cast(pl.Categorical(pl.Categories.random())))


def test_the_identity_number_is_not_repeated_in_the_refusal() -> None:
    result = checked("student", {"student": ["3" * 16], "full_name": ["A"]})
    assert "3333" not in str(result.refused.rows())


def test_enrolment_ends_after_it_begins() -> None:
    rows: dict[str, Any] = {
        "student": ["1"] * 4,
        "school_year": ["2026/2027", "2026-27", "2026/27", "2026"],
        "class_name": ["VII-A"] * 4,
        "entry_date": ["13/07/2026"] * 4,
        "exit_date": ["12/07/2026", "13/07/2026", "", ""],
    }
    result = checked("enrollment", rows)
    assert reasons(result) == [
        (2, "EXIT_DATE", "exit_before_entry"), (5, "SCHOOL_YEAR", "wrong_school_year")
    ]  # fmt: skip
    assert result.rows["school_year"].to_list() == ["2026-27", "2026-27"]
    last_day = checked("enrollment", rows, exit_is_last_day=True)
    assert last_day.rows["exit_date"].to_list() == [
        date(2026, 7, 13), date(2026, 7, 14), None
    ]  # fmt: skip


def test_every_fault_of_a_row_is_listed() -> None:
    result = marks(student=["0101", ""], date=["31/09/2026", "x"], code=["H", "Q"])
    assert [row[2] for row in reasons(result)] == [
        "impossible_date", "unknown_code", "wrong_date_style", "missing"
    ]  # fmt: skip
    assert result.read == 2
    assert result.rows.is_empty()
