"""A mapping as the text of a TOML file, as a person would write it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

_BARE = re.compile(r"^[A-Za-z0-9_-]+$")
_SECTIONS = ("columns", "constants", "values", "codes", "melt", "options", "match")


def mapping_text(
    source: str,
    defaults: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
    *,
    comments: Sequence[str] = (),
) -> str:
    """The text of a mapping file; `mapping.parse_mapping` reads it back.

    Parameters
    ----------
    source : str
    defaults : mapping of column to value
    entries : sequence of mapping
        `[[table]]` entries, keys as in a mapping file. An entry may have a `comment`.
    comments : sequence of str
        Lines for the top.
    """
    lines = [*(f"# {line}" for line in comments), f"source = {_value(source)}", ""]
    if defaults:
        lines += ["[defaults]", *(f"{_key(k)} = {_value(v)}" for k, v in defaults.items()), ""]
    for entry in entries:
        comment = entry.get("comment")
        lines += [f"# {comment}"] if comment else []
        lines.append("[[table]]")
        plain = {k: v for k, v in entry.items() if k not in (*_SECTIONS, "comment")}
        lines += [f"{_key(name)} = {_value(value)}" for name, value in plain.items()]
        for section in _SECTIONS:
            lines += _section(f"table.{section}", entry.get(section))
        lines.append("")
    return "\n".join(lines)


def _section(name: str, content: Mapping[str, Any] | None) -> list[str]:
    if not content:
        return []
    nested = name == "table.values"
    lines = [] if nested else [f"[{name}]"]
    for key, value in content.items():
        if nested:
            lines.append(f"[{name}.{_key(key)}]")
            lines += [f"{_key(word)} = {_value(ours)}" for word, ours in value.items()]
        else:
            lines.append(f"{_key(key)} = {_value(value)}")
    return lines


def _key(name: str) -> str:
    return name if _BARE.match(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # JSON's text is TOML's, but for the one control character that only TOML escapes.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return repr(value)
