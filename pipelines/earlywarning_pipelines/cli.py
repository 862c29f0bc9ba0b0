"""The command line: each command opens what it needs, calls one pipeline, prints the outcome."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

import earlywarning
from earlywarning_pipelines import (
    audit_commands,
    backup_commands,
    data_commands,
    facts_commands,
    impact_commands,
    model_commands,
    monitor_commands,
    paper_commands,
    plan_commands,
    research_commands,
    rights_commands,
    run_commands,
    user_commands,
    visit_commands,
)
from earlywarning_pipelines.console import (
    REFUSED_EXIT,
    Report,
    now,
    one_of,
    program,
    told,
)

if TYPE_CHECKING:
    from earlywarning.io.engine import EngineName
    from earlywarning.io.register.lists import ListRow
    from earlywarning_pipelines.home import Home

ENGINES = ("polars", "duckdb", "spark")

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

app = typer.Typer(
    help="Which families to visit at home first this quarter, and how that was decided.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Quarter = Annotated[str, typer.Option(help="For example 2026-27-Q2.")]
Seed = Annotated[int, typer.Option(min=0, help="Settles ties and lots; it is stored.")]
Language = Annotated[
    str | None,
    typer.Option(callback=one_of("id", "en"), help="id or en [default: as district.toml says]."),
]


@app.callback()
def main(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(help="Folder of the installation [default: earlywarning-data]."),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(callback=one_of(*ENGINES), help="Feature engine: polars, duckdb or spark."),
    ] = "polars",
) -> None:
    """Open the installation that the other commands work on."""
    from earlywarning_pipelines.home import open_home

    with told():
        context.obj = open_home(home, engine=cast("EngineName", engine))


@app.command()
def init(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Name of the school or district.")] = "Sekolah",
    lottery: Annotated[
        bool | None,
        typer.Option(
            "--lottery/--no-lottery",
            help="Let families nearly tied at the cut share their places by lot, so that the "
            "effect of visits can be measured. Must be said.",
        ),
    ] = None,
    capacity: Annotated[int, typer.Option(help="Households a teacher can visit a quarter.")] = 8,
) -> None:
    """Write a first district.toml and create the register."""
    from earlywarning_pipelines import setup

    home: Home = context.obj
    with told():
        path = setup.run(home, name=name, lottery=lottery, capacity=capacity)
    typer.echo(f"wrote {path}; edit it to fit your school (docs/district.md explains every line)")
    typer.echo("next: write a mapping for your files (docs/mapping.md), then `earlywarning import`")


data_commands.add_to(app)
model_commands.add_to(app)
monitor_commands.add_to(app)
plan_commands.add_to(app)
paper_commands.add_to(app)
impact_commands.add_to(app)
user_commands.add_to(app)
audit_commands.add_to(app)
backup_commands.add_to(app)
rights_commands.add_to(app)
research_commands.add_to(app)
visit_commands.add_to(app)
run_commands.add_to(app)
facts_commands.add_to(app)


@app.command()
def draft(
    context: typer.Context,
    quarter: Quarter,
    seed: Seed = 1,
    by: Annotated[str, typer.Option(help="Who makes the list.")] = "command line",
    language: Language = None,
    first: Annotated[int, typer.Option(min=0, help="Families to print of each list.")] = 10,
    school: Annotated[
        str | None, typer.Option(help="The list of one school only [default: of every school].")
    ] = None,
    json: Report = None,
) -> None:
    """Rank the families for a quarter; the draft can be made again until it is published."""
    from earlywarning_pipelines import drafting, printing

    home: Home = context.obj
    with told(), printing.progress_bar() as progress:
        drafted = drafting.run(
            home, quarter=quarter, seed=seed, by=by, at=now(), school_id=school, path=json,
            progress=progress,
        )  # fmt: skip
    _print_lists(home, drafted, language=language, first=first)


@app.command()
def publish(
    context: typer.Context,
    quarter: Quarter,
    seed: Seed = 1,
    by: Annotated[str, typer.Option(help="Who publishes the list.")] = "command line",
    language: Language = None,
    first: Annotated[int, typer.Option(min=0, help="Families to print of each list.")] = 10,
) -> None:
    """Freeze the quarter's list: the draft if there is one, else a new one."""
    from earlywarning_pipelines import printing
    from earlywarning_pipelines import publish as pipeline

    home: Home = context.obj
    with told(), printing.progress_bar() as progress:
        published = pipeline.publish(
            quarter=quarter, engine=home.engine, store=home.store, register=home.register,
            registry=home.models, district=home.district, seed=seed, by=by, at=now(),
            progress=progress,
        )  # fmt: skip
    _print_lists(home, published, language=language, first=first)


