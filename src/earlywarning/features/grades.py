"""Grades: how far from the pass mark, in how many subjects, and in which direction.

A grade counts as its distance to the pass mark of its own row, else of the school, so that schools
and subjects with different pass marks compare. Within a quarter a subject's most final grade
counts. Two quarters are looked at: a school that grades once a semester has grades in one of them.
Subjects are only ever counted, never named: which religion class a student takes shows in the
subject's name.
"""

from __future__ import annotations

import narwhals.stable.v2 as nw

from earlywarning.features.counting import known_in_school, only_where, share, totals, zero_if_empty
from earlywarning.features.feature import Feature, count, measure
from earlywarning.features.views import Facts
from earlywarning.features.windows import Window, Windows

FEATURES: tuple[Feature, ...] = (
    count(
        "graded_subjects_quarter",
        "grades",
        "Subjects with a grade since the last quarter began",
        changeable=False,
    ),
    count(
        "subjects_missing_quarter",
        "grades",
        "Subjects without a grade since the last quarter began, against the number usual in the "
        "class",
    ),
    count(
        "subjects_below_quarter",
        "grades",
        "Subjects below the pass mark since the last quarter began",
    ),
    measure(
        "grade_distance_quarter",
        "grades",
        "Mean distance to the pass mark since the last quarter began, in per cent of the scale",
    ),
    measure(
        "grade_distance_min_quarter",
        "grades",
        "Distance to the pass mark in the weakest subject since the last quarter began",
    ),
    measure(
        "grade_distance_change_quarter",
        "grades",
        "Change of the distance to the pass mark against the period before, over the subjects "
        "graded in both",
    ),
    measure(
        "grade_distance_vs_class_quarter",
        "grades",
        "Mean distance to the pass mark less the class-mates' mean since the last quarter began",
    ),
    count(
        "graded_subjects_latest",
        "grades",
        "Subjects with a grade in the last two quarters",
        changeable=False,
    ),
    count(
        "subjects_below_latest",
        "grades",
        "Subjects whose latest grade, of the last two quarters, is below the pass mark",
    ),
    measure(
        "grade_distance_latest",
        "grades",
        "Mean distance to the pass mark over each subject's latest grade of the last two quarters",
    ),
    measure(
        "grade_distance_min_latest",
        "grades",
        "Distance to the pass mark in the weakest subject, by its latest grade of the last two "
        "quarters",
    ),
)

FINALITY = {"midterm": 1, "final": 2}
"""Within a quarter a final grade stands before a midterm one, that before a formative one (0)."""

# What stands for a quarter is the greatest of: finality, day, score, pass mark, packed into one
# whole number below 2^53. (Score and pass mark only settle two grades of one kind and day.)
_DAYS, _SCORES = 2**17, 2**14
_NONE = -1


def features(facts: Facts, cohort: nw.LazyFrame, at: Windows) -> nw.LazyFrame:
    """The grade features of every cohort student, and grades_known."""
    last_two = Window("last_two", at.before_quarter.start, at.quarter.end)
    graded = facts.within("grade", last_two)
    subjects = by_subject(graded, pass_marks(facts, cohort), at.quarter).with_columns(
        latest=nw.when(~nw.col("quarter").is_null())
        .then(nw.col("quarter"))
        .otherwise(nw.col("before"))
    )
    own = facts.keep(_by_student(subjects))
    students = (
        cohort.select("student_id", "class_id", "school_id")
        .join(own, on="student_id", how="left")
        .with_columns(*zero_if_empty(["count_quarter", "sum_quarter", "count_latest"]))
    )
    students = known_in_school(students, nw.col("count_latest") > 0, "grades_known")
    class_mates = totals(
        students,
        ["class_id"],
        sums={
            "class_count": nw.col("count_quarter"),
            "class_sum": nw.col("sum_quarter"),
            "class_size": nw.lit(1),
        },
    )
    # Rounded mean: one pupil with a subject more does not make the others lack one.
    usual = (nw.col("class_count") * 2 + nw.col("class_size")) // (nw.col("class_size") * 2)
    lacking = nw.max_horizontal(usual - nw.col("count_quarter"), nw.lit(0))
    graded_quarter = nw.col("count_quarter") > 0
    above = nw.col("sum_quarter") * nw.col("class_count") - nw.col("class_sum") * nw.col(
        "count_quarter"
    )
    wanted = [feature.name for feature in FEATURES]
    return (
        students.join(class_mates, on="class_id", how="left")
        .with_columns(
            graded_subjects_quarter=nw.col("count_quarter"),
            graded_subjects_latest=nw.col("count_latest"),
            subjects_missing_quarter=nw.when(nw.col("class_count") > 0).then(lacking),
            subjects_below_quarter=nw.when(graded_quarter).then(nw.col("below_quarter")),
            subjects_below_latest=nw.when(nw.col("count_latest") > 0).then(nw.col("below_latest")),
            grade_distance_quarter=share(nw.col("sum_quarter"), nw.col("count_quarter"), times=100),
            grade_distance_latest=share(nw.col("sum_latest"), nw.col("count_latest"), times=100),
            grade_distance_min_quarter=share(
                nw.col("min_quarter") * nw.col("count_quarter"), nw.col("count_quarter"), times=100
            ),
            grade_distance_min_latest=share(
                nw.col("min_latest") * nw.col("count_latest"), nw.col("count_latest"), times=100
            ),
            grade_distance_change_quarter=share(
                nw.col("sum_change"), nw.col("count_change"), times=100
            ),
            grade_distance_vs_class_quarter=nw.when(graded_quarter).then(
                share(above, nw.col("count_quarter") * nw.col("class_count"), times=100)
            ),
        )
        .with_columns(*only_where(nw.col("grades_known") > 0, wanted))
        .select("student_id", *wanted, "grades_known")
    )


