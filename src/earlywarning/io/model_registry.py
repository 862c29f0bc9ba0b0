"""MLflow's catalogue of runs, and the models that may serve.

MLflow is a catalogue, not a boundary: what is opened must match the hash in the register, is never
a pickle, and is built by this project's own code. The register says which version serves; MLflow's
alias `champion` follows it.
"""

from __future__ import annotations

import logging
import math
import os
import re
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from sqlalchemy.exc import SQLAlchemyError

from earlywarning.errors import ArtifactError, ConfigError
from earlywarning.io import artifact
from earlywarning.io.register import model_versions
from earlywarning.io.register.db import Register
from earlywarning.io.register.model_versions import NewModel
from earlywarning.io.register.models import ModelVersion
from earlywarning.risk.estimators.base import Estimator
from earlywarning.risk.estimators.stored import from_files

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODEL_FOLDER = "model"
CHAMPION = "champion"


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model whose files matched their recorded hash.

    Attributes
    ----------
    outcome, model_version_id : str
    version : int
    kind : str
        `rule`, `last_value`, `logistic` or `boosted`.
    estimator : Estimator
    artifact_sha256 : str
    report : dict
        As recorded at training.
    """

    outcome: str
    model_version_id: str
    version: int
    kind: str
    estimator: Estimator
    artifact_sha256: str
    report: dict[str, Any]

    @property
    def why(self) -> str:
        """Why this serves and nothing else: a code of `risk.training.WHY`."""
        return str(self.report["why"])


@dataclass(frozen=True)
class Run:
    """What MLflow is to keep of one run.

    Attributes
    ----------
    name : str
    params, tags : mapping of str to text
    metrics : mapping of str to float
        Those that are not finite are left out.
    texts : mapping of file name to text
    nested : sequence of Run
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    nested: Sequence[Run] = ()


@dataclass(frozen=True, slots=True)
class Logged:
    """A run that MLflow keeps, and its model, which does not serve yet.

    Attributes
    ----------
    run_id : str
    artifact_uri : str
        Of the model's folder.
    artifact_sha256 : str
    """

    run_id: str
    artifact_uri: str
    artifact_sha256: str


