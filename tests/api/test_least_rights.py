"""PostgreSQL with a role of least rights, and over TLS whose certificate is checked (35)."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi.testclient import TestClient
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

import postgres
from earlywarning.errors import ConfigError
from earlywarning.io.register import audit_check, least_rights
from earlywarning.io.register.db import Register, migrate_to, open_register
from earlywarning_api.app import create_app
from people import SITI
from service_world import NOW, World, fill

ROLES = Path(__file__).parents[2] / "deploy" / "postgresql-roles.sql"


def as_role(url: str, role: str) -> str:
    return url.replace("://tests@", f"://{role}@")


def give_roles(url: str) -> None:
    """As the administrator of the server: what `psql --file` does."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ROLES.read_bytes())


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.own_server() as made:
        yield made


@dataclass
class Database:
    """A register whose tables are the owner's, and addresses for both roles."""

    administrator: str
    owner: str
    service: str


@pytest.fixture(scope="module")
def database(server: postgres.Server) -> Database:
    url = postgres.new_database(server.folder)
    give_roles(url)
    made = Database(url, as_role(url, "earlywarning_owner"), as_role(url, "earlywarning"))
    open_register(made.owner).close()  # makes the tables
    give_roles(url)
    return made


@pytest.fixture
def register(database: Database) -> Iterator[Register]:
    with open_register(database.service) as made:
        yield made


def test_35_the_service_works_whole_with_the_least_rights(database: Database) -> None:
    with open_register(database.service) as register:
        tokens, lists = fill(register)
        app = create_app(register, clock=lambda: NOW, requests_per_minute=0)
        world = World(register, app, TestClient(app), tokens, lists)
        place = f"/api/v1/visit_lists/{lists['2026-27-Q2']}/items"
        with world.browser("coordinator") as client:
            first, again = client.get(place), client.get(place)
            assert (first.status_code, again.content) == (200, first.content)
            visit = f"/api/v1/visits/{uuid.uuid4()}"
            body = {"student_id": SITI.student_id, "status": "done", "day": "2026-10-01"}
            assert client.put(visit, json=body).status_code == 201
            assert client.put(visit, json=body).status_code == 200
            item = first.json()["items"][0]["item_id"]
            override = f"/api/v1/visit_lists/{lists['2026-27-Q2']}/items/{item}/override"
            etag = client.get(override).headers["etag"]
            answer = client.put(
                override, headers={"If-Match": etag},
                json={"action": "move_up", "reason_code": "new_event"},
            )  # fmt: skip
            assert answer.status_code == 200, answer.text
            answer_tag = answer.headers["etag"]
            consents = f"/api/v1/students/{SITI.student_id}/consents"
            answer = client.post(
                consents, headers={"Idempotency-Key": "one"},
                json={"purpose": "priority", "given_by": "mother", "given_on": "2026-07-13",
                      "evidence": "map 7A"},
            )  # fmt: skip
            assert answer.status_code == 201, answer.text
            assert client.delete(override, headers={"If-Match": answer_tag}).status_code == 204
            assert client.delete("/api/v1/sessions/current").status_code == 204
        with world.browser("admin") as client:
            assert client.get("/api/v1/users").status_code == 200
            assert client.get("/api/v1/audit_events").status_code == 200
        with register.session() as session:
            assert audit_check.verify(session, []).faults == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET actor = 'nobody'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "INSERT INTO audit_event SELECT * FROM audit_event ON CONFLICT (position) "
        "DO UPDATE SET actor = 'nobody'",
        "UPDATE model_event SET at = now()",
        "DELETE FROM model_event",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "ALTER TABLE audit_event ADD COLUMN more text",
        "DROP TRIGGER audit_event_refuse ON audit_event",
        "CREATE OR REPLACE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN NEW; END $$",
        "DROP TABLE student",
        "ALTER TABLE student DROP COLUMN full_name",
        "CREATE TABLE more (one int)",
        "CREATE TEMPORARY TABLE more (one int)",
        "CREATE SCHEMA more",
        "CREATE ROLE more",
        "ALTER ROLE earlywarning SUPERUSER",
        "SET ROLE earlywarning_owner",
        "UPDATE earlywarning_alembic SET version_num = '0001'",
        "COPY student TO PROGRAM 'cat'",
        "SET session_replication_role = replica",
    ],
)
def test_35_the_service_can_neither_change_the_audit_nor_a_table(
    register: Register, statement: str
) -> None:
    with register.engine.connect() as connection, pytest.raises(ProgrammingError) as refused:
        connection.execute(text(statement))
    assert getattr(refused.value.orig, "sqlstate", None) == "42501"  # not allowed


