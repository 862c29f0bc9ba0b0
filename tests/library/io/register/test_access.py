"""Who may come in, on both databases: what must hold when two come at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pyotp
import pytest

import postgres
from earlywarning.errors import Conflict, EarlyWarningError, NotSignedIn, TooManyTries
from earlywarning.io.register import (
    accounts,
    attempts,
    emergency,
    idempotency,
    second_factor,
    sessions,
    sign_in,
    user_admin,
)
from earlywarning.io.register.accounts import NewUser
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import ClassGroup, School, Student
from earlywarning.io.register.sign_in import Caller

NOW = datetime(2026, 10, 5, 8)  # noqa: DTZ001 - the register keeps UTC without zone
PASSWORD = "kata yang cukup panjang"
AT_ONCE = 8


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with postgres.server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Register]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'register.db'}"
    else:
        url = postgres.new_database(request.getfixturevalue("server"))
    with open_register(url) as opened:
        with opened.session(writing=True) as session:
            session.add(School(school_id="SCH1", name="SMP Contoh"))
            session.flush()
            session.add(ClassGroup(class_id="SCH1/VII-A", school_id="SCH1", name="VII-A",
                                   school_year="2026-27"))  # fmt: skip
            session.flush()
            session.add(Student(student_id="0" * 32, school_id="SCH1", local_id="0101",
                                full_name="Siti Contoh", class_id="SCH1/VII-A"))  # fmt: skip
            session.commit()
        yield opened


def at_once(*work: Callable[[], object]) -> list[object]:
    """What each says, begun at the same moment; an error of ours by its class."""
    start = threading.Barrier(len(work))

    def begun(one: Callable[[], object]) -> object:
        start.wait()
        try:
            return one()
        except EarlyWarningError as error:
            return type(error)

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(begun, work))


def made(register: Register, name: str, role: str) -> str:
    """Somebody with a password."""
    user_id, link = accounts.invite(register, NewUser(name, name, role), by="terminal", at=NOW)
    accounts.activate(register, link.secret, PASSWORD, at=NOW)
    return user_id


def test_a_link_lets_one_in(register: Register) -> None:
    _, link = accounts.invite(
        register, NewUser("wati", "Wati", "data_staff"), by="terminal", at=NOW
    )
    said = at_once(*[lambda: accounts.activate(register, link.secret, PASSWORD, at=NOW)] * AT_ONCE)
    assert said.count(NotSignedIn) == AT_ONCE - 1


def test_two_administrators_cannot_remove_each_other(register: Register) -> None:
    first, second = made(register, "endang", "admin"), made(register, "sri", "admin")
    said = at_once(
        lambda: user_admin.set_disabled(register, first, True, by=second, at=NOW),
        lambda: user_admin.set_disabled(register, second, True, by=first, at=NOW),
    )
    assert sorted(map(str, said)) == sorted(map(str, (None, Conflict)))
    assert len([row for row in user_admin.listed(register) if row.disabled_at is None]) == 1


def test_many_guesses_at_once_are_five(register: Register) -> None:
    said = at_once(*[lambda: attempts.begin(register, account="x", address="y", at=NOW)] * AT_ONCE)
    assert said.count(TooManyTries) == AT_ONCE - attempts.PER_ACCOUNT
    later = NOW + attempts.WINDOW
    attempts.begin(register, account="x", address="y", at=later)


def test_one_key_is_held_by_one_request(register: Register) -> None:
    claim = idempotency.Claim("0" * 32, "k")

    def hold() -> object:
        try:
            return idempotency.claim(register, claim, request_sha256="a" * 64, at=NOW)
        except idempotency.InFlight:
            return "in flight"

    said = at_once(*[hold] * AT_ONCE)
    assert said.count(None) == 1
    assert said.count("in flight") == AT_ONCE - 1
    answer = idempotency.Kept(201, {"content-type": "application/json"}, b"{}")
    idempotency.keep(register, claim, answer)
    assert idempotency.claim(register, claim, request_sha256="a" * 64, at=NOW) == answer
    with pytest.raises(idempotency.KeyUsed):
        idempotency.claim(register, claim, request_sha256="b" * 64, at=NOW)
    day = NOW + idempotency.KEPT
    assert idempotency.claim(register, claim, request_sha256="b" * 64, at=day) is None


def test_a_code_counts_once_even_at_once(register: Register) -> None:
    user_id = made(register, "dimas", "data_staff")
    opened = sign_in.with_password(register, "dimas", PASSWORD, caller=Caller("a"), at=NOW)
    assert opened.level == sessions.ENROL
    app = pyotp.TOTP(second_factor.enrol(register, user_id).secret)
    stamp = int((NOW - datetime(1970, 1, 1)).total_seconds())  # noqa: DTZ001
    opened, codes = second_factor.confirm(
        register, user_id, app.at(stamp), session_id=opened.session_id, address="a", at=NOW
    )
    assert opened.level == sessions.FULL
    later = NOW + timedelta(seconds=60)

    def give(code: str) -> object:
        return second_factor.give(
            register, user_id, code, session_id=opened.session_id, address="a", at=later
        ).level

    for code in (app.at(stamp + 60), codes[0]):
        said = at_once(*[lambda code=code: give(code)] * 3)
        assert said.count("full") == 1
        with register.session(writing=True) as session:
            left = second_factor.codes_left(session, user_id)
    assert left == 9


def test_a_first_administrator_is_one(register: Register) -> None:
    link = accounts.first_admin(register, at=NOW)
    assert link is not None
    said = at_once(*[
        lambda name=name: accounts.activate(
            register, link.secret, PASSWORD, at=NOW, sign_in_name=name, display_name=name
        )
        for name in ("endang", "sri", "wati")
    ])  # fmt: skip
    assert said.count(NotSignedIn) == 2
    assert len(user_admin.listed(register)) == 1
    assert accounts.first_admin(register, at=NOW) is None


def test_sessions_and_emergency_access_end(register: Register) -> None:
    user_id = made(register, "hendra", "principal")
    opened = sign_in.with_password(register, "Hendra ", PASSWORD, caller=Caller("a"), at=NOW)
    holder = sessions.holder(register, opened.secret, at=NOW)
    assert holder is not None
    assert (holder.user_id, holder.school_id, holder.level) == (user_id, "SCH1", "enrol")
    for secret in ("", "x", "é" * 43, opened.secret[:-1], opened.secret + "x"):
        assert sessions.holder(register, secret, at=NOW) is None
    assert sessions.holder(register, opened.secret, at=NOW + sessions.IDLE) is None
    grant = emergency.take(
        register, user_id=user_id, school_id="SCH1", reason="keluarga menunggu di kantor", at=NOW,
        student_number="0101",
    )  # fmt: skip
    assert grant.student_id == "0" * 32
    with register.session() as session:
        query = emergency.valid(user_id, at=NOW + emergency.LASTS - timedelta(seconds=1))
        assert len(session.execute(query).all()) == 1
        assert session.execute(emergency.valid(user_id, at=NOW + emergency.LASTS)).all() == []
    assert emergency.of_school(register, "SCH1") == emergency.of_user(register, user_id)
    assert user_admin.end_sessions(register, user_id, by="terminal", at=NOW) == 1
    assert sessions.holder(register, opened.secret, at=NOW) is None
