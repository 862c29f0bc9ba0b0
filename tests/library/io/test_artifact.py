"""A folder and a manifest: nothing that was altered is handed out."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from earlywarning.errors import ArtifactError
from earlywarning.io import artifact, signing

SIGNER = signing.Signer(bytes(range(32)))
FILES = {"estimator.json": b'{"kind":"rule"}', "trees.ubj": bytes(range(200))}


def test_there_and_back(tmp_path: Path) -> None:
    seal = artifact.write(tmp_path / "model", FILES, SIGNER)
    assert artifact.read(tmp_path / "model", seal) == FILES
    assert artifact.digest(FILES) == seal.sha256
    artifact.flush(tmp_path / "model")


def test_the_same_files_have_the_same_hash(tmp_path: Path) -> None:
    one = artifact.write(tmp_path / "one", FILES, SIGNER)
    assert artifact.write(tmp_path / "two", dict(reversed(FILES.items())), SIGNER) == one
    assert artifact.write(tmp_path / "three", FILES | {"trees.ubj": b""}, SIGNER) != one


@pytest.mark.parametrize("name", [*FILES, artifact.MANIFEST, artifact.SIGNATURE])
@pytest.mark.parametrize("at", [0, -1])
def test_one_flipped_bit_is_refused(tmp_path: Path, name: str, at: int) -> None:
    seal = artifact.write(tmp_path, FILES, SIGNER)
    data = bytearray((tmp_path / name).read_bytes())
    data[at] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ArtifactError, match=f"{name}: was altered.*not opened"):
        artifact.read(tmp_path, seal)


@pytest.mark.parametrize("name", [*FILES, artifact.MANIFEST, artifact.SIGNATURE])
def test_a_missing_file_is_told(tmp_path: Path, name: str) -> None:
    seal = artifact.write(tmp_path, FILES, SIGNER)
    (tmp_path / name).unlink()
    with pytest.raises(ArtifactError, match="cannot be read"):
        artifact.read(tmp_path, seal)


def test_a_file_that_nobody_listed_is_not_handed_out(tmp_path: Path) -> None:
    seal = artifact.write(tmp_path, FILES, SIGNER)
    (tmp_path / "extra.pkl").write_bytes(b"\x80\x04.")
    assert artifact.read(tmp_path, seal) == FILES


def test_whoever_has_no_key_cannot_replace_a_model(tmp_path: Path) -> None:
    """Even one who can change the folder and the register, where the hash stands."""
    other = artifact.write(tmp_path, FILES, signing.Signer(bytes(32)))
    forged = artifact.Seal(other.sha256, other.signature, SIGNER.trusted)
    with pytest.raises(ArtifactError, match="is not by a key that this installation knows"):
        artifact.read(tmp_path, forged)


def test_flipped_bytes_at_twenty_random_places_are_refused(tmp_path: Path) -> None:
    rng = random.Random(11)  # noqa: S311 - places, not secrets
    seal = artifact.write(tmp_path, FILES, SIGNER)
    paths = sorted(tmp_path.iterdir())
    for _ in range(20):
        path = rng.choice(paths)
        whole = path.read_bytes()
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        with pytest.raises(ArtifactError, match=f"{path.name}: was altered"):
            artifact.read(tmp_path, seal)
        path.write_bytes(whole)
    assert artifact.read(tmp_path, seal) == FILES
