"""PostgreSQL's own tools: its register as a dump, and a dump back in one transaction."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy.engine import make_url

from earlywarning.errors import ArtifactError, ConfigError


def dump(url: str, target: Path) -> None:
    """Write the database as it is at one moment.

    Raises
    ------
    ConfigError
        If `pg_dump` is missing or fails.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    _run("pg_dump", url, ["--format=custom", "--no-owner", "--no-privileges", f"--file={target}"])


def restore(url: str, source: Path) -> None:
    """Put a dump in place of what the database holds: all of it or nothing.

    Raises
    ------
    ConfigError, ArtifactError
        If `pg_restore` is missing, or the database refused; it is as it was then.
    """
    try:
        _run("pg_restore", url,
             ["--clean", "--if-exists", "--single-transaction", "--exit-on-error", "--no-owner",
              "--no-privileges", str(source)])  # fmt: skip
    except ConfigError as error:
        if "not installed" in str(error):
            raise
        raise ArtifactError(f"{error}; the database is as it was") from error


def _run(program: str, url: str, options: list[str]) -> None:
    """The password goes by the environment: other users can read a command line."""
    found = _program(program)
    parsed = make_url(url)
    secret = {"PGPASSWORD": str(parsed.password)} if parsed.password else {}
    address = parsed.set(drivername="postgresql", password=None).render_as_string()
    result = subprocess.run(  # noqa: S603 - PostgreSQL's own program, no shell
        [found, f"--dbname={address}", *options],
        env={**os.environ, **secret},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        said = (result.stderr.strip() or "no reason given").splitlines()[0]
        raise ConfigError(f"{program}: {said}")


def _program(name: str) -> str:
    """Debian keeps some of them off the PATH; the newest server's own is taken there."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / name).exists():
            return str(folder / name)
    found = shutil.which(name)
    if found is None:
        raise ConfigError(
            f"{name} is not installed; it comes with PostgreSQL (Debian: postgresql-client)"
        )
    return found
