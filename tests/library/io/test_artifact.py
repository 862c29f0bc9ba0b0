"""A folder and a manifest: nothing that was altered is handed out."""

from __future__ import annotations

from pathlib import Path

import pytest

from earlywarning.errors import ArtifactError
from earlywarning.io import artifact

FILES = {"estimator.json": b'{"kind":"rule"}', "trees.ubj": bytes(range(200))}


def test_there_and_back(tmp_path: Path) -> None:
    sha256 = artifact.write(tmp_path / "model", FILES)
    assert artifact.read(tmp_path / "model", sha256) == FILES
    artifact.flush(tmp_path / "model")


def test_the_same_files_have_the_same_hash(tmp_path: Path) -> None:
    one = artifact.write(tmp_path / "one", FILES)
    assert artifact.write(tmp_path / "two", dict(reversed(FILES.items()))) == one
    assert artifact.write(tmp_path / "three", FILES | {"trees.ubj": b""}) != one


@pytest.mark.parametrize("name", [*FILES, artifact.MANIFEST])
@pytest.mark.parametrize("at", [0, -1])
def test_one_flipped_bit_is_refused(tmp_path: Path, name: str, at: int) -> None:
    sha256 = artifact.write(tmp_path, FILES)
    data = bytearray((tmp_path / name).read_bytes())
    data[at] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ArtifactError, match=f"{name}: was altered.*not opened"):
        artifact.read(tmp_path, sha256)


@pytest.mark.parametrize("name", [*FILES, artifact.MANIFEST])
def test_a_missing_file_is_told(tmp_path: Path, name: str) -> None:
    sha256 = artifact.write(tmp_path, FILES)
    (tmp_path / name).unlink()
    with pytest.raises(ArtifactError, match="cannot be read"):
        artifact.read(tmp_path, sha256)


def test_a_file_that_nobody_listed_is_not_handed_out(tmp_path: Path) -> None:
    sha256 = artifact.write(tmp_path, FILES)
    (tmp_path / "extra.pkl").write_bytes(b"\x80\x04.")
    assert artifact.read(tmp_path, sha256) == FILES
