"""MLflow's catalogue of runs, and the models that may serve.

MLflow is a catalogue, not a boundary: what is opened must match the hash and the signature in the
register, is never a pickle, and is built by this project's own code. The register says which
version serves and which one waits; MLflow's aliases `champion` and `challenger` follow it.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from earlywarning.errors import ArtifactError, ConfigError
from earlywarning.io import artifact, mlflow_catalogue, signing
from earlywarning.io.mlflow_catalogue import Run, quiet, registered_name
from earlywarning.io.register import model_events, model_versions
from earlywarning.io.register.db import Register
from earlywarning.io.register.model_events import Decision
from earlywarning.io.register.model_versions import NewModel
from earlywarning.io.register.models import ModelVersion
from earlywarning.risk.estimators.base import Estimator
from earlywarning.risk.estimators.stored import from_files

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODEL_FOLDER = "model"


class CatalogueUnreachable(ArtifactError):
    """MLflow's server does not answer: nothing is known about the model, so nothing replaces it."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model whose files matched their recorded hash.

    Attributes
    ----------
    outcome, model_version_id : str
    version : int
    kind : str
        `rule`, `last_value`, `borrowed`, `logistic` or `boosted`.
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
        """Why this serves and nothing else: a code of `risk.results.WHY`."""
        return str(self.report["why"])


@dataclass(frozen=True, slots=True)
class Logged:
    """A run that MLflow keeps, and its model, which does not serve yet.

    Attributes
    ----------
    run_id : str
    artifact_uri : str
        Of the model's folder.
    seal : artifact.Seal
        Its hash and signature.
    """

    run_id: str
    artifact_uri: str
    seal: artifact.Seal

    @property
    def artifact_sha256(self) -> str:
        """Hash of the model's manifest."""
        return self.seal.sha256


