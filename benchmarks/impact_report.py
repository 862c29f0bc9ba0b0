"""How long a district waits for its report: 20,000 students, eight quarters of lists with lots.

The district is lived first, which takes most of the time and is not measured: simulated schools
write down their days, the real pipeline publishes and freezes a list for each school and quarter,
and teachers visit who is listed. Measured is `earlywarning impact report` on it, in a process of
its own, with nothing kept: the audit and every list verified and drawn again, facts verified, the
panel, all designs on all outcomes, both languages. `value`: processor seconds; under 120.

`--keep FOLDER` keeps the district there, and takes one that is there already.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import _measure

sys.path.append(str(Path(__file__).parents[1] / "tests"))

BAR_SECONDS = 120.0
SCHOOLS, SIZE, QUARTERS, SEED = 24, 834, 8, 5
AT = datetime(2026, 7, 1, 3)  # noqa: DTZ001 - the register keeps UTC without zone


def main() -> int:
    """Make the district, then report on it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one school of 200, three quarters")
    parser.add_argument("--schools", type=int, default=SCHOOLS, help="of 834 students")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.report is not None:
        return report(options.report)
    schools, size, quarters = (1, 200, 3) if options.quick else (options.schools, SIZE, QUARTERS)
    with tempfile.TemporaryDirectory() as folder:
        home = (options.keep or Path(folder)) / "home"
        if not home.exists():
            from lived_district import live

            began = time.process_time()
            live(home, schools=schools, size=size, effect=1.0, listed=quarters, seed=SEED)
            print(f"lived in {time.process_time() - began:.0f} processor seconds", flush=True)
        cost = _measure.run_apart(Path(__file__), "--report", str(home))
    rows, made = cost.result
    _measure.table(
        ("student-quarters", "results", "processor s", "wall s", "peak MB"),
        [(f"{rows:,}", made, f"{cost.cpu:.1f}", f"{cost.wall:.1f}", f"{cost.peak_mb:.0f}")],
    )
    failed = [f"the report took {cost.cpu:.0f} s"] if cost.cpu >= BAR_SECONDS else []
    return _measure.finish(
        cost.cpu,
        {"name": "impact_report", "bar": BAR_SECONDS, "unit": "processor seconds",
         "sizes": [schools * size, quarters], "seeds": [SEED]},
        failed,
    )  # fmt: skip


def report(home: Path) -> int:
    """In the child: the report, as the command makes it."""
    from sqlalchemy import delete

    from earlywarning.io.register.evidence_tables import ImpactResult
    from earlywarning_pipelines import impact
    from earlywarning_pipelines.home import open_home

    opened = open_home(home)
    with opened.register.session(writing=True) as session:
        session.execute(delete(ImpactResult))
        session.commit()

    def task() -> tuple[int, int]:
        found = impact.analyse(opened, study_name=None, as_of=AT.date(), at=AT)
        impact.report(
            found, opened, folder=home / "report", languages=("id", "en"), at=AT, pdf=False
        )
        return len(found.panel), sum(one["itt"] is not None for one in found.result["results"])

    _measure.work(task, told=list)
    return 0


if __name__ == "__main__":
    sys.exit(main())