def pass_marks(facts: Facts, cohort: nw.LazyFrame) -> nw.LazyFrame:
    """The pass mark of each cohort student's school: student_id, school_mark."""
    schools = facts.school_setting.select("school_id", school_mark="pass_centi")
    return cohort.join(schools, on="school_id", how="left").select("student_id", "school_mark")


def by_subject(graded: nw.LazyFrame, pass_marks: nw.LazyFrame, quarter: Window) -> nw.LazyFrame:
    """The grade that stands for each student and subject, in a quarter and before it.

    Parameters
    ----------
    graded : LazyFrame
        Grade rows of the quarter, and of the one before if wanted.
    pass_marks : LazyFrame
        From `pass_marks`, for grades that carry none of their own; no other student's count.
    quarter : Window

    Returns
    -------
    LazyFrame
        student_id, quarter, before: one row a subject; distance to the pass mark in hundredths of
        a per cent of the scale, empty without a grade.
    """
    kind = nw.col("kind")
    finality = sum(
        ((kind == name).cast(nw.Int64) * rank for name, rank in FINALITY.items()), nw.lit(0)
    )
    place = finality * _DAYS + nw.col("day")
    own_mark = nw.col("pass_centi").fill_null(_NONE) + 1
    code = (place * _SCORES + nw.col("score_centi")) * _SCORES + own_mark
    coded = graded.join(pass_marks, on="student_id", how="inner").select(
        "student_id", "subject", "school_mark", code=code, now=quarter.holds(nw.col("day"))
    )
    return (
        coded.select(
            "student_id",
            "subject",
            "school_mark",
            quarter=nw.when(nw.col("now")).then(nw.col("code")).otherwise(_NONE),
            before=nw.when(nw.col("now")).then(_NONE).otherwise(nw.col("code")),
        )
        .group_by("student_id", "subject")
        .agg(nw.col("quarter").max(), nw.col("before").max(), nw.col("school_mark").max())
        .select("student_id", quarter=_distance("quarter"), before=_distance("before"))
    )


def _distance(code: str) -> nw.Expr:
    own_mark = nw.col(code) % _SCORES - 1
    mark = nw.when(own_mark >= 0).then(own_mark).otherwise(nw.col("school_mark"))
    return nw.when(nw.col(code) > _NONE).then(nw.col(code) // _SCORES % _SCORES - mark)


def _by_student(subjects: nw.LazyFrame) -> nw.LazyFrame:
    """Count, sum and least distance over a student's subjects, now and latest."""
    change = nw.col("quarter") - nw.col("before")
    columns = {"count_change": ~change.is_null(), "sum_change": change.fill_null(0)}
    for name in ("quarter", "latest"):
        distance = nw.col(name)
        columns |= {
            f"count_{name}": ~distance.is_null(),
            f"below_{name}": distance.fill_null(0) < 0,
            f"sum_{name}": distance.fill_null(0),
        }
    return (
        subjects.select(
            "student_id",
            min_quarter=nw.col("quarter"),
            min_latest=nw.col("latest"),
            **{name: value.cast(nw.Int64) for name, value in columns.items()},
        )
        .group_by("student_id")
        .agg(
            nw.col("min_quarter", "min_latest").min(),
            nw.col(*columns).sum(),
        )
        .with_columns(nw.col(*columns).cast(nw.Int64))
    )
