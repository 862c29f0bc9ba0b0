"""Sheets on paper from the terminal: as PDF where Chromium is installed, else as one HTML file.

The service's own pages are printed, by a process of their own, so that paper and screen never
differ.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from earlywarning.errors import ConfigError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WHAT = ("list", "summary", "letters", "forms", "notices")
LONGEST = 300
"""Seconds for the browser; a hundred letters take a few."""


def run(order: dict[str, Any], *, home: Path, out: Path) -> None:
    """Print.

    Parameters
    ----------
    order : dict
        The fields of `earlywarning_api.paper.Order`.
    home : Path
        Folder of the installation.
    out : Path
        A name that ends in `.pdf` or `.html`.

    Raises
    ------
    ConfigError
        If the name ends otherwise, there is no browser, or the sheets cannot be made.
    """
    if out.suffix not in (".pdf", ".html"):
        raise ConfigError(f"--out is {out}; allowed: a name that ends in .pdf or .html")
    if not out.parent.is_dir():
        raise ConfigError(f"--out: there is no folder {out.parent}; make it first")
    browser = _browser() if out.suffix == ".pdf" else None
    with tempfile.TemporaryDirectory() as folder:
        html = Path(folder) / "sheets.html"
        _sheets(order, home, html)
        made = html if browser is None else _pdf(browser, html)
        # Names stand in it: only its owner may read it.
        made.chmod(0o600)
        shutil.move(made, out)


def _browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise ConfigError(
            "a PDF needs Chromium or Chrome, which is not installed (on Debian: `apt-get install "
            "chromium`); or let --out end in .html, open that file in any browser and print it"
        )
    return found


def _sheets(order: dict[str, Any], home: Path, html: Path) -> None:
    command = [sys.executable, "-m", "earlywarning_api.paper", json.dumps(order), str(html)]
    done = subprocess.run(  # noqa: S603 - our own interpreter and module, no shell
        command, env={**os.environ, "EARLYWARNING_HOME": str(home.resolve())},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ConfigError(done.stderr.strip().splitlines()[-1] if done.stderr else "not printed")


def _pdf(browser: str, html: Path) -> Path:
    out = html.with_suffix(".pdf")
    command = [
        browser, "--headless", "--disable-gpu", "--no-first-run", "--no-pings",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--no-pdf-header-footer",
        f"--user-data-dir={html.parent / 'profile'}", f"--print-to-pdf={out}", html.as_uri(),
    ]  # fmt: skip
    if os.geteuid() == 0:
        # Chromium refuses to run as root otherwise; the file is ours, and allows no script.
        command.insert(1, "--no-sandbox")
    try:
        done = subprocess.run(  # noqa: S603 - a browser by its path, on a file of ours, no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=LONGEST,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ConfigError(
            f"{browser} did not end within {LONGEST} s; print fewer sheets"
        ) from error
    if done.returncode or not out.exists():
        raise ConfigError(
            f"{browser} made no PDF (exit code {done.returncode}); let --out end in .html and "
            "print that file from a browser"
        )
    return out
