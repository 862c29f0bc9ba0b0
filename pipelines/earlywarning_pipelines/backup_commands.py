"""The commands that back an installation up, check a backup, and put it back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earlywarning_pipelines.console import now, told

if TYPE_CHECKING:
    from earlywarning.io.backup import Summary
    from earlywarning.io.sealed import Secret
    from earlywarning_pipelines.home import Home

PASSPHRASE = "EARLYWARNING_BACKUP_PASSPHRASE"  # noqa: S105 - the name of a variable

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        help=f"Key made by `backup key` [default: the passphrase in {PASSPHRASE}, or asked for].",
    ),
]
Source = Annotated[Path, typer.Argument(help="A backup.", exists=True, dir_okay=False)]


def add_to(app: typer.Typer) -> None:
    """Let an application have these commands."""
    backup = typer.Typer(help="The whole installation in one encrypted file, and back.",
                         no_args_is_help=True)  # fmt: skip
    for command in (create, verify, restore, key):
        backup.command()(command)
    app.add_typer(backup, name="backup")


def create(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to; never replaces a file.")],
    key_file: KeyFile = None,
) -> None:
    """Back up register, facts, models and keys; the service may run meanwhile."""
    from earlywarning.io import backup
    from earlywarning.io.register.audit_log import TERMINAL, record

    home: Home = context.obj
    with told():
        register = home.register
        secret = _secret(key_file, new=True)
        at = now()
        summary = backup.create(home.settings.home, home.settings.register_url, file, secret, at=at)
        with register.session(writing=True) as session:
            record(session, actor=TERMINAL, action="backup.created", entity="installation",
                   entity_id="backup", detail={"bytes": file.stat().st_size}, at=at)  # fmt: skip
            session.commit()
    typer.echo(f"wrote {file}: {_told(summary)}")
    typer.echo("keep it on another machine, and its key or passphrase apart from it")


def verify(context: typer.Context, file: Source, key_file: KeyFile = None) -> None:
    """Open a backup whole and check every file in it, without touching the installation."""
    from earlywarning.io import backup

    home: Home = context.obj
    with told():
        folder = home.settings.home
        beside = folder if folder.is_dir() else folder.resolve().parent
        summary = backup.verify(file, _secret(key_file), beside=beside)
    typer.echo(f"whole: {_told(summary)}")


def restore(
    context: typer.Context,
    file: Source,
    key_file: KeyFile = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Move what is there aside; else that is an error.")
    ] = False,
) -> None:
    """Put a backup in place. Stop the service first."""
    from earlywarning.io import backup
    from earlywarning_pipelines import restoring

    home: Home = context.obj
    with told():
        gone = restoring.gone(home) if replace else restoring.Gone()
        summary, before = backup.restore(
            file, home.settings.home, home.settings.register_url, _secret(key_file),
            replace=replace, at=now(),
        )  # fmt: skip
        again = restoring.after(home, summary, gone, at=now())
    typer.echo(f"restored {_told(summary)}")
    if again:
        typer.echo(f"{again} children who were erased after this backup were erased again")
    typer.echo("everybody signs in anew, with the password of then; open invitations have ended")
    if before is not None:
        typer.echo(f"what was there is in {before}: remove it when the new one has proved itself")


def key(
    file: Annotated[Path, typer.Argument(help="Where to; never replaces a file.")],
) -> None:
    """Make a key for backups that run without anybody typing a passphrase."""
    from earlywarning.io import sealed

    with told():
        sealed.new_key_file(file)
    typer.echo(f"wrote {file}; without it no backup made with it can be opened: keep a copy apart")


def _secret(key_file: Path | None, *, new: bool = False) -> Secret:
    """The key or passphrase; never from the command line, which other users can read."""
    from earlywarning.io import sealed

    if key_file is not None:
        return sealed.key_file(key_file)
    text = os.environ.get(PASSPHRASE) or typer.prompt(
        "Passphrase of the backup", hide_input=True, confirmation_prompt=new
    )
    return sealed.passphrase(text)


def _told(summary: Summary) -> str:
    return (f"{summary.files} files, {summary.bytes / 1e6:.1f} MB, made "
            f"{summary.made_at:%Y-%m-%d %H:%M} UTC")  # fmt: skip
