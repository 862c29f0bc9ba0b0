"""From a delivery's attendance marks to exceptions.

Kept are the days on which a class's register was taken, and the marks other than present. An
enrolled student without a mark on such a day is `unrecorded`: neither present nor absent. A present
mark is kept only where something else was known before. So a month of marks becomes about a tenth
of its rows, and at no time is more than a month of marks and a year of exceptions in memory.

What a delivery does not speak of stays as it was: a file with three corrected marks says nothing
about the rest of the class.
"""

from __future__ import annotations

import polars as pl

from earlywarning.io.facts import FACT_SCHEMAS
from earlywarning.io.roster import EVENT, Roster, Stored, enrolled_on, inside
from earlywarning.io.versions import KNOWN_BEFORE
from earlywarning.records.codes import NO_SCHOOL, PRESENT, UNRECORDED
from earlywarning.records.faults import REFUSAL_SCHEMA

SILENT = (UNRECORDED, NO_SCHOOL)
"""Marks that do not show that a register was taken."""

_REGISTER = {
    "cid": pl.UInt32, "day": pl.Int32, "taken": pl.Boolean, "assumed": pl.Boolean,
    "known_day": pl.Int32,
}  # fmt: skip

_WORDS = ("namespace", "raw_code", "late_minutes")

_late = (
    pl.col("complete")
    & ~pl.col("covered")
    & (pl.col("known_day") > pl.col("register_day")).fill_null(value=False)
)
"""Marks entered after the register was: until then the day was unrecorded."""


