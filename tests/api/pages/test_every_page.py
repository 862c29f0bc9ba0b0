"""Every page that a role reaches by links: no error, no barrier, nothing wider than the window."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from browser import Site, sideways, violations
from service_world import USERS

ROLES = [who for who in USERS if not who.startswith("other") and who not in ("retno", "joko")]
LOOKS = (("telephone", "light"), ("desk", "dark"))
OFTEN = {("coordinator", LOOKS[0]), ("homeroom_teacher", LOOKS[1])}
"""They see most pages; other roles and looks come with the slow tests."""

NO_PAGE = re.compile(r"\.csv|\.pdf|/file$")
MOST = 60


def shape(path: str) -> str:
    """A path without ids and filters: two pages of one shape need one look."""
    bare = urlsplit(path).path
    return re.sub(r"/[0-9a-f]{32}", "/*", bare)


def links(page: Page, site: Site) -> list[str]:
    found = page.eval_on_selector_all("a[href]", "all => all.map(one => one.href)")
    return [one.removeprefix(site.address) for one in found if one.startswith(site.address)]


def crawl(page: Page, site: Site) -> Iterator[tuple[str, int]]:
    """Every page by its links, once a shape and filter; path and status."""
    waiting, seen = ["/"], set()
    while waiting and len(seen) < MOST:
        path = waiting.pop(0).partition("#")[0]
        if path in seen or NO_PAGE.search(path):
            continue
        seen.add(path)
        answer = page.goto(path)
        assert answer is not None
        yield path, answer.status
        waiting += [one for one in links(page, site) if one not in seen]


@pytest.mark.parametrize(
    ("who", "look"),
    [pytest.param(who, look, marks=() if (who, look) in OFTEN else pytest.mark.slow)
     for who in ROLES for look in LOOKS],
)  # fmt: skip
def test_no_page_of_a_role_fails_or_shuts_anybody_out(
    read_only: Site, who: str, look: tuple[str, str]
) -> None:
    size, scheme = look
    looked: set[str] = set()
    language = "en" if scheme == "dark" else "id"
    with read_only.page(who, size=size, scheme=scheme, language=language) as page:
        for path, status in crawl(page, read_only):
            assert status == 200, (who, path, status)
            if shape(path) in looked:
                continue
            looked.add(shape(path))
            assert not violations(page), (who, path, size, scheme)
            assert sideways(page) <= 0, (who, path, size)
    assert looked


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.parametrize("path", ["/sign-in", "/nowhere"])
def test_what_a_stranger_sees(read_only: Site, path: str, scheme: str) -> None:
    with read_only.page(size="telephone", scheme=scheme) as page:
        page.goto(path)
        assert not violations(page)
        assert sideways(page) <= 0
