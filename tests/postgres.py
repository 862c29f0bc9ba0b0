"""A PostgreSQL server of the tests' own: a Unix socket in a private folder, nothing on the network.

PostgreSQL refuses to run as root, so root starts it as `nobody`. It ends with the tests.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

HOW = "PostgreSQL is not installed; on Debian or Ubuntu: apt-get install postgresql"


def _programs() -> Path:
    """The folder of `initdb` and `postgres`; Debian keeps it off the PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    # Where everything must be tested, nothing is left out silently.
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(HOW)


@dataclass
class Server:
    """A server that can be ended and started again.

    Attributes
    ----------
    folder : Path
        Of the socket.
    listen, port : str, int
        Where it listens besides; nowhere unless set before a start.
    """

    folder: Path
    programs: Path
    who: dict[str, Any]
    listen: str = ""
    port: int = 5432
    process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {
            "listen_addresses": self.listen, "port": str(self.port), "fsync": "off",
            "full_page_writes": "off", "unix_socket_directories": str(self.folder),
        }  # fmt: skip
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", str(self.folder / "data"), *settings],
                stderr=log,
                **self.who,
            )
        _wait_for(self)

    def stop(self) -> None:
        """End it, and every connection to it."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=60)


@contextmanager
def own_server() -> Iterator[Server]:
    """A server that the test may end and start again."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a short path: sockets allow 107 letters
    who: dict[str, Any] = {"cwd": folder}
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
        who |= {"user": "nobody", "group": "nogroup", "extra_groups": []}
    made = Server(folder, programs, who)
    try:
        subprocess.run(
            [programs / "initdb", "-D", str(folder / "data"), "-U", "tests", "-A", "trust",
             "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True, capture_output=True, **who,
        )  # fmt: skip
        try:
            made.start()
            yield made
        finally:
            if made.process is not None and made.process.poll() is None:
                made.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def server() -> Iterator[Path]:
    """The folder of the socket of a running server."""
    with own_server() as made:
        yield made.folder


def _wait_for(server: Server) -> None:
    assert server.process is not None
    folder, until = server.folder, time.monotonic() + 120
    while time.monotonic() < until and server.process.poll() is None:
        try:
            psycopg.connect(
                host=str(folder), port=server.port, user="tests", dbname="postgres"
            ).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"PostgreSQL did not start:\n{(folder / 'log').read_text()}")


def new_database(folder: Path) -> str:
    """The URL of an empty database."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(
        host=str(folder), user="tests", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(
            psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name))
        )
    return f"postgresql://tests@/{name}?host={folder}"
