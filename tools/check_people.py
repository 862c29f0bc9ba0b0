"""Refuse files that hold real people's numbers, or that name a place only one machine has.

Run by the tests on every tracked file, and before each commit on what is about to enter it
(`git config core.hooksPath .githooks`). It says where and what kind, never the number itself.

An invented example passes when no such number can be real: an NIK or KK whose first two digits are
no province (00, 99), an NISN whose last seven digits begin with 0000.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

# Invented people may stand here and nowhere else.
FIXTURES = ("tests/data/", "tests/people.py")

# Never part of a hash or of another number: a letter a-f, x or a digit beside it, or a decimal
# point before it. A spreadsheet's trailing ".0" still counts as the number.
BEFORE = r"(?<![0-9A-Fa-fxX])(?<!\d\.)(?<!\W\.)(?<!^\.)"
AFTER = r"(?![0-9A-Fa-f]|\.\d*[1-9])"

# The provinces of Indonesia, then regency (01-39) or city (71-79), then district.
REGION = (
    r"(?:1[1-9]|21|3[1-6]|5[1-3]|6[1-5]|7[1-6]|8[1-2]|9[1-7])"
    r"(?:0[1-9]|[1-3]\d|7[1-9])"
    r"(?!00)\d\d"
)
# Day, month, year of birth (a woman's day has 40 added) or, on a KK, of issue.
DAY = r"(?:0[1-9]|[12]\d|3[01]|4[1-9]|[56]\d|7[01])(?:0[1-9]|1[0-2])\d\d"
NUMBERS = {
    "a number built like an NIK or KK": re.compile(
        rf"{BEFORE}{REGION}(?P<gap>[ .-]?){DAY}(?P=gap)(?!0000)\d{{4}}{AFTER}", re.MULTILINE
    ),
    # The last three digits of the year of birth (1990 to 2029), then a serial.
    "a number built like an NISN": re.compile(
        rf"{BEFORE}(?:99\d|0[0-2]\d)(?!0000)\d{{7}}{AFTER}", re.MULTILINE
    ),
}
PNG = b"\x89PNG\r\n\x1a\n"
# Brackets keep this file from naming what it looks for.
PLACES = {
    "the host of a package registry": re.compile(
        r"\bpypi[.]org|python[h]osted[.]|\bnpmjs[.]|\bdeb[.]debian[.]|\banaconda[.]org|\bcrates[.]io",
        re.IGNORECASE,
    ),
    "a folder of one machine": re.compile(
        r"(?<![\w./])/(?:root|work|workspace|builds|(?:home|Users)/[\w.-]+)/|\b[A-Z]:\\Users\\"
    ),
}
# Dapodik's export of a whole school's students; the reader for it may bear its name.
EXPORT = re.compile(r"daftar[ _-]?pd", re.IGNORECASE)
MAY_BEAR_ITS_NAME = {".py", ".md", ".toml"}


def findings(path: str, content: bytes) -> list[str]:
    """Say what must not be in this file, one line for each place.

    Parameters
    ----------
    path : str
        Path inside the repository, with forward slashes.
    content : bytes
        The file as it would be committed.
    """
    name = PurePosixPath(path)
    invented = path.startswith(FIXTURES)
    found = []
    if not invented and EXPORT.match(name.name) and name.suffix not in MAY_BEAR_ITS_NAME:
        found.append(f"{path}: named like an export of a school's students")
    patterns = PLACES if invented else {**NUMBERS, **PLACES}
    for where, text in _texts(path, content):
        for kind, pattern in patterns.items():
            found.extend(
                f"{where}:{text.count(chr(10), 0, match.start()) + 1}: {kind}"
                for match in pattern.finditer(text)
            )
    return found


def _texts(path: str, content: bytes) -> Iterator[tuple[str, str]]:
    """Everything readable in a file: its text, or that of the parts of a workbook or archive."""
    if content.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                for part in archive.namelist():
                    yield from _texts(f"{path}[{part}]", archive.read(part))
            return
        except zipfile.BadZipFile:
            pass
    if content.startswith(PNG):
        yield path, _png_words(content)
        return
    # Old workbooks and some exports write two bytes a letter; every number is plain without the
    # zeros between.
    yield path, content.replace(b"\0", b"").decode("utf-8", errors="replace")


def _png_words(content: bytes) -> str:
    """What a picture says of itself; its packed points are no text, though digits occur in them."""
    at, words = len(PNG), []
    while at + 8 <= len(content):
        size, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        if kind in (b"tEXt", b"iTXt"):
            words.append(content[at + 8 : at + 8 + size])
        at += 12 + size
    return b"\n".join(words).replace(b"\0", b" ").decode("utf-8", errors="replace")


def tracked() -> Iterator[tuple[str, bytes]]:
    """Every tracked file as it lies in the folder."""
    for path in _git("ls-files", "-z").decode().split("\0"):
        file = Path(path)
        if path and file.is_file() and not file.is_symlink():
            yield path, file.read_bytes()


def staged() -> Iterator[tuple[str, bytes]]:
    """Every file that the next commit would add or change, as it would be committed."""
    changed = _git("diff", "--cached", "--name-only", "--diff-filter=ACMR", "-z")
    for path in changed.decode().split("\0"):
        if path:
            yield path, _git("show", f":{path}")


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], check=True, capture_output=True).stdout


def main(arguments: list[str]) -> int:
    """Check the repository around the current folder; 0 when nothing was found."""
    root = _git("rev-parse", "--show-toplevel").decode().strip()
    os.chdir(root)
    files = staged() if "--staged" in arguments else tracked()
    found = [line for path, content in files for line in findings(path, content)]
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print(
            "\nRefused. Real people's data never enters this repository; invented people stand in "
            f"{' and '.join(FIXTURES)}. See CONTRIBUTING.md.",
            file=sys.stderr,
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
