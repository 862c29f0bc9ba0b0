"""A real browser on the service: Debian's Chromium, steered by Playwright, on this machine."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from earlywarning.io.register import sessions
from service_world import World, user_id

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)
"""Nothing is fetched beyond the page."""

AXE = Path(__file__).parent / "data" / "axe" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
expect.set_options(timeout=60_000)

SIZES = {"telephone": (360, 780), "desk": (1280, 860)}


@contextmanager
def chromium() -> Iterator[Browser]:
    """An open browser; skips where there is none, fails in CI."""
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is missing; `apt-get install chromium`")
        pytest.skip("needs Chromium: `apt-get install chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True)
class Site:
    """The service on a port of its own, and a browser to look at it with."""

    world: World
    address: str
    browser: Browser

    @contextmanager
    def page(
        self,
        who: str | None = None,
        *,
        size: str = "desk",
        language: str = "id",
        scheme: str = "light",
        script: bool = True,
    ) -> Iterator[Page]:
        """A new window, in which somebody is signed in."""
        width, height = SIZES[size]
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            locale="id-ID" if language == "id" else "en-GB",
            java_script_enabled=script,
            base_url=self.address,
            reduced_motion="reduce",
            bypass_csp=False,
        )
        context.set_default_timeout(20_000)
        if who is not None:
            secret = session_of(self.world, who)
            context.add_cookies([{"name": "ew_session", "value": secret, "url": self.address}])
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
        try:
            yield page
        finally:
            context.close()
        # A page that answers with an error says so in the console, which is no fault of it.
        wrong = [fault for fault in faults if "Failed to load resource" not in fault]
        assert not wrong, wrong


def session_of(world: World, who: str) -> str:
    """The secret of a new session, second factor given."""
    with world.register.session(writing=True) as session:
        opened = sessions.open_for(
            session, user_id(who), level=sessions.FULL, browser="test", at=world.app.state.clock()
        )
        session.commit()
    return opened.secret


@contextmanager
def site(world: World, browser: Browser) -> Iterator[Site]:
    """Serve a world on loopback until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(world.app, host="127.0.0.1", port=port, log_level="error",
                            access_log=False, lifespan="off", proxy_headers=False)  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.started
        yield Site(world, f"http://127.0.0.1:{port}", browser)
    finally:
        server.should_exit = True
        thread.join(10)


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA, a line each."""
    # Evaluated by the debugger, which our content policy does not bind.
    page.evaluate(AXE.read_text("utf-8"))
    # Only violations are worked out to the last node: it takes a third less.
    found: list[dict[str, Any]] = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, "
        "resultTypes: ['violations']}).then(found => found.violations)",
        RULES,
    )
    return [
        f"{one['id']}: {node['html'][:160]} ({node['failureSummary'][:300]})"
        for one in found
        for node in one["nodes"]
    ]


def sideways(page: Page) -> int:
    """By how many pixels a page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
