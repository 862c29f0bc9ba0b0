"""The commands about visits: how far a quarter is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from earlywarning_pipelines.console import one_of, today, told

if TYPE_CHECKING:
    from earlywarning_pipelines.home import Home

visits_app = typer.Typer(help="What teachers recorded of visits.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Let an application have these commands."""
    app.add_typer(visits_app, name="visits")


@visits_app.command(name="list")
def list_(
    context: typer.Context,
    quarter: Annotated[str, typer.Argument(help="For example 2026-27-Q2.")],
    school: Annotated[str | None, typer.Option(help="Only this school.")] = None,
    language: Annotated[
        str | None,
        typer.Option(
            callback=one_of("id", "en"), help="id or en [default: as district.toml says]."
        ),
    ] = None,
) -> None:
    """How many families were visited of those listed, and where the others stand; no names."""
    from earlywarning_pipelines import visit_progress

    home: Home = context.obj
    with told():
        text = visit_progress.report(
            home.register,
            quarter,
            school_id=school,
            today=today(home.district.timezone),
            language=language or home.district.language,
        )
    typer.echo(text)


@visits_app.command()
def changes(
    context: typer.Context,
    language: Annotated[
        str | None,
        typer.Option(
            callback=one_of("id", "en"), help="id or en [default: as district.toml says]."
        ),
    ] = None,
) -> None:
    """How often people changed places on lists, and why: what the models miss; no names."""
    from earlywarning_pipelines import visit_progress

    home: Home = context.obj
    with told():
        text = visit_progress.changes(home.register, language=language or home.district.language)
    typer.echo(text)
