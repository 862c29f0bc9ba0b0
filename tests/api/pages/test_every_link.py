"""Every link as every role, in both languages: no failure, no other language, nobody else's child.

The school is in the middle of its quarter: planned, visited, decided, asked, opened in emergencies.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from httpx2 import Response

from earlywarning.io import wording
from earlywarning.io.register.models import Guardian
from people import AHMAD, CHILDREN, CITRA, DEWI, SITI, SUPARMI, YUSUF
from service_world import OTHER, USERS, World, opened_world

ABSENT = "e" * 32
NOTE, GUARDIAN, FOREIGN = "Zqx hanya untuk BK", "Ibu Zqxmarker", "Rina Lain"
MOST = 400
OWN = {"x-request-id", "date", "content-length"}
"""Headers that differ from answer to answer; the length of what is compressed, by the id in it."""
USER = re.compile("|".join(sorted((who.title() for who in USERS), key=len, reverse=True)))
LINK = re.compile(r'(?:href|src)="(/[^"#]*|\?[^"#]*)')

SCHOOL = frozenset(one.name for one in CHILDREN)
NOBODY: frozenset[str] = frozenset()
SEES: dict[str, frozenset[str]] = {
    "coordinator": SCHOOL,
    "counsellor": SCHOOL,
    # The own class, and the brother whose visit she leads.
    "homeroom_teacher": frozenset({AHMAD.name, SITI.name, SUPARMI.name, "Budi Fulan"}),
    # The own class, and the child whom he opened in an emergency.
    "bambang": frozenset({DEWI.name, YUSUF.name, SITI.name}),
    "retno": frozenset({CITRA.name, "Budi Fulan"}),
    "principal": NOBODY,
    "admin": NOBODY,
    "data_staff": NOBODY,
    "researcher": NOBODY,
    "other coordinator": frozenset({FOREIGN}),
    "other counsellor": frozenset({FOREIGN}),
    "other principal": NOBODY,
    "joko": frozenset({FOREIGN}),
}
"""Whose names a user may read, by the rules of the product rather than by its code."""

USUAL = {("coordinator", "en"), ("bambang", "id"), ("principal", "id")}
"""The others are looked at with the slow tests."""

READS_NOTES = {"counsellor", "principal"}
REACHES_CITRA = {"coordinator", "retno"}


@dataclass(frozen=True)
class Lived:
    """A school in its quarter, and what belongs to Bambang's class."""

    world: World
    item: str
    planned: str
    visit: str
    access: str


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    with opened_world(tmp_path_factory.mktemp("lived")) as world:
        yield live(world)


def done(answer: Response) -> None:
    assert answer.status_code == 303, answer.text


def live(world: World) -> Lived:
    """Let everybody do something on the pages."""
    with world.register.session(writing=True) as session:
        session.add(Guardian(guardian_id="1" * 32, student_id=CITRA.student_id, relation="mother",
                             full_name=GUARDIAN, phone="+6281234567890"))  # fmt: skip
        session.commit()
    list_id = world.lists["2026-27-Q2"]
    coordinator, sari, bambang = (
        world.as_(who) for who in ("coordinator", "homeroom_teacher", "bambang")
    )
    his = world.planned(list_id, YUSUF.student_id)
    done(coordinator.post(f"/planned/{his['planned_visit_id']}/letter"))
    visit = {"day": "2026-10-01", "status": "done", "note": NOTE, "todo": "Zqx1",
             "due": "2026-10-03"}  # fmt: skip
    done(sari.post(f"/visits/{'1' * 32}", data=visit | {"student": AHMAD.student_id}))
    done(bambang.post(f"/visits/{'2' * 32}", data=visit | {"student": YUSUF.student_id}))
    attempt = {"channel": "telephone", "result": "no_answer"}
    done(sari.post(f"/students/{SITI.student_id}/attempts/{'3' * 32}", data=attempt))
    done(
        bambang.post(
            f"/lists/{list_id}/items/{his['item_id']}/priority",
            data={"revision": "0", "choice": "defer:family_away"},
        )
    )
    done(
        coordinator.post(
            f"/students/{SITI.student_id}/request", data={"kind": "access", "made_by": "mother"}
        )
    )
    reason = {"number": SITI.local_id, "reason": "Zqx menunggu di kantor"}
    done(bambang.post("/emergency", data=reason))
    ends = re.findall(r"/emergency/([0-9a-f]{32})/end", bambang.get("/emergency").text)
    return Lived(world, his["item_id"], his["planned_visit_id"], "2" * 32, ends[0])


