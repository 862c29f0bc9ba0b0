"""The commands about stored facts: are they whole, and what may be removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from earlywarning_pipelines.console import REFUSED_EXIT, now, told

if TYPE_CHECKING:
    from earlywarning_pipelines.home import Home

facts_app = typer.Typer(help="The stored facts: whole, and no more than needed.",
                        no_args_is_help=True)  # fmt: skip


def add_to(app: typer.Typer) -> None:
    """Let an application have these commands."""
    app.add_typer(facts_app, name="facts")


@facts_app.command()
def verify(context: typer.Context) -> None:
    """Compare every file with the hash that was recorded; ends with 4 if one was altered."""
    from earlywarning_pipelines import facts_keeping

    home: Home = context.obj
    with told():
        found = facts_keeping.verify(home)
    for fault in found.faults:
        typer.secho(fault, fg="red", err=True)
    if found.faults:
        raise typer.Exit(REFUSED_EXIT)
    typer.echo(f"whole: {found.whole} snapshots, {found.files} files, {found.bytes / 1e6:.1f} MB")


@facts_app.command()
def clean(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=0, help="Younger ones stay.")] = 35,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Remove facts of earlier imports on which no list, model or study rests."""
    from earlywarning.io.register.audit_log import TERMINAL
    from earlywarning_pipelines import facts_keeping

    home: Home = context.obj
    with told():
        home.require()
        found = facts_keeping.clean(home, at=now(), by=TERMINAL, days=days, dry=dry_run)
    for one in found.removed:
        typer.echo(f"{one.snapshot_id[:12]}  imported {one.made_at:%Y-%m-%d %H:%M} UTC")
    typer.echo(
        f"{'would remove' if dry_run else 'removed'} {len(found.removed)} snapshots, "
        f"{found.bytes / 1e6:.1f} MB; {found.kept} stay"
    )
