"""Cursors: where a reader stopped. Opaque to clients, bound to the list and the filters.

The order of a list is frozen, so a position never shifts between two pages. A cursor gives no
access: what a person may see is asked anew on every page. The check only tells a mistyped or
borrowed cursor from a good one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from urllib.parse import urlencode

from fastapi import Request

from earlywarning_api.problems import Invalid

_MAX = 2**31 - 1


def link(request: Request, following: str | None) -> dict[str, str]:
    """The header that leads to the next page by the same filters; none after the last."""
    if following is None:
        return {}
    filters = [one for one in request.query_params.multi_items() if one[0] != "cursor"]
    query = urlencode([*filters, ("cursor", following)])
    return {"Link": f'<{request.url.path}?{query}>; rel="next"'}


def made(position: int, bound_to: tuple[str | None, ...]) -> str:
    """The cursor after a position."""
    text = f"{position}.{_check(position, bound_to)}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position(cursor: str | None, bound_to: tuple[str | None, ...]) -> int:
    """The position in a cursor; 0 for none.

    Raises
    ------
    Invalid
        If it is not a cursor of this list with these filters.
    """
    if cursor is None:
        return 0
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode(
            "ascii"
        )
        number, _, check = text.partition(".")
        found = int(number) if number.isascii() and number.isdigit() else -1
    except (binascii.Error, ValueError):
        found, check = -1, ""
    if not 0 <= found <= _MAX or check != _check(found, bound_to):
        raise Invalid("/query/cursor", "must come from this list's `next_cursor`, same filters")
    return found


def made_of(key: str, bound_to: tuple[str | None, ...]) -> str:
    """The cursor after a row of an order by texts that never change."""
    text_ = f"{_check(key, bound_to)}.{key}"
    return base64.urlsafe_b64encode(text_.encode()).decode().rstrip("=")


def key(cursor: str | None, bound_to: tuple[str | None, ...]) -> str:
    """The text in a cursor of `made_of`; empty for none.

    Raises
    ------
    Invalid
        If it is not a cursor of this collection with these filters.
    """
    if cursor is None:
        return ""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        found = ""
    check, _, text_ = found.partition(".")
    if not text_ or check != _check(text_, bound_to):
        raise Invalid("/query/cursor", "must come from this list's `next_cursor`, same filters")
    return text_


def _check(place: int | str, bound_to: tuple[str | None, ...]) -> str:
    text = "\n".join([str(place), *(part or "" for part in bound_to)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]
