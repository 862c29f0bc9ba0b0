"""A file that only the right key opens, and that shows when a byte of it was changed or cut off.

AES-256-GCM over pieces of one MiB in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár
2015, as in age and Tink): each piece's nonce holds its number and whether it is the last. The key
comes from a passphrase by scrypt (RFC 7914), or from a key file by HKDF (RFC 5869), with a fresh
salt in each file, so that no nonce ever repeats under a key.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from earlywarning.errors import ArtifactError, ConfigError

MAGIC = b"earlywarning sealed 1\n"
PIECE = 1 << 20
TAG = 16
SCRYPT_N, SCRYPT_R, SCRYPT_P = 1 << 17, 8, 1
"""128 MiB of memory for each guess, as OWASP advises."""

SHORTEST_PASSPHRASE = 12
KEY_FILE_BYTES = 32
_MOST_HEADER = 4096


@dataclass(frozen=True, slots=True)
class Secret:
    """What opens a sealed file: a passphrase, or the bytes of a key file."""

    kind: str
    value: bytes

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Secret({self.kind})"


def passphrase(text: str) -> Secret:
    """A passphrase.

    Raises
    ------
    ConfigError
        If it is too short to keep anybody out.
    """
    if len(text) < SHORTEST_PASSPHRASE:
        raise ConfigError(
            f"the passphrase has {len(text)} characters; allowed: {SHORTEST_PASSPHRASE} or more, "
            "four or five words for instance"
        )
    return Secret("scrypt", text.encode())


def key_file(path: Path) -> Secret:
    """The key in a file that `new_key_file` made.

    Raises
    ------
    ConfigError
        If it cannot be read, or is none.
    """
    try:
        value = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}: the key cannot be read; `earlywarning backup key FILE` makes one"
        ) from error
    if len(value) != KEY_FILE_BYTES:
        raise ConfigError(f"{path}: holds {len(value)} bytes; a key has {KEY_FILE_BYTES}")
    return Secret("hkdf", value)


def new_key_file(path: Path) -> None:
    """Make a key, readable by its owner alone; an existing file is never overwritten.

    Raises
    ------
    ConfigError
        If it cannot be written.
    """
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from error
    with os.fdopen(handle, "w", encoding="ascii") as out:
        out.write(os.urandom(KEY_FILE_BYTES).hex() + "\n")
        out.flush()
        os.fsync(out.fileno())


class SealedWriter:
    """Write-only; `close` ends it. Without `close` the file cannot be opened."""

    def __init__(self, out: IO[bytes], secret: Secret) -> None:
        header: dict[str, Any] = {"key": secret.kind, "salt": os.urandom(16).hex()}
        if secret.kind == "scrypt":
            header |= {"n": SCRYPT_N, "r": SCRYPT_R, "p": SCRYPT_P}
        text = json.dumps(header, sort_keys=True).encode()
        self._start = MAGIC + struct.pack(">I", len(text)) + text
        self._cipher = AESGCM(_key(secret, header))
        self._out = out
        self._pending = bytearray()
        self._number = 0
        out.write(self._start)

    def write(self, data: bytes) -> int:
        """Add bytes."""
        self._pending += data
        # The last piece is only known at the end, so one piece always waits.
        while len(self._pending) > PIECE:
            self._put(bytes(self._pending[:PIECE]), last=False)
            del self._pending[:PIECE]
        return len(data)

    def close(self) -> None:
        """Write the last piece."""
        self._put(bytes(self._pending), last=True)
        self._pending.clear()

    def _put(self, piece: bytes, *, last: bool) -> None:
        nonce = _nonce(self._number, last=last)
        self._out.write(self._cipher.encrypt(nonce, piece, self._start))
        self._number += 1


class SealedReader:
    """Read-only; every byte it gives out was checked.

    Raises
    ------
    ArtifactError
        At the first piece that was changed, cut off, or sealed with another key.
    """

    def __init__(self, file: IO[bytes], secret: Secret, *, name: str) -> None:
        self._file = file
        self._name = name
        self._start, header = _header(file, name)
        self._cipher = AESGCM(_key(secret, header, name=name))
        self._number = 0
        self._ahead = file.read(PIECE + TAG)
        self._ready = b""
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes, all if negative; empty at the end."""
        parts = []
        while size:
            if not self._ready and not self._fill():
                break
            part = self._ready if size < 0 else self._ready[:size]
            self._ready = self._ready[len(part) :]
            parts.append(part)
            size -= len(part) if size > 0 else 0
        return b"".join(parts)

    def _fill(self) -> bool:
        if self._ended:
            return False
        piece, self._ahead = self._ahead, self._file.read(PIECE + TAG)
        self._ended = not self._ahead
        try:
            nonce = _nonce(self._number, last=self._ended)
            self._ready = self._cipher.decrypt(nonce, piece, self._start)
        except (InvalidTag, ValueError) as error:
            raise ArtifactError(
                f"{self._name}: "
                + (
                    "this is not its key, or the file was damaged"
                    if self._number == 0
                    else "is cut off, or was changed"
                )
                + "; nothing of it was used: try the right key, or another copy"
            ) from error
        self._number += 1
        return bool(self._ready) or self._fill()


def _nonce(number: int, *, last: bool) -> bytes:
    return struct.pack(">7xIB", number, last)


def _header(file: IO[bytes], name: str) -> tuple[bytes, Mapping[str, Any]]:
    start = file.read(len(MAGIC) + 4)
    wrong = ArtifactError(f"{name}: is no sealed file of earlywarning, or its beginning is damaged")
    if len(start) < len(MAGIC) + 4 or not start.startswith(MAGIC):
        raise wrong
    (length,) = struct.unpack(">I", start[len(MAGIC) :])
    text = file.read(length) if length <= _MOST_HEADER else b""
    try:
        header = json.loads(text)
        bytes.fromhex(header["salt"])
        known = header["key"] == "hkdf" or (
            header["key"] == "scrypt"
            # Whoever altered the numbers could make us need any amount of memory.
            and (header["n"], header["r"], header["p"]) == (SCRYPT_N, SCRYPT_R, SCRYPT_P)
        )
    except (ValueError, KeyError, TypeError) as error:
        raise wrong from error
    if not known:
        raise wrong
    return start + text, header


def _key(secret: Secret, header: Mapping[str, Any], *, name: str = "") -> bytes:
    if header["key"] != secret.kind:
        needed = "a passphrase" if header["key"] == "scrypt" else "a key file"
        raise ArtifactError(f"{name}: was sealed with {needed}; give that one")
    salt = bytes.fromhex(header["salt"])
    if secret.kind == "scrypt":
        derived = Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
        return derived.derive(secret.value)
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=MAGIC).derive(secret.value)
