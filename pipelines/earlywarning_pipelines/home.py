"""One installation, opened piece by piece as a command needs it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from earlywarning import district
from earlywarning.district import District
from earlywarning.errors import ConfigError
from earlywarning.settings import Settings

if TYPE_CHECKING:
    from earlywarning.io.engine import Engine
    from earlywarning.io.facts import FactStore
    from earlywarning.io.model_registry import ModelRegistry
    from earlywarning.io.register.db import Register


@dataclass(frozen=True)
class Home:
    """The places of one installation; nothing is opened before it is asked for.

    Attributes
    ----------
    settings : Settings
    engine_name : str
        `polars` or `duckdb`.
    """

    settings: Settings
    engine_name: str = "polars"

    @cached_property
    def district(self) -> District:
        """The checked `district.toml`."""
        return district.load(self.settings.district_file)

    @cached_property
    def register(self) -> Register:
        """The register, brought to the newest schema."""
        from earlywarning.io.register.db import open_register

        self.settings.home.mkdir(parents=True, exist_ok=True)
        return open_register(self.settings.register_url)

    @cached_property
    def store(self) -> FactStore:
        """The facts."""
        from earlywarning.io.facts import FactStore

        return FactStore(self.settings.facts_dir)

    @cached_property
    def engine(self) -> Engine:
        """The engine that computes features."""
        from earlywarning.io.engine import open_engine

        if self.engine_name not in ("polars", "duckdb"):
            raise ConfigError(f"--engine is {self.engine_name!r}; allowed: polars, duckdb")
        return open_engine(self.engine_name)  # type: ignore[arg-type]

    @cached_property
    def models(self) -> ModelRegistry:
        """MLflow's catalogue and the register's record of what serves."""
        from earlywarning.io.model_registry import ModelRegistry

        return ModelRegistry(
            self.settings.tracking_uri,
            artifact_location=self.settings.mlflow_artifacts,
            register=self.register,
        )


def open_home(path: Path | None, *, engine: str = "polars") -> Home:
    """The installation in a folder, or where the environment says."""
    settings = Settings(home=path) if path else Settings()
    return Home(settings, engine)
