"""What routes that record something share: errors of the services, answers with a row's ETag."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, HTTPException, Path, Request
from pydantic import BaseModel
from starlette.responses import Response

from earlywarning.errors import DataError
from earlywarning.io.register.families import InProtection, Stale, local_day
from earlywarning_api import access, cursor, preconditions
from earlywarning_api.problems import Invalid, Refused
from earlywarning_api.representation import JSON, language

ClientId = Annotated[
    UUID, Path(description="Made by you, random; sending the same again is then safe.")
]
Changing = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=preconditions.MAX_LENGTH,
        description="To change what is on record: the `etag` of what you read.",
    ),
]


@dataclass(frozen=True, slots=True)
class Now:
    """When something is recorded: UTC without zone, and the date at the school."""

    at: datetime
    today: date


def now(request: Request) -> Now:
    """Now, by the service's clock."""
    at = request.app.state.clock()
    return Now(at, local_day(at, request.app.state.timezone))


@contextmanager
def told() -> Iterator[None]:
    """Answer the services' errors with problems: 409, 412, 422 with the field at fault."""
    try:
        yield
    except Stale:
        raise HTTPException(412) from None
    except InProtection:
        raise Refused("ask-counsellor") from None
    except DataError as error:
        field, _, words = str(error).partition(": ")
        raise Invalid(f"/body/{field}", words) from None


def revision_read(
    sent: str | None, kind: str, id_: str, current: Callable[[], int | None]
) -> int | None:
    """The revision that a change starts from; None for what is recorded without `If-Match`.

    Parameters
    ----------
    current : function
        The revision on record; None if there is none that the caller may see.

    Raises
    ------
    HTTPException
        412 if the header is not that of what is on record.
    """
    if sent is None:
        return None
    found = current()
    if found is None:
        raise HTTPException(412)
    preconditions.require(sent, preconditions.etag(kind, id_, found))
    return found


def last_row(after: str | None, bound_to: tuple[str | None, ...]) -> tuple[date, str] | None:
    """The day and id in a cursor; None for none.

    Raises
    ------
    Invalid
        If it is not a cursor of this collection with these filters.
    """
    if after is None:
        return None
    day, _, id_ = cursor.key(after, bound_to).partition("/")
    try:
        return date.fromisoformat(day), id_
    except ValueError:
        raise Invalid("/query/cursor", "must come from `next_cursor`, same filters") from None


def answer(
    request: Request,
    value: BaseModel,
    *,
    status: int = 200,
    etag: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A value as JSON, with the ETag of its row rather than of its words."""
    more = {
        **(headers or {}),
        "Content-Language": language(request),
        "Vary": "Accept, Accept-Language, Authorization, Cookie",
    }
    if etag is not None:
        more["ETag"] = etag
    return Response(value.model_dump_json(), status, more, JSON)


def read(
    request: Request,
    person: access.Person,
    action: str,
    *,
    entity: str,
    entity_id: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write to the audit that something of a child was read, before it is answered."""
    request.app.state.read_audit.record(
        actor=person.actor,
        action=action,
        entity=entity,
        entity_id=entity_id,
        detail=detail,
        at=request.app.state.clock(),
    )
