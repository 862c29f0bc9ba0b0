"""Drafts, models and analyses that people ask for on a page: the command does it, apart.

The service loads no model. It starts the same command as the terminal, which writes a report; what
came of it is kept in the register.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from earlywarning.io.register import work_jobs
from earlywarning.io.register.job_tables import WorkJob
from earlywarning.io.register.work_jobs import Work
from earlywarning_api import started

REPORT = "report.json"
KEPT = ("lists", "missing", "refused", "version", "before", "override", "skipped", "gates", "kind",
        "problem")  # fmt: skip
"""What of a report is kept."""

_ENDS = {"done": work_jobs.FINISHED, "unusual": work_jobs.REFUSED, "refused": work_jobs.REFUSED}
_LONGEST_PROBLEM = 2000


class WorkDesk(started.Desk):
    """Starts work, and tells how it stands."""

    FOLDER = "work"

    def draft(self, quarter: str, *, school_id: str, actor: str) -> Work:
        """Rank the families of a school for a quarter.

        Raises
        ------
        Conflict
            While other work runs.
        """
        words = ["draft", f"--quarter={quarter}", f"--school={school_id}", "--first=0"]
        return self._begin(work_jobs.DRAFT, words, {"quarter": quarter}, actor, school_id)

    def promote(
        self, outcome: str, version: int, *, reason: str, override: bool, actor: str
    ) -> Work:
        """Let a version of a model serve, if it fails no gate or a person knows better.

        Raises
        ------
        Conflict
            While other work runs.
        """
        asked = {"outcome": outcome, "version": version, "reason": reason, "override": override}
        words = ["models", "promote", outcome, str(version), f"--reason={reason}"]
        words += ["--override"] if override else []
        return self._begin(work_jobs.PROMOTE, words, asked, actor)

    def roll_back(self, outcome: str, *, reason: str, actor: str) -> Work:
        """Let the version serve again that served before.

        Raises
        ------
        Conflict
            While other work runs.
        """
        asked = {"outcome": outcome, "reason": reason}
        words = ["models", "rollback", outcome, f"--reason={reason}"]
        return self._begin(work_jobs.ROLL_BACK, words, asked, actor)

    def study(self, study_id: str, *, actor: str) -> Work:
        """Analyse a registered study; a result from the same data is not made twice.

        Raises
        ------
        Conflict
            While other work runs.
        """
        words = ["impact", "report", f"--study={study_id}"]
        return self._begin(work_jobs.IMPACT, words, {"study": study_id}, actor)

    def _begin(
        self,
        kind: str,
        words: list[str],
        asked: Mapping[str, Any],
        actor: str,
        school_id: str | None = None,
    ) -> Work:
        self.settle_all()
        job_id = uuid.uuid4().hex
        place = self._new_place(job_id)
        command = [*started.program(self._home), *words, f"--by={actor}"]
        command += [f"--json={place / REPORT}"]
        try:
            with started.held(place) as lock:
                work = work_jobs.add(
                    self._register, job_id=job_id, kind=kind, school_id=school_id, asked=asked,
                    actor=actor, at=self._clock(),
                )  # fmt: skip
                started.start(command, place, lock=lock, environment=self._environment)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return work

    def progress(self, work: Work) -> Mapping[str, Any] | None:
        """How far it is: `stage`, `done` and `total`; None if that is not known."""
        return started.report(self._place(work.job_id) / REPORT).get("progress")

    def settled(self, work: Work) -> Work:
        """The work, brought up to date if its process has ended."""
        place = self._place(work.job_id)
        if work.status != work_jobs.RUNNING or started.is_held(place):
            return work
        report = started.report(place / REPORT)
        status = _ENDS.get(str(report.get("status")), work_jobs.FAILED)
        outcome = {key: report[key] for key in KEPT if key in report}
        if "problem" in outcome:
            outcome["problem"] = str(outcome["problem"])[:_LONGEST_PROBLEM]
        work_jobs.settle(self._register, work.job_id, status, outcome, at=self._clock())
        shutil.rmtree(place, ignore_errors=True)
        with self._register.session() as session:
            return work_jobs.found(session, select(WorkJob.job_id), work.job_id) or work

    def settle_all(self) -> None:
        """Bring all work up to date."""
        with self._register.session() as session:
            running = work_jobs.unsettled(session)
        for work in running:
            self.settled(work)
