"""The few files that pages load, named by their content, so that a browser keeps them for good."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

FILES = {
    "site.css": "text/css; charset=utf-8",
    "site.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
PREFIX = "/static/"
KEPT = "public, max-age=31536000, immutable"

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as it is and compressed."""

    body: bytes
    compressed: bytes
    media_type: str
    digest: str


@cache
def assets() -> dict[str, Asset]:
    """Every file by name; read once."""
    folder = resources.files("earlywarning_api").joinpath("static")
    found = {}
    for name, media_type in FILES.items():
        body = folder.joinpath(name).read_bytes()
        digest = hashlib.sha256(body).hexdigest()[:16]
        found[name] = Asset(body, gzip.compress(body, mtime=0), media_type, digest)
    return found


def address(name: str) -> str:
    """Where a page finds a file."""
    return f"{PREFIX}{assets()[name].digest}/{name}"


@router.get("/static/{digest}/{name}")
def asset(request: Request, digest: str, name: str) -> Response:
    """One file; an address of another version is not found, so none is ever stale."""
    found = assets().get(name)
    if found is None or found.digest != digest:
        raise HTTPException(404)
    headers = {"Cache-Control": KEPT, "Vary": "Accept-Encoding"}
    body = found.body
    if accepts_gzip(request):
        body, headers["Content-Encoding"] = found.compressed, "gzip"
    return Response(body, headers=headers, media_type=found.media_type)


def is_asset(path: str) -> bool:
    """Whether a path is one of these files."""
    return path.startswith(PREFIX)


def accepts_gzip(request: Request) -> bool:
    """Whether the browser takes compressed answers."""
    return "gzip" in request.headers.get("accept-encoding", "").lower()
