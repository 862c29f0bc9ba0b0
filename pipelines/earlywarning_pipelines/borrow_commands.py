"""The commands by which one school lends its models to another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earlywarning.errors import ConfigError
from earlywarning_pipelines.console import now, today, told
from earlywarning_pipelines.model_commands import AsOf, By, Reason

if TYPE_CHECKING:
    from earlywarning.io.base_bundle import Bundle
    from earlywarning_pipelines.home import Home

Outcomes = Annotated[
    list[str] | None, typer.Option("--outcome", help="attendance, behaviour or grades [all].")
]


def add_to(app: typer.Typer) -> None:
    """Let the models' commands have these."""
    app.command(name="export")(export)
    app.command()(borrow)


def export(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="File to write; it must not be there yet.")],
    outcome: Outcomes = None,
) -> None:
    """Write the models in service into one signed file that another school can borrow."""
    from earlywarning_pipelines import borrowing, model_words

    home: Home = context.obj
    with told():
        if path.exists():
            raise ConfigError(f"{path}: is there already; name another file")
        done = borrowing.export(home.models, home.district, outcome or None)
        path.write_text(done.bundle.text, encoding="ascii")
    typer.echo(model_words.exported(done, str(path)))


def borrow(
    context: typer.Context,
    path: Annotated[Path | None, typer.Argument(help="File that another school exported.")] = None,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Learn from the simulator's invented pupils.")
    ] = False,
    key: Annotated[
        str | None,
        typer.Option(help="Key of the lender, as they told it by another way than the file."),
    ] = None,
    outcome: Outcomes = None,
    by: By = None,
    reason: Reason = None,
    as_of: AsOf = None,
    seed: Annotated[int, typer.Option(min=0, help="Stored.")] = 1,
) -> None:
    """Judge another school's models on this school's quarters; without any, on your word alone."""
    from earlywarning_pipelines import borrowing, model_words, printing, promoting
    from earlywarning_pipelines import train as pipeline

    home: Home = context.obj
    with told(), printing.progress_bar() as progress:
        promotion = promoting.person(by, reason)
        if (path is None) == (not simulated):
            raise ConfigError("name the file of another school, or say --simulated; not both")
        bundle: Bundle
        if path is None:
            bundle = borrowing.from_simulator(
                home.models, home.district, outcome or None, seed=seed, progress=progress
            )
        else:
            bundle = borrowing.opened(path, key, home.models)
        result = pipeline.run(
            engine=home.engine,
            store=home.store,
            register=home.register,
            registry=home.models,
            district=home.district,
            as_of=as_of or today(home.district.timezone),
            trained_at=now(),
            outcomes=outcome or list(bundle.outcomes),
            seed=seed,
            promotion=promotion,
            base=borrowing.Base(bundle, alone=True),
            reports_folder=home.settings.reports_dir,
            progress=progress,
        )
        differ = borrowing.thresholds_that_differ(bundle, home.district)
    typer.echo(model_words.borrowed(bundle, differ))
    typer.echo(model_words.training_summary(result))
