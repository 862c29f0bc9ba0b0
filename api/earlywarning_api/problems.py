"""Every error becomes a problem document (RFC 9457) here, and none repeats what was submitted."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from earlywarning.errors import (
    ConfirmationNeeded,
    Conflict,
    DataError,
    EarlyWarningError,
    NotFound,
    NotSignedIn,
    TooManyTries,
)
from earlywarning.io.register.db import is_full

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:earlywarning:problem:"

log = logging.getLogger("earlywarning_api")


class FieldError(BaseModel):
    """One thing wrong with a request."""

    pointer: str = Field(description="Where: `/query/limit`.", examples=["/query/limit"])
    detail: str = Field(description="What is allowed there; never what was sent.")


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(examples=[f"{TYPE_PREFIX}not-found"], description="Stable; branch on this.")
    title: str
    status: int
    detail: str = Field(description="What to do next.")
    request_id: str = Field(description="Quote it when you ask for help; also in `X-Request-ID`.")
    errors: list[FieldError] = Field(default=[], description="For 422: each parameter at fault.")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem."""

    status: int
    slug: str
    title: str
    detail: str


KINDS = {
    kind.status: kind
    for kind in (
        Kind(400, "bad-request", "Bad request", "The request could not be read."),
        Kind(401, "sign-in", "Sign in",
             "Sign in with `POST /api/v1/sessions`, or send `Authorization: Bearer …` with a token "
             "of `earlywarning token create`."),
        Kind(403, "forbidden", "Not for this role", "This role, or this token, may not use this."),
        Kind(404, "not-found", "Not found",
             "There is no such thing, or not for you. Check the id in the list you took it from."),
        Kind(405, "method", "Method not allowed", "See the `Allow` header."),
        Kind(409, "conflict", "Conflict", "Somebody did this before. Read the newest state."),
        Kind(412, "changed", "Changed since you read it",
             "Somebody changed this after you read it. Read it again, look, and send the new "
             "`ETag` in `If-Match`."),
        Kind(413, "too-large", "Request too large",
             "Send less than 64 KiB; an upload may have 20 MiB."),
        Kind(415, "media-type", "Not a form with files",
             "Send the files as `multipart/form-data`."),
        Kind(422, "invalid", "Invalid request", "See `errors`: each says what is allowed."),
        Kind(428, "precondition-needed", "If-Match needed",
             "Read it first and send its `ETag` in `If-Match`, so that nobody's change is lost."),
        Kind(429, "too-many", "Too many requests",
             "Wait as long as `Retry-After` says, then go on."),
        Kind(500, "internal", "Internal error",
             "Nothing was changed. Tell whoever runs the service the request id."),
        Kind(503, "unavailable", "Not available now",
             "The register cannot be reached. Try again after the time in `Retry-After`."),
        Kind(507, "storage-full", "No room left",
             "Nothing was changed; what is published can be read. Tell whoever runs the service."),
    )
}  # fmt: skip

MORE_KINDS = {
    kind.slug: kind
    for kind in (
        Kind(400, "key-needed", "Idempotency-Key needed",
             "Send `Idempotency-Key` with a text of your own, a new one for each thing to make: "
             "sending the same again then makes nothing twice."),
        Kind(409, "in-flight", "Still being made",
             "The same request is being answered. Send it again in a moment."),
        Kind(409, "ask-counsellor", "Speak with the counsellor first",
             "Nobody is sent to this family in the normal way now. Speak with the counsellor or "
             "the principal before anything else."),
        Kind(409, "unusual", "Unusual, and not confirmed",
             "Look at `unusual`; if it is right, send `unusual_is_right` with the confirmation."),
        Kind(503, "no-imports", "No imports here",
             "This service takes no files. Import them with `earlywarning import`."),
        Kind(503, "no-analyses", "No analyses here",
             "This service works out nothing. Use `earlywarning impact report`."),
        Kind(422, "key-used", "Idempotency-Key used before",
             "This key came with another request. Take a new key for a new thing."),
        Kind(403, "other-site", "Not sent from our pages",
             "A signed-in browser sent this from elsewhere. Open our page and do it there; "
             "programs send a token."),
        Kind(403, "second-factor-needed", "Code needed",
             "Send the code of the authenticator app to `POST /sessions/current/second_factor`."),
        Kind(403, "second-factor-missing", "Second factor needed",
             "This role needs an authenticator app: `POST /me/second_factor` sets one up."),
        Kind(403, "confirm", "Password needed again",
             "Send the password to `POST /sessions/current/confirmation` first, then this again."),
    )
}  # fmt: skip
"""Other kinds of the same statuses, by slug; see `Refused`."""

