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


def user(person: Annotated[access.Person, Depends(anybody)]) -> access.Person:
    """Somebody who signed in; a token has no account of its own."""
    if person.user_id is None:
        raise HTTPException(403)
    return person


def confirmed(person: Annotated[access.Person, Depends(access.confirmed)]) -> access.Person:
    """Somebody who gave their password a moment ago; others are asked for it first."""
    return person
