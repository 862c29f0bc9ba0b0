"""Models that one installation lends to another: one signed file, canonical to the last byte.

It is JSON. A manifest says who learnt what from how much, and holds the SHA-256 of every part; the
lender signs the manifest. What is read must be exactly what would be written again, so a single
changed byte, even one that means nothing, is refused. No row of any child is in it, and nothing in
it is ever unpickled: parts are opened as stored models are, after every check.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earlywarning.errors import ArtifactError, ConfirmationNeeded
from earlywarning.io import signing
from earlywarning.records.tables import OUTCOMES
from earlywarning.risk.estimators.base import Estimator, json_bytes
from earlywarning.risk.estimators.borrowed import Borrowed
from earlywarning.risk.estimators.stored import from_files

FORMAT = 1
MOST_BYTES = 200_000_000
"""Of a file; a model of a district has a few millions."""

_CONTEXT = b"earlywarning base bundle 1\n"
RECORDS, SIMULATION = "records", "simulation"


@dataclass(frozen=True)
class Lent:
    """One outcome's model, and what it learnt from.

    Attributes
    ----------
    files : mapping of name to bytes
        Of the estimator alone.
    about : mapping
        JSON values: kind, quarters, rows, positives, found_share, rule_found_share, thresholds,
        features.
    """

    files: Mapping[str, bytes]
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Bundle:
    """A bundle whose signature and hashes match.

    Attributes
    ----------
    text : str
        As it was read.
    district : str
        Whose models they are.
    learnt_from : {"records", "simulation"}
    code_version : str
    outcomes : mapping of outcome to Lent
    public_key : bytes, 32
        Who signed. That says who it was only to somebody who knows the key.
    """

    text: str
    district: str
    learnt_from: str
    code_version: str
    outcomes: Mapping[str, Lent]
    public_key: bytes

    @property
    def sha256(self) -> str:
        """Of the whole file."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def key(self) -> str:
        """The lender's key, as people compare it."""
        return fingerprint(self.public_key)

    def borrowed(self, outcome: str) -> Borrowed | None:
        """The model of an outcome, ready to be calibrated; None if it was not lent.

        Raises
        ------
        ArtifactError
            If it cannot be opened.
        """
        lent = self.outcomes.get(outcome)
        if lent is None:
            return None
        inside: Estimator = from_files(lent.files)
        origin = {
            "district": self.district,
            "learnt_from": self.learnt_from,
            "key": self.key,
            "bundle_sha256": self.sha256,
            "code_version": self.code_version,
            **lent.about,
        }
        return Borrowed(inside, origin)


def fingerprint(public: bytes) -> str:
    """A public key as people read it to each other: 32 hex digits in groups of four."""
    digits = hashlib.sha256(public).hexdigest()[:32]
    return "-".join(digits[at : at + 4] for at in range(0, 32, 4))


def made(
    outcomes: Mapping[str, Lent],
    *,
    district: str,
    learnt_from: str,
    code_version: str,
    signer: signing.Signer,
) -> Bundle:
    """Put models into a bundle and sign it; the same models and key give the same bytes."""
    manifest = {
        "format": FORMAT,
        "district": district,
        "learnt_from": learnt_from,
        "code_version": code_version,
        "outcomes": {
            outcome: {
                "about": dict(lent.about),
                "files": {
                    name: hashlib.sha256(data).hexdigest() for name, data in lent.files.items()
                },
            }
            for outcome, lent in outcomes.items()
        },
    }
    value = {
        "manifest": manifest,
        "parts": {
            f"{outcome}/{name}": base64.b64encode(data).decode("ascii")
            for outcome, lent in outcomes.items()
            for name, data in lent.files.items()
        },
        "public_key": signer.public.hex(),
        "signature": signer.sign_as(_CONTEXT, json_bytes(manifest)).hex(),
    }
    return parsed(json_bytes(value).decode(), where="the new bundle")


