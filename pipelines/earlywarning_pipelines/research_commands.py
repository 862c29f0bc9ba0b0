"""The commands for agreements with researchers: who may have what, for what, until when."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from earlywarning_pipelines.console import day_option, now, told

if TYPE_CHECKING:
    from earlywarning_pipelines.home import Home


def add_to(app: typer.Typer) -> None:
    """Let an application have these commands."""
    agreement = typer.Typer(help="What researchers may have.", no_args_is_help=True)
    agreement.command()(add)
    agreement.command()(end)
    agreement.command(name="list")(listed)
    app.add_typer(agreement, name="agreement")


def add(
    context: typer.Context,
    researcher: Annotated[str, typer.Argument(help="Id of the user who may export.")],
    purpose: Annotated[str, typer.Option(help="The question that is agreed on.")],
    school: Annotated[list[str], typer.Option(help="School id; may be given several times.")],
    until: Annotated[date, day_option("The last day.")],
    smallest_group: Annotated[int, typer.Option(min=10, help="Children a group must have.")] = 10,
) -> None:
    """Record an agreement; research exports name it."""
    from earlywarning.io.register import exports

    home: Home = context.obj
    with told(), home.register.session(writing=True) as session:
        made = exports.agree(
            session, researcher=researcher, purpose=purpose, schools=school, expires_on=until,
            by="terminal", at=now(), smallest_group=smallest_group,
        )  # fmt: skip
        session.commit()
    typer.echo(f"agreement {made}")


def end(
    context: typer.Context, agreement_id: Annotated[str, typer.Argument(help="As `list` says.")]
) -> None:
    """End an agreement today; files made before stay with whoever fetched them."""
    from earlywarning.io.register import exports

    home: Home = context.obj
    with told(), home.register.session(writing=True) as session:
        exports.end(session, agreement_id, by="terminal", at=now())
        session.commit()
    typer.echo(f"ended {agreement_id}")


def listed(context: typer.Context) -> None:
    """Agreements, newest first."""
    from earlywarning.io.register import exports

    home: Home = context.obj
    with told(), home.register.session() as session:
        rows = exports.agreements(session)
    for row in rows:
        state = f"ended {row.ended_at:%Y-%m-%d}" if row.ended_at else f"until {row.expires_on}"
        typer.echo(f"{row.agreement_id}  {row.researcher}  {', '.join(row.schools)}  {state}  "
                   f"{row.purpose}")  # fmt: skip
    if not rows:
        typer.echo("there is no agreement")
