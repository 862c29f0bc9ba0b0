"""The first address: leads to what the person who is signed in has to do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from earlywarning_api import access
from earlywarning_api.pages import rendering, visitor

router = APIRouter()


@router.get("/")
def home(person: Annotated[access.Person, Depends(visitor.anybody)]) -> Response:
    """Go to the page where this person's work begins."""
    return rendering.see_other("/lists" if access.allowed(person, "visit_lists") else "/models")
