"""Backups: whole, sealed, and refused when anything about them is wrong; live data untouched."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

import filled_home
import postgres
from earlywarning.errors import NotSignedIn
from earlywarning.io import sealed
from earlywarning.io.facts import FactStore
from earlywarning.io.register import (
    accounts,
    audit_check,
    audit_head,
    audit_log,
    links,
    sessions,
    tokens,
    user_admin,
)
from earlywarning.io.register.access_tables import UserAccount
from earlywarning.io.register.accounts import NewUser
from earlywarning.io.register.db import open_register
from earlywarning_pipelines import cli
from earlywarning_pipelines.backup_commands import PASSPHRASE
from people import SITI

RIGHT = "empat kata yang panjang"


@pytest.fixture(autouse=True)
def words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, RIGHT)


@pytest.fixture(autouse=True)
def quick_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """One derivation takes a third of a second; thirty of them need not."""
    monkeypatch.setattr(sealed, "SCRYPT_N", 1 << 10)


def run(home: Path, *words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, ["--home", str(home), *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def run_apart(home: Path, *words: str | Path) -> tuple[int, str]:
    """In a process of its own, which closes what it opened."""
    begin = f"import sys; sys.argv = {['earlywarning', '--home', str(home), *map(str, words)]!r}; "
    result = subprocess.run(
        [sys.executable, "-c", f"{begin}from earlywarning_pipelines.cli import app; app()"],
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, result.stdout + result.stderr


def state(folder: Path) -> dict[str, str]:
    """Every file of an installation and its hash; databases by what they hold."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name.endswith(("-wal", "-shm", ".lock", "audit-head")):
            continue
        if name.endswith(".db"):
            with closing(sqlite3.connect(path)) as database:
                content = "\n".join(
                    line for line in database.iterdump() if '"audit_event"' not in line
                ).encode()
        else:
            content = path.read_bytes()
        found[name] = hashlib.sha256(content).hexdigest()
    return found


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "home"
    filled_home.made(folder).register.close()
    return folder


