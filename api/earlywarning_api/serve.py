"""Starting the service: `main` for a process of its own, `run` for an open installation."""

from __future__ import annotations

import logging
import sys

import uvicorn

from earlywarning import district
from earlywarning.errors import EarlyWarningError
from earlywarning.io.register.db import open_register
from earlywarning.settings import Settings
from earlywarning_api.app import create_app


def main() -> int:
    """Serve the installation that the environment names; say in one line why it cannot be."""
    logging.basicConfig(level=logging.INFO)
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
    """
    chosen = district.load(settings.district_file)
    with open_register(settings.register_url, head_file=settings.audit_head) as register:
        uvicorn.run(
            create_app(register, language=chosen.language, timezone=chosen.timezone),
            host=settings.host,
            port=settings.port,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
