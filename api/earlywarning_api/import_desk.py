"""Uploads in a private folder, and the import that runs on them as a process of its own.

The service carries nothing of what reads files. It starts the command, which writes a report; the
process holds a lock on a file as long as it lives, so that whoever asks, also after a restart, can
tell whether it still does.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import threading
import unicodedata
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PureWindowsPath
from typing import Any, BinaryIO

from sqlalchemy import func, select

from earlywarning.io.register import import_jobs as jobs
from earlywarning.io.register.db import Register
from earlywarning.io.register.import_jobs import Job
from earlywarning.io.register.models import ImportBatch, School
from earlywarning_api import started

MAPPING = ".toml"
MOST_FILES = 20
ANSWERS = "answers.csv"
LONGEST_NAME = 100

_SWEEP_SECONDS = 600
_NOT_IN_NAMES = re.compile(r"[^\w .()+-]")


@dataclass(frozen=True, slots=True)
class Upload:
    """One file that was sent."""

    name: str
    content: BinaryIO


def source_of(register: Register, school_id: str | None) -> str:
    """The name of the source of files that came without a mapping.

    A correction is recognised within one source only: where all that was imported came from one,
    that is it. Else as at the terminal; of several schools, each is a source of its own.
    """
    with register.session() as session:
        others = session.scalar(
            select(func.count()).select_from(School).where(School.school_id != school_id)
        )
        known = session.scalars(select(ImportBatch.source).distinct()).all()
    if school_id and others:
        return f"school-files-{school_id}"
    return known[0] if len(known) == 1 else "school-files"


class Desk(started.Desk):
    """Takes uploads, and lets the import read and save them."""

    FOLDER = "uploads"

    def take(self, files: Sequence[Upload], *, school_id: str | None, actor: str) -> Job:
        """Keep files under random names, and begin to read them.

        Raises
        ------
        Conflict
            While another import runs.
        """
        self.settle_all()
        job_id = uuid.uuid4().hex
        place = self._new_place(job_id)
        try:
            stored = [_stored(place, one) for one in files]
            labels = labels_of([one.name for one in files])
            sizes = [path.stat().st_size for path in stored]
            names = {path.name: label for path, label in zip(stored, labels, strict=True)}
            (place / "names.json").write_text(json.dumps(names))
            with started.held(self._place(job_id)) as lock:
                job = jobs.add(
                    self._register, job_id=job_id, school_id=school_id, actor=actor,
                    files=list(zip(labels, sizes, strict=True)), at=self._clock(),
                )  # fmt: skip
                self._start(job, lock, preview=True)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return job

    def read_again(self, job: Job, said: Mapping[str, str], *, actor: str) -> Job:
        """Read an upload again with answers to what was asked."""
        with started.held(self._place(job.job_id)) as lock:
            job = jobs.go_on(
                self._register, job, jobs.READING, actor=actor, at=self._clock(), said=said
            )
            self._start(job, lock, preview=True)
        return job

    def save(
        self, job: Job, answers: Mapping[str, str], *, unusual_is_right: bool, actor: str
    ) -> Job:
        """Save what was read, with answers about whose names these are."""
        with started.held(self._place(job.job_id)) as lock:
            job = jobs.go_on(self._register, job, jobs.SAVING, actor=actor, at=self._clock())
            self._start(job, lock, answers=answers, unusual_is_right=unusual_is_right)
        return job

    def withdraw(self, job: Job, *, actor: str) -> None:
        """Remove an upload that was not confirmed."""
        jobs.go_on(self._register, job, jobs.WITHDRAWN, actor=actor, at=self._clock())
        shutil.rmtree(self._place(job.job_id), ignore_errors=True)

    def report(self, job_id: str, *, saved: bool = False) -> dict[str, Any]:
        """What the import wrote; empty if nothing, or no more."""
        return started.report(self._place(job_id) / ("saved.json" if saved else "preview.json"))

    def bare(self, job_id: str, text: str) -> str:
        """A message without the folder in which an upload is kept."""
        place = self._place(job_id)
        return text.replace(f"{place / 'named'}/", "").replace(f"{place}/", "")

    def answered(self, job_id: str) -> list[str]:
        """Keys of the names that the last answers were about, as their file has them from row 2."""
        try:
            with (self._place(job_id) / ANSWERS).open(encoding="utf-8", newline="") as file:
                return [row[0] for row in csv.reader(file, delimiter=";")][1:]
        except OSError:
            return []

    def faults(self, job_id: str) -> bytes | None:
        """The CSV file of all refused rows; None if there is none."""
        try:
            return (self._place(job_id) / "refused.csv").read_bytes()
        except OSError:
            return None

    def settled(self, job: Job) -> Job:
        """The job, brought up to date if its process has ended."""
        if job.status not in jobs.RUNNING or started.is_held(self._place(job.job_id)):
            return job
        saving = job.status == jobs.SAVING
        report = self.report(job.job_id, saved=saving)
        with self._register.session() as session:
            saved = saving and jobs.was_saved(session, job.job_id)
        status = jobs.FINISHED if saved else _outcome(job.status, report)
        jobs.settle(self._register, job, status, at=self._clock(), summary=_summary(report))
        shutil.rmtree(self._place(job.job_id) / "named", ignore_errors=True)
        if status in (jobs.FINISHED, jobs.FAILED):
            self._drop_files(job.job_id)
        with self._register.session() as session:
            visible = select(jobs.ImportJob.job_id)
            return jobs.found(session, visible, job.job_id) or job

    def settle_all(self) -> None:
        """Bring every job up to date, and remove what is older than a day."""
        with self._register.session() as session:
            running = jobs.unsettled(session)
            old = jobs.outdated(session, self._clock())
        for job in running:
            self.settled(job)
        for job in old:
            jobs.settle(self._register, job, jobs.EXPIRED, at=self._clock())
        self._sweep()

    @contextmanager
    def tended(self) -> Iterator[None]:
        """Look after uploads in the background while the block runs."""
        stopped = threading.Event()

        def tend() -> None:
            self.settle_all()
            while not stopped.wait(_SWEEP_SECONDS):
                self.settle_all()

        thread = threading.Thread(target=tend, name="uploads", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join(timeout=5)

    def _start(
        self,
        job: Job,
        lock: int,
        *,
        preview: bool = False,
        answers: Mapping[str, str] | None = None,
        unusual_is_right: bool = False,
    ) -> None:
        place = self._place(job.job_id)
        report = place / ("preview.json" if preview else "saved.json")
        for old in (report, place / "refused.csv", place / "review.csv"):
            old.unlink(missing_ok=True)
        command = [*started.program(self._home), "import", *self._named(place)]
        command += ["--json", str(report)]
        command += ["--refused", str(place / "refused.csv"), "--review", str(place / "review.csv")]
        command += ["--source", source_of(self._register, job.school_id), "--id", job.job_id]
        if job.school_id is not None:
            command += ["--school", job.school_id, "--only-school", job.school_id]
        for key, value in job.said.items():
            command += ["--school", value] if key == "school_id" else ["--say", f"{key}={value}"]
        if preview:
            command.append("--preview")
        if unusual_is_right:
            command.append("--confirm")
        if answers:
            command += ["--answers", str(_answers(place, answers))]
        started.start(command, place, lock=lock, environment=self._environment)

    def _named(self, place: Path) -> list[str]:
        """The files under their labels, for readers look at names; a mapping as an option."""
        named = place / "named"
        shutil.rmtree(named, ignore_errors=True)
        named.mkdir(mode=0o700)
        words: list[str] = []
        for stored, label in json.loads((place / "names.json").read_text()).items():
            shutil.copyfile(place / stored, named / label)
            is_mapping = label.lower().endswith(MAPPING)
            words += ["--mapping", str(named / label)] if is_mapping else [str(named / label)]
        return words

    def _drop_files(self, job_id: str) -> None:
        """Remove the uploaded files, and what quotes all of them; the list of faults stays."""
        kept = {"preview.json", "saved.json", "refused.csv"}
        for path in self._place(job_id).glob("*"):
            if path.name not in kept and path.is_file():
                path.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove folders that are older than a day, or belong to nothing that waits or is new."""
        limit = self._clock() - jobs.KEPT_FOR
        with self._register.session() as session:
            query = select(jobs.ImportJob.job_id).where(
                jobs.ImportJob.made_at >= limit, jobs.ImportJob.status != jobs.WITHDRAWN
            )
            kept = set(session.scalars(query))
            kept |= {job.job_id for job in jobs.unsettled(session)}
        for place in self._folder.glob("*"):
            if place.name not in kept and not self._is_new(place):
                shutil.rmtree(place, ignore_errors=True)

    def _is_new(self, place: Path) -> bool:
        """Whether an upload may still be arriving."""
        try:
            age = datetime.now().timestamp() - place.stat().st_mtime  # noqa: DTZ005
        except OSError:
            return False
        return age < _SWEEP_SECONDS


