"""What a person completes in the mapping that `inspect` wrote."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from earlywarning.io.mapping_text import mapping_text

Answers = Mapping[str, Mapping[str, Any]]
"""For `defaults` and for each table, keys of the mapping and their values."""


def answered(text: str, answers: Answers) -> str:
    """The mapping with the answers put in; what an entry says already is added to."""
    data = tomllib.loads(text)
    for entry in data["table"]:
        for key, value in answers.get(entry["table"], {}).items():
            whole = isinstance(value, Mapping)
            entry[key] = {**entry.get(key, {}), **value} if whole else value
    defaults = data.get("defaults", {}) | answers.get("defaults", {})
    return mapping_text(data["source"], defaults, data["table"])
