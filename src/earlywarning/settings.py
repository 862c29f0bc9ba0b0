"""Where things are. Read once, by the two apps; the library takes values."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
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
    spark_master, spark_scratch : str
        With `--engine spark`: the cluster's address, and a folder that all its machines see.
    host, port
        Where the service listens; loopback unless changed.
    public_url : str
        Where browsers find the service, if a TLS proxy stands before it: `https://…`.
    proxy : str
        That proxy's address, as it connects: it is believed about whom it speaks for.
    requests_per_minute : int
        Of one person; 0 for no limit.
    metrics_port : int or None
        Of loopback, for Prometheus; none unless set.
    oidc_issuer, oidc_client_id, oidc_client_secret, oidc_hosted_domain, oidc_label
        An identity provider; docs/security.md says how.
    """

    model_config = SettingsConfigDict(env_prefix="EARLYWARNING_", extra="ignore", frozen=True)

    home: Path = Path("earlywarning-data")
    database_url: str = ""
    mlflow_tracking_uri: str = ""
    spark_master: str = ""
    spark_scratch: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    public_url: str = Field(default="", pattern=r"^(https?://[^/\s]+/?)?$")
    proxy: str = ""
    requests_per_minute: int = Field(default=600, ge=0)
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_hosted_domain: str = ""
    oidc_label: str = "belajar.id"

    @property
    def district_file(self) -> Path:
        """The school's own choices."""
        return self.home / "district.toml"

    @property
    def facts_dir(self) -> Path:
        """Snapshots of the facts."""
        return self.home / "facts"

    @property
    def uploads_dir(self) -> Path:
        """Files that people gave to the service, until they are imported or a day old."""
        return self.home / "uploads"

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
