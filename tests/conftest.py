"""What all tests share: the child process that opens files is started once, for its start takes
longer than most tests. `library/io/test_child.py` starts its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from earlywarning.io import child, reading, recognising
from earlywarning.io.file_kind import Limits


class _Shared(child.Child):
    """A child that the end of a delivery does not end."""

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self._busy:  # rows half read
            self.close()


@pytest.fixture(scope="session")
def shared_child() -> Iterator[child.Child]:
    made = _Shared()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(autouse=True)
def one_child_for_all(shared_child: child.Child, monkeypatch: pytest.MonkeyPatch) -> None:
    def make(limits: Limits) -> child.Child:
        return shared_child if limits == shared_child.limits else child.Child(limits)

    made: Callable[[Limits], child.Child] = make
    monkeypatch.setattr(reading, "Child", made)
    monkeypatch.setattr(recognising, "Child", made)
