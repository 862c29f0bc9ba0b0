"""A model's files on disk: a folder and a manifest, checked before anything is opened.

The hash of the manifest is kept elsewhere (in the register); the manifest holds the hash of every
file. Each file is read once, checked, and built from the bytes that were checked.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from earlywarning.errors import ArtifactError

MANIFEST = "manifest.json"
FORMAT = 1


def write(folder: Path, files: Mapping[str, bytes]) -> str:
    """Write files and their manifest into an empty folder.

    Returns
    -------
    str
        SHA-256 of the manifest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    listed = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in sorted(files.items())
    }
    manifest = json.dumps(
        {"files": listed, "format": FORMAT}, sort_keys=True, separators=(",", ":")
    ).encode()
    for name, data in {**files, MANIFEST: manifest}.items():
        (folder / name).write_bytes(data)
    return hashlib.sha256(manifest).hexdigest()


def read(folder: Path, sha256: str) -> dict[str, bytes]:
    """The files of a folder, if they are the ones that were recorded.

    Parameters
    ----------
    folder : Path
    sha256 : str
        What the manifest's hash must be.

    Raises
    ------
    ArtifactError
        If the manifest or a file is missing or altered. Files not in it are not looked at.
    """
    try:
        manifest = (folder / MANIFEST).read_bytes()
        if hashlib.sha256(manifest).hexdigest() != sha256:
            raise ArtifactError(_altered(folder / MANIFEST))
        listed = json.loads(manifest)["files"]
        files = {}
        for name, about in listed.items():
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
