"""Attacks on the service from outside; tests carry the numbers of the list of attacks."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import pytest
import uvicorn
from sqlalchemy import select, update

from earlywarning.io.register.models import ClassGroup, School, Staff, Student
from expectations import key
from people import CHILDREN, SITI, TEACHERS
from service_world import USERS, World, opened_world

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "api" / "earlywarning_api"
SOURCES = [path for part in ("src", "api", "pipelines") for path in (ROOT / part).rglob("*.py")]

MARKUP = [
    "<script>zqx()</script>", '"><img src=x onerror=zqx()>', "' onmouseover='zqx()",
    "</title><zqx>", "{{7*7}}zqx", "javascript:zqx()", "<!--<zqx>-->", "&lt;zqx&gt;",
]  # fmt: skip
STATEMENTS = [
    "'; DROP TABLE student; --", '" OR ""="', "' OR '1'='1", "1); DELETE FROM visit; --",
    "%' UNION SELECT password_hash FROM user_account --",
]  # fmt: skip


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    with opened_world(tmp_path) as opened:
        yield opened


def named(world: World, name: str) -> None:
    """Give everybody and everything this name."""
    with world.register.session(writing=True) as session:
        session.execute(update(Student).values(full_name=name))
        session.execute(update(Staff).values(name=name))
        session.execute(update(School).values(name=name))
        session.execute(update(ClassGroup).values(name=name))
        session.commit()


def pages(world: World) -> list[str]:
    newest, draft = world.lists["2026-27-Q2"], world.lists["2026-27-Q3"]
    return ["/", "/quarter", "/lists", f"/lists/{newest}", f"/lists/{newest}/print", "/plan",
            f"/lists/{draft}/review", f"/students/{SITI.student_id}", "/requests",
            f"/visits/new?student={SITI.student_id}"]  # fmt: skip


class Elements(HTMLParser):
    """What a browser would see: elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("name", MARKUP)
def test_1_what_people_wrote_never_becomes_a_part_of_the_page(own: World, name: str) -> None:
    named(own, name)
    browser, shown = own.as_("coordinator"), 0
    for path in pages(own):
        answer = browser.get(path)
        if answer.headers.get("content-type", "").startswith("text/html"):
            shown += "zqx" in answer.text
            assert "49zqx" not in answer.text
            for tag, attributes in Elements(answer.text).found:
                assert tag != "zqx", path
                assert tag != "img" or str(attributes["src"]).startswith(("data:", "/static/"))
                assert not any(one.startswith("on") for one in attributes), path
                assert not str(attributes.get("href", "")).startswith("javascript:"), path
                assert tag != "script" or str(attributes.get("src")).startswith("/static/"), path
    assert shown >= 4


def test_1_no_template_switches_the_escaping_off() -> None:
    templates = list(TEMPLATES.rglob("*.html"))
    assert len(templates) > 10
    for path in templates:
        text = path.read_text("utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape\s+false", text), path.name


@pytest.mark.parametrize("text", STATEMENTS)
def test_2_statements_in_what_people_write_are_words(own: World, text: str) -> None:
    browser = own.as_("coordinator")
    named(own, text)
    before = people(own)
    list_id = own.lists["2026-27-Q2"]
    for path in (f"/api/v1/visit_lists/{list_id}/items", "/api/v1/visits", "/api/v1/visit_lists",
                 "/api/v1/follow_ups", "/api/v1/users", "/api/v1/audit_events"):  # fmt: skip
        for field in ("class_id", "q", "status", "cursor", "quarter", "student_id", "action"):
            assert browser.get(path, params={field: text}).status_code in (200, 403, 404, 422)
    assert browser.get(f"/api/v1/students/{text}").status_code == 404
    made = browser.post(
        f"/api/v1/students/{SITI.student_id}/consents",
        json={"purpose": "photo", "given_by": "mother", "given_on": "2026-07-13", "evidence": text},
        headers={"Idempotency-Key": key()},
    )
    assert made.status_code == 201
    kept = browser.get(f"/api/v1/students/{SITI.student_id}/consents")
    assert text in [one["evidence"] for one in kept.json()["consents"]]
    assert people(own) == before


def people(world: World) -> list[tuple[str, str]]:
    with world.register.session() as session:
        query = select(Student.student_id, Student.full_name).order_by(Student.student_id)
        return [(row[0], row[1]) for row in session.execute(query)]


