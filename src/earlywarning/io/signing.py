"""The installation's signature on its models: Ed25519, checked before anything is opened.

The private key is one file of the installation, readable by its owner alone. It is neither in the
register, whose backups and administrators need not be able to sign, nor anywhere that MLflow
serves. The register knows the public key, so that another machine can check.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from earlywarning.errors import ConfigError

_CONTEXT = b"earlywarning model manifest 1\n"
"""Comes before what is signed, so that a signature on something else never counts here."""


@dataclass(frozen=True, slots=True)
class Signer:
    """The key of this installation.

    Attributes
    ----------
    private : bytes, 32
        Never printed, never stored but in its file.
    earlier : tuple of bytes, 32 each
        Public keys that this installation signed with before.
    """

    private: bytes
    earlier: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Signer({key_id(self.public)})"

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        key = Ed25519PrivateKey.from_private_bytes(self.private)
        return key.public_key().public_bytes_raw()

    @property
    def trusted(self) -> tuple[bytes, ...]:
        """Public keys whose signatures count on this machine."""
        return (self.public, *self.earlier)

    def sign(self, manifest: bytes) -> bytes:
        """The signature of a manifest, 64 bytes; the same for the same manifest."""
        return self.sign_as(_CONTEXT, manifest)

    def sign_as(self, context: bytes, text: bytes) -> bytes:
        """The signature of something else, 64 bytes; the context says of what."""
        return Ed25519PrivateKey.from_private_bytes(self.private).sign(context + text)


def key_id(public: bytes) -> str:
    """A short name of a public key."""
    return hashlib.sha256(public).hexdigest()[:16]


def matches(manifest: bytes, signature: bytes, trusted: Collection[bytes]) -> bool:
    """Whether one of the keys signed these bytes."""
    return matches_as(_CONTEXT, manifest, signature, trusted)


def matches_as(context: bytes, text: bytes, signature: bytes, trusted: Collection[bytes]) -> bool:
    """The same for what `sign_as` signed."""
    for public in trusted:
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, context + text)
        except (InvalidSignature, ValueError):
            continue
        return True
    return False


def opened(path: Path) -> Signer | None:
    """The key of an installation; None on a machine that has none.

    Raises
    ------
    ConfigError
        If others than its owner may read it, or it is not a key.
    """
    try:
        text = path.read_text(encoding="ascii")
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the signing key cannot be read ({error})") from error
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(
            f"{path}: others may read the key that signs models (mode {mode & 0o777:03o}); "
            f"allowed: its owner alone: chmod 600 {path}"
        )
    try:
        return _parsed(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path}: is not a signing key; restore it from the backup of the installation, or "
            "move it away: the next training then makes another one"
        ) from error


def _parsed(value: Mapping[str, object]) -> Signer:
    keys = [value["private"], *_list(value["earlier"])]
    private, *earlier = [bytes.fromhex(str(key)) for key in keys]
    if {len(private), *map(len, earlier)} != {32}:
        raise ValueError("a key has 32 bytes")
    return Signer(private, tuple(earlier))


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return value


def made(path: Path, *, earlier: Collection[bytes] = ()) -> Signer:
    """The key of an installation, made now if it has none.

    Parameters
    ----------
    earlier : collection of bytes
        Public keys that signed what is there already; they go on counting.

    Raises
    ------
    ConfigError
        As `opened`, or if the file cannot be written.
    """
    found = opened(path)
    if found is not None:
        return found
    signer = Signer(Ed25519PrivateKey.generate().private_bytes_raw(), tuple(earlier))
    text = json.dumps(
        {"private": signer.private.hex(), "earlier": [key.hex() for key in signer.earlier]}
    )
    aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(aside, path)  # fails if another process was first: its key counts
        finally:
            aside.unlink()
    except FileExistsError:
        pass
    except OSError as error:
        raise ConfigError(f"{path}: the signing key cannot be written ({error})") from error
    found = opened(path)
    if found is None:
        raise ConfigError(f"{path}: the signing key cannot be written")
    return found
