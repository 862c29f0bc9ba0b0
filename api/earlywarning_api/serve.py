"""Starting the service: `main` for a process of its own, `run` for an open installation."""

from __future__ import annotations

import gc
import logging
import sys
from urllib.parse import urlsplit, urlunsplit

import uvicorn

from earlywarning import district
from earlywarning.errors import ConfigError, EarlyWarningError
from earlywarning.io.register import accounts, least_rights
from earlywarning.io.register.db import Register, open_register
from earlywarning.settings import Settings
from earlywarning_api import demo_entry, logs
from earlywarning_api.app import create_app, now
from earlywarning_api.oidc_flow import Provider

log = logging.getLogger("earlywarning_api")

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def main() -> int:
    """Serve the installation that the environment names; say in one line why it cannot be."""
    logs.as_json()
    try:
        run(Settings())
    except EarlyWarningError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def run(settings: Settings) -> None:
    """Serve until stopped, on loopback unless the settings say otherwise.

    Words are in the district's language where a request asks for none that is offered.

    No access log: paths hold students' ids. No proxy headers: nobody is believed about their
    address. Put a TLS proxy in front before other machines may connect.

    Raises
    ------
    ConfigError
        If other machines could connect without TLS, or a setting is not complete.
    """
    base = _base(settings)
    chosen = district.load(settings.district_file)
    with open_register(settings.register_url, head_file=settings.audit_head) as register:
        demo = (settings.home / demo_entry.MARKER).exists()
        keys = demo_entry.keys(register) if demo else {}
        app = create_app(
            register, home=settings.home.resolve(), language=chosen.language,
            timezone=chosen.timezone,
            protection=chosen.protection, public_url=settings.public_url or None,
            proxy=settings.proxy or None,
            requests_per_minute=settings.requests_per_minute, provider=_provider(settings),
            demo_keys=keys, planning=chosen.plan, calendar=chosen.calendar,
            mlflow=_mlflow(settings),
        )  # fmt: skip
        for words in least_rights.too_much(register):
            log.warning(words, extra={"what": "rights"})
        _greet(register, base, keys)
        gc.collect()
        gc.freeze()  # what is there now stays: no need to look at it again and again
        gc.enable()
        with app.state.metrics.served(settings.metrics_port), app.state.desk.tended():
            uvicorn.run(
                app,
                host=settings.host,
                port=settings.port,
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=5,
            )


def _base(settings: Settings) -> str:
    """Where browsers find the service."""
    if settings.host not in LOOPBACK and not settings.public_url.startswith("https://"):
        raise ConfigError(
            f"EARLYWARNING_HOST is {settings.host}: other machines could connect without TLS and "
            "read children's names on the way; put a TLS proxy before the service and set "
            "EARLYWARNING_PUBLIC_URL to its https:// address, or listen on 127.0.0.1"
        )
    return settings.public_url or f"http://127.0.0.1:{settings.port}"


def _greet(register: Register, base: str, keys: dict[str, str]) -> None:
    """Say where to begin: the first administrator's link, or the doors of the demo."""
    if keys:
        print("Invented users of the demo; each address signs you in while this runs:")
        print("\n".join(demo_entry.addresses(register, keys, base)), flush=True)
        return
    link = accounts.first_admin(register, at=now())
    if link is not None:
        print(
            "Nobody can sign in yet. Make the first administrator's account here, within a day:\n"
            f"  {base.rstrip('/')}/activate?link={link.secret}",
            flush=True,
        )


def _provider(settings: Settings) -> Provider | None:
    if not settings.oidc_issuer:
        return None
    secret = settings.oidc_client_secret.get_secret_value()
    if not settings.oidc_client_id or not secret:
        raise ConfigError(
            "EARLYWARNING_OIDC_ISSUER is set; set EARLYWARNING_OIDC_CLIENT_ID and "
            "EARLYWARNING_OIDC_CLIENT_SECRET too, as the provider gave them"
        )
    return Provider(
        settings.oidc_issuer, settings.oidc_client_id, secret,
        settings.oidc_hosted_domain or None, settings.oidc_label,
    )  # fmt: skip


def _mlflow(settings: Settings) -> str | None:
    """Where a browser finds MLflow: its server's address without anybody's name and password."""
    parts = urlsplit(settings.mlflow_tracking_uri)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        return None
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))
