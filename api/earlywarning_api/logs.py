"""Logs as one JSON object a line: nothing of a child, nothing that was sent, nothing to inject.

A path holds ids, so requests are logged by their route's template; an error by its kind and where
it happened, never by its words.
"""

from __future__ import annotations

import json
import logging
import logging.config
import traceback
from datetime import UTC, datetime
from typing import Any

import structlog

QUIET = ("uvicorn.access", "alembic", "httpx2", "authlib")
"""Loggers whose lines could hold paths or what others sent: warnings only."""


def as_json() -> None:
    """Let every logger of this process write JSON to the standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


REQUEST = ("actor", "method", "milliseconds", "request_id", "route", "status", "what")
"""What the line of an answered request says."""


class Lines(structlog.stdlib.ProcessorFormatter):
    """One line of JSON for each record."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; the same for a request, without the steps: there are as many as requests."""
        if record.msg != "request" or not hasattr(record, "milliseconds"):
            return super().format(record)
        at = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        said = {name: getattr(record, name) for name in REQUEST}
        said |= {"at": at, "event": record.msg, "level": record.levelname.lower()}
        return json.dumps(said | {"logger": record.name}, sort_keys=True)


def formatter() -> logging.Formatter:
    """One line of JSON for each record."""
    return Lines(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _without_words_of_errors,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )


def _without_words_of_errors(
    logger: Any, method: str, record: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """An error's kind and frames instead of its message, which can hold a child's data."""
    error = record.pop("exc_info", None)
    record.pop("color_message", None)
    if error and error is not True and error[0] is not None:
        record["error"] = error[0].__name__
        record["frames"] = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error[2])
        ]
    return record
