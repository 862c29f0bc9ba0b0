"""What the importing process and its child say to each other: lines of JSON, and Arrow after some.

A message is one line of JSON and, if that names lengths in `parts`, so many bytes after it, each
part a frame as an Arrow IPC stream. Nothing is ever pickled: what arrives can be wrong, but cannot
run. Both sides read with limits, so that a wrong length is an error and no full memory.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from earlywarning.io.file_kind import FileKind, Limits

if TYPE_CHECKING:
    import polars as pl

    from earlywarning.io.school_files.interface import Found

LONGEST_LINE = 1 << 26
LONGEST_PART = 1 << 31


class NotUnderstood(Exception):
    """The other side said something that is no message; it is never shown to a person as it is."""


def write(
    stream: IO[bytes], message: Mapping[str, Any], frames: Sequence[pl.DataFrame] = ()
) -> None:
    """Send one message.

    Parameters
    ----------
    stream : binary file
    message : mapping
        Its values may be what TOML knows (dates too), tuples, and mappings.
    frames : sequence of DataFrame
    """
    parts = []
    for frame in frames:
        part = io.BytesIO()
        frame.write_ipc_stream(part)
        parts.append(part.getbuffer())
    line = packed(message)
    if parts:
        line["parts"] = [len(part) for part in parts]
    stream.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    for part in parts:
        stream.write(part)
    stream.flush()


def read(stream: IO[bytes]) -> tuple[dict[str, Any], list[bytes]] | None:
    """The next message and its parts; None if the other side has ended.

    Raises
    ------
    NotUnderstood
    """
    line = stream.readline(LONGEST_LINE + 1)
    if not line:
        return None
    if not line.endswith(b"\n"):
        raise NotUnderstood("a message without an end")
    try:
        message = unpacked(json.loads(line))
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise NotUnderstood(f"no JSON ({error})") from error
    if not isinstance(message, dict):
        raise NotUnderstood("a message that is no table")
    parts = []
    lengths = message.pop("parts", [])
    if not isinstance(lengths, list) or len(lengths) > 4:
        raise NotUnderstood("parts without lengths")
    for length in lengths:
        if type(length) is not int or not 0 <= length <= LONGEST_PART:
            raise NotUnderstood(f"a part of {length!r} bytes")
        part = stream.read(length)
        if len(part) != length:
            return None
        parts.append(part)
    return message, parts


def frame_of(part: bytes) -> pl.DataFrame:
    """A frame out of a part.

    Raises
    ------
    NotUnderstood
        If the bytes are none.
    """
    import polars as pl

    try:
        return pl.read_ipc_stream(part)
    except BaseException as error:  # a panic of Polars is no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
        raise NotUnderstood(f"no table of Arrow ({type(error).__name__})") from error


def packed(value: Any) -> Any:
    """A value as JSON has it; dates, tuples and odd keys are marked."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, Mapping):
        plain = all(isinstance(key, str) and not key.startswith("$") for key in value)
        if plain:
            return {key: packed(item) for key, item in value.items()}
        return {"$pairs": [[packed(key), packed(item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"$tuple": [packed(item) for item in value]}
    if isinstance(value, Sequence):
        return [packed(item) for item in value]
    raise TypeError(f"a {type(value).__name__} cannot be sent")


def unpacked(value: Any) -> Any:
    """The value that `packed` was given."""
    if isinstance(value, list):
        return [unpacked(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, inner),) = value.items()
        if key == "$datetime":
            return datetime.fromisoformat(inner)
        if key == "$date":
            return date.fromisoformat(inner)
        if key == "$tuple":
            return tuple(unpacked(item) for item in inner)
        if key == "$pairs":
            return {unpacked(name): unpacked(item) for name, item in inner}
    return {key: unpacked(item) for key, item in value.items()}


def pack_file(file: FileKind) -> dict[str, Any]:
    """A `FileKind` for the other side."""
    return {field.name: getattr(file, field.name) for field in fields(FileKind)} | {
        "path": str(file.path)
    }


def unpack_file(data: Mapping[str, Any]) -> FileKind:
    """The `FileKind` that `pack_file` was given."""
    values: dict[str, Any] = {**data, "path": Path(data["path"])}
    return FileKind(**values)


def pack_limits(limits: Limits) -> dict[str, Any]:
    """`Limits` for the other side."""
    return asdict(limits)


def pack_found(found: Found) -> dict[str, Any]:
    """What a reader understood, for the other side."""
    return {field.name: getattr(found, field.name) for field in fields(found)}


def unpack_found(data: Any, layout: str) -> Found:
    """What a reader understood, checked as far as a shape can be.

    Raises
    ------
    NotUnderstood
    """
    from earlywarning.io.school_files.interface import Found
    from earlywarning.records.tables import SOURCE_TABLES

    try:
        found = Found(**data)
        good = (
            found.layout == layout
            and isinstance(found.what, str)
            and isinstance(found.defaults, Mapping)
            and all(entry["table"] in SOURCE_TABLES for entry in found.entries)
            and all(isinstance(text, str) for text in found.warnings)
            and all(isinstance(text, str) for pair in found.questions for text in pair)
        )
    except (TypeError, KeyError) as error:
        raise NotUnderstood(f"nothing that a reader can understand ({error})") from error
    if not good:
        raise NotUnderstood("nothing that a reader can understand")
    return found
