"""If-Match: missing is 428, stale is 412, and only the very tag that was read passes."""

from __future__ import annotations

import pytest
from fastapi import HTTPException

from earlywarning_api.preconditions import etag, if_match, require

TAG = etag("override", "a" * 32, 3)


def status(call) -> int | None:
    try:
        call()
    except HTTPException as error:
        return error.status_code
    return None


def test_a_tag_is_of_one_kind_one_row_and_one_revision():
    tags = {etag(kind, id_, n) for kind in ("override", "visit") for id_ in "ab" for n in (0, 1)}
    assert len(tags) == 8
    assert etag("override", "a" * 32, 3) == TAG


@pytest.mark.parametrize("sent", [None, "", "  "])
def test_without_the_header_a_change_is_refused(sent: str | None):
    assert status(lambda: if_match(sent)) == 428


@pytest.mark.parametrize("sent", [TAG, f" {TAG} ", f'"other", {TAG}', f'{TAG},"x"', "*"])
def test_the_tag_that_was_read_passes(sent: str):
    assert status(lambda: require(if_match(sent), TAG)) is None


@pytest.mark.parametrize(
    "sent", [f"W/{TAG}", '"other"', TAG.strip('"'), etag("override", "a" * 32, 2), ",", '"*"']
)
def test_another_or_a_weak_tag_is_stale(sent: str):
    assert status(lambda: require(if_match(sent), TAG)) == 412