@pytest.fixture
def home(original: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    shutil.copytree(original, folder)
    return folder


@pytest.fixture
def backup(home: Path, tmp_path: Path) -> Path:
    path = tmp_path / "monday.ewb"
    code, said = run(home, "backup", "create", path)
    assert code == 0, said
    return path


def test_a_backup_brings_everything_back(home: Path, backup: Path, tmp_path: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    code, said = run(home, "backup", "verify", backup)
    assert (code, said.startswith("whole: ")) == (0, True)
    elsewhere = tmp_path / "new machine"
    code, said = run(elsewhere, "backup", "restore", backup)
    assert code == 0, said
    assert state(elsewhere) == state(home)
    with open_register(f"sqlite:///{elsewhere / 'register.db'}") as register:
        snapshot = register.current_snapshot()
        assert snapshot is not None
        FactStore(elsewhere / "facts").verify(snapshot)
        with register.session() as session:
            head = audit_head.kept(elsewhere / "audit-head")
            assert head is not None
            assert audit_check.verify(session, [("head", head)]).faults == []
            assert audit_log.search(session)[0].action == "backup.restored"


def test_nobody_comes_back_in_with_a_backup(home: Path, tmp_path: Path) -> None:
    at, path = datetime(2026, 10, 5, 8), tmp_path / "tuesday.ewb"  # noqa: DTZ001 - UTC, as kept
    with open_register(f"sqlite:///{home / 'register.db'}") as register:
        users = {
            name: accounts.invite(register, NewUser(name, name, "admin"), by="x" * 32, at=at)
            for name in ("left", "stays")
        }
        user_id, link = users["left"]
        accounts.activate(register, link.secret, "empat kata tanpa arti", at=at)
        with register.session(writing=True) as session:
            opened = sessions.open_for(session, user_id, level=sessions.FULL, browser="", at=at)
            session.commit()
        token = tokens.create(register, role="admin", label="x", at=at, expires_days=30)
    assert run(home, "backup", "create", path)[0] == 0
    with open_register(f"sqlite:///{home / 'register.db'}") as register:
        with register.session(writing=True) as session:
            session.get_one(UserAccount, user_id).disabled_at = at
            session.commit()
        tokens.revoke(register, token.token_id, at=at)
    code, said = run(home, "backup", "restore", path, "--replace")
    assert code == 0, said
    assert "signs in anew" in said
    with open_register(f"sqlite:///{home / 'register.db'}") as register:
        assert sessions.holder(register, opened.secret, at=at) is None
        assert tokens.bearer(register, token.secret, at=at) is None
        assert user_admin.found(register, user_id).disabled_at is not None
        assert user_admin.found(register, users["stays"][0]).disabled_at is None
        with pytest.raises(NotSignedIn):
            links.look(register, users["stays"][1].secret, at=at)


def test_nothing_in_it_can_be_read(backup: Path) -> None:
    content = backup.read_bytes()
    for word in (SITI.name, "SMP Contoh", "register.db", "CREATE TABLE"):
        assert word.encode() not in content


def test_what_was_there_is_moved_aside_and_only_if_told(home: Path, backup: Path) -> None:
    (home / "district.toml").write_text((home / "district.toml").read_text() + "# changed\n")
    before = state(home)
    code, said = run(home, "backup", "restore", backup)
    assert (code, "say --replace" in said) == (1, True)
    assert state(home) == before
    code, said = run(home, "backup", "restore", backup, "--replace")
    assert code == 0, said
    assert state(home) != before
    (aside,) = home.parent.glob("home.before-*")
    assert state(aside) == before


def damaged(content: bytes, kind: str, dice: random.Random) -> bytes:
    if kind == "truncated":
        return content[: dice.randrange(len(content))]
    if kind == "bit-flipped":
        place = dice.randrange(len(content))
        return (
            content[:place] + bytes([content[place] ^ (1 << dice.randrange(8))])
            + content[place + 1 :]
        )  # fmt: skip
    if kind == "a piece left out":
        start = 100 + (sealed.PIECE + sealed.TAG) * dice.randrange(1)
        return content[:start] + content[start + sealed.PIECE + sealed.TAG :]
    return content + b"\0" * dice.randrange(1, 50)  # something follows


CASES = [(kind, seed) for kind, times in
         (("truncated", 12), ("bit-flipped", 12), ("wrong key", 2), ("something follows", 3),
          ("a piece left out", 1)) for seed in range(times)]  # fmt: skip


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_a_bad_backup_is_refused_and_live_data_untouched(
    home: Path, original: Path, kind: str, seed: int, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, good: Path,
) -> None:  # fmt: skip
    bad = tmp_path / "bad.ewb"
    if kind == "wrong key":
        shutil.copy(good, bad)
        monkeypatch.setenv(PASSPHRASE, f"{RIGHT}{seed}")
    else:
        bad.write_bytes(damaged(good.read_bytes(), kind, random.Random(seed)))  # noqa: S311
    before = state(home)
    for words in (("verify",), ("restore", "--replace")):
        code, said = run(home, "backup", words[0], bad, *words[1:])
        assert code == 1, (kind, seed, said)
        assert "bad.ewb" in said
    assert state(home) == before
    assert [one.name for one in tmp_path.iterdir() if "aside" in one.name] == []
    assert list(tmp_path.glob("home.before-*")) == []


@pytest.fixture(scope="module")
def good(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.ewb"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed, "SCRYPT_N", 1 << 10)
        patch.setenv(PASSPHRASE, RIGHT)
        code, said = run(original, "backup", "create", path)
    assert code == 0, said
    return path


def test_thirty_cases() -> None:
    assert len(CASES) == 30


def test_a_key_file_opens_what_it_sealed(home: Path, tmp_path: Path) -> None:
    key, other, path = tmp_path / "k1", tmp_path / "k2", tmp_path / "b.ewb"
    for one in (key, other):
        assert run(home, "backup", "key", one)[0] == 0
        assert one.stat().st_mode & 0o777 == 0o600
    assert run(home, "backup", "key", key)[0] == 1
    assert run(home, "backup", "create", path, "--key-file", key)[0] == 0
    assert run(home, "backup", "verify", path, "--key-file", key)[0] == 0
    code, said = run(home, "backup", "verify", path, "--key-file", other)
    assert (code, "this is not its key" in said) == (1, True)
    code, said = run(home, "backup", "verify", path)
    assert (code, "was sealed with a key file" in said) == (1, True)


def test_no_file_is_replaced_and_no_weak_passphrase_taken(
    home: Path, backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = backup.read_bytes()
    code, said = run(home, "backup", "create", backup)
    assert (code, "never replaces a file" in said) == (1, True)
    assert backup.read_bytes() == before
    monkeypatch.setenv(PASSPHRASE, "kurang")
    code, said = run(home, "backup", "create", tmp_path / "x.ewb")
    assert (code, "12 or more" in said) == (1, True)


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_a_sealed_file_gives_back_every_byte(tmp_path: Path, size: int) -> None:
    content, secret = random.Random(size).randbytes(size), sealed.passphrase(RIGHT)  # noqa: S311
    path = tmp_path / "sealed"
    with path.open("wb") as out:
        writer = sealed.SealedWriter(out, secret)
        for start in range(0, size, 70_000):
            writer.write(content[start : start + 70_000])
        writer.close()
    with path.open("rb") as file:
        assert sealed.SealedReader(file, secret, name="x").read() == content


def killed_backup(home: Path, target: Path, after: float) -> None:
    """Start a backup and kill it so many seconds after it began to write."""
    begin = f"import sys; sys.argv = ['earlywarning', '--home', {str(home)!r}, 'backup', 'create', {str(target)!r}, '--key-file', {str(home.parent / 'k')!r}]; from earlywarning_pipelines.cli import app; app()"  # noqa: E501
    process = subprocess.Popen([sys.executable, "-c", begin], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        if list(home.glob(".aside-backup-*")):
            break
        time.sleep(0.001)
    time.sleep(after)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait(60)


@pytest.mark.parametrize(
    "times", [pytest.param(6, id="6"), pytest.param(100, id="100", marks=pytest.mark.slow)]
)
def test_a_killed_backup_leaves_no_half_file(home: Path, tmp_path: Path, times: int) -> None:
    assert run(home, "backup", "key", tmp_path / "k")[0] == 0
    (home / "mlflow-artifacts" / "large").write_bytes(os.urandom(40_000_000))
    dice = random.Random(1)  # noqa: S311
    for number in range(times):
        target = tmp_path / f"{number}.ewb"
        killed_backup(home, target, dice.uniform(0, 0.3))
        if target.exists():
            assert run(home, "backup", "verify", target, "--key-file", tmp_path / "k")[0] == 0
            target.unlink()
    # The next one works, and removes what the killed ones left.
    last = tmp_path / "last.ewb"
    code, said = run(home, "backup", "create", last, "--key-file", tmp_path / "k")
    assert code == 0, said
    assert [one for one in home.iterdir() if one.name.startswith(".aside")] == []


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with postgres.server() as folder:
        yield folder


def test_a_register_in_postgresql_comes_back(
    server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = postgres.new_database(server), postgres.new_database(server)
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    filled_home.made(home, database_url=first).register.close()
    path = tmp_path / "b.ewb"
    monkeypatch.setenv("EARLYWARNING_DATABASE_URL", first)
    assert run_apart(home, "backup", "create", path)[0] == 0
    monkeypatch.delenv("EARLYWARNING_DATABASE_URL")
    code, said = run_apart(elsewhere, "backup", "restore", path)
    assert (code, "holds a register of PostgreSQL" in said) == (1, True)
    monkeypatch.setenv("EARLYWARNING_DATABASE_URL", second)
    code, said = run_apart(elsewhere, "backup", "restore", path)
    assert code == 0, said

    def names(url: str) -> list[tuple[str, str]]:
        with open_register(url) as register, register.engine.connect() as connection:
            found = connection.execute(text("SELECT student_id, full_name FROM student ORDER BY 1"))
            return [(row[0], row[1]) for row in found]

    assert names(second) == names(first)
    assert len(names(second)) == 8
    with open_register(second) as register, register.session() as session:
        assert audit_check.verify(session, []).faults == []
