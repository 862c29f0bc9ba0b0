"""To the identity provider and back. There is nothing here unless a provider was set."""

from __future__ import annotations

import base64
import json
import logging
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from earlywarning.errors import ConfigError, NotSignedIn
from earlywarning.io.register import identities
from earlywarning.io.register.sessions import CODE, ENROL
from earlywarning_api import cookies, signing_in
from earlywarning_api.oidc_flow import Flow
from earlywarning_api.pages.preferences import local
from earlywarning_api.problems import declared

if TYPE_CHECKING:
    from earlywarning_api.oidc import SignIn

router = APIRouter(prefix="/oidc", tags=["signing in"])

COOKIE = "ew_oidc"
MINUTES = 10
NEXT = {CODE: "/sign-in/code", ENROL: "/sign-in/second-factor"}
REFUSED = "/sign-in?refused=identity"
log = logging.getLogger("earlywarning_api")
_ELSEWHERE = {303: {"description": "Go on there"}}


@router.get("/start", status_code=303, responses={**declared(404, 422), **_ELSEWHERE})
def start(
    request: Request,
    back: Annotated[
        str, Query(alias="next", max_length=2000, description="Our page to open afterwards.")
    ] = "/",
    link: Annotated[
        str | None, Query(max_length=100, description="Of an invitation that is taken up so.")
    ] = None,
) -> Response:
    """Send the browser to the identity provider."""
    provider = _provider(request)
    try:
        url, flow = provider.begin()
    except ConfigError as error:
        log.error("%s", error)
        raise HTTPException(503) from None
    answer = RedirectResponse(url, 303)
    kept = [flow.state, flow.nonce, flow.verifier, local(back), link]
    https = cookies.is_https(request.scope)
    answer.set_cookie(
        _name(request), base64.urlsafe_b64encode(json.dumps(kept).encode()).decode(),
        max_age=MINUTES * 60, path="/", secure=https, httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


@router.get("/callback", status_code=303, responses={**declared(404, 422), **_ELSEWHERE})
def callback(
    request: Request,
    state: Annotated[str, Query(max_length=200, description="As sent.")] = "",
    code: Annotated[str, Query(max_length=4000, description="The provider's, for us.")] = "",
) -> Response:
    """Come back from the provider: a session for whoever is known, else the sign-in page."""
    provider = _provider(request)
    flow, back, link = _kept(request)
    try:
        if flow is None or not code or state != flow.state:
            raise NotSignedIn("not begun here")
        opened = identities.sign_in_as(
            request.app.state.register, provider.finish(flow, code=code),
            caller=signing_in.caller(request), at=request.app.state.clock(), invitation=link,
        )  # fmt: skip
    except ConfigError as error:
        log.error("%s", error)
        raise HTTPException(503) from None
    except NotSignedIn:
        answer: Response = RedirectResponse(REFUSED, 303)
    else:
        answer = RedirectResponse(NEXT.get(opened.level, back), 303)
        cookies.put(answer, request, opened.secret)
    answer.delete_cookie(
        _name(request), path="/", secure=cookies.is_https(request.scope), httponly=True
    )
    return answer


def _provider(request: Request) -> SignIn:
    provider = request.app.state.oidc
    if provider is None:
        raise HTTPException(404)
    return provider


def _name(request: Request) -> str:
    return f"__Host-{COOKIE}" if cookies.is_https(request.scope) else COOKIE


def _kept(request: Request) -> tuple[Flow | None, str, str | None]:
    try:
        text = base64.urlsafe_b64decode(request.cookies.get(_name(request), ""))
        state, nonce, verifier, back, link = json.loads(text)
    except ValueError:
        return None, "/", None
    return Flow(str(state), str(nonce), str(verifier)), local(str(back)), link
