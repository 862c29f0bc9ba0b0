"""What an import does and did, as JSON for a program that started it.

`status` is `running` until it is one of `preview`, `saved`, `unusual` (a person must confirm),
`refused` and `failed`.
"""

from __future__ import annotations

from collections.abc import Container
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from earlywarning.io.recognising import Inspection, Recognised
from earlywarning_pipelines import work_report
from earlywarning_pipelines.ingest import IngestResult
from earlywarning_pipelines.merging import Counts

FAULTS, PEOPLE, NOTES = 200, 300, 50
"""How much of each is told; the files of faults and of names hold all of it."""

_NONE = Counts()


class Report(work_report.Report):
    """The report of one import."""

    def understood(self, found: Inspection, said: Container[str] = ()) -> None:
        """What each file is, and what a person must still say before it can be imported."""
        self.write(
            files=[_file(item) for item in found.files],
            questions=[
                {"key": key, "text": text} for key, text in found.questions if key not in said
            ],
        )

    def ended(self, result: IngestResult) -> None:
        """What the import did, or would do."""
        self.write(
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


def kept(path: Path | None) -> AbstractContextManager[Report]:
    """A report that says how the block ended, also if it failed."""
    return work_report.kept(Report(path))


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
