"""Files as they arrive when something went wrong on the way: cut, flipped, mixed, half saved.

`damaged` draws one damage, or several, and gives the bytes of the file afterwards. The damages are
those of real mails, memory sticks and spreadsheet programs, and a few of bad will.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from hypothesis import strategies as st

from earlywarning.io.file_kind import DAMAGED

_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252", "utf-32", "cp037")
_BLOBS = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"\n", b"\r", b";", b",", b"\t", b"<", b"&#0;",
    b"]]>", b"{", b"[", b"\x1a", b"=cmd|' /C calc'!A0", "\u2028".encode(), "\U0001f600".encode(),
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"99999999999999999999", b"-1", b"1e400", b"NaN",
    b"31/02/2026", b"\x80" * 70_000,
)  # fmt: skip


def damaged(draw: Any, content: bytes) -> bytes:
    """The bytes after one to three damages."""
    for _ in range(draw(st.integers(1, 3))):
        kinds = [flip, cut, insert, remove, repeat, blob]
        if content.startswith(b"PK"):
            kinds += [alter_member, alter_member, alter_member, alter_zip]
        else:
            kinds += [encode, lines, lines, columns, numbers]
            if content.lstrip()[:1] in (b"<", b"{", b"["):
                kinds += [tags, tags, tags]
        content = draw(st.sampled_from(kinds))(draw, content)
    return content


def _place(draw: Any, content: bytes) -> int:
    return draw(st.integers(0, max(len(content) - 1, 0)))


def flip(draw: Any, content: bytes) -> bytes:
    """A few bits are wrong."""
    made = bytearray(content)
    for _ in range(draw(st.integers(1, 8))):
        if made:
            made[_place(draw, content)] ^= 1 << draw(st.integers(0, 7))
    return bytes(made)


def cut(draw: Any, content: bytes) -> bytes:
    """The end is missing, or the beginning."""
    place = _place(draw, content)
    return content[:place] if draw(st.integers(0, 4)) else content[place:]


def insert(draw: Any, content: bytes) -> bytes:
    """Bytes that do not belong there."""
    place = _place(draw, content)
    return content[:place] + draw(st.binary(min_size=1, max_size=40)) + content[place:]


def blob(draw: Any, content: bytes) -> bytes:
    """Something that has broken a program before."""
    place = _place(draw, content)
    return content[:place] + draw(st.sampled_from(_BLOBS)) + content[place:]


def remove(draw: Any, content: bytes) -> bytes:
    """A hole."""
    place = _place(draw, content)
    return content[:place] + content[place + draw(st.integers(1, 300)) :]


def repeat(draw: Any, content: bytes) -> bytes:
    """A stretch twice."""
    place = _place(draw, content)
    end = place + draw(st.integers(1, 3000))
    return content[:end] + content[place:]


def encode(draw: Any, content: bytes) -> bytes:
    """Another encoding, or two of them in one file."""
    name = draw(st.sampled_from(_ENCODINGS))
    place = _place(draw, content) if draw(st.booleans()) else 0
    text = content[place:].decode("utf-8", "replace")
    return content[:place] + text.encode(str(name), "replace")


def lines(draw: Any, content: bytes) -> bytes:
    """Rows are missing, twice, or in another order; the line ends are those of another system."""
    rows = content.splitlines(keepends=True)
    how = draw(st.sampled_from(("drop", "twice", "swap", "ends", "blank")))
    if not rows:
        return content
    place: int = draw(st.integers(0, len(rows) - 1))
    other: int = draw(st.integers(0, len(rows) - 1))
    if how == "ends":
        return content.replace(b"\r\n", b"\n").replace(
            b"\n", draw(st.sampled_from((b"\r", b"\r\n")))
        )
    if how == "drop":
        del rows[place]
    elif how == "twice":
        rows.insert(other, rows[place])
    elif how == "blank":
        rows.insert(place, b"\n")
    else:
        rows[place], rows[other] = rows[other], rows[place]
    return b"".join(rows)


def columns(draw: Any, content: bytes) -> bytes:
    """Columns in another order, one missing, another mark between them."""
    mark = max((b";", b",", b"\t"), key=content.count)
    rows = [row.split(mark) for row in content.split(b"\n")]
    width = max(map(len, rows))
    order: list[int] = draw(st.permutations(range(min(width, 40))))
    order = order[: len(order) - draw(st.integers(0, 1))]
    other = draw(st.sampled_from((mark, b";", b",", b"\t", b"|", b" ")))
    return b"\n".join(other.join(row[place] for place in order if place < len(row)) for row in rows)


def numbers(draw: Any, content: bytes) -> bytes:
    """One number or word is something else."""
    found = list(re.finditer(rb"[\w./-]+", content))
    if not found:
        return content
    place = found[draw(st.integers(0, len(found) - 1))]
    other = draw(
        st.sampled_from((b"", b"0", b"-5", b"1e9", b"31/02/2026", b"2026-13-01", b"01/01/0001",
                         b"=1+1", b"#REF!", b"99999999999999999999999", b'"', b"'", b"null"))
    )  # fmt: skip
    return content[: place.start()] + other + content[place.end() :]


def tags(draw: Any, content: bytes) -> bytes:
    """One tag, brace or quotation mark is missing or twice."""
    found = list(re.finditer(rb"</?[\w:]+[^>]*>|[{}\[\],:]", content))
    if not found:
        return content
    place = found[draw(st.integers(0, len(found) - 1))]
    what = place.group() * (2 if draw(st.booleans()) else 0)
    return content[: place.start()] + what + content[place.end() :]


def alter_member(draw: Any, content: bytes) -> bytes:
    """A zip file that is sound, with one part that is not."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist()}
    except (*DAMAGED, OSError, RuntimeError):
        return flip(draw, content)
    if not members:
        return content
    chosen = str(draw(st.sampled_from(sorted(members))))
    how = draw(st.sampled_from(("damage", "damage", "damage", "drop", "rename", "empty", "link")))
    part = members.pop(chosen)
    name = chosen
    if how == "damage":
        kinds = [
            flip,
            cut,
            insert,
            remove,
            repeat,
            blob,
            tags,
            tags,
            tags,
            numbers,
            numbers,
            encode,
        ]
        part = draw(st.sampled_from(kinds))(draw, part)
    elif how == "rename":
        name = str(
            draw(st.sampled_from(("../up.csv", "/etc/x", "C:\\x", "a\\b.csv", "x" * 300, "é")))
        )
    elif how == "empty":
        part = b""
    members.pop(name, None)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, text in members.items():
            archive.writestr(other, text)
        if how != "drop":
            info = zipfile.ZipInfo(name)
            if how == "link":
                info.external_attr = 0o120777 << 16
            archive.writestr(info, part)
    return made.getvalue()


def alter_zip(draw: Any, content: bytes) -> bytes:
    """A directory of the zip file that does not fit its parts."""
    found = [match.start() for match in re.finditer(rb"PK[\x01\x03\x05]", content)]
    if not found:
        return content
    place: int = draw(st.sampled_from(found)) + draw(st.integers(4, 45))
    return content[:place] + draw(st.binary(min_size=1, max_size=4)) + content[place + 4 :]
