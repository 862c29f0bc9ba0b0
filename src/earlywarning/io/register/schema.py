"""Every table of the register, so that none is missing where the schema is made or compared."""

from earlywarning.io.register import (
    access_tables,
    changes,
    evidence_tables,
    job_tables,
    models,
    page_tables,
    plan_tables,
    rights_tables,
    visit_tables,
)
from earlywarning.io.register.models import Base

__all__ = [
    "Base",
    "access_tables",
    "changes",
    "evidence_tables",
    "job_tables",
    "models",
    "page_tables",
    "plan_tables",
    "rights_tables",
    "visit_tables",
]