RETRY_SECONDS = 5

ALLOWED = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "int_parsing": "must be a whole number",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must have the form that the reference describes",
    "enum": "must be one of the values that the reference lists",
    "literal_error": "must be one of {expected}",
    "missing": "is required",
    "extra_forbidden": "is not known here",
}
"""Words for the validator's kinds of errors; its own words could repeat what was sent."""


class Invalid(Exception):
    """A parameter that passed the types and is still not usable."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.error = FieldError(pointer=pointer, detail=detail)


class Refused(HTTPException):
    """A problem of `MORE_KINDS`."""

    def __init__(self, slug: str) -> None:
        super().__init__(MORE_KINDS[slug].status)
        self.slug = slug


def request_id(scope: Mapping[str, Any]) -> str:
    """The id that `guard.Guard` gave the request."""
    return scope.get("state", {}).get("request_id", "")


def answer(
    scope: Mapping[str, Any],
    status: int,
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    slug: str | None = None,
) -> Response:
    """The answer to a problem.

    Parameters
    ----------
    status : int
        One without a kind of its own is told as 400 or 500.
    slug : str, optional
        Of `MORE_KINDS`.
    """
    kind = (
        MORE_KINDS[slug]
        if slug is not None
        else KINDS.get(status) or KINDS[400 if status < 500 else 500]
    )
    document: dict[str, Any] = {
        "type": TYPE_PREFIX + kind.slug,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.detail,
        "request_id": request_id(scope),
        "errors": [error.model_dump() for error in errors],
    }
    more = dict(headers or {})
    if kind.status == 401:
        more["WWW-Authenticate"] = "Bearer"
    if kind.status == 503:
        more["Retry-After"] = str(RETRY_SECONDS)
    return Response(json.dumps(document), kind.status, more, MEDIA_TYPE)


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: the problems it can answer with, and 304 where it has an ETag.

    Every route can fail (500), find the register away (503) or its disk full (507), and be sent too
    much (413); one that asks who is there (401) can refuse a session that is not complete (403) or
    too many requests (429).
    """
    found: dict[int | str, dict[str, Any]] = {}
    also = {403, 429} if 401 in statuses else set()
    for status in sorted({*statuses, *also, 413, 500, 503, 507}):
        if status == 304:
            found[status] = {"description": "Unchanged since the answer with this `ETag`"}
            continue
        found[status] = {
            "description": KINDS[status].title,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return found


def install(app: FastAPI) -> None:
    """Answer every error of an application with a problem."""

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
        kept = {
            k: v for k, v in (error.headers or {}).items() if k.lower() in ("allow", "retry-after")
        }
        slug = error.slug if isinstance(error, Refused) else None
        return answer(request.scope, error.status_code, headers=kept, slug=slug)

    async def validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        return answer(request.scope, 422, errors=[_field(one) for one in error.errors()])

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, Invalid)  # noqa: S101
        return answer(request.scope, 422, errors=[error.error])

    async def own(request: Request, error: Exception) -> Response:
        status = status_of(error)
        if status >= 500:
            log.error("request %s: %s", request_id(request.scope), type(error).__name__)
        wait = {"Retry-After": str(error.seconds)} if isinstance(error, TooManyTries) else None
        return answer(request.scope, status, headers=wait)

    async def database(request: Request, error: Exception) -> Response:
        # The driver's words can hold a statement with a child's id: only the kind is logged.
        log.error("request %s: register: %s", request_id(request.scope), type(error).__name__)
        return answer(request.scope, status_of(error))

    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(Invalid, invalid)
    app.add_exception_handler(EarlyWarningError, own)
    app.add_exception_handler(DBAPIError, database)


def status_of(error: Exception) -> int:
    """The status by which an error of ours is told."""
    if isinstance(error, NotSignedIn):
        return 401
    if isinstance(error, TooManyTries):
        return 429
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, Conflict | ConfirmationNeeded):
        return 409
    if is_full(error):
        return 507
    away = isinstance(error, OperationalError | InterfaceError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
    if away:
        return 503
    return 422 if isinstance(error, DataError) else 500


def _field(error: Mapping[str, Any]) -> FieldError:
    words = ALLOWED.get(error["type"], "is not allowed here; see the reference")
    # `ctx` holds what the reference allows, never the submitted value, for the kinds in ALLOWED.
    place = "/".join(str(part) for part in error["loc"][:2])
    return FieldError(pointer=f"/{place}", detail=words.format(**error.get("ctx", {})))