class Marks:
    """Takes the marks of a school year, month by month, against what is stored of it.

    Parameters
    ----------
    roster : Roster
    stored : Stored
    delivery_day : int
    """

    def __init__(self, roster: Roster, stored: Stored, *, delivery_day: int) -> None:
        self.roster = roster
        self.stored = stored
        self.day = delivery_day
        self._register: list[pl.DataFrame] = []
        self._events: list[pl.DataFrame] = []
        self._history: list[pl.DataFrame] = []
        self._seen: list[pl.DataFrame] = []
        self._words = pl.DataFrame()

    def month(
        self, marks: pl.DataFrame, *, assumed: pl.DataFrame | None = None, label: str = "date"
    ) -> pl.DataFrame:
        """Take the marks of a month.

        Parameters
        ----------
        marks : DataFrame
            sid (empty for a student who is in no class), day, status, namespace, raw_code,
            late_minutes, known_day, complete (false if the source delivers absences only), and the
            place columns. One row a student-day.
        assumed : DataFrame, optional
            class_id, day, known_day: days that stand for a register where absences only are
            delivered.
        label : str
            What the source calls the date.

        Returns
        -------
        DataFrame
            Marks refused because the student was in no class (`records.faults.REFUSAL_SCHEMA`).
        """
        self._words = marks.select(*_WORDS)
        placed, refused = self._placed(marks, label)
        classes = self._class_days(placed)
        self._registers(classes, assumed)
        placed = self._beside_class_days(placed, classes)
        news = placed.filter(pl.col("was_taken") & ~pl.col("covered")).select("sid", "day")
        if news.height:
            self._seen.append(news)
        present = pl.col("status") == PRESENT
        self._present(placed.filter(present))
        self._other(placed.filter(~present))
        self._unmarked(classes, placed)
        return refused

    def finish(self) -> None:
        """After the last month: students whose enrolment is news, on days taken before."""
        if self.roster.changed.height:
            self._late_enrolments()
            self._moved()

    def register_rows(self) -> pl.DataFrame:
        """Fact table `register_day` without `superseded_day`."""
        rows = pl.concat([pl.DataFrame(schema=_REGISTER), *self._register])
        names = [name for name in FACT_SCHEMAS["register_day"].names() if name != "superseded_day"]
        return rows.join(self.roster.classes, on="cid").select(names)

    def event_rows(self) -> pl.DataFrame:
        """Fact table `attendance_event` without `superseded_day`, with `versions.KNOWN_BEFORE`."""
        return self._named(self._events, KNOWN_BEFORE)

    def history_rows(self) -> pl.DataFrame:
        """Fact table `attendance_event`: what was known until a mark was entered late."""
        return self._named(self._history, "superseded_day")

    def _named(self, parts: list[pl.DataFrame], extra: str) -> pl.DataFrame:
        schema = dict(FACT_SCHEMAS["attendance_event"]) | {KNOWN_BEFORE: pl.Boolean()}
        names = [name for name in schema if name not in ("superseded_day", KNOWN_BEFORE)]
        names.append(extra)
        if not parts:
            return pl.DataFrame(schema=schema).select(names)
        rows = pl.concat(parts).join(self.roster.students, on="sid")
        return rows.join(self.roster.classes, on="cid").select(names)

    def _placed(self, marks: pl.DataFrame, label: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Marks with the student's class on the day; others are refused."""
        # Most marks are present and need no more than this; the words are fetched for the others.
        rows = marks.select("sid", "day", "status", "known_day", "complete").with_row_index("_at")
        first, last = marks["day"].min(), marks["day"].max()
        stays = self.roster.now.filter(
            pl.col("entry_day") <= pl.lit(last, pl.Int32),
            pl.col("exit_day") > pl.lit(first, pl.Int32),
        )
        placed = inside(rows.join(stays, on="sid")).drop("entry_day", "exit_day")
        strange = marks.clear()
        if placed.height < rows.height:
            strange = marks[rows.join(placed, on="_at", how="anti")["_at"]]
        # An empty mark of such a day says nothing, so nothing is lost.
        refused = strange.filter(~pl.col("status").is_in(SILENT)).select(
            table=pl.lit("attendance"),
            file="_file",
            sheet="_sheet",
            row="_row",
            column=pl.lit(label),
            found=pl.col("day").cast(pl.Date).dt.to_string("%Y-%m-%d"),
            allowed=pl.lit("a day on which the student is in a class; see the class list"),
            reason=pl.lit("not_enrolled"),
        )
        return placed, refused.select(*REFUSAL_SCHEMA)

    def _class_days(self, placed: pl.DataFrame) -> pl.DataFrame:
        """Class-days with complete marks: marks, those that tell, since when known; stored."""
        tells = ~pl.col("status").is_in(SILENT)
        days = (
            placed.filter("complete")
            .group_by("cid", "day")
            .agg(
                marks=pl.len(),
                telling=tells.sum(),
                known_day=pl.col("known_day").filter(tells).min(),
            )
            .join(self.stored.register, on=["cid", "day"], how="left")
        )
        return days.with_columns(
            expected=enrolled_on(days.select("cid", "day"), self.roster.now),
            taken_now=pl.col("telling") > 0,
        ).with_columns(
            # A register is withdrawn when the whole class has no mark any more.
            withdrawn=~pl.col("taken_now")
            & pl.col("taken_day").is_not_null()
            & (pl.col("marks") >= pl.col("expected")),
            register_day=pl.coalesce("taken_day", "known_day"),
        )

    def _registers(self, classes: pl.DataFrame, assumed: pl.DataFrame | None) -> None:
        told = classes.filter(pl.col("taken_now") | pl.col("withdrawn")).select(
            "cid",
            "day",
            taken="taken_now",
            assumed=pl.lit(value=False),
            known_day=pl.coalesce("known_day", pl.lit(self.day, pl.Int32)),
        )
        self._register.append(told)
        if assumed is None:
            return
        days = assumed.join(self.roster.classes, on="class_id").select("cid", "day", "known_day")
        for known in (self.stored.register, told):
            days = days.join(known.select("cid", "day"), on=["cid", "day"], how="anti")
        days = days.filter(enrolled_on(days.select("cid", "day"), self.roster.now) > 0)
        self._register.append(
            days.select(
                "cid",
                "day",
                pl.lit(value=True).alias("taken"),
                pl.lit(value=True).alias("assumed"),
                "known_day",
            )
        )

    def _beside_class_days(self, placed: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
        """Marks beside what is said of their class-day.

        `was_taken`: the class's register was stored before. `covered`: the student's day was known
        before this delivery, by the register of the class in which the student was then known to
        be; so a mark that says something else now is a correction.
        """
        rows = placed.join(
            classes.select("cid", "day", "taken_now", "withdrawn", "register_day"),
            on=["cid", "day"],
            how="left",
        )
        if self.stored.register.is_empty():
            return rows.with_columns(covered=pl.lit(value=False), was_taken=pl.lit(value=False))
        changed = self.roster.changed.with_columns(_changed=pl.lit(value=True))
        covered = self._covered(rows.join(changed, on="sid", how="semi").select("sid", "day"))
        return (
            rows.join(
                self.stored.register.select("cid", "day", "taken_day"),
                on=["cid", "day"],
                how="left",
            )
            .join(changed, on="sid", how="left")
            .join(covered.with_columns(_covered=True), on=["sid", "day"], how="left")
            .with_columns(
                was_taken=pl.col("taken_day").is_not_null(),
                covered=pl.when("_changed")
                .then(pl.col("_covered").fill_null(value=False))
                .otherwise(pl.col("taken_day").is_not_null()),
            )
            .drop("taken_day", "_changed", "_covered")
        )

    def _covered(self, days: pl.DataFrame) -> pl.DataFrame:
        """Of `sid`, `day`: those on which the class, as it was known before, had its register."""
        if days.is_empty():
            return days.select("sid", "day")
        placed = inside(days.select("sid", "day").join(self.roster.before, on="sid"))
        return placed.join(self.stored.register, on=["cid", "day"], how="semi").select("sid", "day")

    def _present(self, marks: pl.DataFrame) -> None:
        """Present where something else was known, or was unrecorded until it was entered late."""
        key = ["sid", "day"]
        stored = self.stored.events
        self._tell(marks.join(stored.filter(pl.col("status") != PRESENT), on=key, how="semi"))
        self._tell(marks.filter(_late).join(stored, on=key, how="anti"))

    def _other(self, marks: pl.DataFrame) -> None:
        """Marks other than present. Empty ones count where the class's register was taken."""
        silent = pl.col("status").is_in(SILENT) & pl.col("complete") & ~pl.col("taken_now")
        self._tell(marks.filter(~silent | (pl.col("was_taken") & ~pl.col("withdrawn"))))

    def _tell(self, marks: pl.DataFrame) -> None:
        """Keep marks as rows; what was known before changes with the delivery."""
        if marks.is_empty():
            return
        marks = pl.concat([marks, self._words[marks["_at"]]], how="horizontal")
        unrecorded = pl.col("status") == UNRECORDED
        since = pl.when(unrecorded & pl.col("complete")).then("register_day").otherwise("known_day")
        self._add(marks.with_columns(known_day=since))
        late = marks.filter(_late & ~unrecorded)
        if late.height:
            self._history.append(
                late.with_columns(
                    status=pl.lit(UNRECORDED),
                    raw_code=pl.lit(None, pl.String),
                    late_minutes=pl.lit(None, pl.Int32),
                    superseded_day="known_day",
                    known_day="register_day",
                ).select(*EVENT, "superseded_day")
            )

    def _unmarked(self, classes: pl.DataFrame, placed: pl.DataFrame) -> None:
        """Enrolled students without a mark, where the register is news."""
        news = pl.col("taken_day").is_null() | pl.col("assumed")
        short = classes.filter(
            pl.col("taken_now") & news & (pl.col("marks") < pl.col("expected"))
        ).select("cid", "day", "known_day", covered=pl.col("taken_day").is_not_null())
        days = inside(short.join(self.roster.now, on="cid"))
        self._add_unrecorded(days, but=[placed, self.stored.events])

    def _late_enrolments(self) -> None:
        """Without a mark they are unrecorded on days on which their class's register was taken.

        A student who was then known to be in another class had a mark there.
        """
        stays = self.roster.now.join(self.roster.changed, on="sid", how="semi")
        taken = self.stored.register.filter(~pl.col("assumed"))
        days = inside(stays.join(taken, on="cid")).join(
            self.roster.since, on=["sid", "cid", "entry_day"]
        )
        days = days.with_columns(
            known_day=pl.max_horizontal("taken_day", "stay_known"), covered=pl.lit(value=False)
        )
        self._add_unrecorded(days, but=[*self._seen, self.stored.events, self._covered(days)])

    def _moved(self) -> None:
        """Exceptions of students whose class on that day turns out to be another one."""
        events = self.stored.events.join(self.roster.changed, on="sid", how="semi")
        rows = inside(events.rename({"cid": "_old"}).join(self.roster.now, on="sid"))
        rows = rows.filter(pl.col("cid") != pl.col("_old"))
        for told in self._events:
            rows = rows.join(told.select("sid", "day"), on=["sid", "day"], how="anti")
        self._add(rows.with_columns(covered=pl.lit(value=True)))

    def _add_unrecorded(self, days: pl.DataFrame, *, but: list[pl.DataFrame]) -> None:
        for known in but:
            days = days.join(known.select("sid", "day"), on=["sid", "day"], how="anti")
        self._add(
            days.with_columns(
                status=pl.lit(UNRECORDED),
                namespace=pl.lit("none"),
                raw_code=pl.lit(None, pl.String),
                late_minutes=pl.lit(None, pl.Int32),
            )
        )

    def _add(self, rows: pl.DataFrame) -> None:
        """Keep rows; those `covered` are known from the delivery on."""
        if rows.is_empty():
            return
        known = pl.when("covered").then(pl.lit(self.day, pl.Int32)).otherwise("known_day")
        self._events.append(
            rows.with_columns(known_day=known, **{KNOWN_BEFORE: pl.col("covered")}).select(
                *EVENT, KNOWN_BEFORE
            )
        )
