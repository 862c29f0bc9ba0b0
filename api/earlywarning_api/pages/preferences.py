"""The language of the pages, chosen by the reader and kept in a cookie that says nothing else."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException
from starlette.responses import Response

from earlywarning.io.wording import LANGUAGES
from earlywarning_api.pages import rendering

router = APIRouter()

YEAR = 365 * 24 * 3600


@router.post("/language")
def choose_language(
    language: Annotated[str, Form(max_length=8)],
    back: Annotated[str, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    """Remember the language and go back to the page."""
    if language not in LANGUAGES:
        raise HTTPException(422)
    answer = rendering.see_other(local(back))
    answer.set_cookie(
        rendering.LANGUAGE_COOKIE, language, max_age=YEAR, httponly=True, samesite="lax"
    )
    return answer


def local(address: str) -> str:
    """An address on this site; anything that could lead elsewhere becomes the first page."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\"))
    printable = all(" " <= letter <= "~" for letter in address)
    return address if plain and printable and "\\" not in address else "/"
