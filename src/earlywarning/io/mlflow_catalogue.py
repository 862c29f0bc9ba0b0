"""MLflow as a catalogue: its store, runs, versions, aliases and tags. It decides nothing.

MLflow is imported at first use, because that takes seconds.
"""

from __future__ import annotations

import json
import logging
import math
import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from sqlalchemy.exc import SQLAlchemyError

from earlywarning.errors import ConfigError, NotFound
from earlywarning.io.register import model_events
from earlywarning.io.register.models import ModelEvent, ModelVersion

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

CHAMPION = "champion"
CHALLENGER = "challenger"

READ_ON = {"card": "card", "card.id": "kartu", "page": "page for people", "report": "figures"}
"""Tags of a version that say where its texts are, and what they are called."""


@dataclass(frozen=True, slots=True)
class LearntFrom:
    """A snapshot of facts, as MLflow lists the data of a run.

    Attributes
    ----------
    name : str
    snapshot_id : str
        Its digest; MLflow keeps the first 32 characters as such, and all in the profile.
    columns : mapping of name to type
    rows : int
    """

    name: str
    snapshot_id: str
    columns: Mapping[str, str]
    rows: int


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
    data : LearntFrom, optional
        The facts that it learnt from.
    nested : sequence of Run
    """

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    data: LearntFrom | None = None
    nested: Sequence[Run] = ()


def open_store(tracking_uri: str) -> MlflowClient:
    """MLflow's client, its telemetry off; importing it takes seconds.

    Raises
    ------
    ConfigError
        If the store cannot be opened.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    # MLflow sets its own level when it is imported.
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)

    try:
        client = MlflowClient(tracking_uri, tracking_uri)
        client.search_experiments(max_results=1)
    except (MlflowException, SQLAlchemyError) as error:
        raise ConfigError(
            f"MLflow's store cannot be opened: {str(error).splitlines()[0]}; check "
            "EARLYWARNING_MLFLOW_TRACKING_URI, or leave it unset for a file in the home"
        ) from error
    return client


def experiment(
    client: MlflowClient, name: str, *, tracking_uri: str, artifact_location: str
) -> str:
    """Id of an experiment, made if it is not there."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return found.experiment_id
    local = urlparse(tracking_uri).scheme not in ("http", "https", "databricks")
    return client.create_experiment(
        name, artifact_location=f"{artifact_location}/{slug(name)}" if local else None
    )


def keep_run(
    client: MlflowClient,
    experiment_id: str,
    run: Run,
    *,
    at: datetime,
    parent: str | None,
) -> str:
    """Keep a run and its nested runs; the id of the run, which is not ended yet."""
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
    if run.data is not None:
        client.log_inputs(run_id, [_input(run.data)])
    for name, text in run.texts.items():
        client.log_text(run_id, text, name)
    for nested in run.nested:
        keep_run(client, experiment_id, nested, at=at, parent=run_id)
    if parent:
        client.set_terminated(run_id)
    return run_id


def _input(data: LearntFrom) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    columns = [{"type": kind, "name": name} for name, kind in data.columns.items()]
    made = Dataset(
        name=data.name,
        digest=data.snapshot_id[:32],
        source_type="local",
        source=json.dumps({"snapshot_id": data.snapshot_id}),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps({"snapshot_id": data.snapshot_id, "num_rows": data.rows}),
    )
    return DatasetInput(made, [InputTag("mlflow.data.context", "training")])


def run_params(client: MlflowClient, run_id: str) -> dict[str, str]:
    """The parameters of a run.

    Raises
    ------
    NotFound
        If there is no such run.
    """
    from mlflow.exceptions import MlflowException

    try:
        return dict(client.get_run(run_id).data.params)
    except MlflowException as error:
        raise _no_run(run_id) from error


def run_text(client: MlflowClient, run_id: str, name: str) -> str:
    """A text that a run kept, by its name.

    Raises
    ------
    NotFound
        If there is no such run, or no such text.
    """
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as aside:
        try:
            path = client.download_artifacts(run_id, name, aside)
            return Path(path).read_text(encoding="utf-8")
        except (MlflowException, OSError) as error:
            raise NotFound(
                f"run {run_id} has no {name}; it was removed from MLflow, or an older "
                "earlywarning made the run"
            ) from error


def _no_run(run_id: str) -> NotFound:
    return NotFound(
        f"MLflow has no run {run_id!r}; `earlywarning models show` prints the run of each version"
    )


def add_version(
    client: MlflowClient, name: str, *, run_id: str, artifact_uri: str, tags: Mapping[str, str]
) -> str:
    """The number of a new version in MLflow's registry, without an alias yet."""
    if not client.search_registered_models(filter_string=f"name='{name}'"):
        client.create_registered_model(name)
    made = client.create_model_version(
        name,
        source=artifact_uri,
        run_id=run_id,
        tags=dict(tags),
        # Shown as Markdown beside the version: where to read on.
        description="\n".join(
            f"- {title}: `{tags[name]}`" for name, title in READ_ON.items() if name in tags
        ),
    )
    return str(made.version)


def align(
    client: MlflowClient,
    rows: Mapping[str, ModelVersion],
    events: Sequence[ModelEvent],
) -> None:
    """Let aliases and tags say what the register says of one outcome.

    Parameters
    ----------
    rows : mapping of id to ModelVersion
    events : sequence of ModelEvent
        Oldest first.
    """
    waiting = model_events.challenger(events)
    wanted = {
        CHAMPION: next((row for row in rows.values() if row.is_champion), None),
        CHALLENGER: None if waiting is None else rows[waiting],
    }
    for name in sorted({row.report["mlflow_model"] for row in rows.values()}):
        found = client.search_registered_models(filter_string=f"name='{name}'")
        aliases = found[0].aliases if found else {}
        for alias, row in wanted.items():
            here = row if row is not None and row.report["mlflow_model"] == name else None
            if here is None and alias in aliases:
                client.delete_registered_model_alias(name, alias)
            elif here is not None and str(aliases.get(alias)) != here.report["mlflow_version"]:
                client.set_registered_model_alias(name, alias, here.report["mlflow_version"])
    for event in events:
        _tag(client, rows[event.model_version_id], event)


def _tag(client: MlflowClient, row: ModelVersion, event: ModelEvent) -> None:
    """What happened, on MLflow's version: the newest of each kind stands."""
    name, version = row.report["mlflow_model"], row.report["mlflow_version"]
    tags = {
        event.action: event.at.isoformat(),
        f"{event.action}.by": event.made_by,
        f"{event.action}.reason": event.reason,
    }
    if event.action == model_events.PROMOTED:
        tags["promoted.override"] = str(event.override).lower()
        tags["promoted.gates"] = json.dumps(event.gates, sort_keys=True)[:5000]
    known = client.get_model_version(name, version).tags
    for key, value in tags.items():
        if known.get(key) != value:
            client.set_model_version_tag(name, version, key, value)


def registered_name(experiment: str, outcome: str) -> str:
    """Name of an outcome's model in MLflow's registry."""
    return f"{slug(experiment)}-{outcome}"


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "school"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep MLflow's own warnings about its dependencies from the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
