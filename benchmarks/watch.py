"""Does watching notice what goes wrong in a school's records, and keep quiet when nothing does?

Simulated schools live through four years. The first two train a model of each outcome; every later
quarter is looked at as `earlywarning monitor` does, and judged again when its outcomes are known.
Undisturbed quarters must be quiet. Then each shock changes the records of one quarter, and the
right warning, by its code, must come.

`value`: share of shocks, over all schools, that raised the right warning. Bar: all of them, and at
most 2 warnings in all quiet quarters together.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path

import _measure

from earlywarning_pipelines import watch_trial

BAR = 1.0
MOST_QUIET = 2
SEEDS = 5
UNTIL = date(2026, 7, 1)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small school")
    parser.add_argument("--students", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first-seed", type=int, default=1, help="for schools never looked at")
    options = parser.parse_args()
    students = 240 if options.quick else options.students
    number = 1 if options.quick else options.seeds
    seeds = list(range(options.first_seed, options.first_seed + number))
    quiet, quarters = [], 0
    right: Counter[str] = Counter()
    raised: dict[str, Counter[str]] = {}
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            school = watch_trial.school(Path(folder), students=students, seed=seed, until=UNTIL)
            for code, found in watch_trial.quiet(school):
                quarters += 1
                quiet += [(seed, code, one) for one in found]
            for shock, found in watch_trial.shocked(school):
                codes = {one.code for one in found}
                right[shock.name] += shock.expected in codes
                raised.setdefault(shock.name, Counter()).update(codes)
        print(f"seed {seed}: {len(quiet)} warnings in {quarters} quiet quarters so far", flush=True)
    for seed, code, one in quiet:
        print(f"  quiet, seed {seed} {code}: {one}", flush=True)
    _measure.table(
        ("shock", "right warning", "raised", "all warnings (schools)"),
        [
            (
                shock.name, shock.expected, f"{right[shock.name]} of {len(seeds)}",
                ", ".join(f"{code} {n}" for code, n in raised[shock.name].most_common()),
            )
            for shock in watch_trial.SHOCKS
        ],
    )  # fmt: skip
    value = sum(right.values()) / (len(seeds) * len(watch_trial.SHOCKS))
    failed = []
    if value < BAR:
        failed.append(f"{value:.2f} of the shocks raised the right warning, the bar is {BAR}")
    if len(quiet) > MOST_QUIET:
        failed.append(f"{len(quiet)} warnings in quiet quarters, at most {MOST_QUIET} allowed")
    return _measure.finish(
        value,
        {"name": "watch", "bar": BAR, "unit": "right warnings raised",
         "quiet_warnings": len(quiet), "quiet_quarters": quarters,
         "sizes": [students], "seeds": seeds},
        failed,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
