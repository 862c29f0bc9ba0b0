"""A browser for all tests of pages, and a world that tests may only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from browser import Site, chromium, site
from service_world import World, opened_world


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def read_only(browser: Browser, world: World) -> Iterator[Site]:
    with site(world, browser) as served:
        yield served


@pytest.fixture
def own(browser: Browser, tmp_path) -> Iterator[Site]:
    """A world of the test's own, to change."""
    with opened_world(tmp_path) as world, site(world, browser) as served:
        yield served
