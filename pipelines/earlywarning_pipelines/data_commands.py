"""The commands about files: look at them, import them, see what is there, invent some."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earlywarning.errors import ConfigError
from earlywarning_pipelines.console import day_option, now, one_of, today, told

if TYPE_CHECKING:
    from earlywarning_pipelines.home import Home


def add_to(app: typer.Typer) -> None:
    """Let an application have these commands."""
    app.command()(inspect)
    app.command(name="import")(import_)
    app.command()(state)
    app.command()(simulate)


def inspect(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Files, or folders with them.")],
    out: Annotated[
        Path | None, typer.Option(help="Where the mapping is written [default: it is printed].")
    ] = None,
    source: Annotated[
        str, typer.Option(help="Name of the source, always the same.")
    ] = "school-files",
    school: Annotated[
        str | None, typer.Option(help="The school's number, if no file names it.")
    ] = None,
) -> None:
    """Say what files are and hold, and write a mapping for them; nothing is imported."""
    from earlywarning_pipelines import inspecting

    home: Home = context.obj
    with told():
        found = inspecting.run(
            files,
            source=source,
            school_id=school,
            out=out,
            district=home.district if home.settings.district_file.exists() else None,
        )
    typer.echo(inspecting.report(found, out=out))
    if not found.mapping:
        raise typer.Exit(1)


def import_(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Files, or folders with them.")],
    mapping: Annotated[
        Path | None,
        typer.Option(help="Mapping file (TOML) [default: what `inspect` would write]."),
    ] = None,
    source: Annotated[
        str, typer.Option(help="Without a mapping: name of the source, always the same.")
    ] = "school-files",
    school: Annotated[
        str | None,
        typer.Option(help="Without a mapping: the school, if no file names it."),
    ] = None,
    say: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Without a mapping: answer what `inspect` asks, like school_year=2026-27.",
        ),
    ] = None,
    preview: Annotated[bool, typer.Option(help="Say what would change; save nothing.")] = False,
    confirm: Annotated[bool, typer.Option(help="Go on in spite of an unusual change.")] = False,
    delivered_on: Annotated[
        date | None, day_option("Date of the delivery [default: today].")
    ] = None,
    refused: Annotated[
        Path | None,
        typer.Option(
            help="Where the refused rows are written [default: refused.csv in the installation].",
            dir_okay=False,
        ),
    ] = None,
    review: Annotated[
        Path | None,
        typer.Option(
            help="Where names are written that a person must settle "
            "[default: review.csv in the installation].",
            dir_okay=False,
        ),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(help="That file with its answers filled in.", exists=True, dir_okay=False),
    ] = None,
    only_school: Annotated[
        str | None, typer.Option(help="Refuse files that hold rows of another school.")
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            help="Where a report for programs is written, anew while the import goes on.",
            dir_okay=False,
        ),
    ] = None,
    import_id: Annotated[
        str | None, typer.Option("--id", hidden=True, help="Id that the import is kept under.")
    ] = None,
) -> None:
    """Import a school's files: all of them or nothing."""
    from earlywarning.io.mapping import load_mapping
    from earlywarning_pipelines import import_report, ingest, inspecting, printing

    home: Home = context.obj
    with told(), printing.progress_bar() as progress, import_report.kept(json) as report:
        home.require()
        refused_path = refused or home.settings.home / "refused.csv"
        review_path = review or home.settings.home / "review.csv"
        for option, path in (("--refused", refused_path), ("--review", review_path)):
            if not path.parent.is_dir():
                raise ConfigError(f"{option}: there is no folder {path.parent}; make it first")
        if mapping is not None:
            chosen = load_mapping(mapping)
        else:
            said = inspecting.said_in(say or ())
            found = inspecting.understood(
                files, source=source, school_id=school, district=home.district
            )
            report.understood(found, said)
            chosen = inspecting.mapping_of(found, said)
        result = ingest.run(
            files=files,
            mapping=chosen,
            store=home.store,
            register=home.register,
            district=home.district,
            delivered_on=delivered_on or today(home.district.timezone),
            finished_at=now(),
            preview=preview,
            confirmed=confirm,
            refused_path=refused_path,
            answers=answers,
            review_path=review_path,
            only_school=only_school,
            import_id=import_id,
            progress=report.progress(progress),
        )
        report.ended(result)
    typer.echo(printing.import_summary(result))


def state(
    context: typer.Context,
    quarter: Annotated[
        str | None, typer.Option(help="For example 2026-27-Q2 [default: the one of yesterday].")
    ] = None,
    school: Annotated[str | None, typer.Option(help="One school only.")] = None,
    as_of: Annotated[
        date | None, day_option("What was known before this day [default: today].")
    ] = None,
) -> None:
    """Say what each school recorded in a quarter, and what is missing."""
    from earlywarning_pipelines import printing
    from earlywarning_pipelines import state as pipeline

    home: Home = context.obj
    with told():
        found = pipeline.run(
            engine=home.engine,
            store=home.store,
            register=home.register,
            district=home.district,
            as_of=as_of or today(home.district.timezone),
            quarter=quarter,
            school_id=school,
        )
    typer.echo(printing.state_summary(found))


def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write; must not exist yet.")],
    students: Annotated[int, typer.Option(min=1, help="About so many at a time.")] = 600,
    years: Annotated[int, typer.Option(min=0, max=20, help="Full school years of history.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    effect: Annotated[float, typer.Option(help="True effect of visits; 0 for none.")] = 1.0,
    until: Annotated[
        date, day_option("First day without data: the start of the quarter to be listed.")
    ] = date(2026, 10, 1),
    layout: Annotated[
        str,
        typer.Option(
            callback=one_of("csv", "school_folder", "oneroster", "edfi", "sis_dump"),
            help="csv, with history and the truth; or this school year only as another system "
            "writes it: school_folder, oneroster, edfi, sis_dump.",
        ),
    ] = "csv",
) -> None:
    """Write the files of an invented district, and the truth about it apart."""
    from earlywarning_pipelines import printing
    from earlywarning_pipelines import simulate as pipeline

    if layout != "csv":
        with told():
            rows = pipeline.write_layout(
                students=students, seed=seed, layout=layout, out=out, until=until
            )
        typer.echo(printing.layout_summary(out, rows))
        return
    with told(), printing.progress_bar() as progress:
        result = pipeline.run(
            students=students,
            years=years,
            seed=seed,
            out=out,
            effect=effect,
            until=until,
            progress=progress,
        )
    typer.echo(printing.simulation_summary(result))
