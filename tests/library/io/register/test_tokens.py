"""Tokens: made once, kept as a hash, ended at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from earlywarning.errors import ConfigError, NotFound
from earlywarning.io.register import audit_log, tokens
from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import School, Staff

NOW = datetime(2026, 10, 5, 8, 0)  # noqa: DTZ001 - the register keeps UTC without zone


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as opened:
        with opened.session(writing=True) as session:
            session.add_all(School(school_id=f"SCH{i}", name=f"SMP {i}") for i in (1, 2))
            session.flush()
            session.add_all(
                Staff(staff_id=f"{i}" * 32, school_id=f"SCH{i}", local_id="G01", name=f"Sari {i}")
                for i in (1, 2)
            )
            session.commit()
        yield opened


def make(register: Register, role: str = "data_staff", **more: object) -> tokens.NewToken:
    values = {"label": "test", "at": NOW, "expires_days": 30}
    return tokens.create(register, role=role, **(values | more))  # type: ignore[arg-type]


def test_a_token_is_256_random_bits_and_kept_as_a_hash(register: Register, tmp_path: Path) -> None:
    made = [make(register) for _ in range(3)]
    assert len({one.secret for one in made}) == 3
    assert all(one.secret.startswith("ew_") and len(one.secret) == 46 for one in made)
    with register.session() as session:
        stored = str(session.execute(text("SELECT * FROM api_token")).all())
    assert tokens.hashed(made[0].secret) in stored
    register.close()
    for path in tmp_path.iterdir():
        assert made[0].secret.encode() not in path.read_bytes()


def test_making_and_ending_one_is_in_the_audit(register: Register) -> None:
    made = make(register)
    for _ in range(2):
        tokens.revoke(register, made.token_id, at=NOW)
    with register.session() as session:
        found = audit_log.search(session, entity_id=made.token_id)
    assert [one.action for one in found] == ["token.revoked", "token.made"]


def test_it_stands_for_its_owner_until_it_ends(register: Register) -> None:
    made = make(register, "homeroom_teacher", school_id="SCH2", staff_local_id="G01")
    owner = tokens.bearer(register, made.secret, at=NOW)
    assert owner == tokens.Bearer(made.token_id, "homeroom_teacher", "SCH2", "2" * 32)
    assert tokens.bearer(register, made.secret, at=NOW + timedelta(days=29, hours=23)) == owner
    assert tokens.bearer(register, made.secret, at=NOW + timedelta(days=30)) is None
    tokens.revoke(register, made.token_id, at=NOW)
    assert tokens.bearer(register, made.secret, at=NOW) is None


@pytest.mark.parametrize("secret", ["", "ew_", "x", "ew_" + "A" * 43, "ew_" + "A" * 4000, "\x00"])
def test_what_was_never_made_stands_for_nobody(register: Register, secret: str) -> None:
    make(register)
    assert tokens.bearer(register, secret, at=NOW) is None


def test_a_list_of_tokens_shows_no_token(register: Register) -> None:
    made = make(register, "homeroom_teacher", school_id="SCH1", staff_local_id="G01")
    make(register, label="  Bu Ratna ", at=NOW + timedelta(days=1))
    newest, oldest = tokens.listed(register)
    assert (newest.label, newest.role, newest.staff_name) == ("Bu Ratna", "data_staff", None)
    assert (oldest.token_id, oldest.staff_name) == (made.token_id, "Sari 1")
    assert made.secret not in repr([newest, oldest])
    assert oldest.state(NOW) == "valid"
    assert oldest.state(NOW + timedelta(days=31)) == "expired"
    tokens.revoke(register, made.token_id, at=NOW)
    assert tokens.listed(register)[1].state(NOW) == "revoked"


def test_revoking_twice_keeps_the_first_time(register: Register) -> None:
    made = make(register)
    tokens.revoke(register, made.token_id, at=NOW)
    tokens.revoke(register, made.token_id, at=NOW + timedelta(days=1))
    assert tokens.listed(register)[0].revoked_at == NOW


@pytest.mark.parametrize(
    ("role", "more", "error", "words"),
    [
        ("janitor", {}, ConfigError, "allowed: admin, coordinator, homeroom_teacher"),
        ("data_staff", {"expires_days": 0}, ConfigError, "at least 1 day"),
        ("data_staff", {"label": " "}, ConfigError, "label"),
        ("coordinator", {}, ConfigError, "belongs to one school; known: SCH1, SCH2"),
        ("coordinator", {"school_id": "SCH9"}, NotFound, "no school 'SCH9'; known: SCH1, SCH2"),
        ("coordinator", {"school_id": "SCH1", "staff_local_id": "G01"}, ConfigError, "have none"),
        ("homeroom_teacher", {"school_id": "SCH1"}, ConfigError, "needs their staff number"),
        ("homeroom_teacher", {"staff_local_id": "G01"}, NotFound, "2 members .* name the school"),
        ("homeroom_teacher", {"staff_local_id": "G9"}, NotFound, "0 members .* import the staff"),
    ],
)
def test_what_cannot_be_made(
    register: Register, role: str, more: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        make(register, role, **more)
    assert tokens.listed(register) == []


def test_a_token_that_is_not_there_cannot_be_revoked(register: Register) -> None:
    with pytest.raises(NotFound, match="no token 'abc'"):
        tokens.revoke(register, "abc", at=NOW)


def test_the_only_school_needs_no_name(tmp_path: Path) -> None:
    with open_register(f"sqlite:///{tmp_path / 'one.db'}") as register:
        with register.session(writing=True) as session:
            session.add(School(school_id="SCH1", name="SMP"))
            session.commit()
        owner = tokens.bearer(register, make(register, "coordinator").secret, at=NOW)
        assert owner is not None
        assert owner.school_id == "SCH1"