def _stored(place: Path, upload: Upload) -> Path:
    path = place / uuid.uuid4().hex
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        shutil.copyfileobj(upload.content, file)
    return path


def labels_of(names: Sequence[str]) -> list[str]:
    """What files are called from here on: no folder, no sign that means anything, each once."""
    labels: list[str] = []
    taken: set[str] = set()
    for name in names:
        bare = unicodedata.normalize("NFC", PureWindowsPath(name.replace("\x00", "")).name)
        clean = _NOT_IN_NAMES.sub("_", bare).strip(" ._-") or "file"
        stem, dot, ending = clean.rpartition(".")
        if not dot or len(ending) > 8:
            stem, dot, ending = clean, "", ""
        stem = stem[: LONGEST_NAME - len(ending)]
        label, number = f"{stem}{dot}{ending}", 1
        while label.casefold() in taken:
            number += 1
            label = f"{stem} ({number}){dot}{ending}"
        taken.add(label.casefold())
        labels.append(label)
    return labels


def _answers(place: Path, answers: Mapping[str, str]) -> Path:
    path = place / ANSWERS
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(("key", "answer"))
        writer.writerows(answers.items())
    return path


def _outcome(status: str, report: Mapping[str, Any]) -> str:
    """What a process that has ended leaves: its report says it, or it died."""
    said = report.get("status")
    if status == jobs.READING:
        known = {"preview": jobs.WAITING, "refused": jobs.REFUSED}
    else:  # not saved: a person may look at why, and try again
        known = {"unusual": jobs.WAITING, "refused": jobs.WAITING}
    return known.get(str(said), jobs.FAILED)


def _summary(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """Counts by table and reason; nothing that quotes a file."""
    if "tables" not in report:
        return None
    return {
        "tables": report["tables"],
        "reasons": report["reasons"],
        "people": report["people_total"],
        "source": report["source"],
        "delivered_on": report["delivered_on"],
    }
