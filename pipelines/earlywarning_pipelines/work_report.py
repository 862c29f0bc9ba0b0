"""What a command does and did, as JSON for a program that started it.

The file is written anew, whole, while the work goes on: `status` is `running` until it says how the
work ended.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from earlywarning.errors import ConfirmationNeeded, EarlyWarningError

Progress = Callable[[str, int, int], None]

_EVERY_SECONDS = 0.5


class Report:
    """The report of one piece of work.

    Parameters
    ----------
    path : Path or None
        Where it is written; None writes nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._content: dict[str, Any] = {"status": "running"}
        self._written_at = 0.0

    def progress(self, also: Progress) -> Progress:
        """A progress function that tells this report too."""

        def tell(stage: str, done: int, total: int) -> None:
            also(stage, done, total)
            told = self._content.get("progress") or {}
            if told.get("stage") != stage or time.monotonic() - self._written_at > _EVERY_SECONDS:
                self.write(progress={"stage": stage, "done": done, "total": total})

        return tell

    def done(self, **outcome: Any) -> None:
        """What came of it."""
        self.write(status="done", **outcome)

    def stopped(self, status: str, problem: str, **more: Any) -> None:
        """Why nothing was saved."""
        self.write(status=status, problem=problem, **more)

    def write(self, **values: Any) -> None:
        """Write more of it."""
        self._content |= values
        if self._path is None:
            return
        aside = self._path.with_name(f".{self._path.name}.new")
        # Names can stand in it: only its owner may read it.
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._content, file, ensure_ascii=True)
        aside.replace(self._path)
        self._written_at = time.monotonic()


AnyReport = TypeVar("AnyReport", bound=Report)


@contextmanager
def kept(report: AnyReport) -> Iterator[AnyReport]:
    """A report that says how the block ended, also if it failed."""
    try:
        yield report
    except ConfirmationNeeded as error:
        report.stopped("unusual", str(error), gates=list(getattr(error, "gates", ())))
        raise
    except EarlyWarningError as error:
        report.stopped("refused", str(error), kind=type(error).__name__)
        raise
    except OSError as error:
        report.stopped("failed", error.strerror or type(error).__name__)
        raise
    except BaseException as error:
        report.stopped("failed", type(error).__name__)
        raise
