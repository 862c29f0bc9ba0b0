"""How far a quarter's run came, in a file that is whole whenever somebody looks.

Each step is written down as soon as it is done. A run that was killed goes on after the last one
written; a run whose inputs are not those of the file begins anew.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

FORMAT = 1
"""Of the file; one of another format is not read."""


@dataclass
class Journal:
    """The steps of one quarter that were done with one set of inputs.

    Attributes
    ----------
    path : Path
    inputs : str
        Hash of everything that the steps rest on.
    done : dict of step to dict
        What came of each, in the order in which they were done.
    """

    path: Path
    inputs: str
    done: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def opened(cls, path: Path, inputs: str) -> Self:
        """The journal of a quarter; empty if there is none, or it is of other inputs."""
        try:
            kept = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            return cls(path, inputs)
        if not isinstance(kept, dict) or kept.get("format") != FORMAT:
            return cls(path, inputs)
        return cls(path, inputs, dict(kept["done"]) if kept["inputs"] == inputs else {})

    def write(self, step: str, found: dict[str, Any]) -> dict[str, Any]:
        """Note a step as done; on the disk when this returns."""
        self.done[step] = found
        kept = {"format": FORMAT, "inputs": self.inputs, "done": self.done}
        write_whole(self.path, json.dumps(kept, indent=1).encode())
        return found


def write_whole(path: Path, content: bytes) -> None:
    """Write a file aside and put it in place: under its name it is always whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.aside")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