def crawl(world: World, who: str, language: str) -> Iterator[tuple[str, Response]]:
    """Every page and file that is reached by links."""
    browser = world.as_(who)
    waiting, seen = ["/"], set()
    while waiting:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        assert len(seen) < MOST, "links without end"
        answer = browser.get(path, headers={"Accept-Language": language})
        yield path, answer
        found = [answer.headers["location"]] if answer.is_redirect else LINK.findall(answer.text)
        for link in map(html.unescape, found):
            if link.startswith("/"):
                waiting.append(link)
            elif link.startswith("?"):
                waiting.append(path.partition("?")[0] + link)


def words(page: str) -> str:
    """What a reader or a screen reader is told: text, and attributes with words."""
    bare = re.sub(r"<(code|script|style)\b.*?</\1>", " ", page, flags=re.S)
    bare = re.sub(r'<[^>]*lang="(?:id|en)"[^>]*title=.*?</button>', " ", bare, flags=re.S)
    said = re.findall(r'(?:aria-label|title|alt)="([^"]*)"', bare)
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<title>", " ", bare))
    heard = html.unescape(re.sub(r"\s+", " ", " ".join((text, *said))))
    return USER.sub(" ", heard)  # they are called by their roles


def parts(language: str) -> set[str]:
    """What stands between the numbers of each sentence of a language."""
    found: set[str] = set()
    for domain in ("pages", "earlywarning"):
        for message in wording.catalogue(language, domain).values():
            for form in message.forms:
                for part in re.split(r"{[^}]*}", form):
                    found.add(part.strip(" .,:;·()"))
    return found


