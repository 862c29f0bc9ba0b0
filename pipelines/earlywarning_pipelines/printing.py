"""What the commands print: progress, summaries, lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from earlywarning.errors import NotFound
from earlywarning.io import wording
from earlywarning.io.register import list_views, lists, tokens
from earlywarning.io.register.db import Register
from earlywarning.records.class_names import canonical, sort_key
from earlywarning_pipelines import list_rows

if TYPE_CHECKING:
    # Each command loads its own pipeline only: training alone takes seconds to load.
    from earlywarning_pipelines.ingest import IngestResult
    from earlywarning_pipelines.simulate import SimulationResult
    from earlywarning_pipelines.state import State


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each stage, on the error stream; silent where that is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=max(total, 1))
            bar.update(tasks[stage], completed=done, total=max(total, 1))

        yield tell


MOST_NOTES = 10
"""Notes of an import that are printed; a folder can hold any number of other files."""


def _count(number: int, thing: str) -> str:
    """`1 row`, `1,462 rows`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def import_summary(result: IngestResult) -> str:
    """Rows read, facts added and changed, refusals by reason."""
    lines = [f"{'preview of ' if result.preview else ''}{result.source}, {result.delivered_on}"]
    lines += [
        f"  read     {table}: {_count(rows, 'row')}"
        + (f", {result.rows_refused[table]:,} refused" if result.rows_refused.get(table) else "")
        + (f", {result.merged[table]:,} merged" if result.merged.get(table) else "")
        for table, rows in result.rows_read.items()
    ]
    lines += [
        f"  {'would save' if result.preview else 'saved   '} {table}: {count.added:,} added, "
        f"{count.changed:,} changed, {count.unchanged:,} unchanged"
        for table, count in result.counts.items()
    ]
    lines += [
        f"  refused  {row['table']}: {_count(row['rows'], 'row')}, {row['reason']}"
        for row in result.refused.to_dicts()
    ]
    lines += _matched(result)
    if result.refused_path:
        lines.append(f"  each refused row, and what is allowed, is in {result.refused_path}")
    else:
        lines.append("  no row was refused")
    lines += [f"  note: {warning}" for warning in result.warnings[:MOST_NOTES]]
    if len(result.warnings) > MOST_NOTES:
        lines.append(f"  and {_count(len(result.warnings) - MOST_NOTES, 'more note')}")
    if result.preview:
        lines.append("nothing was saved")
    elif not result.changed_anything:
        lines.append("nothing new: the facts are as they were")
    return "\n".join(lines)


def _matched(result: IngestResult) -> list[str]:
    """How students were found who do not go by their number, and what a person must still say."""
    found = {
        "by national id": result.matched.by_national_id,
        "by an earlier confirmation": result.matched.by_earlier_answer,
        "by an answer": result.matched.by_answer,
    }
    lines = [f"  matched  {_count(number, 'student')} {how}" for how, number in found.items()
             if number]  # fmt: skip
    if result.review_path:
        names = _count(result.matched.review.height, "name")
        lines.append(
            f"  to say   {names} in {result.review_path}: fill in answer (yes, no or a student's "
            f"number), then import again with --answers {result.review_path}"
        )
    return lines


def state_summary(state: State) -> str:
    """What was recorded, school by school and class by class."""
    lines = [f"{state.quarter.code}, as known before {state.as_of}"]
    for school in state.schools:
        lines += ["", f"school {school.school_id}"]
        for source in school.sources:
            newest = f", newest {source.newest}" if source.newest else ""
            name = source.table.replace("_", " ")
            lines.append(f"  {name}: {_count(source.rows, 'row')}{newest}")
        lines.append(
            f"  {'class':<12}{'students':>9}{'register':>10}{'of days':>9}{'assumed':>9}"
            f"{'marked':>8}{'without mark':>14}"
        )
        for one in school.classes:
            marked = "–" if one.marked is None else f"{100 * one.marked:.0f} %"
            lines.append(
                f"  {one.class_name:<12}{one.students:>9}{one.register_days:>10}"
                f"{one.expected_days:>9}{one.assumed_days:>9}{marked:>8}{one.without_mark:>14}"
            )
    lines += ["", "last deliveries"]
    for delivery in state.deliveries:
        refused = ", ".join(f"{reason} {rows:,}" for reason, rows in delivery.refused.items())
        lines.append(
            f"  {delivery.source}, {delivery.delivered_on}: {_count(delivery.files, 'file')}; "
            f"refused: {refused or 'nothing'}"
        )
    return "\n".join(lines)


