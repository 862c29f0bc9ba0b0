"""The power goes while visits are recorded: whatever was acknowledged is there, whole."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from earlywarning.io.register import visits
from earlywarning.io.register.db import open_register
from earlywarning.io.register.models import Student
from earlywarning.io.register.rights_tables import AuditEvent
from earlywarning.io.register.visit_tables import FollowUp, Visit, VisitNote, VisitStudent
from earlywarning.io.register.visits import VisitContent
from people import AHMAD, SCHOOL_ID
from service_world import NOW, fill

EVERYBODY = select(Student.student_id).where(Student.school_id == SCHOOL_ID)
CONTENT = VisitContent(
    "done", NOW.date(), student_id=AHMAD.student_id, danger=True, restricted_note="x"
)


def records_until_killed(url: str, out: int) -> None:
    """A process that records visits and says the id of each after it was acknowledged."""
    with open_register(url) as register:
        while True:
            id_ = os.urandom(16).hex()
            visits.put(
                register, id_, CONTENT, visible=EVERYBODY, actor="a" * 32, at=NOW,
                today=NOW.date(),
            )  # fmt: skip
            os.write(out, f"{id_}\n".encode())


@pytest.mark.parametrize("runs", [6, pytest.param(100, marks=pytest.mark.slow)])
def test_no_acknowledged_visit_is_lost_and_none_is_half(tmp_path: Path, runs: int) -> None:
    url = f"sqlite:///{tmp_path / 'register.db'}"
    with open_register(url) as register:
        fill(register)
    lots, acknowledged = random.Random(runs), []  # noqa: S311 - moments, not secrets
    for _ in range(runs):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(reading)
                records_until_killed(url, writing)
            finally:
                os._exit(1)
        os.close(writing)
        with os.fdopen(reading) as told:
            acknowledged.append(told.readline().strip())
            time.sleep(lots.uniform(0.0, 0.05))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            acknowledged += told.read().split()
    with open_register(url) as register, register.session() as session:
        assert session.scalar(text("PRAGMA integrity_check")) == "ok"
        stored = set(session.scalars(select(Visit.visit_id)))
        assert set(acknowledged) <= stored
        assert len(acknowledged) >= runs
        # At most the one that was on its way each time was stored without an answer.
        assert len(stored) <= len(acknowledged) + runs
        for table, of_each in ((VisitStudent, 2), (VisitNote, 1)):
            rows = session.execute(
                select(table.visit_id, func.count()).group_by(table.visit_id)
            ).all()
            assert {row[0] for row in rows} == stored
            assert {row[1] for row in rows} == {of_each}
        assert set(session.scalars(select(FollowUp.visit_id))) == stored
        audited = session.scalars(
            select(AuditEvent.entity_id).where(AuditEvent.action == "visit.recorded")
        ).all()
        assert sorted(audited) == sorted(stored)
