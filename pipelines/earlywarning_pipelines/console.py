"""What all commands share: the clock, dates and choices that are typed, errors in words."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from earlywarning.errors import Busy, ConfigError, ConfirmationNeeded, EarlyWarningError

CONFIRM_EXIT = 3
"""Exit code when a step waits for a person's confirmation."""

REFUSED_EXIT = 4
"""Exit code when something was altered after it was recorded: a list was made, but not by the
model in service."""

ACT_EXIT = 5
"""Exit code when watching says that somebody must act."""

MISSING_EXIT = 6
"""Exit code when records are missing that a list should rest on; no list was made."""

BUSY_EXIT = 7
"""Exit code when another command holds what this one needs; the next time will do."""


Report = Annotated[
    Path | None,
    typer.Option(
        help="Where a report for programs is written, anew while the work goes on.", dir_okay=False
    ),
]
"""The option `--json` of commands that a page starts."""


def today(timezone: str) -> date:
    """Today's date where the school is; only the apps read the clock."""
    try:
        return datetime.now(ZoneInfo(timezone)).date()
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"district.toml: [district] timezone is {timezone!r}; allowed: a name like Asia/Jakarta"
        ) from error


def now() -> datetime:
    """The time in UTC, without zone, as the register keeps it."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def program() -> str:
    """How this program was called, so that a printed command can be copied."""
    called = Path(sys.argv[0])
    return called.name if shutil.which(called.name) == str(called) else str(called)


@contextmanager
def told() -> Iterator[None]:
    """Print an error that a user can act on, without a traceback."""
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except ConfirmationNeeded as error:
        typer.secho(f"{error}", fg="yellow", err=True)
        raise typer.Exit(CONFIRM_EXIT) from error
    except Busy as error:
        typer.secho(f"{error}", fg="yellow", err=True)
        raise typer.Exit(BUSY_EXIT) from error
    except EarlyWarningError as error:
        typer.secho(f"{error}", fg="red", err=True)
        raise typer.Exit(1) from error
    except DBAPIError as error:
        # The driver's own words only: the statement can hold a child's data.
        reason = str(error.orig).splitlines()[0]
        typer.secho(
            f"register: {reason}; the step was not saved. If another command is running, wait for "
            "it, then try again",
            fg="red",
            err=True,
        )
        raise typer.Exit(1) from error
    except BrokenPipeError:  # the reader, `head` for instance, has seen enough
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        typer.secho(
            f"{where}{error.strerror or error}; check the path, the space on the disk, and that "
            "you may write there",
            fg="red",
            err=True,
        )
        raise typer.Exit(1) from error


def _day(value: str | date) -> date:
    if isinstance(value, date):  # a default
        return value
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise typer.BadParameter(f"{value!r} is not a date; write it like 2026-10-01") from error


def one_of(*allowed: str) -> Callable[[str | None], str | None]:
    """A check that comes before anything is done."""

    def checked(value: str | None) -> str | None:
        if value is not None and value not in allowed:
            raise typer.BadParameter(f"{value!r} is not known; allowed: {', '.join(allowed)}")
        return value

    return checked


def day_option(help_: str) -> Any:
    return typer.Option(parser=_day, metavar="<YYYY-MM-DD>", help=help_)
