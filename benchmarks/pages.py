"""The visit list as a page: its rate beside a bare endpoint, its weight, how soon it is usable.

The register of `api.py`: a simulated district of 30,000 students. A coordinator's browser, signed
in, opens a list of which a page shows 50 families; the reading is kept in the audit before the
answer leaves.

- Rate: wrk sends with 16 connections, in turns to the page and to a bare FastAPI endpoint.
  `value`: the median of our rate ÷ the bare one; at least 0.10.
- Weight, as Debian's Chromium counts it with an empty cache: everything of the first view, and of
  the next page of the list; at most 100 and 30 thousand bytes.
- Usable, under Chromium's own throttling at 400 kbit/s and 400 ms: from the call to the end of
  loading, median of several with an empty cache each; below 5 s. A telephone's processor, four
  times slower, is told beside it.

wrk and chromium are Debian's packages.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from _load import BARE, Run, made, served, wrk
from _measure import finish, table
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from browser import SIZES, chromium
from earlywarning_api import cookies

BAR, BAR_FIRST, BAR_NEXT, BAR_SECONDS = 0.10, 100_000, 30_000, 5.0
SEED = 1
SHOWN = 50
SLOW_LINE = {"offline": False, "latency": 400, "downloadThroughput": 400_000 / 8,
             "uploadThroughput": 400_000 / 8}  # fmt: skip
SLOWER = 4
"""A telephone's processor beside this one."""


@dataclass(frozen=True)
class Weight:
    """Bytes over the line, headers too, and how many files they were."""

    first: float
    following: float
    files: int


def session(home: Path, visit_list_id: str) -> str:
    """The secret of a new session of a coordinator of the list's school."""
    from sqlalchemy import select

    from earlywarning.io.register import accounts, sessions
    from earlywarning.io.register.models import VisitList
    from earlywarning_pipelines.home import open_home

    # The server, which is asked next, looks at the real clock.
    at = datetime.now(UTC).replace(tzinfo=None)
    with open_home(home).register as register:
        with register.session() as opened:
            query = select(VisitList.school_id).where(VisitList.visit_list_id == visit_list_id)
            school_id = opened.scalars(query).one()
        # A district that was kept knows earlier ones.
        name = f"ratna.{uuid4().hex[:8]}"
        new = accounts.NewUser(name, "Bu Ratna", "coordinator", school_id, None)
        user_id, _ = accounts.invite(register, new, by="benchmark", at=at)
        with register.session(writing=True) as opened:
            opened_for = sessions.open_for(
                opened, user_id, level=sessions.FULL, browser="benchmark", at=at
            )
            opened.commit()
    return opened_for.secret


@contextmanager
def telephone(browser: Browser, address: str, secret: str) -> Iterator[tuple[Page, CDPSession]]:
    """A window of a telephone with an empty cache, and the line to its debugger."""
    width, height = SIZES["telephone"]
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": height}, locale="id-ID", base_url=address
    )
    try:
        context.add_cookies([{"name": cookies.NAME, "value": secret, "url": address}])
        page = context.new_page()
        debugger = context.new_cdp_session(page)
        debugger.send("Network.enable")
        yield page, debugger
    finally:
        context.close()


def weigh(browser: Browser, address: str, path: str, secret: str) -> Weight:
    """What a first view of the list costs, and its next page after it."""
    with telephone(browser, address, secret) as (page, debugger):
        loaded: list[float] = []
        debugger.on("Network.loadingFinished", lambda one: loaded.append(one["encodedDataLength"]))
        page.goto(path, wait_until="networkidle")
        shown = page.locator(".family").count()
        if shown != SHOWN:
            raise RuntimeError(f"{shown} families instead of {SHOWN}; more students are needed")
        first, files = sum(loaded), len(loaded)
        loaded.clear()
        page.locator("a[rel=next]").click()
        page.wait_for_load_state("networkidle")
        return Weight(first, sum(loaded), files)


