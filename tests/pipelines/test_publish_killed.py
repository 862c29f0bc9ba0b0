"""Killed while publishing: every list is there whole, as draft or published, or not at all."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from earlywarning.io.register import audit_check, audit_head, lists
from earlywarning.io.register.db import open_register
from earlywarning.io.register.models import VisitList, VisitListItem, VisitListStudent
from earlywarning.visits.frozen import digest
from service_world import people

HERE = Path(__file__).parents[1]

# Publishes list after list, one quarter after the other, and says so when each is done. Every
# second one goes through a draft, as a coordinator would.
CHILD = """
import sys
sys.path.insert(0, sys.argv[2])
from datetime import date, datetime
from earlywarning.io.register import lists
from earlywarning.io.register.db import open_register
from service_world import draft

at = datetime(2026, 10, 5)
register = open_register(sys.argv[1])
start = int(sys.argv[3])
print("ready", flush=True)
for year in range(start, start + 10):
    for n in range(1, 5):
        code = f"{year}-{(year + 1) % 100:02d}-Q{n}"
        made = draft(code, date(2026, 10, 1), n)
        if n % 2:
            rows = lists.save(register, [made], by="child", at=at, publish=False)
            rows = lists.publish_drafts(register, rows, by="child", at=at)
        else:
            rows = lists.save(register, [made], by="child", at=at, publish=True)
        print(rows[0].visit_list_id, flush=True)
"""


@pytest.mark.parametrize(
    "kills", [pytest.param(3, id="3"), pytest.param(100, id="100", marks=pytest.mark.slow)]
)
def test_8_nothing_is_half_published(tmp_path: Path, kills: int) -> None:
    url = f"sqlite:///{tmp_path / 'register.db'}"
    with open_register(url) as register:
        people(register)
    rng = random.Random(20261005)  # noqa: S311 - moments at which to kill
    acknowledged: set[str] = set()
    for kill in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, url, str(HERE), str(2000 + 6 * kill)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        first = process.stdout.readline()  # on a busy machine the first list takes its time
        acknowledged.add(first.strip())
        time.sleep(rng.uniform(0.0, 0.12))
        process.send_signal(signal.SIGKILL)
        said, _ = process.communicate(timeout=60)
        # A last line that was cut off was not acknowledged.
        acknowledged |= {line for line in said.splitlines(keepends=False) if len(line) == 32}
    with open_register(url) as register, register.session() as session:
        assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        assert session.execute(text("PRAGMA foreign_key_check")).all() == []
        # The audit knows every published list, its end is where the file beside it says.
        head = audit_head.kept(tmp_path / "audit-head")
        assert head is not None
        checked = audit_check.verify(session, [("audit-head", head)])
        assert (checked.faults, checked.older) == ([], 0)
        whole = draft_sizes(session)
        rows = session.execute(
            select(VisitList.visit_list_id, VisitList.status, VisitList.published_by,
                   VisitList.frozen, VisitList.frozen_sha256)
        ).all()  # fmt: skip
    assert acknowledged <= {row[0] for row in rows if row[1] == lists.PUBLISHED}
    assert acknowledged
    for visit_list_id, status, by, frozen, sha256 in rows:
        assert digest(frozen) == sha256
        assert whole[visit_list_id] == (6, 7)
        assert (by is not None) == (status == lists.PUBLISHED)


def draft_sizes(session) -> dict[str, tuple[int, int]]:
    """Families and children of each list."""
    query = (
        select(
            VisitListItem.visit_list_id,
            func.count(VisitListItem.item_id.distinct()),
            func.count(VisitListStudent.student_id),
        )
        .join(VisitListStudent, VisitListStudent.item_id == VisitListItem.item_id)
        .group_by(VisitListItem.visit_list_id)
    )
    return {row[0]: (row[1], row[2]) for row in session.execute(query)}
