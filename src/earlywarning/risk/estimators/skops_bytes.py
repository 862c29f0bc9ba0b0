"""Parts of scikit-learn as skops, never as a pickle: the same object gives the same bytes.

skops names the parts of a file by their places in memory and stamps the time into it; both are
replaced here. What may be built when a file is read is listed in this file and nowhere else: a list
that comes with the model could be the attacker's.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import skops.io

from earlywarning.errors import ArtifactError

TRUSTED = ("numpy.dtype",)
"""Types beyond those that skops itself holds harmless."""

_SCHEMA = "schema.json"
_MOMENT = (1980, 1, 1, 0, 0, 0)


def dump(value: Any) -> bytes:
    """An estimator of scikit-learn as bytes."""
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(value))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(parts.pop(_SCHEMA))
    renamed: dict[str, str] = {}
    _renumber(schema, {}, renamed)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for old, new in renamed.items():
            archive.writestr(zipfile.ZipInfo(new, _MOMENT), parts[old])
        text = json.dumps(schema, sort_keys=True, separators=(",", ":"))
        archive.writestr(zipfile.ZipInfo(_SCHEMA, _MOMENT), text)
    return out.getvalue()


def load(data: bytes) -> Any:
    """The estimator of `dump`.

    Raises
    ------
    ArtifactError
        If it is not such a file, or holds a type that is not in `TRUSTED`.
    """
    try:
        return skops.io.loads(data, trusted=list(TRUSTED))
    except Exception as error:
        raise ArtifactError(
            f"a stored model part cannot be opened safely: {type(error).__name__}: {error}; "
            "train again with `earlywarning train`"
        ) from error


def _renumber(node: Any, numbers: dict[int, int], renamed: dict[str, str]) -> None:
    """Number the parts in the order in which they stand, and name their files after that."""
    if isinstance(node, list):
        for item in node:
            _renumber(item, numbers, renamed)
    elif isinstance(node, dict):
        if "__id__" in node:
            # Constants share a place in memory or not, as Python pleases: each its own number.
            fresh = len(numbers) + 1
            key = -fresh if node.get("is_json") else node["__id__"]
            node["__id__"] = numbers.setdefault(key, fresh)
        for key in sorted(node):
            if key == "file" and isinstance(node[key], str):
                node[key] = renamed.setdefault(node[key], f"{len(renamed)}.npy")
            else:
                _renumber(node[key], numbers, renamed)
