"""Whether the service runs, and whether it can serve. Open to anybody; they tell nothing else."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request

from earlywarning.io.register.ready import is_ready
from earlywarning_api.problems import declared
from earlywarning_api.schemas import Health

router = APIRouter(tags=["health"])


@router.get("/healthz", responses=declared())
def healthz() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/readyz", responses=declared())
def readyz(request: Request) -> Health:
    """The register is there and has the schema that this version needs; else 503."""
    if not is_ready(request.app.state.register):
        raise HTTPException(503)
    return Health(status="ok")
