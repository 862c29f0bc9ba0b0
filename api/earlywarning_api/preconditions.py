"""Changing what one has read: a strong ETag of a row's revision, and `If-Match` on the change.

Reading gives `ETag`; a change sends it back as `If-Match`. Without it 428, so that nobody changes
what they have not seen; if the row has changed since, 412, so that nobody overwrites another's work
unseen. The comparison is made again in the transaction that writes (`WHERE revision = …`).
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

from fastapi import Depends, Header, HTTPException

_TAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')
_WEAK = re.compile(r'W/"[^"]*"')
MAX_LENGTH = 400


def etag(kind: str, id_: str, revision: int) -> str:
    """The strong ETag of a row.

    Parameters
    ----------
    kind : str
        Such as `override`: the same number of another kind of row is another tag.
    revision : int
        Grows by one with each change; 0 for a row that is not there yet.
    """
    digest = hashlib.sha256(f"{kind}\n{id_}\n{revision}".encode()).hexdigest()
    return f'"{revision}-{digest[:24]}"'


def if_match(
    value: Annotated[
        str | None,
        Header(
            alias="If-Match",
            max_length=MAX_LENGTH,
            description="The `ETag` of what you read and are changing.",
        ),
    ] = None,
) -> str:
    """A dependency: the header, for `require`.

    Raises
    ------
    HTTPException
        428 if it is missing.
    """
    if value is None or not value.strip():
        raise HTTPException(428)
    return value


IfMatch = Annotated[str, Depends(if_match)]
"""For a route's parameter; declare 412 and 428 in its `responses`."""


def require(sent: str, current: str) -> None:
    """Go on only if what the caller read is what is there.

    Parameters
    ----------
    sent : str
        The header: tags with commas between them, or `*` for whatever is there. Weak tags never
        match (RFC 9110, 13.1.1).
    current : str
        `etag(...)` of the row as it is now.

    Raises
    ------
    HTTPException
        412 if it has changed, or the header holds no tag of ours.
    """
    if sent.strip() == "*":
        return
    if current not in _TAG.findall(_WEAK.sub("", sent)):
        raise HTTPException(412)