def test_2_no_statement_is_built_from_what_comes_from_outside() -> None:
    """Of each statement with something set into it, its writer said that it is ours."""
    built = re.compile(r"(?:\.execute|\btext)\(\s*f\"[^\"]*\{")
    assert len(SOURCES) > 100
    for path in SOURCES:
        for line in path.read_text("utf-8").splitlines():
            if built.search(line) and re.search(r"\b(SELECT|INSERT|UPDATE|DELETE)\b", line):
                assert "S608" in line, f"{path.name}: {line.strip()}"


SMUGGLED = b"GET /healthz?smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
AMBIGUOUS = {
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: %d\r\n\r\n",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks written oddly": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n"
                            b"Transfer-Encoding: xchunked\r\n\r\n",
    "space before the colon": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : %d\r\n\r\n",
    "a length with a sign": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +%d\r\n\r\n",
    "no number of a chunk": b"POST / HTTP/1.1\r\nHost: a\r\nX-Was: %d\r\n"
                            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
}  # fmt: skip


@contextmanager
def listening(world: World) -> Iterator[int]:
    """The port of the service on loopback, as `serve` runs it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = uvicorn.Config(world.app, log_config=None, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        try:
            until = time.monotonic() + 60
            while not server.started and time.monotonic() < until:
                time.sleep(0.01)
            yield taken.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


def sent(port: int, request: bytes) -> bytes:
    """Everything that comes back on one connection."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(request)
        try:
            while more := connection.recv(65536):
                got += more
        except TimeoutError:
            pass
    return got


def test_16_no_second_request_hides_in_a_first(own: World) -> None:
    """Whatever a proxy makes of an ambiguous request, here it is refused and the line closed."""
    with listening(own) as port:
        assert sent(port, SMUGGLED * 2).count(b"HTTP/1.1 200") == 2
        for what, head in AMBIGUOUS.items():
            got = sent(port, head % len(SMUGGLED) + SMUGGLED)
            assert got.count(b"HTTP/1.1 200") == 0, what
            assert got.count(b"HTTP/1.1 ") <= 1, what


def test_18_names_of_files_are_ours(own: World) -> None:
    named(own, '..\\..\\a"\r\nSet-Cookie: a=b\r\n\r\n/etc/passwd')
    browser = own.as_("coordinator")
    list_id = own.lists["2026-27-Q2"]
    for path in (f"/api/v1/visit_lists/{list_id}/items.csv", f"/lists/{list_id}/list.csv"):
        answer = browser.get(path)
        assert answer.status_code == 200
        name = re.fullmatch(
            r'attachment; filename="([^"]+)"', answer.headers["content-disposition"]
        )
        assert name is not None
        assert re.fullmatch(r"[\w.-]+\.csv", name[1])
        assert "a=b" not in str(answer.headers)


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "%2e%2e%2fsite.css",
        "..%5cserve.py",
        ".git/config",
        "/etc/passwd",
        "site.css%00.html",
        "....//site.js",
    ],
)
def test_18_nothing_but_our_static_files_is_served(world: World, name: str) -> None:
    page = world.as_("coordinator").get("/quarter").text
    (folder, *_) = re.findall(r'"(/static/[^/]+)/', page)
    assert world.browser().get(f"{folder}/{name}").status_code in (303, 404)


def test_37_no_name_in_an_address_and_nothing_kept_by_the_browser(own: World) -> None:
    names = {part.lower() for one in (*CHILDREN, *TEACHERS) for part in one.name.split()
             if len(part) > 3}  # fmt: skip
    for who in USERS:
        browser = own.as_(who)
        for path in pages(own):
            answer = browser.get(path)
            assert answer.headers["cache-control"] == "no-store", path
            for _, attributes in Elements(answer.text).found:
                for one in ("href", "action", "src"):
                    words = re.findall(r"\w+", str(attributes.get(one) or "").lower())
                    assert names.isdisjoint(words), (who, path, attributes)
    for script in TEMPLATES.rglob("*.js"):
        text = script.read_text("utf-8")
        assert not re.search(r"localStorage|sessionStorage|indexedDB|caches\.|serviceWorker", text)


def test_40_the_service_fetches_no_address_that_people_give() -> None:
    """The identity provider's, which whoever runs the service sets, is the only one.

    `paper` asks our own pages, in the same process.
    """
    assert "ASGITransport(app=pages)" in next(
        path.read_text("utf-8") for path in SOURCES if path.name == "paper.py"
    )
    clients = "httpx2?|requests|urllib\\.request|urllib3|aiohttp"
    fetching = re.compile(rf"^\s*(?:import|from) (?:{clients})\b", re.MULTILINE)
    found = {path.name for path in SOURCES if fetching.search(path.read_text("utf-8"))}
    assert found <= {"oidc.py", "serve.py", "paper.py"}
