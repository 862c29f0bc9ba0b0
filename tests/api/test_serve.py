"""The service as a process: it starts, answers on loopback, carries no model, and stops."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from earlywarning.errors import ConfigError
from earlywarning.io.register.db import open_register
from earlywarning_api.app import now
from earlywarning_api.serve import _listening
from service_world import fill

HEAVY = ("mlflow", "xgboost", "sklearn", "skops", "polars", "pandas", "numpy", "scipy", "pyarrow",
         "duckdb", "narwhals", "alembic", "openpyxl")  # fmt: skip


DISTRICT = '[district]\nlanguage = "en"\n[visits]\nlottery = false\n'


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url: str, token: str | None = None) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urlopen(Request(url, headers=headers), timeout=60) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_real_process_serves_on_loopback_and_stops(tmp_path: Path) -> None:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        tokens, lists = fill(register, tokens_made_at=now())
    (tmp_path / "district.toml").write_text(DISTRICT, "utf-8")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "earlywarning_api"],
        env=os.environ | {"EARLYWARNING_HOME": str(tmp_path), "EARLYWARNING_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                assert get(f"{base}/readyz")[0] == 200
                break
            except URLError:
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline
                time.sleep(0.1)
        items = f"{base}/api/v1/visit_lists/{lists['2026-27-Q2']}/items"
        assert get(items)[0] == 401
        status, body = get(items, tokens["coordinator"])
        assert status == 200
        assert len(json.loads(body)["items"]) == 3
        assert json.loads(body)["items"][0]["band"]["text"] == "Visit first"
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGTERM)
    assert f"Open {base} in a browser" in output or "/activate?link=" in output
    # Nothing about a request is in the log: paths hold ids.
    assert lists["2026-27-Q2"] not in output


def test_without_an_installation_it_says_so_and_ends(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "earlywarning_api"],
        env=os.environ | {"EARLYWARNING_HOME": str(tmp_path / "none")},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert process.returncode == 1
    assert process.stderr.strip() == (
        f"{tmp_path / 'none' / 'district.toml'}: not found; write one with `earlywarning init`"
    )


def test_an_address_in_use_is_named_in_one_sentence(tmp_path: Path) -> None:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}"):
        pass
    (tmp_path / "district.toml").write_text(DISTRICT, "utf-8")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = subprocess.run(
            [sys.executable, "-m", "earlywarning_api"],
            env=os.environ | {"EARLYWARNING_HOME": str(tmp_path), "EARLYWARNING_PORT": str(port)},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert process.returncode == 1
    assert process.stdout == ""  # no address to sign in at was promised
    assert process.stderr.strip() == (
        f"127.0.0.1, port {port}, is in use by another program, perhaps by this service, started "
        "before: stop that one, or choose another port with --port (or EARLYWARNING_PORT)"
    )


def test_a_name_of_which_this_machine_has_no_address_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lacked = ("203.0.113.1", "203.0.113.2")  # set aside for documents: no machine has them

    def found(_: str, port: int, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in lacked]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    with (
        pytest.raises(ConfigError, match="cannot be listened on: Cannot assign"),
        _listening("school.example", free_port()),
    ):
        raise AssertionError


def test_an_answer_does_not_wait_for_the_callers_kernel() -> None:
    """asyncio turns off the kernel's waiting for more (TCP_NODELAY) only where TCP is named."""

    async def waits(listening: socket.socket) -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            given = writer.get_extra_info("socket")
            found.set_result(given.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(answer, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            nodelay = await asyncio.wait_for(found, 10)
            writer.close()
            return nodelay

    # In a thread of its own: the browser of other tests keeps a loop in this one.
    with _listening("127.0.0.1", free_port()) as (listening,), ThreadPoolExecutor(1) as apart:
        assert apart.submit(lambda: asyncio.run(waits(listening))).result(30) == 1


def test_serving_a_list_loads_no_model_and_no_data_library(tmp_path: Path) -> None:
    with open_register(f"sqlite:///{tmp_path / 'register.db'}") as register:
        tokens, lists = fill(register, tokens_made_at=now())
    code = f"""
import asyncio, sys
from earlywarning.io.register.db import open_register
from earlywarning_api.app import create_app

app = create_app(open_register("sqlite:///{tmp_path / "register.db"}"))
sent = []

async def ask(path):
    async def receive():
        return {{"type": "http.request", "body": b"", "more_body": False}}

    async def send(message):
        sent.append(message)

    await app(
        {{
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
            "headers": [(b"authorization", b"Bearer {tokens["coordinator"]}")],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }},
        receive, send,
    )

async def main():
    await ask("/api/v1/visit_lists/{lists["2026-27-Q2"]}/items")
    await ask("/api/v1/visit_lists/{lists["2026-27-Q2"]}/items.csv")
    await ask("/api/v1/models")
    await ask("/api/v1/openapi.json")

asyncio.run(main())
statuses = [m["status"] for m in sent if m["type"] == "http.response.start"]
assert statuses == [200] * 4, statuses
print(sorted(name for name in {HEAVY!r} if name in sys.modules))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"
