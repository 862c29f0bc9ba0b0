"""MLflow's store for tests: its tables take seconds to make, so they are made once and copied."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from earlywarning.io.model_registry import ModelRegistry
from earlywarning.io.register.db import Register


@cache
def _template() -> bytes:
    """The store's file, with tables and no content."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "mlflow.db"
        registry = ModelRegistry(
            f"sqlite:///{database}",
            artifact_location="",
            register=None,  # type: ignore[arg-type]
        )
        registry._opened()
        return database.read_bytes()


def registry(
    folder: Path, register: Register, id_source: Callable[[], str] | None = None
) -> ModelRegistry:
    """A catalogue in a folder of its own."""
    database = folder / "mlflow.db"
    if not database.exists():
        database.write_bytes(_template())
    return ModelRegistry(
        f"sqlite:///{database}",
        artifact_location=(folder / "artifacts").as_uri(),
        register=register,
        key_file=folder / "model-signing.key",
        **({"id_source": id_source} if id_source else {}),
    )
