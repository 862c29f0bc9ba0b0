"""The commands that ask whether visits helped: design first, then panel, report and export."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earlywarning_pipelines.console import (
    REFUSED_EXIT,
    Report,
    day_option,
    now,
    one_of,
    today,
    told,
)

if TYPE_CHECKING:
    from earlywarning_pipelines import work_report
    from earlywarning_pipelines.home import Home
    from earlywarning_pipelines.impact import Analysed

StudyName = Annotated[
    str | None, typer.Option("--study", help="A registered study [default: a first look].")
]
Since = Annotated[str | None, typer.Option(help="First quarter of a first look.")]
Until = Annotated[str | None, typer.Option(help="Last quarter of a first look.")]
AsOf = Annotated[date | None, day_option("Leave out quarters that end later [default: today].")]


def add_to(app: typer.Typer) -> None:
    """Let an application have these commands."""
    impact = typer.Typer(
        help="Did visits help? Design before, then read, report and export.", no_args_is_help=True
    )
    for command in (design, studies, panel, report, export):
        impact.command()(command)
    app.add_typer(impact, name="impact")


def design(
    context: typer.Context,
    quarter: Annotated[
        str | None, typer.Option(help="First quarter of the study, like 2026-27-Q3.")
    ] = None,
    quarters: Annotated[int, typer.Option(min=1, max=16, help="So many.")] = 4,
    name: Annotated[str, typer.Option(help="Name of the study.")] = "Home visits",
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("study.toml"),
    roll_out: Annotated[
        bool, typer.Option("--roll-out", help="Draw in which order homerooms start to visit.")
    ] = False,
    register: Annotated[
        Path | None, typer.Option(help="Register this design instead of proposing one.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of lots and analysis; it is stored.")] = 1,
    by: Annotated[str, typer.Option(help="Who registers it.")] = "terminal",
) -> None:
    """Propose a design and say what it could see; with --register, stamp one before outcomes."""
    from earlywarning.errors import Conflict
    from earlywarning.impact.study import text_of
    from earlywarning_pipelines import impact

    home: Home = context.obj
    with told():
        if register is not None:
            study = impact.study_of(
                home.district, register.read_text(encoding="utf-8"), where=str(register)
            )
            made = impact.register_study(home, study, by=by, at=now())
            typer.echo(f"registered {made.study.name!r}, sha256 {made.sha256}")
            typer.echo(
                "it stays as it is. Publish the lists as usual; after the last quarter: "
                f"earlywarning impact report --study {made.study.name!r}"
            )
            return
        if out.exists():
            raise Conflict(f"{out}: is already there; name another file with --out")
        calendar = home.district.calendar
        first = quarter or calendar.next(calendar.quarter_of(today(home.district.timezone))).code
        study, power = impact.propose(
            home, first=first, quarters=quarters, name=name, roll_out=roll_out, seed=seed
        )
        words = impact.in_words(power, home.district.language)
        out.write_text(text_of(study, notes=words), encoding="utf-8")
    typer.echo("\n".join(words))
    if not home.district.visits.lottery:
        typer.echo(
            "district.toml has lottery = false: only families at the cut can be compared, which "
            "needs about four times the children of a lottery"
        )
    typer.echo(f"wrote {out}; edit it, then `earlywarning impact design --register {out}`")


def studies(context: typer.Context) -> None:
    """The studies that were registered, their designs checked against their hashes."""
    from earlywarning.io.register import evidence

    home: Home = context.obj
    with told():
        found = evidence.studies(home.register)
    for one in found:
        study = one.study
        typer.echo(
            f"{study.name}  {study.first_quarter} to {study.last_quarter}  {study.designs[0]}  "
            f"registered {one.registered_at:%Y-%m-%d}  sha256 {one.sha256[:12]}"
        )
    if not found:
        typer.echo("no study is registered; `earlywarning impact design` proposes one")


def panel(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="File to write: .parquet or .csv.")],
    study: StudyName = None,
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
) -> None:
    """Write the panel with the register's ids, for use inside; `export` writes one to give away."""
    from earlywarning_pipelines import impact

    home: Home = context.obj
    with told(), _refusing():
        found = _analysed(home, study, since, until, as_of)
        rows = impact.write_panel(found, out)
    typer.echo(f"wrote {rows} student-quarters to {out}")


def report(
    context: typer.Context,
    study: StudyName = None,
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder [default: the installation's reports].")
    ] = None,
    language: Annotated[
        str | None, typer.Option(callback=one_of("id", "en"), help="id or en [default: both].")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print it, too; needs Chromium.")] = False,
    by: Annotated[str, typer.Option(help="Who asks; the audit keeps it.")] = "terminal",
    json: Report = None,
) -> None:
    """Say what can be said, how sure, and what cannot be said; a file a language."""
    from earlywarning.io import impact_page
    from earlywarning_pipelines import impact, work_report

    home: Home = context.obj
    with told(), _refusing(), work_report.kept(work_report.Report(json)) as told_of:
        found = _analysed(home, study, since, until, as_of, by=by, report=told_of)
        files = impact.report(
            found, home, folder=out or home.settings.reports_dir / "impact",
            languages=(language,) if language else ("id", "en"), at=now(), pdf=pdf,
        )  # fmt: skip
        spoken = language or home.district.language
        for line in impact_page.sentences(impact_page.decides(found.result), spoken):
            typer.echo(line)
        told_of.done()
    for path in files:
        typer.echo(str(path))


def export(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    agreement: Annotated[str, typer.Option(help="Id of the agreement under which it leaves.")],
    study: StudyName = None,
    since: Since = None,
    until: Until = None,
    as_of: AsOf = None,
    by: Annotated[str, typer.Option(help="Who takes it out; the audit keeps it.")] = "terminal",
) -> None:
    """Write the table without names, the results, and an analysis that runs anywhere.

    Rows about children leave only under an agreement (`earlywarning agreement add`).
    """
    from earlywarning_pipelines import impact

    home: Home = context.obj
    with told(), _refusing():
        found = _analysed(home, study, since, until, as_of, by=by)
        hashes = impact.export(found, home, folder=folder, agreement_id=agreement, by=by, at=now())
    typer.echo(f"wrote {len(hashes)} files to {folder}; panel.csv {hashes['panel.csv'][:12]}")
    typer.echo("to compute it again anywhere: python analyse.py")


def _analysed(
    home: Home,
    study: str | None,
    since: str | None,
    until: str | None,
    as_of: date | None,
    *,
    by: str = "terminal",
    report: work_report.Report | None = None,
) -> Analysed:
    from earlywarning_pipelines import impact, printing

    with printing.progress_bar() as progress:
        return impact.analyse(
            home, study_name=study, as_of=as_of or today(home.district.timezone), at=now(), by=by,
            since=since, until=until,
            progress=progress if report is None else report.progress(progress),
        )  # fmt: skip


@contextmanager
def _refusing() -> Iterator[None]:
    """Ends with 4 where something recorded is not as it was."""
    from earlywarning.errors import ArtifactError

    try:
        yield
    except ArtifactError as error:
        typer.secho(f"{error}", fg="red", err=True)
        raise typer.Exit(REFUSED_EXIT) from error
