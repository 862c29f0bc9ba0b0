"""What the commands print: progress, summaries, lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from earlywarning.io import wording
from earlywarning.io.register import lists, tokens
from earlywarning.io.register.db import Register
from earlywarning_pipelines import list_rows

if TYPE_CHECKING:
    # Each command loads its own pipeline only: training alone takes seconds to load.
    from earlywarning_pipelines.ingest import IngestResult
    from earlywarning_pipelines.simulate import SimulationResult
    from earlywarning_pipelines.train import TrainResult


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


def import_summary(result: IngestResult) -> str:
    """Rows read, facts added and changed, refusals by reason."""
    lines = [f"{'preview of ' if result.preview else ''}{result.source}, {result.delivered_on}"]
    lines += [
        f"  read     {table}: {rows} rows"
        + (f", {result.rows_refused[table]} refused" if result.rows_refused.get(table) else "")
        + (f", {result.merged[table]} merged" if result.merged.get(table) else "")
        for table, rows in result.rows_read.items()
    ]
    lines += [
        f"  {'would be' if result.preview else 'saved'} {table}: {count.added} added, "
        f"{count.changed} changed, {count.unchanged} unchanged"
        for table, count in result.counts.items()
    ]
    lines += [
        f"  refused  {row['table']}: {row['rows']} rows, {row['reason']}"
        for row in result.refused.to_dicts()
    ]
    if result.refused_path:
        lines.append(f"  the refused rows are in {result.refused_path}")
    lines += [f"  note: {warning}" for warning in result.warnings]
    if result.preview:
        lines.append("nothing was saved")
    elif not result.changed_anything:
        lines.append("nothing new: the facts are as they were")
    return "\n".join(lines)


def simulation_summary(result: SimulationResult) -> str:
    """What was written, and how often there is trouble."""
    trouble = ", ".join(f"{name} {share:.1%}" for name, share in result.prevalence.items())
    return "\n".join(
        [
            f"{result.students} students in {result.schools} school(s); "
            f"the list to make is {result.quarter}",
            f"  in trouble a quarter: {trouble}; absent {result.absence_rate:.1%} of days",
            f"  files to import: {result.out}/delivery (with mapping.toml)",
            f"  the truth, apart: {result.out}/truth",
        ]
    )


def training_summary(result: TrainResult) -> str:
    """What serves for each outcome, and why, in words."""
    lines = [
        f"{len(result.quarters)} closed quarters, {result.students} students, "
        f"places for {result.capacity_share:.0%} of them"
    ]
    for one in result.outcomes:
        serves = one.model.kind if one.model else "nothing"
        why = wording.say(f"why.{one.report['why']}", "en") if one.model else "no records"
        lines.append(f"  {one.outcome}: {serves} serves. {why}")
        gate = one.report.get("gate")
        if gate:
            lines.append(
                f"    found {gate['found_share']:.1%} of later trouble, "
                f"the rule {gate['rule_found_share']:.1%}"
            )
    return "\n".join(lines)


def list_summary(
    register: Register, made: Sequence[lists.ListRow], *, language: str, first: int
) -> str:
    """The first rows of each list, in words."""
    lines = []
    for one in made:
        lines.append(
            f"{one.quarter} {one.school_id}: {one.status}, id {one.visit_list_id}, "
            f"sha256 {one.frozen_sha256[:16]}"
        )
        for row in list_rows.rows(register, one.visit_list_id, language=language, first=first):
            lines.append(f"{row.position:>4}  {row.class_names:<8} {row.students}")
            lines.append(f"      {row.band} · {row.track} · {row.lead} · {row.completeness}")
            lines += [f"        - {reason}" for reason in row.reasons]
    return "\n".join(lines)


def lists_table(register: Register) -> str:
    """Every list, newest last."""
    found = lists.everything(register)
    return (
        "\n".join(
            f"{one.visit_list_id}  {one.quarter}  {one.school_id}  {one.status}" for one in found
        )
        or "no list yet; make one with `earlywarning draft --quarter …`"
    )


def tokens_table(register: Register, *, at: datetime) -> str:
    """Every token, never its secret."""
    return (
        "\n".join(
            f"{one.token_id}  {one.state(at):<8} {one.role:<17} {one.label}"
            for one in tokens.listed(register)
        )
        or "no token yet"
    )
