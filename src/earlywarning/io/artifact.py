"""A model's files on disk: a folder and a manifest, checked before anything is opened.

The hash of the manifest is kept elsewhere (in the register); the manifest holds the hash of every
file; a signature of the manifest lies beside it and in the register. Each file is read once,
checked, and built from the bytes that were checked.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from earlywarning.errors import ArtifactError
from earlywarning.io import signing

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Seal:
    """What was recorded of a folder: all of it must match before a file is opened.

    Attributes
    ----------
    sha256 : str
        Of the manifest.
    signature : bytes, 64
        Of the manifest; the file beside it must hold the same.
    trusted : sequence of bytes
        Public keys whose signature counts; after `write`, the one that signed comes first.
    """

    sha256: str
    signature: bytes
    trusted: Sequence[bytes]


def manifest(files: Mapping[str, bytes]) -> bytes:
    """The manifest of files: the same files give the same bytes."""
    listed = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in sorted(files.items())
    }
    return json.dumps(
        {"files": listed, "format": FORMAT}, sort_keys=True, separators=(",", ":")
    ).encode()


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 of the manifest of files."""
    return hashlib.sha256(manifest(files)).hexdigest()


def write(folder: Path, files: Mapping[str, bytes], signer: signing.Signer) -> Seal:
    """Write files, their manifest and its signature into an empty folder.

    Returns
    -------
    Seal
        To be recorded elsewhere.
    """
    folder.mkdir(parents=True, exist_ok=True)
    listed = manifest(files)
    signature = signer.sign(listed)
    for name, data in {**files, MANIFEST: listed, SIGNATURE: signature.hex().encode()}.items():
        (folder / name).write_bytes(data)
    return Seal(hashlib.sha256(listed).hexdigest(), signature, signer.trusted)


def read(folder: Path, seal: Seal) -> dict[str, bytes]:
    """The files of a folder, if they are the ones that were recorded and signed.

    Raises
    ------
    ArtifactError
        If the manifest, its signature or a file is missing or altered, or nobody who may has
        signed. Files not in the manifest are not looked at.
    """
    try:
        listed = (folder / MANIFEST).read_bytes()
        if hashlib.sha256(listed).hexdigest() != seal.sha256:
            raise ArtifactError(_altered(folder / MANIFEST))
        if (folder / SIGNATURE).read_bytes() != seal.signature.hex().encode():
            raise ArtifactError(_altered(folder / SIGNATURE))
        if not signing.matches(listed, seal.signature, seal.trusted):
            raise ArtifactError(
                f"{folder / SIGNATURE}: is not by a key that this installation knows, so the model "
                "was not opened; restore the register and the installation's folder from backups "
                "that belong together, or train again with `earlywarning train`"
            )
        files = {}
        for name, about in json.loads(listed)["files"].items():
            data = (folder / name).read_bytes()
            if hashlib.sha256(data).hexdigest() != about["sha256"]:
                raise ArtifactError(_altered(folder / name))
            files[name] = data
    except OSError as error:
        raise ArtifactError(
            f"{folder}: a stored model cannot be read ({error.strerror}); restore the folder from "
            "the backup that belongs to the register, or train again with `earlywarning train`"
        ) from error
    return files


def check(files: Mapping[str, bytes], seal: Seal) -> None:
    """Check files that were read, and checked, elsewhere.

    Raises
    ------
    ArtifactError
        If they are not the ones that were recorded and signed.
    """
    listed = manifest(files)
    if hashlib.sha256(listed).hexdigest() != seal.sha256 or not signing.matches(
        listed, seal.signature, seal.trusted
    ):
        raise ArtifactError("a model was altered on its way here and was not opened")


def flush(folder: Path) -> None:
    """Wait until every file below a folder is on the disk."""
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _altered(path: Path) -> str:
    return (
        f"{path}: was altered after it was recorded and was not opened; restore it from the backup "
        "that belongs to the register, or train again with `earlywarning train`"
    )