class ModelRegistry:
    """The catalogue and the register together.

    Parameters
    ----------
    tracking_uri : str
        MLflow's store: an SQLite file of its own, or a server.
    artifact_location : str
        URI of the folder for files, when the store is local.
    register : Register
    key_file : Path, optional
        The key that signs models, made at the first training. Without one nothing can be trained
        here; what others signed can be opened.
    id_source : function, optional
        Makes ids; random unless a test needs them fixed.
    """

    def __init__(
        self,
        tracking_uri: str,
        *,
        artifact_location: str,
        register: Register,
        key_file: Path | None = None,
        id_source: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self.tracking_uri = tracking_uri
        self.artifact_location = artifact_location
        self.register = register
        self.key_file = key_file
        self._id_source = id_source
        self._client: MlflowClient | None = None

    def champion(self, outcome: str) -> LoadedModel | None:
        """The model that serves an outcome; None before the first training.

        Raises
        ------
        ArtifactError
            If its files do not match the recorded hash and signature: nothing of them was opened.
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

    def files(self, model_version_id: str) -> dict[str, bytes]:
        """A version's files, checked like `load`: its `spec.toml` and `report.json` among them."""
        row = model_versions.get(self.register, model_version_id)
        return self._files(row.artifact_uri, self._seal(row))

    def sealed(self, model_version_id: str) -> tuple[dict[str, bytes], artifact.Seal]:
        """As `files`, and what they must match wherever they are opened."""
        row = model_versions.get(self.register, model_version_id)
        seal = self._seal(row)
        return self._files(row.artifact_uri, seal), seal

    def run_params(self, run_id: str) -> dict[str, str]:
        """What a run recorded of how it was made. Not signed: to be compared, not trusted.

        Raises
        ------
        NotFound
            If MLflow has no such run.
        """
        with quiet():
            return mlflow_catalogue.run_params(self._opened(), run_id)

    def run_text(self, run_id: str, name: str) -> str:
        """A text that a run kept, such as its card. Not signed: to be read, not trusted.

        Raises
        ------
        NotFound
            If MLflow has no such run, or the run no such text.
        """
        with quiet():
            return mlflow_catalogue.run_text(self._opened(), run_id, name)

    def let_serve(
        self, model_version_id: str, decision: Decision, *, action: str = model_events.PROMOTED
    ) -> LoadedModel:
        """Let a version serve that was trained before, and keep who decided it and why.

        Raises
        ------
        NotFound, ArtifactError
            As `load`; what served before goes on serving.
        """
        loaded = self.load(model_version_id)
        model_versions.let_serve(self.register, model_version_id, decision, action=action)
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
        with quiet():
            client = self._opened()
            experiment_id = mlflow_catalogue.experiment(
                client,
                experiment,
                tracking_uri=self.tracking_uri,
                artifact_location=self.artifact_location,
            )
            run_id = mlflow_catalogue.keep_run(client, experiment_id, run, at=at, parent=None)
            logged = None if files is None else self._store(client, run_id, files)
            client.set_terminated(run_id)
        return logged

    def _store(self, client: MlflowClient, run_id: str, files: Mapping[str, bytes]) -> Logged:
        with tempfile.TemporaryDirectory() as aside:
            seal = artifact.write(Path(aside) / MODEL_FOLDER, files, self.signer())
            client.log_artifacts(run_id, str(Path(aside) / MODEL_FOLDER), MODEL_FOLDER)
        base = client.get_run(run_id).info.artifact_uri
        logged = Logged(run_id, f"{base}/{MODEL_FOLDER}", seal)
        with self._folder(logged.artifact_uri) as folder:
            artifact.flush(folder)
            artifact.read(folder, seal)
        return logged

    def signer(self) -> signing.Signer:
        """The key that signs, made now if this installation has none."""
        if self.key_file is None:
            raise ConfigError("a model must be signed, and no place for the key was named")
        return signing.made(self.key_file, earlier=model_versions.public_keys(self.register))

    def _trusted(self) -> Sequence[bytes]:
        """Keys whose signature counts: those of this installation, else those on record."""
        own = None if self.key_file is None else signing.opened(self.key_file)
        return model_versions.public_keys(self.register) if own is None else own.trusted

    def _seal(self, row: ModelVersion) -> artifact.Seal:
        signature = model_versions.signature(self.register, row.model_version_id)
        if signature is None:
            raise ArtifactError(
                f"{row.outcome} version {row.version} was never signed and was not opened; train "
                "again with `earlywarning train`"
            )
        return artifact.Seal(row.artifact_sha256, signature, self._trusted())

    def keep(
        self,
        experiment: str,
        models: Sequence[tuple[str, str, Logged, dict[str, Any]]],
        *,
        snapshot_id: str,
        trained: Decision,
        promoted: Mapping[str, Decision],
    ) -> list[LoadedModel]:
        """Enter logged models as versions, and let some of them serve: all of it or nothing.

        The register's one transaction is the switch. MLflow's versions come before it, its aliases
        after it; if the process ends in between, `align_aliases` mends the catalogue.

        Parameters
        ----------
        experiment : str
        models : sequence of (outcome, kind, Logged, report)
        snapshot_id : str
            The facts they were learnt from.
        trained : Decision
            Who trained them, and when.
        promoted : mapping of outcome to Decision
            Those that serve from now on; the others wait as challengers.
        """
        new, opened = [], []
        for outcome, kind, logged, report in models:
            estimator = from_files(self._files(logged.artifact_uri, logged.seal))
            opened.append(estimator)
            with quiet():
                name = registered_name(experiment, outcome)
                version = mlflow_catalogue.add_version(
                    self._opened(),
                    name,
                    run_id=logged.run_id,
                    artifact_uri=logged.artifact_uri,
                    tags={
                        "artifact_sha256": logged.seal.sha256,
                        "signature": logged.seal.signature.hex(),
                        "card": f"runs:/{logged.run_id}/card.en.md",
                        "card.id": f"runs:/{logged.run_id}/card.id.md",
                        "report": f"runs:/{logged.run_id}/report.json",
                        "page": f"runs:/{logged.run_id}/report.html",
                    },
                )
            new.append(
                NewModel(
                    model_version_id=self._id_source(),
                    outcome=outcome,
                    estimator=kind,
                    run_id=logged.run_id,
                    artifact_uri=logged.artifact_uri,
                    artifact_sha256=logged.seal.sha256,
                    signature=logged.seal.signature,
                    public_key=logged.seal.trusted[0],
                    snapshot_id=snapshot_id,
                    trained_at=trained.at,
                    report={**report, "mlflow_model": name, "mlflow_version": version},
                )
            )
        rows = model_versions.add(self.register, new, trained=trained, promoted=promoted)
        self.align_aliases()
        return [_loaded(row, estimator) for row, estimator in zip(rows, opened, strict=True)]

    def align_aliases(self) -> None:
        """Let MLflow's aliases and tags say what the register says: who serves, who waits, why."""
        rows = model_versions.every(self.register)
        if not rows:
            return
        with quiet():
            client = self._opened()
            for outcome in sorted({row.outcome for row in rows}):
                own = {row.model_version_id: row for row in rows if row.outcome == outcome}
                events = model_events.of_outcome(self.register, outcome)
                mlflow_catalogue.align(client, own, events)

    def _open(self, row: ModelVersion) -> LoadedModel:
        return _loaded(row, from_files(self._files(row.artifact_uri, self._seal(row))))

    def _files(self, uri: str, seal: artifact.Seal) -> dict[str, bytes]:
        with self._folder(uri) as folder:
            return artifact.read(folder, seal)

    @contextmanager
    def _folder(self, uri: str) -> Iterator[Path]:
        """A model's folder: where it lies, or fetched from MLflow's server."""
        parsed = urlparse(uri)
        if parsed.scheme in ("", "file"):
            yield Path(unquote(parsed.path))
            return
        with quiet(), tempfile.TemporaryDirectory() as aside:
            self._opened()
            import mlflow

            try:
                fetched = mlflow.artifacts.download_artifacts(
                    artifact_uri=uri, dst_path=aside, tracking_uri=self.tracking_uri
                )
            except mlflow.exceptions.MlflowException as error:
                raise CatalogueUnreachable(
                    f"{uri}: MLflow does not hand out this model ({error}); start its server, or "
                    "train again with `earlywarning train`"
                ) from error
            yield Path(fetched)

    def _opened(self) -> MlflowClient:
        """MLflow's client; imported at first use, because that takes seconds."""
        if self._client is None:
            with quiet():
                self._client = mlflow_catalogue.open_store(self.tracking_uri)
        return self._client


def _loaded(row: ModelVersion, estimator: Estimator) -> LoadedModel:
    return LoadedModel(
        row.outcome,
        row.model_version_id,
        row.version,
        row.estimator,
        estimator,
        row.artifact_sha256,
        row.report,
    )
