"""What an import does and did, as JSON for a program that started it.

The file is written anew, whole, while the import goes on: `status` is `running` until it is one of
`preview`, `saved`, `unusual` (a person must confirm), `refused` and `failed`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from earlywarning.errors import ConfirmationNeeded, EarlyWarningError
from earlywarning.io.recognising import Inspection, Recognised
from earlywarning_pipelines.ingest import IngestResult, Progress
from earlywarning_pipelines.merging import Counts

FAULTS, PEOPLE, NOTES = 200, 300, 50
"""How much of each is told; the files of faults and of names hold all of it."""

_EVERY_SECONDS = 0.5
_NONE = Counts()


class Report:
    """The report of one import.

    Parameters
    ----------
    path : Path or None
        Where it is written; None writes nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._content: dict[str, Any] = {"status": "running"}
        self._written_at = 0.0

    def progress(self, also: Progress) -> Progress:
        """A progress function that tells this report too."""

        def tell(stage: str, done: int, total: int) -> None:
            also(stage, done, total)
            if time.monotonic() - self._written_at > _EVERY_SECONDS:
                self._write(progress={"stage": stage, "done": done, "total": total})

        return tell

    def understood(self, found: Inspection, said: Container[str] = ()) -> None:
        """What each file is, and what a person must still say before it can be imported."""
        self._write(
            files=[_file(item) for item in found.files],
            questions=[
                {"key": key, "text": text} for key, text in found.questions if key not in said
            ],
        )

    def ended(self, result: IngestResult) -> None:
        """What the import did, or would do."""
        self._write(
            status="preview" if result.preview else "saved",
            source=result.source,
            delivered_on=result.delivered_on.isoformat(),
            tables=_tables(result),
            reasons=result.refused.to_dicts(),
            faults=result.faults.head(FAULTS).to_dicts(),
            faults_total=result.faults.height,
            people=result.matched.review.head(PEOPLE).drop("answer").to_dicts(),
            people_total=result.matched.review.height,
            unusual=list(result.unusual),
            notes=list(result.warnings[:NOTES]),
        )

    def stopped(self, status: str, problem: str) -> None:
        """Why nothing was saved."""
        self._write(status=status, problem=problem)

    def _write(self, **values: Any) -> None:
        self._content |= values
        if self._path is None:
            return
        aside = self._path.with_name(f".{self._path.name}.new")
        # Names stand in it: only its owner may read it.
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._content, file, ensure_ascii=True)
        aside.replace(self._path)
        self._written_at = time.monotonic()


@contextmanager
def kept(path: Path | None) -> Iterator[Report]:
    """A report that says how the block ended, also if it failed."""
    report = Report(path)
    try:
        yield report
    except ConfirmationNeeded as error:
        report.stopped("unusual", str(error))
        raise
    except EarlyWarningError as error:
        report.stopped("refused", str(error))
        raise
    except OSError as error:
        report.stopped("failed", error.strerror or type(error).__name__)
        raise
    except BaseException as error:
        report.stopped("failed", type(error).__name__)
        raise


def _file(item: Recognised) -> dict[str, Any]:
    found = item.found
    return {
        "name": item.name,
        "layout": found.layout if found else None,
        "what": found.what if found else "",
        "tables": list(dict.fromkeys(entry["table"] for entry in found.entries)) if found else [],
        "notes": list(found.warnings) if found else [],
        "problem": item.problem,
    }


def _tables(result: IngestResult) -> list[dict[str, Any]]:
    """Rows read by table of the files, and what was saved by table of ours."""
    names = dict.fromkeys((*result.rows_read, *result.counts))
    return [
        {
            "table": name,
            "read": result.rows_read.get(name, 0),
            "refused": result.rows_refused.get(name, 0),
            "merged": result.merged.get(name, 0),
            "added": (count := result.counts.get(name, _NONE)).added,
            "changed": count.changed,
            "unchanged": count.unchanged,
        }
        for name in names
    ]
