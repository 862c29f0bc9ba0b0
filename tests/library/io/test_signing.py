"""The key that signs models: made once, read by its owner alone, never shown."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from earlywarning.errors import ConfigError
from earlywarning.io import signing

MANIFEST = b'{"files":{}}'


def test_a_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert signing.opened(path) is None
    made = signing.made(path)
    assert signing.made(path) == made == signing.opened(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["key"]
    assert made.private.hex() not in repr(made)


def test_two_who_make_it_at_once_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: signing.made(tmp_path / "key").public, range(8)))
    assert {*made, signing.made(tmp_path / "key").public} == {made[0]}


def test_a_signature_counts_for_its_bytes_and_its_keys_only(tmp_path: Path) -> None:
    first = signing.made(tmp_path / "first")
    second = signing.made(tmp_path / "second", earlier=[first.public])
    signature = first.sign(MANIFEST)
    assert signing.matches(MANIFEST, signature, first.trusted)
    assert signing.matches(MANIFEST, signature, second.trusted), "what was signed before counts on"
    assert not signing.matches(MANIFEST, signature, [second.public])
    assert not signing.matches(MANIFEST + b" ", signature, first.trusted)
    assert not signing.matches(MANIFEST, signature[:-1], first.trusted)
    assert not signing.matches(MANIFEST, signature, [b"no key"])


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    signing.made(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError, match=r"others may read .* \(mode 640\).*chmod 600"):
        signing.opened(path)


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", "{}", '{"private": "ab", "earlier": []}', '{"private": 1, "earlier": 2}'],
)
def test_what_is_no_key_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="is not a signing key; restore it"):
        signing.made(path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        signing.made(tmp_path / "none" / "key")