def foreign(language: str) -> re.Pattern[str]:
    """Words of the other language that this one never uses."""
    (other,) = set(wording.LANGUAGES) - {language}
    own = " ".join(parts(language)).lower()
    only = {one for one in parts(other) if len(one) > 5 and one.lower() not in own}
    names = "|".join(re.escape(one) for one in sorted(only, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{names})(?!\w)")


@pytest.mark.parametrize(
    ("who", "language"),
    [
        pytest.param(who, one, marks=() if (who, one) in USUAL else pytest.mark.slow)
        for who in USERS for one in wording.LANGUAGES
    ],
)  # fmt: skip
def test_every_link(lived: Lived, who: str, language: str) -> None:
    other = foreign(language)
    hidden = (SCHOOL | {FOREIGN}) - SEES[who]
    if who not in READS_NOTES:
        hidden |= {NOTE}
    if who not in REACHES_CITRA:
        hidden |= {GUARDIAN, "81234567890"}
    pages = 0
    for path, answer in crawl(lived.world, who, language):
        assert answer.status_code in (200, 303), (path, answer.status_code)
        text = html.unescape(answer.text)
        shown = sorted(name for name in hidden if name in text)
        assert not shown, (path, shown)
        if answer.headers.get("content-type", "").startswith("text/html") and answer.text:
            pages += 1
            assert f'<html lang="{language}">' in answer.text, path
            assert not (found := other.findall(words(answer.text))), (path, found)
    assert pages >= 2


@pytest.mark.slow
def test_each_sees_the_children_they_should(lived: Lived) -> None:
    """Or the test above would pass on empty pages."""
    for who, names in SEES.items():
        text = " ".join(html.unescape(one.text) for _, one in crawl(lived.world, who, "id"))
        seen = {name for name in names if name in text}
        assert bool(seen) == bool(names), who
        # Who is neither listed nor in a plan is reached by no link, but found by name.
        for name in names - seen:
            found = lived.world.as_(who).get("/students", params={"q": name.split()[0]})
            assert name in html.unescape(found.text), (who, name)
    assert NOTE in lived.world.as_("counsellor").get(f"/visits/{lived.visit}/note").text


def same(world: World, who: str, method: str, path: str, real: str) -> None:
    """A thing of others is told of exactly as one that is not there."""
    answers = []
    for id_ in (real, ABSENT):
        data = {"student": id_, "day": "2026-10-05", "status": "done", "revision": "1",
                "week": "2026-11-09", "slot": "saturday", "choice": "move_up:new_event",
                "channel": "telephone", "result": "no_answer", "asked_by": "family",
                "asked_on": "2026-10-01"}  # fmt: skip
        asked = path.replace("{id}", id_)
        answer = world.as_(who).request(method, asked, data=data if method == "POST" else None)
        told = re.sub(r"[0-9a-f]{32}", "", answer.text)
        headers = {k: v for k, v in answer.headers.items() if k not in OWN}
        answers.append((answer.status_code, told, headers))
    assert answers[0] == answers[1], (method, path)
    assert answers[0][0] in (403, 404, 409, 422), (method, path, answers[0][0])


@pytest.mark.parametrize(
    "who",
    ["homeroom_teacher", *(pytest.param(who, marks=pytest.mark.slow)
                           for who in ("other coordinator", "joko"))],
)  # fmt: skip
def test_what_belongs_to_others_looks_like_what_is_not_there(lived: Lived, who: str) -> None:
    world, q2 = lived.world, lived.world.lists["2026-27-Q2"]
    child = (DEWI if who == "homeroom_teacher" else AHMAD).student_id
    for path in ("/students/{id}", "/students/{id}/attempts/new", "/visits/new?student={id}",
                 "/students/{id}/request", "/students/{id}/visit-request"):  # fmt: skip
        same(world, who, "GET", path, child)
    for path in ("/students/{id}/contact", f"/students/{{id}}/attempts/{'7' * 32}",
                 f"/visits/{'8' * 32}", "/students/{id}/request",
                 f"/students/{{id}}/visit-request/{'6' * 32}"):  # fmt: skip
        same(world, who, "POST", path, child)
    for path in ("/visits/new?item={id}", f"/lists/{q2}/items/{{id}}/priority"):
        same(world, who, "GET", path, lived.item)
    same(world, who, "POST", f"/lists/{q2}/items/{{id}}/priority", lived.item)
    for path in ("/visits/{id}", "/visits/{id}/change", "/visits/{id}/note"):
        same(world, who, "GET", path, lived.visit)
    for path in ("/planned/{id}", "/planned/{id}/letter", "/planned/{id}/form"):
        same(world, who, "GET", path, lived.planned)
    for path in ("/planned/{id}", "/planned/{id}/letter"):
        same(world, who, "POST", path, lived.planned)
    same(world, who, "POST", "/emergency/{id}/end", lived.access)
    lists = {world.lists["2026-27-Q3"], world.lists["other school"]}
    if who != "homeroom_teacher":
        lists = {q2, world.lists["2026-27-Q3"]}
    for list_id in lists:
        for part in ("", "/print", "/list.csv", "/plan", "/summary", "/review"):
            same(world, who, "GET", f"/lists/{{id}}{part}", list_id)
        for part in ("/plan", "/publication"):
            same(world, who, "POST", f"/lists/{{id}}{part}", list_id)


def test_a_child_of_another_school_is_in_no_search(lived: Lived) -> None:
    for who in ("coordinator", "counsellor", "principal", "homeroom_teacher"):
        same(lived.world, who, "GET", "/students/{id}", OTHER)
