"""Stored and read again: the same bytes, the same risks, and never a pickle."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import pickletools
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.preprocessing import FunctionTransformer

from drawn_school import dataset
from earlywarning.errors import ArtifactError
from earlywarning.risk import spec
from earlywarning.risk.candidates import candidate
from earlywarning.risk.estimators import skops_bytes
from earlywarning.risk.estimators.base import Estimator
from earlywarning.risk.estimators.boosted import Boosted
from earlywarning.risk.estimators.logistic import PIPELINE_FILE
from earlywarning.risk.estimators.stored import from_files
from earlywarning.risk.spec import BoostedSetting

KINDS = ("rule", "last_value", "logistic", "boosted")
TESTS = Path(__file__).parents[3]


def fit(kind: str) -> Estimator:
    data, read = dataset(80), spec.load("attendance")
    made = candidate(kind, read)
    if kind == "boosted":
        setting = BoostedSetting(depth=2, learning_rate=0.1, min_child_weight=5)
        made = Boosted(read.features, [setting], rounds=20)
    return made.fit(
        data.X,
        data.y["attendance"].to_numpy(),
        visited=data.visited,
        quarters=data.ids["quarter"].to_numpy(dtype=str),
        seed=1,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(kind: str) -> None:
    estimator, data = fit(kind), dataset(80, seed=2)
    files = estimator.to_files()
    again = from_files(files)
    assert again.kind == kind
    assert again.treatment_ == estimator.treatment_
    assert again.to_files() == files
    assert (again.predict_risk(data.X) == estimator.predict_risk(data.X)).all()
    assert again.contributions(data.X).equals(estimator.contributions(data.X))


SCRIPT = """
import hashlib, sys
sys.path[:0] = sys.argv[1:]
from test_stored import KINDS, fit
for kind in KINDS:
    for name, data in sorted(fit(kind).to_files().items()):
        print(kind, name, hashlib.sha256(data).hexdigest())
"""


def test_another_process_makes_the_same_bytes() -> None:
    """Other hash seeds, other places in memory, another number of threads."""
    expected = "".join(
        f"{kind} {name} {hashlib.sha256(data).hexdigest()}\n"
        for kind in KINDS
        for name, data in sorted(fit(kind).to_files().items())
    )
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(TESTS), str(Path(__file__).parent)],
        env=os.environ | {"PYTHONHASHSEED": "7", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == expected


def contents(files: dict[str, bytes]) -> list[bytes]:
    """Every file, and every part of those that are archives."""
    parts = list(files.values())
    for data in files.values():
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                parts += [archive.read(name) for name in archive.namelist()]
    return parts


def is_pickle(data: bytes) -> bool:
    try:
        pickletools.dis(data, out=io.StringIO())
    except Exception:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_a_pickle(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = fit(kind).to_files()
    assert is_pickle(pickle.dumps(fit("rule")))
    for data in contents(files):
        assert not is_pickle(data)
        assert not any(data.startswith(bytes([0x80, protocol])) for protocol in range(6))
        # NumPy marks an array of objects, which it would pickle, in its header.
        assert b"'descr': '|O'" not in data

    def canary(*args: object, **kwargs: object) -> object:
        raise AssertionError("pickle was called")

    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, canary)
    from_files(files)


def test_a_pickle_in_place_of_a_part_is_not_opened() -> None:
    class Canary:
        def __reduce__(self) -> tuple:
            return (os._exit, (66,))

    files = fit("logistic").to_files()
    with pytest.raises(ArtifactError, match="train again"):
        from_files({**files, PIPELINE_FILE: pickle.dumps(Canary())})
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(files[PIPELINE_FILE])) as old,
        zipfile.ZipFile(out, "w") as new,
    ):
        for name in old.namelist():
            data = old.read(name)
            if name.endswith(".npy"):
                array = io.BytesIO()
                np.save(array, np.array([Canary()], dtype=object), allow_pickle=True)
                data = array.getvalue()
            new.writestr(name, data)
    with pytest.raises(ArtifactError, match="train again"):
        from_files({**files, PIPELINE_FILE: out.getvalue()})


def test_a_type_that_is_not_on_our_list_is_not_built() -> None:
    """Whatever the file itself says is trusted."""
    with pytest.raises(ArtifactError, match="cannot be opened safely"):
        skops_bytes.load(skops.io.dumps(FunctionTransformer(os.getcwd)))


@pytest.mark.parametrize(
    "damage",
    [
        {"estimator.json": b"{}"},
        {"estimator.json": b"not json"},
        {"estimator.json": json.dumps({"kind": "oracle"}).encode()},
        {"estimator.json": b'{"kind":"boosted"}'},
    ],
)
def test_files_of_another_kind_are_told(damage: dict[str, bytes]) -> None:
    with pytest.raises(ArtifactError, match="train again"):
        from_files({**fit("rule").to_files(), **damage})
