"""The command that watches, and the words in which it says what it found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from earlywarning.io import wording
from earlywarning.risk.watch.checks import ACT, LOOK, OK
from earlywarning_pipelines.console import ACT_EXIT, day_option, now, one_of, today, told

if TYPE_CHECKING:
    from earlywarning.io.register.monitor_checks import CheckRow
    from earlywarning_pipelines.home import Home
    from earlywarning_pipelines.monitor import MonitorResult

PER_HUNDRED = (
    "classes_silent", "recorded_share", "codes_changed", "illness", "absences_risen", "risk_level",
    "ties", "list_size", "trouble_redefined", "capture", "calibration", "group_gap",
)  # fmt: skip
"""Checks whose values are shares; they are said as so many of 100."""


def add_to(app: typer.Typer) -> None:
    """Let an application have this command."""
    app.command()(monitor)


def monitor(
    context: typer.Context,
    quarter: Annotated[
        str | None, typer.Option(help="For example 2026-27-Q2 [default: the running one].")
    ] = None,
    as_of: Annotated[
        date | None, day_option("Use only what was known before this day [default: today].")
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            callback=one_of("id", "en"), help="id or en [default: as district.toml says]."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the redrawn students.")] = 1,
    every: Annotated[
        bool, typer.Option("--all", help="Print the checks that are in order, too.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Print what was found before; look at nothing.")
    ] = False,
) -> None:
    """Say whether records and ranking are as in training; ends with 5 if somebody must act."""
    home: Home = context.obj
    with told():
        spoken = language or home.district.language
        if history:
            from earlywarning.io.register import monitor_checks

            typer.echo(history_table(monitor_checks.history(home.register, quarter=quarter)))
            return
        from earlywarning_pipelines import monitor as pipeline
        from earlywarning_pipelines import printing

        with printing.progress_bar() as progress:
            result = pipeline.run(
                engine=home.engine,
                store=home.store,
                register=home.register,
                registry=home.models,
                district=home.district,
                as_of=as_of or today(home.district.timezone),
                at=now(),
                quarter=quarter,
                seed=seed,
                progress=progress,
            )
        typer.echo(summary(result, language=spoken, every=every))
    if result.worst == ACT:
        raise typer.Exit(ACT_EXIT)


def summary(result: MonitorResult, *, language: str, every: bool) -> str:
    """What is not in order, in words: what it means, and what to do.

    Parameters
    ----------
    result : MonitorResult
    language : str
    every : bool
        Whether checks that are in order are said, too.
    """
    counts = {
        status: sum(row.status == status for row in result.rows) for status in (OK, LOOK, ACT)
    }
    lines = [
        wording.say(
            "watch.summary",
            language,
            quarter=result.quarter,
            checks=len(result.rows),
            look=counts[LOOK],
            act=counts[ACT],
        )
    ]
    if not result.learnt_from:
        lines.append(wording.say("watch.none", language))
    chosen = [row for row in result.rows if every or row.status != OK]
    for status in (ACT, LOOK, OK):
        for row in chosen:
            if row.status == status:
                lines += ["", *in_words(row, language)]
    return "\n".join(lines)


def in_words(row: CheckRow, language: str) -> list[str]:
    """One check: its status and code, what it means, and where it is not in order what to do."""
    status = wording.say(f"watch.status.{row.status}", language)
    area = wording.say(f"outcome.{row.outcome}", language) if row.outcome else None
    about = " · ".join(part for part in (area, row.subject) if part)
    key = f"watch.{row.code}"
    lines = [f"[{status}] {row.quarter} {row.code}{f': {about}' if about else ''}"]
    if key in wording.catalogue(language):
        lines.append("  " + wording.say(key, language, **_numbers(row)))
        if row.status != OK:
            lines.append("  → " + wording.say(f"{key}.do", language))
    return lines


def _numbers(row: CheckRow) -> dict[str, float | int | None]:
    scale = 100 if row.code in PER_HUNDRED else 1
    found = {"value": row.value, "limit": row.limit}
    return {
        name: None if number is None else _short(number * scale) for name, number in found.items()
    }


def _short(number: float) -> float | int:
    rounded = round(number, 1 if abs(number) >= 1 else 2)
    return int(rounded) if rounded == int(rounded) else rounded


def history_table(rows: Sequence[CheckRow]) -> str:
    """Every check that was kept and was not in order, newest look first, and a line a look."""
    lines: list[str] = []
    for at in dict.fromkeys(row.at for row in rows):
        look = [row for row in rows if row.at == at]
        bad = [row for row in look if row.status != OK]
        quarters = ", ".join(sorted({row.quarter for row in look}))
        lines.append(f"{at:%Y-%m-%d %H:%M} UTC  {quarters}  {len(look)} checks, {len(bad)} not ok")
        for row in bad:
            about = " ".join(part for part in (row.outcome, row.subject) if part)
            value, limit = (
                "-" if number is None else f"{number:.3g}" for number in (row.value, row.limit)
            )
            lines.append(
                f"  {row.status:<4}  {row.quarter}  {row.code:<18} {value:>8}  limit {limit:>8}  "
                f"{about}"
            )
    return "\n".join(lines) or "nothing was looked at yet; `earlywarning monitor` looks"