class ModelRegistry:
    """The catalogue and the register together.

    Parameters
    ----------
    tracking_uri : str
        MLflow's store: an SQLite file of its own, or a server.
    artifact_location : str
        URI of the folder for files, when the store is local.
    register : Register
    id_source : function, optional
        Makes ids; random unless a test needs them fixed.
    """

    def __init__(
        self,
        tracking_uri: str,
        *,
        artifact_location: str,
        register: Register,
        id_source: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self.tracking_uri = tracking_uri
        self.artifact_location = artifact_location
        self.register = register
        self._id_source = id_source
        self._client: MlflowClient | None = None

    def champion(self, outcome: str) -> LoadedModel | None:
        """The model that serves an outcome; None before the first training.

        Raises
        ------
        ArtifactError
            If its files do not match the recorded hash: nothing of them was opened.
        """
        row = model_versions.champion(self.register, outcome)
        return None if row is None else self._open(row)

    def load(self, model_version_id: str) -> LoadedModel:
        """Any version, for example the one that made a past list.

        Raises
        ------
        NotFound
            If there is none of this id.
        ArtifactError
            If its files do not match the recorded hash.
        """
        return self._open(model_versions.get(self.register, model_version_id))

    def set_champion(self, model_version_id: str) -> LoadedModel:
        """Let an earlier version serve again.

        Raises
        ------
        NotFound, ArtifactError
            As `load`; what served before goes on serving.
        """
        loaded = self.load(model_version_id)
        model_versions.set_champion(self.register, model_version_id)
        self.align_aliases()
        return loaded

    def log(
        self, experiment: str, run: Run, files: Mapping[str, bytes] | None, *, at: datetime
    ) -> Logged | None:
        """Keep a run and its nested runs, and the model's files.

        Parameters
        ----------
        experiment : str
            One for each district.
        run : Run
        files : mapping of name to bytes, or None
            The model; without one, only the run is kept.
        at : datetime
            Now, in UTC without zone.

        Returns
        -------
        Logged or None
            None without a model. Its files were read back and match their hash.
        """
        with _quiet():
            client = self._opened()
            experiment_id = self._experiment(client, experiment)
            run_id = self._keep(client, experiment_id, run, at=at, parent=None)
            logged = None if files is None else self._store(client, run_id, files)
            client.set_terminated(run_id)
        return logged

    def _store(self, client: MlflowClient, run_id: str, files: Mapping[str, bytes]) -> Logged:
        with tempfile.TemporaryDirectory() as aside:
            sha256 = artifact.write(Path(aside) / MODEL_FOLDER, files)
            client.log_artifacts(run_id, str(Path(aside) / MODEL_FOLDER), MODEL_FOLDER)
        base = client.get_run(run_id).info.artifact_uri
        logged = Logged(run_id, f"{base}/{MODEL_FOLDER}", sha256)
        with self._folder(logged.artifact_uri) as folder:
            artifact.flush(folder)
            artifact.read(folder, sha256)
        return logged

    def put_in_service(
        self,
        experiment: str,
        models: Sequence[tuple[str, str, Logged, dict[str, Any]]],
        *,
        snapshot_id: str,
        trained_at: datetime,
    ) -> list[LoadedModel]:
        """Let logged models serve: all of them or none.

        The register's one transaction is the switch. MLflow's versions come before it, its aliases
        after it; if the process ends in between, `align_aliases` mends the catalogue.

        Parameters
        ----------
        experiment : str
        models : sequence of (outcome, kind, Logged, report)
        snapshot_id : str
            The facts they were learnt from.
        trained_at : datetime
            UTC without zone.
        """
        new = []
        with _quiet():
            client = self._opened()
            for outcome, kind, logged, report in models:
                name = registered_name(experiment, outcome)
                version = self._catalogue(client, name, logged)
                report = {**report, "mlflow_model": name, "mlflow_version": version}
                new.append(
                    NewModel(
                        model_version_id=self._id_source(),
                        outcome=outcome,
                        estimator=kind,
                        run_id=logged.run_id,
                        artifact_uri=logged.artifact_uri,
                        artifact_sha256=logged.artifact_sha256,
                        snapshot_id=snapshot_id,
                        trained_at=trained_at,
                        report=report,
                    )
                )
        opened = [
            (model, from_files(self._files(model.artifact_uri, model.artifact_sha256)))
            for model in new
        ]
        rows = model_versions.put_in_service(self.register, new)
        self.align_aliases()
        return [
            LoadedModel(
                row.outcome,
                row.model_version_id,
                row.version,
                row.estimator,
                estimator,
                row.artifact_sha256,
                row.report,
            )
            for row, (_, estimator) in zip(rows, opened, strict=True)
        ]

    def align_aliases(self) -> None:
        """Let MLflow's alias `champion` name what the register says serves."""
        with _quiet():
            client = self._opened()
            for row in model_versions.champions(self.register):
                name, version = row.report["mlflow_model"], row.report["mlflow_version"]
                if self._aliased(client, name) != version:
                    client.set_registered_model_alias(name, CHAMPION, version)

    def _aliased(self, client: MlflowClient, name: str) -> str | None:
        found = client.search_registered_models(filter_string=f"name='{name}'")
        return str(found[0].aliases.get(CHAMPION)) if found else None

    def _open(self, row: ModelVersion) -> LoadedModel:
        estimator = from_files(self._files(row.artifact_uri, row.artifact_sha256))
        return LoadedModel(
            row.outcome,
            row.model_version_id,
            row.version,
            row.estimator,
            estimator,
            row.artifact_sha256,
            row.report,
        )

    def _files(self, uri: str, sha256: str) -> dict[str, bytes]:
        with self._folder(uri) as folder:
            return artifact.read(folder, sha256)

    @contextmanager
    def _folder(self, uri: str) -> Iterator[Path]:
        """A model's folder: where it lies, or fetched from MLflow's server."""
        parsed = urlparse(uri)
        if parsed.scheme in ("", "file"):
            yield Path(unquote(parsed.path))
            return
        with _quiet(), tempfile.TemporaryDirectory() as aside:
            self._opened()
            import mlflow

            try:
                fetched = mlflow.artifacts.download_artifacts(
                    artifact_uri=uri, dst_path=aside, tracking_uri=self.tracking_uri
                )
            except mlflow.exceptions.MlflowException as error:
                raise ArtifactError(
                    f"{uri}: MLflow does not hand out this model ({error}); start its server, or "
                    "train again with `earlywarning train`"
                ) from error
            yield Path(fetched)

    def _opened(self) -> MlflowClient:
        """MLflow's client; imported at first use, because that takes seconds."""
        if self._client is None:
            with _quiet():
                self._client = self._open_store()
        return self._client

    def _open_store(self) -> MlflowClient:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        # MLflow sets its own level when it is imported.
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)

        try:
            client = MlflowClient(self.tracking_uri, self.tracking_uri)
            client.search_experiments(max_results=1)
        except (MlflowException, SQLAlchemyError) as error:
            raise ConfigError(
                f"MLflow's store cannot be opened: {str(error).splitlines()[0]}; check "
                "EARLYWARNING_MLFLOW_TRACKING_URI, or leave it unset for a file in the home"
            ) from error
        return client

    def _experiment(self, client: MlflowClient, name: str) -> str:
        found = client.get_experiment_by_name(name)
        if found is not None:
            return found.experiment_id
        local = urlparse(self.tracking_uri).scheme not in ("http", "https", "databricks")
        return client.create_experiment(
            name, artifact_location=f"{self.artifact_location}/{_slug(name)}" if local else None
        )

    def _keep(
        self,
        client: MlflowClient,
        experiment_id: str,
        run: Run,
        *,
        at: datetime,
        parent: str | None,
    ) -> str:
        from mlflow.entities import Metric, Param

        tags = {**run.tags, **({"mlflow.parentRunId": parent} if parent else {})}
        made = client.create_run(experiment_id, run_name=run.name, tags=tags)
        run_id = made.info.run_id
        moment = int(at.replace(tzinfo=UTC).timestamp() * 1000)
        metrics = [
            Metric(name, float(value), moment, 0)
            for name, value in run.metrics.items()
            if math.isfinite(value)
        ]
        params = [Param(name, str(value)[:6000]) for name, value in run.params.items()]
        client.log_batch(run_id, metrics=metrics, params=params)
        for name, text in run.texts.items():
            client.log_text(run_id, text, name)
        for nested in run.nested:
            self._keep(client, experiment_id, nested, at=at, parent=run_id)
        if parent:
            client.set_terminated(run_id)
        return run_id

    def _catalogue(self, client: MlflowClient, name: str, logged: Logged) -> str:
        """A version in MLflow's registry, without an alias yet."""
        if not client.search_registered_models(filter_string=f"name='{name}'"):
            client.create_registered_model(name)
        made = client.create_model_version(
            name,
            source=logged.artifact_uri,
            run_id=logged.run_id,
            tags={"artifact_sha256": logged.artifact_sha256},
        )
        return str(made.version)


def registered_name(experiment: str, outcome: str) -> str:
    """Name of an outcome's model in MLflow's registry."""
    return f"{_slug(experiment)}-{outcome}"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "school"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow's own warnings about its dependencies from the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
