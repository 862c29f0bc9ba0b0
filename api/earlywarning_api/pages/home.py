"""The first address: leads to what the person who is signed in has to do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from earlywarning_api import access
from earlywarning_api.pages import rendering, shell, visitor

router = APIRouter()


@router.get("/")
def home(person: Annotated[access.Person, Depends(visitor.anybody)]) -> Response:
    """Go to the page where this person's work begins."""
    own = [entry.href for entry in shell.MENU if access.allowed(person, entry.use)]
    return rendering.see_other(own[0] if own else "/me")
