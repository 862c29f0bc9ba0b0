"""The commands about models: train them, compare them, let them serve, go back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earlywarning.errors import ConfigError
from earlywarning_pipelines.console import Report, day_option, now, one_of, today, told

if TYPE_CHECKING:
    from earlywarning_pipelines.home import Home

models_app = typer.Typer(help="Versions of the models, and who serves.", no_args_is_help=True)

Outcome = Annotated[
    str,
    typer.Argument(
        callback=one_of("attendance", "behaviour", "grades"),
        help="attendance, behaviour or grades.",
    ),
]
By = Annotated[str | None, typer.Option(help="Who decides; kept with the model.")]
Reason = Annotated[str | None, typer.Option(help="Why; kept with the model.")]
AsOf = Annotated[
    date | None, day_option("Use only what was known before this day [default: today].")
]


def add_to(app: typer.Typer) -> None:
    """Let an application have these commands."""
    app.command()(train)
    from earlywarning_pipelines import borrow_commands

    borrow_commands.add_to(models_app)
    app.add_typer(models_app, name="models")


def train(
    context: typer.Context,
    outcome: Annotated[
        list[str] | None, typer.Option(help="attendance, behaviour or grades [default: all].")
    ] = None,
    as_of: AsOf = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same models.")] = 1,
    promote: Annotated[
        bool,
        typer.Option(
            "--promote",
            help="Let the new models serve, if they fail no gate; needs --by, --reason.",
        ),
    ] = False,
    by: By = None,
    reason: Reason = None,
    borrow: Annotated[
        Path | None,
        typer.Option(help="Compare another school's models as well: a file it exported."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="Key of that school, as they told it by another way than the file."),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(help="Train again what this run of MLflow did, compare, and keep nothing."),
    ] = None,
) -> None:
    """Train every candidate, compare them on later quarters, keep the honest winner."""
    from earlywarning_pipelines import model_words, printing, promoting
    from earlywarning_pipelines import train as pipeline

    home: Home = context.obj
    if like is not None:
        _train_like(home, like, bool(outcome or as_of or promote or borrow))
        return
    with told(), printing.progress_bar() as progress:
        base = None
        if borrow is not None:
            from earlywarning_pipelines import borrowing

            base = borrowing.Base(borrowing.opened(borrow, key, home.models))
        result = pipeline.run(
            engine=home.engine,
            store=home.store,
            register=home.register,
            registry=home.models,
            district=home.district,
            as_of=as_of or today(home.district.timezone),
            trained_at=now(),
            outcomes=outcome or None,
            seed=seed,
            promotion=promoting.person(by, reason) if promote else None,
            base=base,
            reports_folder=home.settings.reports_dir,
            progress=progress,
        )
    typer.echo(model_words.training_summary(result))


def _train_like(home: Home, run_id: str, other_options: bool) -> None:
    from earlywarning_pipelines import model_words, printing, repeating

    with told(), printing.progress_bar() as progress:
        if other_options:
            raise ConfigError("--like takes everything from the run; leave the other options out")
        result = repeating.run(
            run_id,
            engine=home.engine,
            store=home.store,
            register=home.register,
            registry=home.models,
            progress=progress,
        )
    typer.echo(model_words.repetition(result))
    if not result.identical:
        raise typer.Exit(1)


def _with_records(home: Home, as_of: date | None) -> dict[str, Any]:
    """What a comparison works on."""
    return {
        "engine": home.engine,
        "store": home.store,
        "register": home.register,
        "registry": home.models,
        "district": home.district,
        "as_of": as_of or today(home.district.timezone),
    }


def _told(work: Callable[[Any], str]) -> None:
    from earlywarning_pipelines import printing

    with told(), printing.progress_bar() as progress:
        text = work(progress)
    typer.echo(text)


@models_app.command(name="list")
def list_(
    context: typer.Context,
    outcome: Annotated[
        str | None,
        typer.Option(
            callback=one_of("attendance", "behaviour", "grades"), help="One only [default: all]."
        ),
    ] = None,
) -> None:
    """Every version: what it is, what it learnt from, what it finds more than the rule."""
    from earlywarning_pipelines import model_words, models

    home: Home = context.obj
    with told():
        text = model_words.versions_table(models.listed(home.register, outcome))
    typer.echo(text)


@models_app.command()
def show(
    context: typer.Context,
    outcome: Outcome,
    version: Annotated[
        int | None, typer.Argument(help="Number, as `models list` prints it [default: in service].")
    ] = None,
    card: Annotated[bool, typer.Option("--card", help="Print its card instead.")] = False,
    language: Annotated[
        str | None, typer.Option(callback=one_of("id", "en"), help="Of the card: id or en.")
    ] = None,
) -> None:
    """Figures, gates, hash and signature of a version, and who let it serve when and why."""
    from earlywarning_pipelines import model_words, models

    home: Home = context.obj
    with told():
        if card:
            spoken = language or home.district.language
            text = models.card(home.models, outcome, version, language=spoken)
        else:
            text = model_words.version_text(models.shown(home.models, outcome, version))
    typer.echo(text)


@models_app.command()
def compare(
    context: typer.Context,
    outcome: Outcome,
    one: Annotated[
        int | None, typer.Argument(help="A version [default: the one that waits].")
    ] = None,
    other: Annotated[
        int | None, typer.Argument(help="Another one [default: the one in service].")
    ] = None,
    as_of: AsOf = None,
) -> None:
    """Two versions and the rule on the same later quarters."""
    from earlywarning_pipelines import model_words, models

    home: Home = context.obj
    _told(
        lambda progress: model_words.comparison_text(
            models.compare(outcome, one, other, progress=progress, **_with_records(home, as_of))
        )
    )


@models_app.command()
def promote(
    context: typer.Context,
    outcome: Outcome,
    version: Annotated[
        int | None, typer.Argument(help="Version [default: the one that waits].")
    ] = None,
    by: By = None,
    reason: Reason = None,
    override: Annotated[
        bool, typer.Option("--override", help="Go on although a gate fails; the reason says why.")
    ] = False,
    as_of: AsOf = None,
    json: Report = None,
) -> None:
    """Let a version serve, if it is no worse than the present one and fails no gate."""
    from earlywarning_pipelines import model_words, models, promoting, work_report

    home: Home = context.obj

    def work(progress: work_report.Progress) -> str:
        with work_report.kept(work_report.Report(json)) as report:
            done = models.promote(
                outcome,
                version,
                promotion=promoting.person(by, reason),
                override=override,
                at=now(),
                progress=report.progress(progress),
                **_with_records(home, as_of),
            )
            before = done.before.version if done.before else None
            report.done(version=done.row.version, before=before, override=done.decision.override)
        return model_words.promotion_text(done)

    _told(work)


@models_app.command()
def rollback(
    context: typer.Context,
    outcome: Outcome,
    by: By = None,
    reason: Reason = None,
    json: Report = None,
) -> None:
    """Let the version serve again that served before the present one."""
    from earlywarning_pipelines import model_words, models, promoting, work_report

    home: Home = context.obj
    with told(), work_report.kept(work_report.Report(json)) as report:
        done = models.rollback(
            home.models, outcome, promotion=promoting.person(by, reason), at=now()
        )
        report.done(
            version=done.row.version, before=done.before.version, skipped=list(done.skipped)
        )
    typer.echo(model_words.rollback_text(done))
