"""The commands of the audit: is it whole, what is in it, what is its newest row."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from earlywarning_pipelines.console import day_option, told

if TYPE_CHECKING:
    from earlywarning.io.register.audit_head import Head
    from earlywarning_pipelines.home import Home

FOUND_EXIT = 4
"""Exit code when the audit is not whole."""


def add_to(app: typer.Typer) -> None:
    """Let an application have these commands."""
    audit = typer.Typer(help="Who read and did what, and whether that record is whole.",
                        no_args_is_help=True)  # fmt: skip
    audit.command(name="verify")(verify)
    audit.command(name="list")(listed)
    audit.command(name="head")(head)
    app.add_typer(audit, name="audit")


def verify(
    context: typer.Context,
    heads: Annotated[
        list[str] | None,
        typer.Option("--head", help="A head copied before, as `audit head` prints it."),
    ] = None,
) -> None:
    """Check the whole chain, its end, and the published lists; ends with 4 if anything is wrong."""
    from earlywarning.io.register import audit_check, audit_head

    home: Home = context.obj
    with told():
        known: list[tuple[str, Head]] = [
            ("--head", audit_head.parsed(text, where="--head")) for text in heads or []
        ]
        kept = audit_head.kept(home.settings.audit_head)
        if kept is not None:
            known.append((str(home.settings.audit_head), kept))
        with home.register.session() as session:
            found = audit_check.verify(session, known)
    for fault in found.faults:
        typer.secho(fault, fg="red", err=True)
    if found.older:
        typer.echo(f"{found.older} lists were published before the audit was kept; nothing vouches "
                   "for them")  # fmt: skip
    if found.faults:
        typer.secho("the audit is NOT whole; see docs/administrator.md, When the audit is not "
                    "whole", fg="red", err=True)  # fmt: skip
        raise typer.Exit(FOUND_EXIT)
    typer.echo(
        f"whole: {found.rows} rows, {found.published} published lists as they were published"
    )
    if not known:
        typer.echo("no head was copied aside, so a cut-off end would not show")
    if found.head is not None:
        typer.echo(f"head {found.head}")


def head(context: typer.Context) -> None:
    """Print the newest row's place and hash, to be copied to another machine or onto paper."""
    from earlywarning.io.register import audit_log

    home: Home = context.obj
    with told(), home.register.session() as session:
        found = audit_log.newest(session)
    typer.echo(str(found) if found else "the audit is empty")


def listed(
    context: typer.Context,
    actor: Annotated[str | None, typer.Option(help="Id of a user or token; terminal; job.")] = None,
    action: Annotated[
        str | None, typer.Option(help="A code such as student.read, or its first part: student.")
    ] = None,
    about: Annotated[
        str | None, typer.Option(help="Id of a student, list, export: whatever it was done to.")
    ] = None,
    since: Annotated[date | None, day_option("From this day on (UTC).")] = None,
    until: Annotated[date | None, day_option("Up to and with this day (UTC).")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many rows.")] = 50,
) -> None:
    """Print rows of the audit, newest first."""
    from earlywarning.io.register import audit_log

    home: Home = context.obj
    with told(), home.register.session() as session:
        rows = audit_log.search(
            session,
            actor=actor,
            action=action,
            entity_id=about,
            since=_midnight(since),
            until=_midnight(until + timedelta(days=1)) if until else None,
            limit=limit,
        )
    for row in rows:
        detail = row.detail if len(row.detail) <= 120 else f"{row.detail[:119]}…"
        typer.echo(f"{row.position:>8}  {row.at:%Y-%m-%d %H:%M:%S}  {row.actor:<32}  "
                   f"{row.action:<24}  {row.entity} {row.entity_id}  {detail}")  # fmt: skip
    if not rows:
        typer.echo("nothing fits")
    elif len(rows) == limit:
        typer.echo(f"the newest {limit}; more with --limit")


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time()) if day else None
