"""From values to an answer: language, format, strong ETag, 304."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from earlywarning.io.wording import chosen_language

JSON = "application/json"
CSV = "text/csv"
NOT_IN_304 = frozenset({"content-length", "content-type"})
"""Headers that say something of a body which is not sent."""

_ETAG = re.compile(r'(?:W/)?("[^"]*")')
_QUALITY = re.compile(r"^\s*q=(0(?:\.\d{1,3})?|1(?:\.0{1,3})?)\s*$")


def language(request: Request) -> str:
    """The language of the words in the answer, by `Accept-Language`."""
    return chosen_language(
        request.headers.get("accept-language"), default=request.app.state.language
    )


def wants_csv(request: Request) -> bool:
    """Whether `Accept` likes CSV better than JSON. Anything else gets JSON."""
    quality = {JSON: 0.0, CSV: 0.0}
    for part in request.headers.get("accept", "")[:1000].split(","):
        name, *parameters = part.split(";")
        media = name.strip().lower()
        match = next(filter(None, map(_QUALITY.match, parameters)), None)
        weight = float(match[1]) if match else 1.0
        if media in quality:
            quality[media] = max(quality[media], weight)
        elif media in ("*/*", "application/*"):
            quality[JSON] = max(quality[JSON], weight)
    return quality[CSV] > quality[JSON]


def json_answer(
    request: Request, value: BaseModel, *, headers: Mapping[str, str] | None = None
) -> Response:
    """A value as JSON."""
    return _answer(request, value.model_dump_json().encode(), JSON, headers)


def csv_answer(
    request: Request, body: bytes, *, headers: Mapping[str, str] | None = None
) -> Response:
    """A CSV file."""
    return _answer(request, body, f"{CSV}; charset=utf-8; header=present", headers)


def _answer(
    request: Request, body: bytes, media_type: str, headers: Mapping[str, str] | None
) -> Response:
    spoken = language(request)
    more = {
        **(headers or {}),
        "ETag": _etag(body, media_type, spoken),
        "Content-Language": spoken,
        "Vary": "Accept, Accept-Language, Authorization",
    }
    return unless_known(request, body, {**more, "Content-Type": media_type})


def _etag(body: bytes, media_type: str, spoken: str) -> str:
    digest = hashlib.sha256(f"{media_type}\n{spoken}\n".encode() + body).hexdigest()
    return f'"{digest[:40]}"'


def etag_of(value: BaseModel, spoken: str) -> str:
    """The ETag of a value as `json_answer` gives it, for a change that starts from it."""
    return _etag(value.model_dump_json().encode(), JSON, spoken)


def unless_known(request: Request, body: bytes, headers: Mapping[str, str]) -> Response:
    """The body, or 304 if the request says that its ETag is known."""
    etag = next((value for name, value in headers.items() if name.lower() == "etag"), None)
    if etag is not None and is_known(request.headers.get("if-none-match"), etag):
        kept = {name: value for name, value in headers.items() if name.lower() not in NOT_IN_304}
        return Response(status_code=304, headers=kept)
    return Response(body, headers=dict(headers))


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether a request's `If-None-Match` names an ETag."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in _ETAG.findall(if_none_match)
