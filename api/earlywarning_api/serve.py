"""Starting the service: `main` for a process of its own, `run` for an open installation."""

from __future__ import annotations

import errno
import gc
import logging
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
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
LACKED = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""An address or a kind of address that this machine has not."""


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
        If other machines could connect without TLS, a setting is not complete, or the address
        cannot be listened on.
    """
    base = _base(settings)
    chosen = district.load(settings.district_file)
    with (
        open_register(settings.register_url, head_file=settings.audit_head) as register,
        _listening(settings.host, settings.port) as sockets,
    ):
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
            config = uvicorn.Config(
                app,
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=5,
            )
            with suppress(KeyboardInterrupt):
                uvicorn.Server(config).run(sockets=sockets)


@contextmanager
def _listening(host: str, port: int) -> Iterator[list[socket.socket]]:
    """The sockets of an address, taken before anything is promised to whoever starts the service.

    Raises
    ------
    ConfigError
        If another program has the address, or it is none of this machine's.
    """
    with ExitStack() as taken:
        try:
            sockets = [taken.enter_context(one) for one in _bound(host, port)]
        except OSError as error:
            raise ConfigError(_not_free(host, port, error)) from error
        yield sockets


def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket for each address of a name; one that this machine lacks, as `::1`, is left out."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    lacked: OSError | None = None
    taken = 0
    for family, place in dict.fromkeys((one[0], str(one[4][0])) for one in found):
        try:
            one = socket.create_server((place, port), family=family)
        except OSError as error:
            if error.errno not in LACKED:
                raise
            lacked = error
        else:
            taken += 1
            # With the protocol named asyncio sends each answer at once (TCP_NODELAY); else the
            # end of an answer waits for the caller's kernel, 40 ms of every request.
            yield socket.socket(family, one.type, socket.IPPROTO_TCP, fileno=one.detach())
    if lacked is not None and not taken:
        raise lacked


def _not_free(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"{host}, port {port}, is in use by another program, perhaps by this service, started "
            "before: stop that one, or choose another port with --port (or EARLYWARNING_PORT)"
        )
    why = (error.strerror or str(error)).partition(" (")[0]
    return (
        f"{host}, port {port}, cannot be listened on: {why}; choose another --host or "
        "--port (or EARLYWARNING_HOST, EARLYWARNING_PORT)"
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
    """Say where to begin: the doors of the demo, the first administrator's link, or the address."""
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
    else:
        print(f"Open {base} in a browser; Ctrl+C here stops the service.", flush=True)


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
