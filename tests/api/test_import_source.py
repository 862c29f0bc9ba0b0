"""Files that come without a mapping: a correction belongs to the source that it corrects."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from earlywarning.io.register.db import Register, open_register
from earlywarning.io.register.models import FactsSnapshot, ImportBatch, School
from earlywarning_api.import_desk import source_of
from service_world import NOW


def imported(register: Register, *sources: str) -> None:
    with register.session(writing=True) as session:
        if not session.get(FactsSnapshot, "0" * 64):
            session.add(FactsSnapshot(snapshot_id="0" * 64, made_at=NOW, is_current=True, rows={}))
            session.flush()
        session.add_all(
            ImportBatch(import_id=source.rjust(32, "0"), source=source,
                        delivered_on=date(2026, 10, 1), finished_at=NOW, mapping_hash="0" * 64,
                        files=[], counts={}, snapshot_id="0" * 64)
            for source in sources
        )  # fmt: skip
        session.commit()


def test_a_correction_belongs_to_the_one_source_that_there_is(tmp_path: Path) -> None:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        assert source_of(register, None) == "school-files"
        imported(register, "dapodik")
        assert source_of(register, None) == "dapodik"
        imported(register, "erapor")
        assert source_of(register, None) == "school-files"


def test_of_several_schools_each_is_a_source(tmp_path: Path) -> None:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        imported(register, "dapodik")
        with register.session(writing=True) as session:
            session.add(School(school_id="SCH1", name="SMP Contoh"))
            session.commit()
        assert source_of(register, "SCH1") == "dapodik"
        with register.session(writing=True) as session:
            session.add(School(school_id="SCH2", name="SMP Lain"))
            session.commit()
        assert source_of(register, "SCH1") == "school-files-SCH1"
