"""One installation, opened piece by piece as a command needs it."""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from earlywarning import district
from earlywarning.district import District
from earlywarning.errors import ConfigError
from earlywarning.settings import Settings

if TYPE_CHECKING:
    from earlywarning.io.engine import Engine, EngineName
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
        `polars`, `duckdb` or `spark`.
    """

    settings: Settings
    engine_name: EngineName = "polars"

    def require(self) -> None:
        """Check that the folder holds an installation.

        Raises
        ------
        ConfigError
            If not: a command in the wrong folder starts no new one.
        """
        if not self.settings.district_file.exists():
            raise ConfigError(
                f"{self.settings.home}: holds no installation (no district.toml); make one with "
                "`earlywarning init`, or name the right folder with --home"
            )

    @cached_property
    def district(self) -> District:
        """The checked `district.toml`."""
        self.require()
        return district.load(self.settings.district_file)

    @cached_property
    def register(self) -> Register:
        """The register, brought to the newest schema."""
        from earlywarning.io.register.db import open_register

        self.require()
        return open_register(self.settings.register_url, head_file=self.settings.audit_head)

    @cached_property
    def store(self) -> FactStore:
        """The facts."""
        from earlywarning.io.facts import FactStore

        return FactStore(self.settings.facts_dir)

    @cached_property
    def engine(self) -> Engine:
        """The engine that computes features."""
        from earlywarning.io.engine import open_engine

        if self.engine_name == "spark":
            spark = open_engine(
                "spark",
                master=self.settings.spark_master or None,
                scratch=self.settings.spark_scratch or None,
            )
            # What lies in a folder that machines share does not end with this process.
            atexit.register(spark.close)
            return spark
        return open_engine(self.engine_name)

    @cached_property
    def models(self) -> ModelRegistry:
        """MLflow's catalogue and the register's record of what serves."""
        from earlywarning.io.model_registry import ModelRegistry

        return ModelRegistry(
            self.settings.tracking_uri,
            artifact_location=self.settings.mlflow_artifacts,
            register=self.register,
            key_file=self.settings.model_key,
        )


def open_home(path: Path | None, *, engine: EngineName = "polars") -> Home:
    """The installation in a folder, or where the environment says.

    Raises
    ------
    ConfigError
        If a variable of the environment says something that cannot be.
    """
    return Home(_settings(path), engine)


def _settings(home: Path | None) -> Settings:
    try:
        return Settings(home=home) if home else Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"EARLYWARNING_{'_'.join(str(part) for part in first['loc']).upper()}"
        raise ConfigError(
            f"{name} is {first['input']!r}: {first['msg']}; docs/data-staff.md lists the settings"
        ) from error
