"""A page of a list on PostgreSQL: does it cost more in a register of a million families?

Two registers, of 30,000 and of 1,000,000 ranked families in schools of 500, made by the database
itself. A coordinator of some school asks for the first fifty families, each time another school,
in turns to both: what the page reads, without HTTP. `value`: p99 of the large register ÷ p99 of
the small one, at most 1.5. Medians stand beside it.

PostgreSQL's programs must be installed; on Debian the package postgresql.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
from _measure import finish, table

sys.path.append(str(Path(__file__).parents[1] / "tests"))

import postgres
import wide_register
from earlywarning.io.register import lists, working_list
from earlywarning.io.register.db import Register, open_register
from earlywarning_api import access

BAR = 1.5
SEED = 1
TODAY = date(2026, 10, 5)


def page(register: Register, school: int) -> float:
    """Seconds for one page of a school's list."""
    person = access.Person(
        "0" * 32, "coordinator", wide_register.school_id(school), None, at=wide_register.AT
    )
    visible = access.visible_students(person).ids
    started = time.perf_counter()
    (row,) = lists.find(register, [wide_register.list_id(school)])
    with register.session() as session:
        found = working_list.page(session, visible, row, today=TODAY, limit=50)
    seconds = time.perf_counter() - started
    if len(found) != 50:
        raise RuntimeError(f"{len(found)} families on the page of school {school}")
    return seconds


def main() -> int:
    """Fill both, ask in turns, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5,000 and 50,000 families")
    parser.add_argument("--pages", type=int, default=3000, help="of each register")
    options = parser.parse_args()
    sizes = (5_000, 50_000) if options.quick else (30_000, 1_000_000)
    pages = 200 if options.quick else options.pages
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}", flush=True)
    rng = random.Random(SEED)  # noqa: S311 - which school asks
    times: dict[int, list[float]] = {size: [] for size in sizes}
    with postgres.server() as folder:
        registers = {size: open_register(postgres.new_database(folder)) for size in sizes}
        for size, register in registers.items():
            wide_register.fill(register, size)
        gc.collect()
        gc.disable()
        for turn in range(pages + 50):
            for size, register in registers.items():
                seconds = page(register, rng.randrange(size // wide_register.SCHOOL))
                if turn >= 50:
                    times[size].append(seconds)
        for register in registers.values():
            register.close()
    p99 = {size: float(np.percentile(some, 99)) * 1000 for size, some in times.items()}
    median = {size: float(np.median(some)) * 1000 for size, some in times.items()}
    table(
        ("families", "median ms", "p99 ms"),
        [(f"{size:,}", f"{median[size]:.1f}", f"{p99[size]:.1f}") for size in sizes],
    )
    small, large = sizes
    value = p99[large] / p99[small]
    failed = [f"p99 {value:.2f} times that of the small one, at most {BAR}"] * (value > BAR)
    figures = {"name": "list_page", "bar": BAR, "unit": "p99 ratio", "sizes": list(sizes),
               "seeds": [SEED],
               "median_ratio": round(median[large] / median[small], 3)}  # fmt: skip
    return finish(value, figures, failed)


if __name__ == "__main__":
    sys.exit(main())
