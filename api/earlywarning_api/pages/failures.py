"""Every error on a page, in words: what happened, what was kept, what to do next."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from earlywarning.errors import EarlyWarningError, TooManyTries
from earlywarning_api import problems
from earlywarning_api.pages import rendering

STATUSES = (400, 403, 404, 405, 409, 412, 413, 422, 429, 500, 503)
"""Those with words of their own: `failure.<status>.title` and `.do`."""

INSTEAD = {
    "second-factor-needed": "/sign-in/code",
    "second-factor-missing": "/sign-in/second-factor",
    "confirm": "/confirm",
}
"""Where a session that lacks something goes on."""

log = logging.getLogger("earlywarning_api")


@dataclass(frozen=True, slots=True)
class FailurePage:
    """What went wrong.

    Attributes
    ----------
    status : int
        One of `STATUSES`.
    request_id : str
        To quote when asking for help.
    """

    status: int
    request_id: str


def answer(request: Request, status: int) -> Response:
    """The page of an error; whoever is not signed in is sent to do so."""
    if status == 401:
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        where = "/sign-in" if back == "/" else f"/sign-in?next={quote(back, safe='/')}"
        return rendering.see_other(where)
    if status not in STATUSES:
        status = 400 if status < 500 else 500
    headers = {"Retry-After": str(problems.RETRY_SECONDS)} if status == 503 else None
    view = FailurePage(status, problems.request_id(request.scope))
    person = getattr(request.state, "person", None)
    return rendering.page(
        request, "failure.html", view, person=person, status=status, headers=headers
    )


def install(app: FastAPI) -> None:
    """Answer every error of the pages with a page."""

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
        if isinstance(error, problems.Refused) and error.slug in INSTEAD:
            return rendering.see_other(INSTEAD[error.slug])
        return answer(request, error.status_code)

    async def validation(request: Request, error: Exception) -> Response:
        return answer(request, 422)

    async def own(request: Request, error: Exception) -> Response:
        status = problems.status_of(error)
        if status >= 500:
            log.error("request %s: %s", problems.request_id(request.scope), type(error).__name__)
        found = answer(request, status)
        if isinstance(error, TooManyTries):
            found.headers["Retry-After"] = str(error.seconds)
        return found

    async def unexpected(request: Request, error: Exception) -> Response:
        # Raised again after this: the guard logs where it happened.
        return answer(request, 500)

    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(problems.Invalid, validation)
    app.add_exception_handler(EarlyWarningError, own)
    app.add_exception_handler(DBAPIError, own)
    app.add_exception_handler(Exception, unexpected)
