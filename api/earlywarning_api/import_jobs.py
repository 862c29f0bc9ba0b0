"""Imports that people start on a page: a process of their own reads the files, never this one.

Each has a folder in the installation, readable by its owner alone: the files as they came, what was
asked, and the report that `earlywarning import --json` writes while it goes on. What is older than
a day is removed when the next one begins.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earlywarning.errors import Conflict, NotFound

KEPT_SECONDS = 24 * 3600
MOST_FILES = 200
_UNSAFE = re.compile(r"[^\w .()-]", re.ASCII)
_ID = re.compile(r"^[0-9a-f]{32}$")


@dataclass(frozen=True, slots=True)
class Job:
    """One import.

    Attributes
    ----------
    actor : str
        Who started it; nobody else sees it.
    step : str
        `preview` or `save`.
    status : str
        `running`, `preview`, `saved`, `unusual`, `refused` or `failed`.
    report : mapping
        What the command wrote; see `earlywarning import --json`.
    """

    import_id: str
    actor: str
    step: str
    status: str
    report: Mapping[str, Any]


class ImportJobs:
    """Imports of one installation.

    Parameters
    ----------
    home : Path
        Its folder.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._root = home / "uploads"

    def begin(
        self, files: Iterable[tuple[str, bytes]], *, actor: str, source: str, school_id: str | None
    ) -> str:
        """Keep the files and begin to look at them; nothing is saved. Returns the import's id."""
        self._forget()
        import_id = uuid.uuid4().hex
        folder = self._root / import_id
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
        (folder / "files").mkdir(mode=0o700)
        for place, (name, body) in enumerate(files):
            # A folder for each, so that two files of one name stay two; the name can say the month.
            one = folder / "files" / f"{place:03d}"
            one.mkdir(mode=0o700)
            with os.fdopen(os.open(one / safe(name), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as to:
                to.write(body)
        asked = {"actor": actor, "source": source, "school_id": school_id}
        (folder / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
        self._start(folder, "preview", ["--preview"])
        return import_id

    def confirm(self, import_id: str, *, actor: str) -> None:
        """Save what was looked at, in spite of what is unusual.

        Raises
        ------
        NotFound
        Conflict
            If the preview is not over, or it is saved already.
        """
        job = self.job(import_id, actor=actor)
        if job.step != "preview" or job.status not in ("preview", "unusual"):
            raise Conflict("only what was looked at can be saved, and once")
        self._start(self._root / import_id, "save", ["--confirm"])

    def job(self, import_id: str, *, actor: str) -> Job:
        """How an import stands.

        Raises
        ------
        NotFound
            If there is none, or somebody else started it.
        """
        folder = self._root / import_id
        asked = _read(folder / "asked.json") if _ID.match(import_id) else None
        if asked is None or asked["actor"] != actor:
            raise NotFound("there is no such import, or it is older than a day")
        step = "save" if (folder / "save.json").exists() else "preview"
        report = _read(folder / f"{step}.json") or {"status": "running"}
        return Job(import_id, actor, step, report["status"], report)

    def refused(self, import_id: str) -> Path:
        """Where every refused row stands, if there is any. Ask `job` first."""
        return self._root / import_id / "refused.csv"

    def _start(self, folder: Path, step: str, options: Sequence[str]) -> None:
        asked = _read(folder / "asked.json") or {}
        found = sorted(path for path in (folder / "files").rglob("*") if path.is_file())
        mappings = [path for path in found if path.suffix.lower() == ".toml"]
        files = [path for path in found if path not in mappings]
        told = folder / f"{step}.json"
        told.write_text('{"status": "running"}', encoding="utf-8")
        command = [
            sys.executable, "-m", "earlywarning_pipelines", "--home", str(self._home), "import",
            *options, "--json", str(told), "--refused", str(folder / "refused.csv"),
            "--review", str(folder / "review.csv"), "--source", asked["source"],
        ]  # fmt: skip
        if mappings:
            command += ["--mapping", str(mappings[0])]
        if asked["school_id"]:
            command += ["--school", asked["school_id"], "--only-school", asked["school_id"]]
        process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell
            [*command, "--", *map(str, files)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        threading.Thread(target=_ended, args=(process, told), daemon=True).start()

    def _forget(self) -> None:
        old = time.time() - KEPT_SECONDS
        for folder in self._root.glob("*"):
            if folder.stat().st_mtime < old:
                shutil.rmtree(folder, ignore_errors=True)


def _ended(process: subprocess.Popen[bytes], told: Path) -> None:
    """Wait for a process; one that ended without a word has failed."""
    process.wait()
    if (_read(told) or {}).get("status", "running") == "running":
        told.write_text('{"status": "failed"}', encoding="utf-8")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def safe(name: str) -> str:
    """A file's name without folders, controls or anything that is more than a name."""
    bare = name.replace("\\", "/").rpartition("/")[2]
    plain = _UNSAFE.sub("_", bare).lstrip(". ")[-80:].strip()
    return plain or "file"