def _print_lists(home: Home, made: Sequence[ListRow], *, language: str | None, first: int) -> None:
    """Lists in words; exit code 4 where a model was altered and did not decide."""
    from earlywarning_pipelines import model_words, printing, serving

    spoken = language or home.district.language
    with told():
        typer.echo(printing.list_summary(home.register, made, language=spoken, first=first))
    refused = serving.refusals(made[0].header)
    for outcome, version in refused.items():
        typer.secho(model_words.refusal(outcome, version), fg="red", err=True)
    if refused:
        raise typer.Exit(REFUSED_EXIT)


@app.command()
def show(
    context: typer.Context,
    visit_list_id: Annotated[str, typer.Argument(help="Id of a list, as `lists` prints it.")],
    class_name: Annotated[
        str | None, typer.Option("--class", help="Only families with a child of this class.")
    ] = None,
    language: Language = None,
    record: Annotated[
        bool, typer.Option("--record", help="Print the frozen record instead, byte for byte.")
    ] = False,
) -> None:
    """Print a whole list, to hand out or to check."""
    from earlywarning.io.register import lists as kept
    from earlywarning_pipelines import printing

    home: Home = context.obj
    with told():
        if record:
            typer.echo(kept.frozen_record(home.register, visit_list_id)[0], nl=False)
            return
        spoken = language or home.district.language
        found = kept.find(home.register, [visit_list_id])
        text = printing.list_summary(
            home.register, found, language=spoken, first=None, class_name=class_name
        )
    typer.echo(text)


@app.command()
def rebuild(
    context: typer.Context,
    visit_list_id: Annotated[str, typer.Argument(help="Id of a list, as `lists` prints it.")],
) -> None:
    """Make a past list again from what it recorded, and compare it byte for byte."""
    from earlywarning_pipelines import publish as pipeline

    home: Home = context.obj
    with told():
        result = pipeline.rebuild(
            visit_list_id,
            engine=home.engine,
            store=home.store,
            register=home.register,
            registry=home.models,
        )
    if result.identical:
        typer.echo(f"identical, {len(result.frozen)} bytes, sha256 {result.sha256}")
        return
    typer.echo(
        f"DIFFERENT: {result.difference}; it was made by earlywarning {result.made_by_version}, "
        f"this is {earlywarning.__version__}"
    )
    raise typer.Exit(1)


@app.command()
def lists(context: typer.Context) -> None:
    """The lists there are."""
    from earlywarning_pipelines import printing

    home: Home = context.obj
    with told():
        typer.echo(printing.lists_table(home.register))


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="[default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="[default: 8000]")] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Of 127.0.0.1, for Prometheus [default: none]."),
    ] = None,
) -> None:
    """Open the service. While nobody can sign in, it prints the first administrator's link."""
    home: Home = context.obj
    with told():
        home.require()
    settings = home.settings
    places = {
        "EARLYWARNING_HOME": str(settings.home.resolve()),
        "EARLYWARNING_HOST": host or settings.host,
        "EARLYWARNING_PORT": str(port or settings.port),
    }
    if metrics_port is not None:
        places["EARLYWARNING_METRICS_PORT"] = str(metrics_port)
    # The service is a program of its own: it must not carry what training needs.
    os.execve(  # noqa: S606 - our own interpreter and module, no shell
        sys.executable, [sys.executable, "-m", "earlywarning_api"], {**os.environ, **places}
    )


@app.command()
def demo(
    context: typer.Context,
    students: Annotated[
        int, typer.Option(min=30, max=20_000, help="About so many, in schools of about 600.")
    ] = 600,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same list.")] = 1,
    folder: Annotated[
        Path | None,
        typer.Option(help="Made anew each time [default: --home, or earlywarning-demo]."),
    ] = None,
) -> None:
    """Simulate a school, import it, train, publish, and show the list."""
    from earlywarning_pipelines import demo as pipeline

    given = context.find_root().params
    with told():
        pipeline.run(
            folder or given["home"] or Path("earlywarning-demo"), students=students, seed=seed,
            at=now(), echo=typer.echo, program=program(), engine=given["engine"],
        )  # fmt: skip