def seconds_until_usable(
    browser: Browser, address: str, path: str, secret: str, *, slower: int
) -> float:
    """Seconds until all of a first view is loaded, on a slow line, by a slower processor."""
    with telephone(browser, address, secret) as (page, debugger):
        debugger.send("Network.emulateNetworkConditions", SLOW_LINE)
        debugger.send("Emulation.setCPUThrottlingRate", {"rate": slower})
        page.goto(path, wait_until="load")
        ended = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    return ended / 1000


def main() -> int:
    """Serve, load in turns, look with a browser, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="600 students, seconds only")
    parser.add_argument("--students", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kept", type=Path, help="a folder whose district is made once")
    options = parser.parse_args()
    students = 600 if options.quick else options.students
    rounds, seconds, looks = (2, 2, 1) if options.quick else (options.rounds, 10, 5)
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory(prefix="earlywarning-bench-") as folder:
        home, _, items = made(Path(folder), students, kept=options.kept)
        visit_list_id = items.split("/")[4]
        path = f"/lists/{visit_list_id}"
        secret = session(home, visit_list_id)
        as_browser = (f"Cookie: {cookies.NAME}={secret}", "Accept-Encoding: gzip, deflate, br")
        ours = [sys.executable, "-m", "earlywarning_api"]
        settings = {"EARLYWARNING_HOME": str(home), "EARLYWARNING_REQUESTS_PER_MINUTE": "0"}
        with served(BARE, {}) as (_, bare_port), served(ours, settings) as (_, port):
            wrk(port, path, 2, "", *as_browser)
            wrk(bare_port, "/ping", 2)
            runs: dict[str, list[Run]] = {"bare": [], "page": []}
            for _ in range(rounds):
                runs["bare"].append(wrk(bare_port, "/ping", seconds))
                runs["page"].append(wrk(port, path, seconds, "", *as_browser))
            address = f"http://127.0.0.1:{port}"
            with chromium() as browser:
                weight = weigh(browser, address, path, secret)
                usable, slower = (
                    statistics.median(
                        seconds_until_usable(browser, address, path, secret, slower=rate)
                        for _ in range(looks)
                    )
                    for rate in (1, SLOWER)
                )
    table(
        ("served", "requests/s", "p99 ms", "errors"),
        [(name, f"{statistics.median(run.rate for run in some):.0f}",
          f"{statistics.median(run.p99_ms for run in some):.0f}", sum(run.errors for run in some))
         for name, some in runs.items()],
    )  # fmt: skip
    print(f"first view {weight.first / 1000:.1f} thousand bytes in {weight.files} files, "
          f"next page {weight.following / 1000:.1f}")  # fmt: skip
    print(f"usable after {usable:.1f} s at 400 kbit/s and 400 ms, "
          f"{slower:.1f} s with a processor {SLOWER} times slower")  # fmt: skip
    pairs = zip(runs["page"], runs["bare"], strict=True)
    value = statistics.median(one.rate / other.rate for one, other in pairs)
    errors = sum(run.errors for run in runs["page"])
    failed = [
        words
        for is_missed, words in (
            (value < BAR, f"{value:.3f} of the bare rate, at least {BAR}"),
            (errors > 0, f"{errors} errors"),
            (weight.first > BAR_FIRST, f"{weight.first:.0f} bytes at first, at most {BAR_FIRST}"),
            (weight.following > BAR_NEXT, f"{weight.following:.0f} bytes next, at most {BAR_NEXT}"),
            (usable >= BAR_SECONDS, f"usable after {usable:.1f} s, below {BAR_SECONDS} s"),
        )
        if is_missed
    ]
    figures = {"name": "pages", "bar": BAR, "unit": "of the bare rate", "sizes": [students],
               "seeds": [SEED], "errors": errors, "first_bytes": round(weight.first),
               "next_bytes": round(weight.following), "usable_seconds": round(usable, 2),
               "usable_seconds_slow_processor": round(slower, 2)}  # fmt: skip
    return finish(value, figures, failed)


if __name__ == "__main__":
    sys.exit(main())
