"""The draft of a quarter, and what a page that asked for it tells: how far, what is missing."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from earlywarning.io.register.lists import ListRow
from earlywarning_pipelines import publish, run_quarter, serving, work_report

if TYPE_CHECKING:
    from earlywarning_pipelines.home import Home


def run(
    home: Home,
    *,
    quarter: str,
    seed: int,
    by: str,
    at: datetime,
    school_id: str | None,
    path: Path | None,
    progress: work_report.Progress,
) -> list[ListRow]:
    """Make the drafts; see `publish.draft`.

    Parameters
    ----------
    path : Path or None
        Of a report for the program that started this: besides the lists it names what is missing
        of the quarter before.
    """
    with work_report.kept(work_report.Report(path)) as report:
        tell = report.progress(progress)
        made = publish.draft(
            quarter=quarter, engine=home.engine, store=home.store, register=home.register,
            registry=home.models, district=home.district, seed=seed, by=by, at=at,
            school_id=school_id, progress=tell,
        )  # fmt: skip
        if path is not None:
            tell("missing", 0, 1)
            found = run_quarter.missing_before(home, home.district.calendar.quarter(quarter))
            report.done(
                lists=[[one.school_id, one.visit_list_id] for one in made],
                missing=[one.as_json() for one in found if school_id in (None, one.school_id)],
                refused=serving.refusals(made[0].header),
            )
    return made
