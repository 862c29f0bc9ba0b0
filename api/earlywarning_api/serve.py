"""Starting the service: `python -m earlywarning_api.serve`, or `run` from a command."""

from __future__ import annotations

import logging

import uvicorn

from earlywarning.io.register.db import open_register
from earlywarning.settings import Settings
from earlywarning_api.app import create_app


def run(settings: Settings, *, language: str = "id") -> None:
    """Serve until stopped, on loopback unless the settings say otherwise.

    No access log: paths hold students' ids. No proxy headers: nobody is believed about their
    address. Put a TLS proxy in front before other machines may connect.
    """
    with open_register(settings.register_url) as register:
        uvicorn.run(
            create_app(register, language=language),
            host=settings.host,
            port=settings.port,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    run(Settings())
