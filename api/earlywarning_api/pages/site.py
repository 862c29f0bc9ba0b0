"""The pages, put together beside the API: one address, one register, errors as pages."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from earlywarning_api.pages import (
    account,
    activation,
    asking,
    assets,
    attempt,
    data,
    drafting,
    emergency,
    failures,
    find,
    home,
    impact,
    imports,
    models,
    oversight,
    people,
    plan,
    preferences,
    priority,
    quarter,
    review,
    sheets,
    sign_in,
    student,
    visit,
    visit_list,
    work,
)

API = ("/api/", "/healthz", "/readyz", "/metrics")
"""Paths that are no pages."""

MODULES = (
    assets,
    home,
    preferences,
    sign_in,
    activation,
    account,
    quarter,
    review,
    visit_list,
    find,
    student,
    attempt,
    asking,
    emergency,
    visit,
    priority,
    plan,
    sheets,
    data,
    imports,
    drafting,
    work,
    models,
    people,
    oversight,
    impact,
)


class Site:
    """Wraps the API: every other path is a page."""

    def __init__(self, app: ASGIApp, pages: FastAPI) -> None:
        self.app = app
        self.pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        page = scope["type"] == "http" and is_page(scope["path"])
        await (self.pages if page else self.app)(scope, receive, send)


def is_page(path: str) -> bool:
    """Whether a path is answered by a page, its errors too."""
    return not path.startswith(API)


def create_pages(service: FastAPI) -> FastAPI:
    """The application of the pages, on the state (register, clock, language) of the service."""
    pages = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    pages.state = service.state
    failures.install(pages)
    for module in MODULES:
        pages.include_router(module.router)
    return pages
