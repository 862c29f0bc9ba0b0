"""The machine-readable reference of this interface; closed like everything else."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse

from earlywarning_api import access
from earlywarning_api.problems import declared

router = APIRouter(tags=["reference"])


@router.get("/openapi.json", response_class=JSONResponse, responses=declared(401, 403))
def openapi(
    request: Request, person: Annotated[access.Person, Depends(access.to("reference"))]
) -> JSONResponse:
    """OpenAPI 3.1 of every route, with every error."""
    return JSONResponse(request.app.openapi())
