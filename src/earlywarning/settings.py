"""Where things are. Read once, by the two apps; the library takes values."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Places and addresses, from the environment (prefix `EARLYWARNING_`).

    Attributes
    ----------
    home : Path
        Folder of one installation; everything below lies in it unless set apart.
    database_url : str
        SQLAlchemy URL of the register; default SQLite in `home`.
    mlflow_tracking_uri : str
        MLflow's own store; default an SQLite file of its own in `home`.
    host, port
        Where the service listens; loopback unless changed.
    """

    model_config = SettingsConfigDict(env_prefix="EARLYWARNING_", extra="ignore", frozen=True)

    home: Path = Path("earlywarning-data")
    database_url: str = ""
    mlflow_tracking_uri: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)

    @property
    def district_file(self) -> Path:
        """The school's own choices."""
        return self.home / "district.toml"

    @property
    def facts_dir(self) -> Path:
        """Snapshots of the facts."""
        return self.home / "facts"

    @property
    def reports_dir(self) -> Path:
        """A page for each outcome trained: what later quarters said of its list."""
        return self.home / "reports"

    @property
    def register_url(self) -> str:
        """SQLAlchemy URL of the register."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'register.db'}"

    @property
    def audit_head(self) -> Path:
        """The head of the audit, copied aside at each commit."""
        return self.home / "audit-head"

    @property
    def tracking_uri(self) -> str:
        """Address of MLflow's store; never the register's database (MLflow owns its tables)."""
        return self.mlflow_tracking_uri or f"sqlite:///{self.home.resolve() / 'mlflow.db'}"

    @property
    def model_key(self) -> Path:
        """The key that signs models; only its owner may read it."""
        return self.home / "model-signing.key"

    @property
    def mlflow_artifacts(self) -> str:
        """Where MLflow keeps files when its store is the local one."""
        return (self.home.resolve() / "mlflow-artifacts").as_uri()