def simulation_summary(result: SimulationResult) -> str:
    """What was written, and how often there is trouble."""
    trouble = ", ".join(f"{name} {share:.1%}" for name, share in result.prevalence.items())
    return "\n".join(
        [
            f"{_count(result.students, 'student')} in {_count(result.schools, 'school')}; "
            f"the list to make is {result.quarter}",
            f"  in trouble a quarter: {trouble}; absent {result.absence_rate:.1%} of days",
            f"  files to import: {result.out}/delivery (with mapping.toml)",
            f"  the truth, apart: {result.out}/truth",
        ]
    )


def layout_summary(out: Path, rows: Mapping[str, int]) -> str:
    """What was written in another system's layout."""
    carried = ", ".join(f"{table} {number:,}" for table, number in rows.items())
    return (
        f"rows carried: {carried}\n"
        f"  files to inspect and import: {out}/delivery, a folder a school\n"
        f"  the same records as plain tables, with a mapping: {out}/records"
    )


def list_summary(
    register: Register,
    made: Sequence[lists.ListRow],
    *,
    language: str,
    first: int | None,
    class_name: str | None = None,
) -> str:
    """Each list in words.

    Parameters
    ----------
    first : int or None
        At most so many families of each; None for all.
    class_name : str, optional
        Only families with a child of this class.

    Raises
    ------
    NotFound
        If no listed family has a child of that class.
    """
    lines = []
    for one in made:
        rows = list_rows.rows(register, one.visit_list_id, language=language)
        if class_name is not None:
            rows = _of_class(rows, class_name)
        lines.append(
            f"{one.quarter} {one.school_id}: {one.status}, id {one.visit_list_id}, "
            f"sha256 {one.frozen_sha256[:16]}"
        )
        lines += _decided(one, language)
        for row in rows[:first]:
            lines.append(f"{row.position:>4}  {row.class_names:<8} {row.students}")
            lines.append(f"      {row.band} · {row.track} · {row.lead} · {row.completeness}")
            lines += [f"        - {reason}" for reason in row.reasons]
        if first is not None and len(rows) > first:
            more = len(rows) - first
            lines.append(
                f"{more:,} more famil{'y' if more == 1 else 'ies'}: "
                f"`earlywarning show {one.visit_list_id}`"
            )
        lines += _nobody_visits(register, one, language)
    return "\n".join(lines)


def _decided(one: lists.ListRow, language: str) -> list[str]:
    """What each area of the list rests on: a model or the rule, and why."""
    lines = []
    for outcome, model in one.header["models"].items():
        by = wording.say(f"estimator.{model['estimator']}", language)
        by = "" if model["why"] == "no_records" else f"{by}. "
        area = wording.say(f"outcome.{outcome}", language)
        lines.append(f"  {area}: {by}{wording.why_text(model['why'], language)}")
    return lines


def _nobody_visits(register: Register, one: lists.ListRow, language: str) -> list[str]:
    """The teachers who cannot visit this quarter."""
    with register.session() as session:
        staff = list_views.staff_names(session, one.school_id)
    return [
        f"{staff.get(lead['lead'], lead['lead'])}: "
        + wording.say("capacity.none", language, households=lead["households"])
        for lead in one.header["leads"]
        if lead["lead"] is not None and lead["capacity"] == 0
    ]


def _of_class(rows: Sequence[list_rows.Row], class_name: str) -> list[list_rows.Row]:
    wanted = canonical(class_name).key
    found = [
        row
        for row in rows
        if wanted in (canonical(name).key for name in row.class_names.split(", "))
    ]
    if not found:
        names = {name for row in rows for name in row.class_names.split(", ")}
        classes = sorted(names, key=sort_key)
        raise NotFound(
            f"no family of class {class_name!r} is on the list; classes on it: {', '.join(classes)}"
        )
    return found


def lists_table(register: Register) -> str:
    """Every list, newest quarter first: when and by whom it was made or published."""
    found = lists.everything(register)
    return (
        "\n".join(
            f"{one.visit_list_id}  {one.quarter}  {one.school_id}  {one.status:<9}  "
            + (
                f"{one.published_at:%Y-%m-%d %H:%M} UTC by {one.published_by}"
                if one.published_at
                else f"{one.made_at:%Y-%m-%d %H:%M} UTC by {one.made_by}"
            )
            for one in found
        )
        or "no list yet; make one with `earlywarning draft --quarter …`"
    )


def tokens_table(register: Register, *, at: datetime) -> str:
    """Every token and whom it lets see what; never its secret."""
    return (
        "\n".join(
            f"{one.token_id}  {one.state(at):<8} {one.role:<17} "
            f"{one.school_id or 'all schools'}  {one.staff_name or '-'}  "
            f"until {one.expires_at:%Y-%m-%d}  {one.label}"
            for one in tokens.listed(register)
        )
        or "no token yet; make one with `earlywarning token create`"
    )
