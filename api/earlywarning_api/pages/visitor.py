"""Who reads a page: signed in, and of a role that may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from earlywarning_api import access


def anybody(
    request: Request, person: Annotated[access.Person, Depends(access.signed_in)]
) -> access.Person:
    """The person who is signed in; an error page shows their menu too."""
    request.state.person = person
    return person


def may(use: str) -> Callable[..., access.Person]:
    """A dependency: the person who is signed in, if their role may use `use`."""

    def checked(person: Annotated[access.Person, Depends(anybody)]) -> access.Person:
        if not access.allowed(person, use):
            raise HTTPException(403)
        return person

    return checked
