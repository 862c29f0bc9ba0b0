"""The application, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

import earlywarning
from earlywarning.calendar import SchoolCalendar
from earlywarning.district import Protection
from earlywarning.io.register.audit_batch import ReadAudit
from earlywarning.io.register.db import Register
from earlywarning.visit_rules import Planning
from earlywarning_api import demo_entry, idempotency, problems
from earlywarning_api.again import Lane
from earlywarning_api.guard import Guard
from earlywarning_api.import_desk import Desk
from earlywarning_api.kept import Shelf
from earlywarning_api.metrics import Metrics
from earlywarning_api.oidc_flow import Provider
from earlywarning_api.pages.site import Site, create_pages
from earlywarning_api.rates import PER_MINUTE, Rates
from earlywarning_api.routes import (
    audit,
    consents,
    contacts,
    emergency_access,
    exports,
    follow_ups,
    health,
    impact,
    imports,
    me,
    models,
    oidc,
    overrides,
    plans,
    quarters,
    reference,
    rights_requests,
    sessions,
    students,
    users,
    visit_lists,
    visits,
)
from earlywarning_api.work_desk import WorkDesk

if TYPE_CHECKING:
    from earlywarning_api.oidc import SignIn

PREFIX = "/api/v1"


def now() -> datetime:
    """The time in UTC, without zone, as the register keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


class Service(FastAPI):
    """FastAPI with a reference that declares our problems and nothing that we never send."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if not self.openapi_schema:
            document = get_openapi(
                title=self.title, version=self.version, description=self.description,
                routes=self.routes,
            )  # fmt: skip
            parts = document.setdefault("components", {}).setdefault("schemas", {})
            model = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            parts |= model.pop("$defs", {})
            parts["Problem"] = model
            _drop_defaults(document)
            _say_that_bodies_can_be_unreadable(document)
            self.openapi_schema = document
        return self.openapi_schema


def _drop_defaults(document: dict[str, Any]) -> None:
    """Remove FastAPI's own 422 (it would echo what was sent) where a route declares none."""
    for operations in document["paths"].values():
        for operation in operations.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)


def _say_that_bodies_can_be_unreadable(document: dict[str, Any]) -> None:
    """What is no JSON at all is answered with 400, wherever a body is taken."""
    for operations in document["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                operation["responses"].setdefault("400", problems.declared(400)[400])


def _signing_in(provider: Provider, back: str) -> SignIn:
    from earlywarning_api.oidc import SignIn

    return SignIn(provider, back)


async def _again(request: Request, error: Exception) -> Response:
    assert isinstance(error, idempotency.Replay)  # noqa: S101 - registered for it alone
    return idempotency.replayed(error.answer)


def create_app(
    register: Register,
    *,
    clock: Callable[[], datetime] = now,
    language: str = "id",
    timezone: str = "Asia/Jakarta",
    public_url: str | None = None,
    proxy: str | None = None,
    requests_per_minute: int = PER_MINUTE,
    protection: Protection | None = None,
    provider: Provider | None = None,
    demo_keys: Mapping[str, str] | None = None,
    home: Path | None = None,
    mlflow: str | None = None,
    planning: Planning | None = None,
    calendar: SchoolCalendar | None = None,
) -> FastAPI:
    """The service on an open register.

    Parameters
    ----------
    register : Register
        Read only by this version. Lists are scored before; no model is loaded here.
    clock : callable
        The time in UTC without zone; decides whether a token has expired.
    language : str
        Of the words, where a request asks for none that is offered.
    timezone : str
        Where the school is; pages show its clock.
    home : Path, optional
        The installation's folder; without it no files can be uploaded, and no list drafted.
    mlflow : str, optional
        Address of MLflow's server, where there is one; pages lead there.
    public_url : str, optional
        Where browsers find the service: `https://…` of the proxy before it. Links begin with it.
    proxy : str, optional
        Address of that proxy, which is believed about where requests come from.
    requests_per_minute : int
        Of one person; 0 for no limit, for measuring.
    protection : Protection, optional
        The school's path for a child in danger.
    provider : Provider, optional
        Where people sign in elsewhere; `app.state.oidc` is None without.
    demo_keys : mapping, optional
        Secret -> user of a demo who enters with it; only for invented people.
    planning, calendar : optional
        How visits are planned, and the quarters; the usual ones without.
    """
    app = Service(
        title="earlywarning",
        version=earlywarning.__version__,
        description="Which families to visit at home first this quarter. The order is a "
        "suggestion; people decide.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Its own telemetry can record validation errors and messages: off, whatever is installed.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    app.state.register = register
    app.state.clock = clock
    app.state.language = language
    app.state.timezone = timezone
    app.state.desk = None if home is None else Desk(register, home=home, clock=clock)
    app.state.work = None if home is None else WorkDesk(register, home=home, clock=clock)
    app.state.mlflow = mlflow
    app.state.protection = protection or Protection()
    app.state.planning = planning or Planning()
    app.state.calendar = calendar or SchoolCalendar()
    app.state.read_audit = ReadAudit(register)
    app.state.shelf = Shelf()
    app.add_middleware(Site, pages=create_pages(app))
    app.state.public_url = public_url
    app.state.proxy = proxy
    app.state.rates = Rates(requests_per_minute)
    app.state.metrics = Metrics()
    back = f"{(public_url or 'http://127.0.0.1:8000').rstrip('/')}{PREFIX}/oidc/callback"
    app.state.oidc = _signing_in(provider, back) if provider is not None else None
    app.add_middleware(idempotency.Keeper)
    app.add_middleware(Lane, state=app.state)
    app.add_middleware(
        Guard, rates=app.state.rates, metrics=app.state.metrics, public_url=public_url
    )
    problems.install(app)
    app.add_exception_handler(idempotency.Replay, _again)
    app.include_router(health.router)
    for module in (sessions, me, users, emergency_access, oidc):
        app.include_router(module.router, prefix=PREFIX)
    for module in (overrides, visits, contacts, follow_ups, plans):
        app.include_router(module.router, prefix=PREFIX)
    for module in (consents, rights_requests, exports, audit, imports):
        app.include_router(module.router, prefix=PREFIX)
    for module in (quarters, visit_lists, students, models, impact, reference):
        app.include_router(module.router, prefix=PREFIX)
    if demo_keys:
        app.include_router(demo_entry.router_of(demo_keys))
    return app
