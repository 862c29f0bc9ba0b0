"""How long it takes to plan the visits of a school with 100 teachers, each with 8 families.

Villages, hours when families can be met, sexes and preferences are drawn. Processor seconds of the
planning alone count, the slowest seed decides; the bar is 20. Wishes that are not met are counted.

    python benchmarks/planning.py [--quick]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from datetime import date

from earlywarning.calendar import SchoolCalendar
from earlywarning.visit_rules import Planning
from earlywarning.visits.plan_task import Family, Task, Teacher
from earlywarning.visits.schedule import Schedule, plan
from earlywarning.visits.weeks import weeks

BAR_SECONDS = 20.0
VISITS = 8
VILLAGES = 7
SLOTS = ("afternoon", "evening", "saturday")
PREFERENCES = ("never", "opposite_sex_household", "always")


def school(teachers: int, seed: int) -> Task:
    """A drawn school; a quarter with two weeks of exams and a holiday has ten weeks for visits."""
    draw = random.Random(seed)  # noqa: S311 - invented people only
    rules = Planning(
        holidays=((date(2026, 12, 19), date(2027, 1, 4)),),
        exams=((date(2026, 11, 30), date(2026, 12, 12)),),
    )
    staff = {
        f"t{i:03d}": Teacher(
            f"t{i:03d}", draw.choice("FM"), draw.choices(PREFERENCES, (0.3, 0.6, 0.1))[0]
        )
        for i in range(teachers)
    }
    homes = ({"F"}, {"M"}, {"F", "M"}, {"unknown"})
    families = []
    for lead in staff:
        for place in range(VISITS):
            hours = draw.sample(SLOTS, draw.choice((1, 2, 2, 3)))
            families.append(
                Family(
                    f"f{len(families):04d}", lead, len(families) + 1, place < 5,
                    f"v{draw.randrange(VILLAGES)}",
                    {slot: frozenset(draw.choice(homes)) for slot in hours},
                )
            )  # fmt: skip
    return Task(families, staff, weeks(SchoolCalendar().quarter("2026-27-Q2"), rules), rules)


def told(task: Task, made: Schedule) -> str:
    """What came of one plan."""
    companions = Counter(one.companion for one in made.planned if one.companion)
    trips = {
        (f.lead, f.village, p.monday) for f, p in zip(task.families, made.planned, strict=True)
    }
    fewest = {(f.lead, f.village) for f in task.families}
    return (
        f"{len(made.conflicts)} wishes unmet; {companions.total()} visits accompanied, at most "
        f"{max(companions.values(), default=0)} by one teacher; {len(trips)} weeks in a village, "
        f"{len(fewest)} at the least"
    )


def main() -> int:
    """Plan, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="30 teachers, one seed")
    quick = parser.parse_args().quick
    teachers, seeds = (30, (1,)) if quick else (100, (1, 2, 3))
    slowest = 0.0
    for seed in seeds:
        task = school(teachers, seed)
        start = time.process_time()
        made = plan(task)
        cpu = time.process_time() - start
        slowest = max(slowest, cpu)
        print(f"seed {seed}: {cpu:.1f} CPU s for {len(made.planned)} visits; {told(task, made)}")
    print(
        json.dumps(
            {
                "name": "planning", "value": round(slowest, 2), "bar": BAR_SECONDS,
                "unit": "CPU seconds, less is better",
                "sizes": {"teachers": teachers, "visits": teachers * VISITS},
                "seeds": list(seeds),
            }
        )
    )  # fmt: skip
    return 0 if slowest <= BAR_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