def test_35_the_service_gives_itself_no_rights(register: Register) -> None:
    with register.engine.begin() as connection:  # PostgreSQL answers with a warning
        connection.execute(text("GRANT ALL ON audit_event TO earlywarning"))
    with register.engine.connect() as connection:
        changes = "SELECT has_table_privilege('audit_event', 'UPDATE')"
        assert connection.execute(text(changes)).scalar() is False


def test_35_a_new_table_of_the_next_version_can_be_used(database: Database) -> None:
    with open_register(database.owner) as owner, owner.engine.begin() as connection:
        connection.execute(text("CREATE TABLE next_version (one int)"))
    with open_register(database.service) as service, service.engine.begin() as connection:
        connection.execute(text("INSERT INTO next_version VALUES (1)"))
    with open_register(database.owner) as owner, owner.engine.begin() as connection:
        connection.execute(text("DROP TABLE next_version"))


def test_35_the_owner_moves_the_schema_and_the_service_does_not(server: postgres.Server) -> None:
    url = postgres.new_database(server.folder)
    give_roles(url)
    with pytest.raises(ConfigError, match="permission denied"):
        open_register(as_role(url, "earlywarning"))
    with open_register(as_role(url, "earlywarning_owner")) as owner:
        migrate_to(owner.engine, "0013")
        migrate_to(owner.engine, "head")
    give_roles(url)
    open_register(as_role(url, "earlywarning")).close()


def test_35_tables_of_an_older_installation_become_the_owners(server: postgres.Server) -> None:
    url = postgres.new_database(server.folder)
    open_register(url).close()  # as one role for everything
    give_roles(url)
    with open_register(as_role(url, "earlywarning")) as register:
        assert least_rights.too_much(register) == []


def test_35_a_role_that_may_too_much_is_told_at_the_start(database: Database) -> None:
    said = {}
    for role, url in vars(database).items():
        with open_register(url) as register:
            said[role] = " ".join(least_rights.too_much(register))
    assert "superuser" in said["administrator"]
    assert "make, change and drop tables" in said["owner"]
    assert "rows of the audit" in said["owner"]
    assert said["service"] == ""


# TLS, with an authority of the test's own.


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def authority(path: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    made = certificate(name("authority"), key, name("authority"), key, is_authority=True)
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return key, made


def certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    by: ec.EllipticCurvePrivateKey,
    *,
    is_authority: bool = False,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(by, hashes.SHA256())


@dataclass
class Tls:
    """A server that speaks TLS, and what a client needs."""

    port: int
    right: Path
    wrong: Path
    database: str

    def url(self, *, host: str = "localhost", **query: str) -> str:
        more = "&".join(f"{key}={value}" for key, value in query.items())
        return f"postgresql://earlywarning@{host}:{self.port}/{self.database}?{more}"


@contextmanager
def tls_server(folder: Path) -> Iterator[Tls]:
    right, wrong = folder / "right.crt", folder / "wrong.crt"
    by, issuer = authority(right)
    authority(wrong)  # of the same name
    key = ec.generate_private_key(ec.SECP256R1())
    made = certificate(name("localhost"), key, issuer.subject, by)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with postgres.own_server() as server:
        url = postgres.new_database(server.folder)
        give_roles(url)
        open_register(as_role(url, "earlywarning_owner")).close()
        give_roles(url)
        server.stop()
        data = server.folder / "data"
        (data / "server.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        (data / "server.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        (data / "server.key").chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(data / "server.key", "nobody", "nogroup")
        # Before the rules that trust everybody: who comes over the network, comes with TLS.
        rules = data / "pg_hba.conf"
        rules.write_text(f"hostnossl all all all reject\n{rules.read_text()}")
        with (data / "postgresql.conf").open("a") as settings:
            settings.write("ssl = on\n")
        server.listen, server.port = "localhost", port
        server.start()
        yield Tls(port, right, wrong, make_url(url).database or "")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tls]:
    with tls_server(tmp_path_factory.mktemp("tls")) as made:
        yield made


def test_35_the_register_is_read_over_tls(tls: Tls) -> None:
    url = tls.url(sslmode="verify-full", sslrootcert=str(tls.right))
    with open_register(url) as register, register.engine.connect() as connection:
        query = text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        assert connection.execute(query).scalar() is True
        assert least_rights.too_much(register) == []


def test_35_another_authority_is_refused(tls: Tls) -> None:
    with pytest.raises(ConfigError, match="SSL error"):
        open_register(tls.url(sslmode="verify-full", sslrootcert=str(tls.wrong)))


def test_35_another_machines_certificate_is_refused(tls: Tls) -> None:
    url = tls.url(host="127.0.0.1", sslmode="verify-full", sslrootcert=str(tls.right))
    with pytest.raises(ConfigError, match="certificate"):
        open_register(url)


def test_35_without_tls_is_refused(tls: Tls) -> None:
    with pytest.raises(ConfigError, match="cannot open"):
        open_register(tls.url(sslmode="disable"))