def read(path: Path) -> Bundle:
    """A bundle from a file.

    Raises
    ------
    ArtifactError
        If it is no bundle, was altered, or has no valid signature.
    OSError
        If it cannot be read.
    """
    if path.stat().st_size > MOST_BYTES:
        raise ArtifactError(f"{path}: is larger than any bundle of models; it was not opened")
    try:
        text = path.read_bytes().decode("ascii")
    except UnicodeDecodeError as error:
        raise _altered(str(path), "it is no text") from error
    return parsed(text, where=str(path))


def parsed(text: str, *, where: str) -> Bundle:
    """A bundle from its text; see `read`."""
    try:
        value = json.loads(text)
        if json_bytes(value).decode() != text:
            raise _altered(where, "it is not written as bundles are")
        manifest, parts = value["manifest"], value["parts"]
        public, signature = (bytes.fromhex(value[name]) for name in ("public_key", "signature"))
        if set(value) != {"manifest", "parts", "public_key", "signature"}:
            raise _altered(where, "it holds more than a bundle does")
        if value["public_key"] != public.hex() or value["signature"] != signature.hex():
            raise _altered(where, "its signature is not written as bundles write it")
        if not signing.matches_as(_CONTEXT, json_bytes(manifest), signature, [public]):
            raise _altered(where, "its signature does not match")
        if manifest["format"] != FORMAT:
            raise ArtifactError(
                f"{where}: has format {manifest['format']!r}; this version reads format {FORMAT}. "
                "Ask for one made by the same version of earlywarning"
            )
        return Bundle(
            text,
            str(manifest["district"]),
            str(manifest["learnt_from"]),
            str(manifest["code_version"]),
            _outcomes(manifest["outcomes"], parts, where),
            public,
        )
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _altered(where, f"{type(error).__name__}") from error


def _outcomes(listed: Mapping[str, Any], parts: Mapping[str, str], where: str) -> dict[str, Lent]:
    unknown = set(listed) - set(OUTCOMES)
    if unknown or not listed:
        raise _altered(where, f"it has no outcome, or an unknown one: {sorted(unknown)}")
    found, used = {}, set()
    for outcome, one in listed.items():
        files = {}
        for name, sha256 in one["files"].items():
            key = f"{outcome}/{name}"
            data = base64.b64decode(parts[key], validate=True)
            if base64.b64encode(data).decode("ascii") != parts[key]:
                raise _altered(where, f"{key} is not written as bundles write it")
            if hashlib.sha256(data).hexdigest() != sha256:
                raise _altered(where, f"{key} does not match its hash")
            files[name] = data
            used.add(key)
        found[outcome] = Lent(files, one["about"])
    if used != set(parts):
        raise _altered(where, "it holds parts that nobody signed")
    return found


def trust(bundle: Bundle, stated: str | None, *, own: bytes | None) -> None:
    """Whether a person has said that the lender's key is the lender's.

    Parameters
    ----------
    stated : str or None
        The key as the lender told it, by another way than the file came.
    own : bytes or None
        This installation's public key: what it signed needs no telling.

    Raises
    ------
    ConfirmationNeeded
        If nobody has said so, or another key was said.
    """
    if bundle.public_key == own:
        return
    said = (stated or "").replace(" ", "").replace("-", "").lower()
    if said == bundle.key.replace("-", ""):
        return
    found = "another key was stated" if said else "nobody has said whose key that is"
    raise ConfirmationNeeded(
        f"this bundle says it is from {bundle.district!r}, and is signed with the key "
        f"{bundle.key}; {found}. Ask {bundle.district!r} for the key that "
        "`earlywarning models export` printed there, by telephone or on paper, not with the file; "
        "then say it with --key"
    )


def _altered(where: str, what: str) -> ArtifactError:
    return ArtifactError(
        f"{where}: is no bundle of models, or was altered after it was signed ({what}); nothing of "
        "it was opened. Ask the lender to send it again"
    )
