"""Cursors and the choice of format: every good one works, no odd one breaks anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from earlywarning_api import cursor
from earlywarning_api.problems import Invalid
from earlywarning_api.representation import wants_csv

FILTERS = st.tuples(st.text(max_size=20), st.none() | st.text(max_size=20), st.none() | st.text())


@given(position=st.integers(0, 2**31 - 1), bound_to=FILTERS)
def test_a_cursor_comes_back_to_its_position(
    position: int, bound_to: tuple[str | None, ...]
) -> None:
    made = cursor.made(position, bound_to)
    assert cursor.position(made, bound_to) == position
    assert len(made) <= 200
    assert made.replace("-", "").replace("_", "").isalnum()  # as it is in an address
    with pytest.raises(Invalid):
        cursor.position(made, (*bound_to, "more"))


@given(text=st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_-]{1,80}={0,3}", fullmatch=True))
def test_what_is_no_cursor_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        cursor.position(text, ("list", None, None))
    assert caught.value.error.pointer == "/query/cursor"
    assert len(text) < 6 or text not in caught.value.error.detail


def test_no_cursor_is_the_beginning() -> None:
    assert cursor.position(None, ("list", None, None)) == 0


@pytest.mark.parametrize(
    ("accept", "csv"),
    [
        ("text/csv", True),
        ("TEXT/CSV", True),
        ("text/csv, application/json;q=0.9", True),
        ("application/json, text/csv;q=0.9", False),
        ("text/csv, application/json", False),  # as much as each other: JSON
        ("text/csv;q=0.8, */*;q=0.1", True),
        ("*/*", False),
        ("text/csv;q=0", False),
        ("image/png", False),
        ("", False),
    ],
)
def test_the_format_asked_for(accept: str, csv: bool) -> None:
    scope = {"type": "http", "headers": [(b"accept", accept.encode())]}
    assert wants_csv(Request(scope)) == csv
